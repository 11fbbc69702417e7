"""What a target is shown: a **scene** is one place, a **world** is the whole estate with its scenes.

Both work out what several targets need once: who reaches whom, what holds for a workload, which
way was chosen for it. A target's functions read the estate through them and through nothing else,
so that whoever renders again and again may know what a text was made from. Made by
`telford.app.rendering`, read by every target.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from telford.estate.kinds import structure
from telford.estate.model import Binding, Bound, Estate
from telford.render.artifacts import Unit
from telford.road import architecture, openings, reach, realisation, subject

# Target, scene, address -> the units that the target has for it there.
Given = Callable[[str, "Scene", str], tuple[Unit, ...]]
# Binding, bound -> what holds for it there.
Realise = Callable[[Binding, Bound], realisation.Realisation]


def _nothing_given(target: str, scene: "Scene", address: str) -> tuple[Unit, ...]:
    raise AssertionError(f"{target} was not declared in `needs`")


def _road_only(binding: Binding, bound: Bound) -> realisation.Realisation:
    return realisation.own()


class Scene:
    """One place of an estate. `targets` are the names of all that is built for it."""

    def __init__(
        self,
        binding: Binding,
        built_by: architecture.Architecture = architecture.ROAD,
        *,
        targets: Sequence[str] = (),
        realise: Realise = _road_only,
        given: Given = _nothing_given,
    ) -> None:
        self.binding = binding
        self.architecture = built_by
        self.targets = tuple(targets)
        self._realise = realise
        self._given = given
        self._subjects: dict[str, subject.Subject] = {}

    @property
    def place(self) -> str:
        """The place as text, ``prod/eu-west-1``: the first part of a path, and a unit's place."""
        return str(self.binding.place)

    @cached_property
    def names(self) -> reach.Names:
        """Finds what a reference means."""
        return reach.names(self.binding)

    @cached_property
    def edges(self) -> reach.Reach:
        """Who reaches whom."""
        return reach.reach(self.binding, self.names)

    def bound(self, address: str) -> Bound:
        """What lives at a canonical address text here; KeyError where nothing does."""
        return self.binding.entities[address]

    def of_kind(self, *kinds: str) -> Iterator[tuple[str, Bound]]:
        """Canonical address and entity of some kinds (``Service``), by address."""
        wanted = {kind.lower() for kind in kinds}
        for address, bound in self.binding.entities.items():
            if bound.entity.address.kind in wanted:
                yield address, bound

    def find(self, kind: str, text: str, system: str | None) -> str | None:
        """The canonical address that a reference names: the referrer's own system first."""
        return self.names.find(kind.lower(), text, system)

    def realisation(self, address: str) -> realisation.Realisation:
        """Which defaults and ways hold for the thing at an address."""
        return self._realise(self.binding, self.bound(address))

    def choice(self, aspect: str, address: str = "") -> str:
        """The way chosen in an aspect (`realisation.ASPECTS`) for a thing, or for the place."""
        held = self.realisation(address) if address else realisation.own()
        return held.choice(aspect, self.targets)

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
            known = subject.subject(self.binding, address, self.bound(address), held)
            self._subjects[address] = known
        return known

    def openings(self, address: str) -> openings.Openings:
        """Who may talk to a paved workload and to whom it may talk."""
        return openings.openings(self.binding, self.edges, self.subject(address))

    def units(self, target: str, address: str) -> tuple[Unit, ...]:
        """What a target that is needed has for a thing here."""
        return self._given(target, self, address)


class World:
    """The whole estate: its entities as they are everywhere, and each place as a scene."""

    def __init__(
        self,
        estate: Estate,
        scenes: Sequence[Scene],
        built_by: architecture.Architecture = architecture.ROAD,
        *,
        targets: Sequence[str] = (),
    ) -> None:
        self.estate = estate
        self.scenes = tuple(scenes)
        self.architecture = built_by
        self.targets = tuple(targets)

    def choice(self, aspect: str) -> str:
        """The way chosen in an aspect for the estate as a whole."""
        return realisation.own().choice(aspect, self.targets)

    def scenes_with(self, address: str) -> tuple[Scene, ...]:
        """The places in which a thing exists."""
        return tuple(scene for scene in self.scenes if address in scene.binding.entities)
