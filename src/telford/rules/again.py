"""Apply the rules again after an edit: only to what may be judged otherwise now.

A server checks after every edit. What the rules look up about one entity is noted
(`telford.estate.watching`); in the next state only entities are judged again of which something
that was looked up has another answer. Rules about the estate as a whole are asked every time.
Gives what `telford.rules.registry.check` gives. Called by `telford.app.loading`.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from telford.basics.diagnostics import Diagnostic
from telford.estate import watching
from telford.estate.edges import Index
from telford.estate.graph import Graph
from telford.estate.model import Entity, Estate, Loaded
from telford.estate.place import Place
from telford.estate.watching import KEYS, Question, Watch
from telford.rules import registry
from telford.rules.offered import Offered
from telford.rules.registry import NOTHING_BESIDE
from telford.rules.rule import World

# What is looked up whole, and is taken to have changed with every edit.
_ROUGH: Question = ("rules", "rough")
# A change of one of these may change where overlays apply, so everything is judged again.
_PLACES = frozenset({"environment", "region", "cluster"})


class _WatchedWorld(World):
    """A world of which every look-up is noted; what is worked out of the whole estate once is
    worked out in the plain one, unnoticed.
    """

    def __init__(self, plain: World, watch: Watch) -> None:
        estate = watching.WatchedEstate(plain.estate, watch)
        super().__init__(
            estate, plain.broken, plain.partial, plain.codes, plain.today, plain.beside
        )
        self.__dict__.update(plain=plain, watch=watch)

    @cached_property
    def index(self) -> Index:
        """See `World`: references find others as long as the addresses stay."""
        plain: World = self.__dict__["plain"]
        return plain.index

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """See `World`."""
        plain: World = self.__dict__["plain"]
        return plain.places

    @cached_property
    def names(self) -> Callable[[str], Collection[str]]:
        """See `World`."""
        plain: World = self.__dict__["plain"]
        return plain.names

    @cached_property
    def as_found_systems(self) -> frozenset[str]:
        """See `World`."""
        plain: World = self.__dict__["plain"]
        return plain.as_found_systems

    @property
    def graph(self) -> Graph:
        """See `World`."""
        self.__dict__["watch"].asked.add(_ROUGH)
        plain: World = self.__dict__["plain"]
        return plain.graph

    @property
    def offered(self) -> Offered:
        """See `World`."""
        self.__dict__["watch"].asked.add(_ROUGH)
        plain: World = self.__dict__["plain"]
        return plain.offered


@dataclass(frozen=True, slots=True)
class _Judged:
    """One entity: what was said of it, and what was looked up for that."""

    said: tuple[Diagnostic, ...]
    asked: frozenset[Question]


class Checker:
    """Judges one estate again and again. Not for several threads at once."""

    def __init__(self) -> None:
        self._last: World | None = None
        self._judged: dict[str, _Judged] = {}
        self._askers: dict[Question, set[str]] = {}

    def check(
        self,
        loaded: Loaded,
        today: dt.date | None = None,
        beside: Mapping[str, str | None] = NOTHING_BESIDE,
    ) -> list[Diagnostic]:
        """See `registry.check`."""
        world = registry.world(loaded, today, beside)
        stale = self._stale(world)
        watch = Watch()
        shown = _WatchedWorld(world, watch)
        for address, entity in world.estate.entities.items():
            if address in stale or address not in self._judged:
                self._judge(address, entity, shown, watch)
        self._last = world
        run = registry.Run(world)
        for address in world.estate.entities:
            run.repeat(self._judged[address].said)
        run.whole()
        return run.diagnostics

    def _stale(self, world: World) -> set[str]:
        last = self._last
        if last is None or not _comparable(last, world):
            self._judged, self._askers = {}, {}
            return set()
        questions = watching.changed_in_estate(last.estate, world.estate) | {_ROUGH}
        if ("estate", KEYS) in questions or _places(last.estate) != _places(world.estate):
            self._judged, self._askers = {}, {}
            return set()
        return {address for asked in questions for address in self._askers.get(asked, ())}

    def _judge(self, address: str, entity: Entity, world: World, watch: Watch) -> None:
        for question in self._judged[address].asked if address in self._judged else ():
            self._askers[question].discard(address)
        run = registry.Run(world)
        with watch.asking() as asked:
            asked.add(("estate", address))
            run.everywhere(entity)
        self._judged[address] = _Judged(tuple(run.diagnostics), frozenset(asked))
        for question in asked:
            self._askers.setdefault(question, set()).add(address)


def _comparable(old: World, new: World) -> bool:
    """Whether both are judged by the same day and codes, whole, with the same roads."""
    return (
        (old.today, old.codes, old.broken) == (new.today, new.codes, new.broken)
        and not (old.partial or new.partial)
        and old.as_found_systems == new.as_found_systems
    )


def _places(estate: Estate) -> list[Entity]:
    return [entity for kind in sorted(_PLACES) for entity in estate.by_kind.get(kind, ())]
