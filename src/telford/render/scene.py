"""What a target is shown: a **scene** is one place, a **world** is the whole estate with its scenes.

Both work out what several targets need once: who reaches whom, what holds for a workload, which
way was chosen for it. A target's functions read the estate through them and through nothing else,
so that whoever renders again and again knows what a text was made from: `telford.render.watched`
notes every look-up. Made by `telford.app.rendering`, read by every target.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar, cast

from telford.estate import overlays
from telford.estate.kinds import structure
from telford.estate.model import Binding, Bound, Estate
from telford.render.artifacts import Unit
from telford.road import (
    architecture,
    defaults,
    entrances,
    mesh_openings,
    openings,
    reach,
    realisation,
    recipes,
    subject,
    ways_in,
)

Shared = TypeVar("Shared")
V = TypeVar("V")

# Target, scene, address -> the units that the target has for it there.
Given = Callable[[str, "Scene", str], tuple[Unit, ...]]


def _nothing_given(target: str, scene: "Scene", address: str) -> tuple[Unit, ...]:
    raise AssertionError(f"{target} was not declared in `needs`")


class Scene:
    """One place of an estate. `targets` are the names of all that is built for it."""

    def __init__(
        self,
        binding: Binding,
        *,
        targets: Sequence[str] = (),
        given: Given = _nothing_given,
    ) -> None:
        self.binding = binding
        self.targets = tuple(targets)
        self.given = given
        self._subjects: dict[str, subject.Subject] = {}
        self._before: Scene | None = None
        self._units: dict[tuple[str, str], tuple[Unit, ...]] = {}
        # Name -> how a table is made, and the table: see `table`.
        self.tables: dict[str, tuple[Callable[[Scene], Mapping[str, Any]], Mapping[str, Any]]] = {}

    @cached_property
    def place(self) -> str:
        """The place as text, ``prod/eu-west-1``: the first part of a path, and a unit's place."""
        return str(self.binding.place)

    @cached_property
    def architecture(self) -> architecture.Architecture:
        """The reference architecture, as it is here."""
        return architecture.of(self.binding.entities.values())

    @cached_property
    def realiser(self) -> recipes.Realiser:
        """What says which defaults and ways hold here."""
        return recipes.Realiser(self.binding)

    @cached_property
    def names(self) -> reach.Names:
        """Finds what a reference means."""
        return reach.names(self.binding)

    @cached_property
    def edges(self) -> reach.Reach:
        """Who reaches whom."""
        before, self._before = self._before, None
        if before is None:
            return reach.reach(self.binding, self.names)
        return reach.again(before.binding, before.edges, self.binding, self.names)

    def follow(self, before: "Scene") -> None:
        """Take from the same place before an edit what still holds."""
        self._before = before

    def bound(self, address: str) -> Bound:
        """What lives at a canonical address text here; KeyError where nothing does."""
        return self.binding.entities[address]

    def of_kind(self, *kinds: str) -> Iterator[tuple[str, Bound]]:
        """Canonical address and entity of some kinds (``Service``), by address."""
        if len(kinds) == 1:
            return iter(self._by_kind.get(kinds[0].lower(), ()))
        found = (one for kind in kinds for one in self._by_kind.get(kind.lower(), ()))
        return iter(sorted(found, key=lambda one: one[0]))

    @cached_property
    def _by_kind(self) -> Mapping[str, Sequence[tuple[str, Bound]]]:
        found: dict[str, list[tuple[str, Bound]]] = {}
        for address, bound in self.binding.entities.items():
            found.setdefault(bound.entity.address.kind, []).append((address, bound))
        return found

    def find(self, kind: str, text: str, system: str | None) -> str | None:
        """The canonical address that a reference names: the referrer's own system first."""
        return self.names.find(kind.lower(), text, system)

    def patches(self) -> Iterator[realisation.Patch]:
        """Every patch that is meant for something here."""
        return self.realiser.patches()

    def realisation(self, address: str = "") -> realisation.Realisation:
        """Which defaults and ways hold for the thing at an address, or for the place as a whole."""
        return self.realiser.realise(self.bound(address)) if address else self.realiser.place()

    def road(self, address: str) -> defaults.Defaults:
        """The defaults that are in force for the thing at an address."""
        return self.realisation(address).defaults

    def choice(self, aspect: str, address: str = "") -> str:
        """The way chosen in an aspect (`realisation.ASPECTS`) for a thing, or for the place."""
        return self.realisation(address).choice(aspect, self.targets)

    def runs(self, address: str) -> bool:
        """Whether it is a paved workload: something that `subject` answers for."""
        spec = self.bound(address).spec
        if isinstance(spec, structure.Service):
            return spec.road == "paved" and spec.run.image is not None
        return isinstance(spec, structure.Datastore) and spec.road == "paved" and bool(spec.run)

    def subject(self, address: str) -> subject.Subject:
        """A workload with every question answered; only for a Service, or a Datastore that runs."""
        known = self._subjects.get(address)
        if known is None:
            held = self.realisation(address)
            mesh = held.choice("mesh", self.targets)
            known = subject.subject(self.binding, address, self.bound(address), held, mesh=mesh)
            self._subjects[address] = known
        return known

    @cached_property
    def incoming(self) -> tuple[ways_in.WayIn, ...]:
        """How requests from outside come in."""
        return ways_in.ways_in(self.binding, self.names, self.subject)

    @cached_property
    def incoming_by_server(self) -> Mapping[str, tuple[ways_in.WayIn, ...]]:
        """Address of a workload -> the ways in that lead to it."""
        return ways_in.by_server(self.incoming)

    def served_from(self, way: ways_in.WayIn) -> str:
        """The namespace of what serves a way in."""
        held = self.realisation(way.owner)
        return entrances.namespace(way, held.choice("traffic", self.targets), held.defaults.network)

    def let_in(self, address: str) -> tuple[openings.Opening, ...]:
        """Who leads requests from outside to a workload: namespaces, and the ports they dial."""
        ways = self.incoming_by_server.get(address, ())
        return entrances.entrances(ways, address, self.served_from)

    def openings(self, address: str) -> openings.Openings:
        """Who may talk to a paved workload and to whom it may talk."""
        about, ways = self.subject(address), self.let_in(address)
        found = openings.openings(self.binding, self.edges, about, ways, self.road)
        return mesh_openings.widened(found, about.mesh)

    def each(
        self, work: Callable[["Scene", str], Shared], addresses: Iterable[str]
    ) -> Iterator[Shared]:
        """What a function of one thing gives for each of some things, in their order.

        A server keeps the answers between edits, so that a file about a whole place is not worked
        out from the beginning. `work` is a function of a module that reads the scene it is given.
        """
        return (work(self, address) for address in addresses)

    def table(self, name: str, make: Callable[["Scene"], Mapping[str, V]]) -> Mapping[str, V]:
        """What a target works out of the whole place once, by keys that its functions look up one
        by one. A name means the same table everywhere: it begins with the target's own.
        """
        if name not in self.tables:
            self.tables[name] = (make, make(self))
        return cast("Mapping[str, V]", self.tables[name][1])

    def units(self, target: str, address: str) -> tuple[Unit, ...]:
        """What a target that is needed has for a thing here."""
        known = self._units.get((target, address))
        if known is None:
            known = self._units[target, address] = self.given(target, self, address)
        return known


class World:
    """The whole estate: its entities as they are everywhere, and each place as a scene."""

    def __init__(
        self, estate: Estate, scenes: Sequence[Scene], *, targets: Sequence[str] = ()
    ) -> None:
        self.estate = estate
        self.scenes = tuple(scenes)
        self.targets = tuple(targets)

    @cached_property
    def architecture(self) -> architecture.Architecture:
        """The reference architecture."""
        return architecture.of(self.estate.entities.values())

    @cached_property
    def realiser(self) -> recipes.Realiser:
        """What says which defaults and ways hold wherever something is."""
        return recipes.everywhere(self.estate)

    def patches(self) -> Iterator[realisation.Patch]:
        """Every patch that is meant for something somewhere."""
        known = {one.position: one for scene in self.scenes for one in scene.patches()}
        return iter(known.values())

    def realisation(self, address: str = "") -> realisation.Realisation:
        """Which ways hold for a thing wherever it is, or for the estate as a whole: recipes for some
        place have no say.
        """
        if not address:
            return self.realiser.place()
        return self.realiser.realise(overlays.at(self.estate, self.estate.entities[address], None))

    def choice(self, aspect: str, address: str = "") -> str:
        """The way chosen in an aspect for a thing wherever it is, or for the estate as a whole."""
        return self.realisation(address).choice(aspect, self.targets)

    def scene(self, place: str) -> Scene:
        """The scene of a place (``prod/eu-west-1``)."""
        return self._by_place[place]

    @cached_property
    def _by_place(self) -> Mapping[str, Scene]:
        return {scene.place: scene for scene in self.scenes}

    def scenes_with(self, address: str) -> tuple[Scene, ...]:
        """The places in which a thing exists."""
        return tuple(scene for scene in self.scenes if address in scene.binding.entities)
