"""Files of Kubernetes objects, as targets for what is installed in a cluster make them.

Where such a file lies, what its objects are called and marked with, and how long a time is in the
words of Go. Called by the targets of gateways, meshes and scalers.
"""

import copy
from collections.abc import Iterable
from functools import cache, partial

from telford.basics import units
from telford.estate.kinds import base, structure
from telford.render.artifacts import Object, Unit, key
from telford.render.scene import Scene
from telford.road import conventions, yamlout
from telford.road.found_values import Found
from telford.road.subject import annotations_of, labels_of, namespace_of


def of_thing(scene: Scene, target: str, address: str, made: Iterable[Object]) -> tuple[Unit, ...]:
    """TARGET/PLACE/[SYSTEM/]NAME[.KIND].yaml with the objects of a thing; none where there are
    none. A kind is said of what is no Service.
    """
    spec = scene.bound(address).spec
    system = f"{spec.system}/" if isinstance(spec, base.Kind) and spec.system else ""
    kind = "" if isinstance(spec, structure.Service) else f".{spec.kind.lower()}"
    return _unit(scene, target, address, f"{system}{spec.name}{kind}", made)


def of_place(scene: Scene, target: str, name: str, made: Iterable[Object]) -> tuple[Unit, ...]:
    """TARGET/PLACE/NAME.yaml with objects that are about the place as a whole."""
    return _unit(scene, target, environment(scene), name, made)


def _unit(
    scene: Scene, target: str, owner: str, name: str, made: Iterable[Object]
) -> tuple[Unit, ...]:
    objects = list(made)
    if not objects:
        return ()
    path = f"{target}/{scene.place}/{name}.yaml"
    copied = partial(copy.deepcopy, objects)
    digest = key(path, repr(objects))
    return (Unit(path, owner, target, scene.place, digest, partial(_text, objects), copied),)


def _text(objects: list[Object]) -> str:
    return yamlout.documents(objects)


def environment(scene: Scene) -> str:
    """The address of the place's environment: whose a file is that is about the place."""
    name = scene.binding.place.environment
    address = scene.find("environment", name, None)
    assert address is not None, f"the place is in environment {name}"
    return address


def metadata(scene: Scene, address: str, name: str = "", namespace: str = "") -> Object:
    """The metadata of an object of a thing: called as the thing, in its namespace, where nothing
    else is said.
    """
    spec = scene.bound(address).spec
    if scene.runs(address):
        found = scene.subject(address).metadata(name)
    else:
        assert isinstance(spec, Found), "only what may have objects is given some"
        labels, foreign = labels_of(scene.binding, spec)
        part = {conventions.LABEL_PART_OF: spec.system} if spec.system else {}
        found = {
            "name": name or spec.name,
            "namespace": namespace_of(scene.binding, spec),
            "labels": {conventions.LABEL_NAME: spec.name, **part, **labels},
            "annotations": annotations_of(address, spec) | foreign,
        }
    return {**found, "namespace": namespace} if namespace else found


def place_metadata(scene: Scene, name: str, namespace: str) -> Object:
    """The metadata of an object that is about the place as a whole."""
    place = scene.binding.place
    labels = {
        conventions.LABEL_NAME: name,
        conventions.LABEL_MANAGED_BY: conventions.MANAGER,
        conventions.LABEL_ENVIRONMENT: place.environment,
    }
    if place.region:
        labels[conventions.LABEL_REGION] = place.region
    return {
        "name": name,
        "namespace": namespace,
        "labels": labels,
        "annotations": {conventions.ANNOTATION_ADDRESS: environment(scene)},
    }


# Thousandths of a second in an hour, a minute, a second, and in itself.
_PARTS = ((3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))


@cache
def duration(text: str) -> str:
    """A duration in whole units that Go reads and Gateway API allows (GEP-2257): ``1d6h`` is
    ``30h``; less than a millisecond is one.
    """
    left = max(int(units.seconds(text) * 1000), 1)
    found = ""
    for size, unit in _PARTS:
        count, left = divmod(left, size)
        if count:
            found += f"{count}{unit}"
    return found


def decimal_seconds(text: str) -> str:
    """A duration in seconds, as protocol buffers say it in JSON: ``300ms`` is ``0.3s``."""
    return f"{units.seconds(text).normalize():f}s"
