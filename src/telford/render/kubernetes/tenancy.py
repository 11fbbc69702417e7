"""Which namespaces a place has, and whose they are. Called by `target`.

A namespace is **ours** where all that the estate has in it is on the road: then restricted Pod
Security is enforced, and what runs in it is limited. Beside something that was found nothing is
refused that ran before.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache

from telford.basics import resources
from telford.estate.kinds import base, structure
from telford.render.artifacts import Object
from telford.render.scene import Scene
from telford.road import conventions
from telford.road.subject import namespace_of


@dataclass(frozen=True, slots=True)
class Standing:
    """How one thing is on the road ("" for what becomes no object), where, and whose it is."""

    road: str
    namespace: str
    owner: str


@dataclass(frozen=True, slots=True)
class Tenancy:
    """One namespace: the addresses of its paved workloads, and whether anything in it was found.
    `owner` is the team that has it for itself, "" where several share it.
    """

    name: str
    paved: tuple[str, ...]
    found: bool
    owner: str

    @property
    def ours(self) -> bool:
        """Whether all of it is on the road."""
        return not self.found


def tenancies(scene: Scene) -> tuple[Tenancy, ...]:
    """The namespaces that are made: the place's own where anything in the place is paved, and those
    that paved workloads name themselves where nothing in them was found.
    """
    paved: dict[str, list[str]] = {}
    owners: dict[str, set[str]] = {}
    found: set[str] = set()
    addresses = list(scene.binding.entities)
    for address, one in zip(addresses, scene.each(standing, addresses), strict=True):
        if one.road == "paved":
            paved.setdefault(one.namespace, []).append(address)
            owners.setdefault(one.namespace, set()).add(one.owner)
        elif one.road:
            found.add(one.namespace)
    own = scene.binding.namespace
    if paved:
        paved.setdefault(own, [])
    return tuple(
        Tenancy(name, tuple(paved[name]), name in found, _only(owners.get(name, ())))
        for name in sorted(paved)
        if name == own or (name not in found and name not in _not_ours())
    )


def standing(scene: Scene, address: str) -> Standing:
    """How one thing stands, as far as namespaces are concerned."""
    spec = scene.bound(address).spec
    return Standing(_road(spec), _namespace(scene, spec), spec.owner or "")


@cache
def _not_ours() -> frozenset[str]:
    return frozenset(resources.toml("telford.render.kubernetes", "quotas.toml")["not_ours"])


def _road(spec: base.Kind) -> str:
    """How a thing that becomes Kubernetes objects is on the road; "" for anything else."""
    if isinstance(spec, structure.Manifest):
        return "as-found"
    if isinstance(spec, structure.Service):
        return spec.road
    if isinstance(spec, structure.Datastore) and (spec.run is not None or spec.operator):
        return spec.road
    return ""


def _namespace(scene: Scene, spec: base.Kind) -> str:
    if isinstance(spec, structure.Manifest):
        metadata = spec.object.get("metadata")
        named = metadata.get("namespace") if isinstance(metadata, dict) else None
        return str(named or scene.binding.namespace)
    if isinstance(spec, structure.Service | structure.Datastore):
        return namespace_of(scene.binding, spec)
    return scene.binding.namespace


def _only(owners: Collection[str]) -> str:
    return next(iter(owners)) if len(owners) == 1 else ""


def namespace(scene: Scene, tenancy: Tenancy, address: str) -> Object:
    """The Namespace of one. `address` is the environment's."""
    modes = ("enforce", "audit", "warn") if tenancy.ours else ("audit", "warn")
    security = {f"{conventions.POD_SECURITY}/{mode}": "restricted" for mode in modes}
    made = metadata(scene, tenancy, address, tenancy.name)
    del made["namespace"]
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {**made, "labels": {**made["labels"], **security}},
    }


def metadata(scene: Scene, tenancy: Tenancy, address: str, name: str) -> Object:
    """The metadata of an object that is about a namespace as a whole."""
    marks = {conventions.ANNOTATION_ADDRESS: address}
    if tenancy.owner:
        marks[conventions.ANNOTATION_OWNER] = tenancy.owner
    return {
        "name": name,
        "namespace": tenancy.name,
        "labels": dict(_labels(scene)),
        "annotations": marks,
    }


def _labels(scene: Scene) -> Iterator[tuple[str, str]]:
    yield conventions.LABEL_MANAGED_BY, conventions.MANAGER
    yield conventions.LABEL_ENVIRONMENT, scene.binding.place.environment
