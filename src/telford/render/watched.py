"""Scenes and a world that note what is asked of them, for whoever renders again after an edit.

Each gives the answers of a plain one; what is worked out of the whole place once (names, edges,
ways in) is worked out there, unnoticed, and only the part that somebody looks up is noted. What
everything depends on is no question: the kinds of `SETTINGS`. Called by `telford.render.again`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from typing import Any, TypeVar

from telford.estate import watching
from telford.estate.model import Bound, Entity, Estate
from telford.estate.watching import ALL, KEYS, Question, Watch, Watched
from telford.render.artifacts import Unit
from telford.render.scene import Scene, Shared, World
from telford.road import architecture, reach, recipes, subject, ways_in

V = TypeVar("V")

# A change of one of these changes what holds for anything: all is rendered anew.
SETTINGS = frozenset(
    {"environment", "region", "cluster", "account", "architecture", "recipe", "pins"}
)


# A function of one thing, the place, and the thing's address.
_Share = tuple[Callable[[Scene, str], Any], str, str]


class Shares:
    """What functions of one thing gave (`Scene.each`), for as long as it holds."""

    def __init__(self) -> None:
        self._values: dict[_Share, tuple[Any, frozenset[Question]]] = {}
        self._whole: dict[tuple[Callable[[Scene, str], Any], str], set[Question]] = {}
        self._askers: dict[Question, set[_Share]] = {}

    def values(
        self,
        work: Callable[[Scene, str], Shared],
        scene: Scene,
        addresses: Iterable[str],
        watch: Watch,
    ) -> list[Shared]:
        """What it gives for each, as `value`. Their questions are noted all at once."""
        place = scene.place
        whole = self._whole.setdefault((work, place), set())
        made = []
        with watch.asking() as asked:
            for address in addresses:
                known = self._values.get((work, place, address))
                if known is None:
                    made.append(self.value(work, scene, address, watch))
                else:
                    made.append(known[0])
            whole |= asked
        watch.asked |= whole
        return made

    def value(
        self, work: Callable[[Scene, str], Shared], scene: Scene, address: str, watch: Watch
    ) -> Shared:
        """What it gives, from before or worked out now; its questions count for whoever asks."""
        share = (work, scene.place, address)
        known = self._values.get(share)
        if known is None:
            with watch.asking() as asked:
                known = work(scene, address), frozenset(asked)
            self._values[share] = known
            for question in asked:
                self._askers.setdefault(question, set()).add(share)
        watch.asked |= known[1]
        made: Shared = known[0]
        return made

    def forget(self, questions: Iterable[Question]) -> None:
        """What was asked has another answer now."""
        for share in {one for asked in questions for one in self._askers.get(asked, ())}:
            for question in self._values.pop(share)[1]:
                self._askers[question].discard(share)


@cache
def _units_of(target: str) -> Callable[[Scene, str], tuple[Unit, ...]]:
    """What gives a target's units: one function a target, so that answers are kept by it."""
    return lambda scene, address: scene.given(target, scene, address)


class WatchedScene(Scene):
    """A scene of which every look-up is noted."""

    def __init__(self, plain: Scene, watch: Watch, shares: Shares) -> None:
        binding = plain.binding
        entities = Watched(binding.entities, watch, f"{plain.place} is")
        super().__init__(
            replace(binding, entities=entities), targets=plain.targets, given=plain.given
        )
        self._plain = plain
        self._watch = watch
        self._shares = shares

    def each(
        self, work: Callable[[Scene, str], Shared], addresses: Iterable[str]
    ) -> Iterator[Shared]:
        """See `Scene`."""
        return iter(self._shares.values(work, self, addresses, self._watch))

    def units(self, target: str, address: str) -> tuple[Unit, ...]:
        """See `Scene`."""
        return self._shares.value(_units_of(target), self, address, self._watch)

    def _watched(self, name: str, entries: Mapping[str, Any]) -> Watched[Any]:
        return Watched(entries, self._watch, f"{self.place} {name}")

    @cached_property
    def architecture(self) -> architecture.Architecture:
        """See `Scene`."""
        return self._plain.architecture

    @cached_property
    def realiser(self) -> recipes.Realiser:
        """See `Scene`."""
        return self._plain.realiser

    @cached_property
    def names(self) -> reach.Names:
        """See `Scene`."""
        known = self._plain.names
        canonical = self._watched("is", self._plain.binding.entities)
        return reach.Names(canonical, self._watched("short", known.short))

    @cached_property
    def edges(self) -> reach.Reach:
        """See `Scene`."""
        known = self._plain.edges
        return reach.Reach(self._watched("out", known.outbound), self._watched("in", known.inbound))

    @property
    def incoming(self) -> tuple[ways_in.WayIn, ...]:
        """See `Scene`."""
        self._watch.asked.add((f"{self.place} ways", ALL))
        return self._plain.incoming

    @cached_property
    def incoming_by_server(self) -> Mapping[str, tuple[ways_in.WayIn, ...]]:
        """See `Scene`."""
        return self._watched("ways", self._plain.incoming_by_server)

    def table(self, name: str, make: Callable[[Scene], Mapping[str, V]]) -> Mapping[str, V]:
        """See `Scene`."""
        return self._watched(name, self._plain.table(name, make))

    def of_kind(self, *kinds: str) -> Iterator[tuple[str, Bound]]:
        """See `Scene`."""
        for kind in kinds:
            self._watch.asked.add((f"{self.place} kind", kind.lower()))
        return self._plain.of_kind(*kinds)

    def subject(self, address: str) -> subject.Subject:
        """See `Scene`: it is made of the thing itself and of settings."""
        self._watch.asked.add((f"{self.place} is", address))
        return self._plain.subject(address)


class WatchedWorld(World):
    """A world of which every look-up is noted."""

    def __init__(self, plain: World, watch: Watch, shares: Shares | None = None) -> None:
        estate = watching.WatchedEstate(plain.estate, watch)
        kept = shares or Shares()
        scenes = [WatchedScene(scene, watch, kept) for scene in plain.scenes]
        super().__init__(estate, scenes, targets=plain.targets)
        self._plain = plain

    @cached_property
    def architecture(self) -> architecture.Architecture:
        """See `World`."""
        return self._plain.architecture

    @cached_property
    def realiser(self) -> recipes.Realiser:
        """See `World`."""
        return self._plain.realiser


def settled(old: World, new: World) -> bool:
    """Whether both have the same places, targets and settings: only then do answers compare."""
    return (
        [scene.place for scene in old.scenes] == [scene.place for scene in new.scenes]
        and old.targets == new.targets
        and _settings(old.estate) == _settings(new.estate)
        and all(map(_same_place, old.scenes, new.scenes))
    )


def _settings(estate: Estate) -> list[Entity]:
    return [entity for kind in sorted(SETTINGS) for entity in estate.by_kind.get(kind, ())]


def _same_place(old: Scene, new: Scene) -> bool:
    before, after = old.binding, new.binding
    return (before.namespace, before.production) == (after.namespace, after.production)


def changed(old: World, new: World) -> set[Question]:
    """Every question that has another answer in the new world; both are plain and `settled`."""
    found = watching.changed_in_estate(old.estate, new.estate)
    for before, after in zip(old.scenes, new.scenes, strict=True):
        found |= _changed_in_place(before, after)
    return found


def _changed_in_place(old: Scene, new: Scene) -> set[Question]:
    place = new.place
    things = watching.changed(
        f"{place} is", old.binding.entities, new.binding.entities, _same_bound
    )
    kinds = {
        (f"{place} kind", key.partition("/")[0]) for _, key in things if key not in (ALL, KEYS)
    }
    if not things:
        return things
    derived: tuple[tuple[str, Mapping[str, object], Mapping[str, object]], ...] = (
        ("short", old.names.short, new.names.short),
        ("out", old.edges.outbound, new.edges.outbound),
        ("in", old.edges.inbound, new.edges.inbound),
        ("ways", old.incoming_by_server, new.incoming_by_server),
    )
    for name, before, after in derived:
        things |= watching.changed(f"{place} {name}", before, after, _equal)
    for name, (make, table) in old.tables.items():
        things |= watching.changed(f"{place} {name}", table, new.table(name, make), _equal)
    if old.incoming != new.incoming:
        things.add((f"{place} ways", ALL))
    return things | kinds


def _same_bound(old: Bound, new: Bound) -> bool:
    return old.layers == new.layers and watching.same(old.entity, new.entity)


def _equal(old: object, new: object) -> bool:
    return old == new
