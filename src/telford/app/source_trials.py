"""One artifact, rendered again with something else in the estate.

A target is a pure function of what it is shown, so which lines hang on a value can be found out
without knowing the target: render with another value and see which lines are others. What a
target asked for while it worked (`telford.estate.watching`) says which documents can matter at all.
Called by `telford.app.source_map`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from telford.app import extensions
from telford.basics.errors import TelfordError
from telford.estate import overlays
from telford.estate.model import Bound, Entity, Estate
from telford.estate.watching import ALL, KEYS, Question, Watch
from telford.plan.actions import Entry
from telford.render import registry, watched
from telford.render.artifacts import Rendering, Unit
from telford.render.scene import Scene, World
from telford.render.target import Hook, Target
from telford.road import defaults, reach, realisation, recipes

# What a target may do to an estate that nobody has checked: that is no answer, and no mistake.
_NO_ANSWER = (LookupError, ValueError, TypeError, AttributeError, AssertionError, TelfordError)

_NO_EDGES = reach.Reach({}, {})

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Piece:
    """The function of a target that makes a file: asked about a thing or ("") about none, in a
    place or everywhere. `index` is which of its files it is.
    """

    target: Target
    hook: Hook
    place: str
    address: str
    index: int

    def ask(self, world: World, address: str) -> Rendering:
        """What the function says of a world, about a thing that may have another address now."""
        return self.target.ask(self.hook, world, self.place, address)


def piece(world: World, entry: Entry) -> Piece | None:
    """The function that makes a file; None where none does (the estate has changed since)."""
    try:
        target = extensions.named(entry.target)
    except TelfordError:
        return None
    for one in _pieces(target, entry):
        try:
            units = one.ask(world, entry.owner).units
        except KeyError:
            continue
        for index, unit in enumerate(units):
            if unit.path == entry.path:
                return replace(one, index=index)
    return None


def _pieces(target: Target, entry: Entry) -> Iterator[Piece]:
    hooks: tuple[Hook, ...] = ("entity", "place") if entry.place else ("across", "estate")
    for hook in hooks:
        if getattr(target, hook) is not None:
            yield Piece(target, hook, entry.place, entry.owner, 0)


class Trials:
    """One file of a world, and what it would be."""

    def __init__(self, world: World, made_by: Piece) -> None:
        self._world = world
        self._piece = made_by

    @property
    def of_one(self) -> bool:
        """Whether the file is of a single thing in a place."""
        return self._piece.hook == "entity"

    @property
    def place(self) -> str:
        """The place that the file is for; "" for one that is about no single place."""
        return self._piece.place

    @cached_property
    def text(self) -> str:
        """The file as it is."""
        return self._unit(self._world, self._piece.address).make()

    def _unit(self, world: World, address: str) -> Unit:
        return self._piece.ask(world, address).units[self._piece.index]

    @cached_property
    def asked(self) -> frozenset[Question]:
        """What the target asks for while it makes the file."""
        watch = Watch()
        shown = watched.WatchedWorld(self._world, watch, watched.Shares())
        with watch.asking() as found:
            self._unit(shown, self._piece.address).make()
        return frozenset(found)

    def documents(self) -> list[str]:
        """The addresses whose documents can matter, the file's own first, settings last."""
        found = dict.fromkeys([self._piece.address] if self._piece.address else [])
        for question in sorted(self.asked):
            found.update(dict.fromkeys(self._behind(question)))
        for address, entity in self._world.estate.entities.items():
            if entity.address.kind in watched.SETTINGS:
                found.pop(address, None)
                found[address] = None
        return [address for address in found if address in self._world.estate.entities]

    @cached_property
    def _places(self) -> frozenset[str]:
        return frozenset(scene.place for scene in self._world.scenes)

    def _behind(self, question: Question) -> Iterator[str]:
        """The documents that an answer is made of."""
        name, key = question
        place, _, what = name.partition(" ")
        entities = self._world.estate.entities
        if key in (ALL, KEYS):
            # All of them: only those that the file speaks of will be tried before others.
            yield from entities
        elif what == "kind":
            yield from (address for address in entities if address.startswith(f"{key}/"))
        else:
            yield key
        if key in entities and what not in ("", "is", "kind"):
            # What is worked out of the whole place comes from those around it.
            edges = self._world.scene(place).edges if place in self._places else _NO_EDGES
            yield from (edge.client for edge in edges.inbound.get(key, ()))
            for edge in edges.outbound.get(key, ()):
                yield from (edge.target, edge.server)

    def with_entity(self, address: str, other: Entity) -> str | None:
        """The file if a document were another one; None where that tells nothing."""
        own = address == self._piece.address
        named = str(other.address) if own else self._piece.address
        return self._made(lambda: self._with_entity(address, other), named)

    def without(self, address: str) -> str | None:
        """The file if a document were not there at all; None where that tells nothing."""
        return self._made(lambda: self._without(address), self._piece.address)

    def with_defaults(self, other: defaults.Defaults) -> str | None:
        """The file if the road's defaults were others."""
        return self._made(lambda: self._with_defaults(other), self._piece.address)

    def _made(self, world: Callable[[], World], address: str) -> str | None:
        try:
            return self._unit(world(), address).make()
        except _NO_ANSWER:
            return None

    def _with_entity(self, address: str, other: Entity) -> World:
        entities = _in_place_of(self._world.estate.entities, address, str(other.address), other)
        resolved = {k: v for k, v in self._world.estate.resolved.items() if k[0] != address}
        estate = Estate(entities, self._world.estate.digest, resolved)
        setting = other.address.kind in watched.SETTINGS
        scenes = [
            _bound_again(scene, estate) if setting else _exchanged(scene, estate, address, other)
            for scene in self._scenes()
        ]
        return World(estate, scenes, targets=self._world.targets)

    def _without(self, address: str) -> World:
        entities = {k: v for k, v in self._world.estate.entities.items() if k != address}
        estate = Estate(entities, self._world.estate.digest, self._world.estate.resolved)
        scenes = []
        for scene in self._scenes():
            rest = {k: v for k, v in scene.binding.entities.items() if k != address}
            made = registry.scene(replace(scene.binding, entities=rest), scene.targets)
            if address.partition("/")[0] not in watched.SETTINGS:
                made.realiser = scene.realiser
            scenes.append(made)
        return World(estate, scenes, targets=self._world.targets)

    def _scenes(self) -> tuple[Scene, ...]:
        """The scenes that the function looks at."""
        if not self._piece.place:
            return self._world.scenes
        return (self._world.scene(self._piece.place),)

    def _with_defaults(self, other: defaults.Defaults) -> World:
        scenes = []
        for scene in self._scenes():
            made = registry.scene(scene.binding, scene.targets)
            made.realiser = _Grafted(scene.realiser, other)
            scenes.append(made)
        world = World(self._world.estate, scenes, targets=self._world.targets)
        world.realiser = _Grafted(self._world.realiser, other)
        return world


def _bound_again(scene: Scene, estate: Estate) -> Scene:
    return registry.scene(overlays.bind(estate, scene.binding.place), scene.targets)


def _exchanged(scene: Scene, estate: Estate, address: str, other: Entity) -> Scene:
    """A scene with one document exchanged for another."""
    binding = scene.binding
    if address not in binding.entities:
        return scene
    bound = overlays.resolve(estate, other, binding.place)
    entities = _in_place_of(binding.entities, address, str(other.address), bound)
    made = registry.scene(replace(binding, entities=entities), scene.targets)
    # Settings are what they were.
    made.realiser = scene.realiser
    return made


def _in_place_of(known: Mapping[str, V], old: str, new: str, value: V) -> dict[str, V]:
    """A mapping with another value, and under a new name in the order of names."""
    changed = dict(known)
    if old == new:
        changed[old] = value
        return changed
    del changed[old]
    changed[new] = value
    return dict(sorted(changed.items()))


class _Grafted(recipes.Realiser):
    """Answers as another one does, with other defaults of the road under what recipes say."""

    def __init__(self, plain: recipes.Realiser, other: defaults.Defaults) -> None:
        self._plain = plain
        self._other = other

    def place(self) -> realisation.Realisation:
        """See `Realiser`."""
        return self._grafted(self._plain.place())

    def patches(self) -> Iterator[realisation.Patch]:
        """See `Realiser`."""
        return self._plain.patches()

    def realise(self, bound: Bound) -> realisation.Realisation:
        """See `Realiser`."""
        return self._grafted(self._plain.realise(bound))

    def _grafted(self, held: realisation.Realisation) -> realisation.Realisation:
        return replace(held, defaults=_graft(held.defaults, defaults.defaults(), self._other))


def _graft(held: Any, own: Any, other: Any) -> Any:
    """What is held, with another value wherever it is the road's own and the road's is another."""
    if is_dataclass(own) and not isinstance(own, type):
        changes = {
            one.name: _graft(*(getattr(side, one.name) for side in (held, own, other)))
            for one in fields(own)
            if getattr(own, one.name) != getattr(other, one.name)
        }
        return replace(held, **changes)
    if isinstance(own, Mapping):
        return {key: _graft(value, own.get(key), other.get(key)) for key, value in held.items()}
    return other if held == own else held
