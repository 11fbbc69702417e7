"""What a place adds to a paved workload: how it ranks, and over what its replicas are spread.

Called by `target` before anything is built.
"""

from dataclasses import replace

from telford.estate.kinds import places
from telford.render.kubernetes import priorities
from telford.render.scene import Scene
from telford.road.subject import Subject

# https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone
_ZONE = "topology.kubernetes.io/zone"


def placed(scene: Scene, about: Subject) -> Subject:
    """The workload with its tier's priority, unless one is written, and spread over zones only
    where there are several.
    """
    ranked = about.run.priority_class or priorities.named(priorities.tier_of(scene, about.address))
    keys = spread_keys(scene, about.road.spread_keys)
    held = about.held
    if keys != held.defaults.spread_keys:
        held = replace(held, defaults=replace(held.defaults, spread_keys=keys))
    return replace(about, run=about.run.model_copy(update={"priority_class": ranked}), held=held)


def spread_keys(scene: Scene, keys: tuple[str, ...]) -> tuple[str, ...]:
    """The road's, without zones in a region that says that it has but one; a place without a
    region, and a region that says nothing, may have several.
    """
    address = scene.find("region", scene.binding.place.region, None)
    region = scene.bound(address).spec if address is not None else None
    if not isinstance(region, places.Region) or "zones" not in region.model_fields_set:
        return keys
    return keys if region.zones > 1 else tuple(key for key in keys if key != _ZONE)
