"""Target `kustomize`: what places have in common as a base, and overlays with what differs.

`kubectl apply -k kustomize/overlays/PLACE` applies exactly what `kubernetes` makes for the place.
Called by `telford.render.registry`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.estate import place as places_
from telford.render import whole
from telford.render.artifacts import NOTHING, Object, Rendering, Unit, by_path, ready
from telford.render.kustomize import differences, layers, marks, problems, stacks
from telford.render.kustomize.layers import Layer
from telford.render.scene import Scene, World
from telford.render.target import Target
from telford.road import heading, sameness, yamlout

NAME = "kustomize"
_VERSION = "kustomize.config.k8s.io/v1beta1"
_FILE = "kustomization.yaml"


def _estate(world: World) -> Rendering:
    """Every folder."""
    if not world.scenes:
        return NOTHING
    known = {scene.place: stacks.of_place(scene) for scene in world.scenes}
    places = {place: one.objects for place, one in known.items()}
    base = layers.tree([places_.parse(scene.place) for scene in world.scenes])
    held = stacks.stacked(base, places)
    owners = {scene.place: _environment(world, scene) for scene in world.scenes}
    units = list(_folder(base, None, held, whole.owner(world)))
    for parent in base.within():
        for child in parent.children:
            owner = owners[next(one.place for one in child.within() if one.place)]
            units += _folder(child, parent, held, owner)
    said = [item for scene in world.scenes for item in problems.twice(scene, known[scene.place])]
    return Rendering(by_path(units), tuple(dict.fromkeys(said)))


def _environment(world: World, scene: Scene) -> str:
    return scene.find("environment", scene.binding.place.environment, None) or whole.owner(world)


@dataclass(slots=True)
class _Contents:
    """What a folder holds: objects of its own and merges by file, and what stands in its
    kustomization.
    """

    new: dict[str, list[stacks.Item]] = field(default_factory=dict)
    merges: dict[str, list[stacks.Item]] = field(default_factory=dict)
    inline: list[dict[str, Any]] = field(default_factory=list)


def _folder(
    layer: Layer, parent: Layer | None, held: Mapping[str, stacks.Objects], owner: str
) -> Iterator[Unit]:
    contents = _contents(held[parent.folder] if parent is not None else {}, held[layer.folder])
    resources = [layers.relative(layer.folder, parent.folder)] if parent is not None else []
    for name, items in contents.new.items():
        yield _ready(layer, name, items[0].owner, _text(items))
    for name, items in contents.merges.items():
        text = heading.comment(items[0].owner) + _text(items)
        yield _ready(layer, f"patches/{name}", items[0].owner, text)
    said: dict[str, Any] = {"apiVersion": _VERSION, "kind": "Kustomization"}
    if resources or contents.new:
        said["resources"] = resources + sorted(contents.new)
    patches = [{"path": f"patches/{name}"} for name in sorted(contents.merges)]
    if patches or contents.inline:
        said["patches"] = patches + contents.inline
    text = heading.comment(owner) + yamlout.document(said)
    yield _ready(layer, _FILE, owner, text)


def _text(items: Iterable[stacks.Item]) -> str:
    return yamlout.documents(item.object for item in items)


def _ready(layer: Layer, name: str, owner: str, text: str) -> Unit:
    return ready(f"{NAME}/{layer.folder}/{name}", owner, NAME, layer.place, text)


def _contents(before: stacks.Objects, after: stacks.Objects) -> _Contents:
    """What makes the objects of a layer of those that it builds on."""
    found = _Contents()
    one = {key: item.object for key, item in before.items()}
    other = {key: item.object for key, item in after.items()}
    added = marks.marks(one, other)
    for key, item in after.items():
        if key not in before:
            found.new.setdefault(item.file, []).append(item)
        else:
            _change(found, one[key], item, added)
    found.inline += [_gone(item) for key, item in one.items() if key not in after]
    for mark in added:
        said = mark.as_patch()
        found.inline.append({"target": said["target"], "patch": _inline(said["operations"])})
    return found


def _change(
    found: _Contents, before: Object, after: stacks.Item, added: Iterable[marks.Mark]
) -> None:
    marked = before
    for mark in added:
        if mark.selects(after.object):
            marked = mark.apply(marked)
    made = differences.changes(marked, after.object)
    if made.merge:
        merge = _identified(before, made.merge)
        found.merges.setdefault(after.file, []).append(stacks.Item(merge, after.owner, after.file))
    if made.operations:
        patch = _inline(made.operations)
        found.inline.append({"target": _selected(before), "patch": patch})


def _identified(item: Object, merge: Object) -> Object:
    """A merge with what says which object it is for."""
    rest = {key: value for key, value in merge.items() if key != "metadata"}
    metadata = _names(item) | merge.get("metadata", {})
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": metadata, **rest}


def _names(item: Object) -> dict[str, Any]:
    metadata = item["metadata"]
    return {key: metadata[key] for key in ("name", "namespace") if key in metadata}


def _selected(item: Object) -> dict[str, str]:
    """The object alone; a name is a pattern there."""
    kind, group, namespace, name = sameness.key(item)
    found = {"group": group, "kind": kind, "namespace": namespace, "name": name.replace(".", "\\.")}
    return {key: value for key, value in found.items() if value}


def _gone(item: Object) -> dict[str, Any]:
    """An object that is not in a layer. One a patch: kustomize ends in a panic where a file of
    several holds a deletion.
    """
    removal = {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": _names(item)}
    return {"patch": yamlout.document(removal | {"$patch": "delete"})}


def _inline(operations: list[dict[str, Any]]) -> str:
    return yamlout.document(operations)


TARGET = Target(
    NAME,
    "a base, and overlays that hold only differences",
    estate=_estate,
    needs=("kubernetes",),
)
