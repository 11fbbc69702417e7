"""The objects of each layer: what a place has comes from below, what places share goes down.

Called by `target`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telford.render.artifacts import Object
from telford.render.kustomize import sharing
from telford.render.kustomize.layers import Layer
from telford.render.scene import Scene
from telford.road import conventions, sameness

# In place of the namespace in a key: that of the place, whichever it is.
_THE_PLACES = "(the place's)"


@dataclass(frozen=True, slots=True)
class Item:
    """An object, whose it is, and the file that it stands in (``shop/orders.yaml``)."""

    object: Object
    owner: str
    file: str


Objects = Mapping[sameness.Key, Item]


@dataclass(frozen=True, slots=True)
class Held:
    """The objects of a place by what they are, the place's namespace left out of it; and the pairs
    of those that two things give, the later one last.
    """

    objects: Objects
    twice: tuple[tuple[Item, Item], ...]


def items(scene: Scene, address: str) -> tuple[Item, ...]:
    """What `kubernetes` makes for one thing in a place, or with "" for the place as a whole."""
    return tuple(
        Item(item, unit.owner, unit.path.partition("/")[2].removeprefix(f"{scene.place}/"))
        for unit in scene.units("kubernetes", address)
        for item in unit.objects()
    )


def of_place(scene: Scene) -> Held:
    """What a place has. Of two objects that are one the later stays, as if both were applied."""
    each = scene.each(items, ("", *scene.binding.entities))
    every = [item for some in each for item in some]
    shared = Counter(_plain(item.object) for item in every)
    found: dict[sameness.Key, Item] = {}
    twice: list[tuple[Item, Item]] = []
    for item in every:
        key = sameness.key(item.object)
        if _goes_along(scene, item.object) and shared[_plain(item.object)] == 1:
            key = (*key[:2], _THE_PLACES, key[3])
        if key in found:
            twice.append((found[key], item))
        found[key] = item
    return Held(found, tuple(twice))


def _plain(item: Object) -> tuple[str, str, str]:
    """What a selector without a namespace knows an object by."""
    kind, group, _, name = sameness.key(item)
    return kind, group, name


def _goes_along(scene: Scene, item: Object) -> bool:
    """Whether it is an entity's that lives in the namespace of the place, whichever that is."""
    labels = item.get("metadata", {}).get("labels") or {}
    managed = labels.get(conventions.LABEL_MANAGED_BY) == conventions.MANAGER
    own = sameness.key(item)[2] == scene.binding.namespace
    return managed and own and conventions.LABEL_NAME in labels


def stacked(layer: Layer, places: Mapping[str, Objects]) -> dict[str, Objects]:
    """Folder -> its objects, for a layer and all above it."""
    return dict(_stacked(layer, places))


def _stacked(layer: Layer, places: Mapping[str, Objects]) -> Iterator[tuple[str, Objects]]:
    if layer.place:
        yield layer.folder, places[layer.place]
        return
    above: list[Objects] = []
    for child in layer.children:
        inside = dict(_stacked(child, places))
        yield from inside.items()
        above.append(inside[child.folder])
    yield layer.folder, _shared(above)


def _shared(above: list[Objects]) -> Objects:
    """What more than half of some layers have, as far as it is common to them."""
    found: dict[sameness.Key, Item] = {}
    for key in dict.fromkeys(key for one in above for key in one):
        there = [one[key] for one in above if key in one]
        if len(there) * 2 > len(above):
            first = there[0]
            made = sharing.shared([item.object for item in there])
            found[key] = Item(made, first.owner, first.file)
    return found
