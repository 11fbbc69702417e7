"""What a target is: a name and up to four pure functions, by what one of its files is about.

- `entity`: a thing in a place (one workload's manifests in prod/eu-west-1);
- `place`: a place as a whole (its namespace, its alert routes);
- `across`: a thing over all its places (its base and overlays, its pipeline);
- `estate`: everything at once (a catalogue, code owners).

A function reads the estate through its scene or world alone. A target that builds on another names
it in `needs` and asks the scene for its units. Called by `telford.render.registry`, and by whoever
adds a target by entry point.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from telford.render import artifacts
from telford.render.artifacts import Rendering
from telford.render.scene import Scene, World

# Which of a target's functions.
Hook = Literal["entity", "place", "across", "estate"]


@dataclass(frozen=True, slots=True)
class Target:
    """A system that artifacts are rendered for.

    `kinds` are the kinds (``Service``) that `entity` and `across` are asked about; all where it is
    empty. `needs` are the names of targets whose units its functions may ask for.
    """

    name: str
    summary: str
    entity: Callable[[Scene, str], Rendering] | None = None
    place: Callable[[Scene], Rendering] | None = None
    across: Callable[[World, str], Rendering] | None = None
    estate: Callable[[World], Rendering] | None = None
    kinds: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()

    def ask(self, hook: Hook, world: World, place: str, address: str) -> Rendering:
        """What one of its functions says: of a thing in a place, of a place, of a thing everywhere,
        or of everything; what a function is not about counts for nothing.
        """
        if hook == "estate":
            assert self.estate is not None, self.name
            return self.estate(world)
        if hook == "across":
            assert self.across is not None, self.name
            return self.across(world, address)
        scene = world.scene(place)
        if hook == "place":
            assert self.place is not None, self.name
            return self.place(scene)
        assert self.entity is not None, self.name
        return self.entity(scene, address)

    def asked(self, addresses: Iterable[str]) -> Iterator[str]:
        """Those of some canonical addresses that `entity` and `across` are asked about."""
        kinds = frozenset(kind.lower() for kind in self.kinds)
        for address in addresses:
            if not kinds or address.partition("/")[0] in kinds:
                yield address

    def in_place(self, scene: Scene) -> Rendering:
        """All of it for one place: each thing, then the place as a whole."""
        return artifacts.joined(self._in_place(scene))

    def _in_place(self, scene: Scene) -> Iterator[Rendering]:
        if self.place is not None:
            yield self.place(scene)
        if self.entity is not None:
            for address in self.asked(scene.binding.entities):
                yield self.entity(scene, address)

    def everywhere(self, world: World) -> Rendering:
        """What is about no single place: each thing over all its places, then the estate."""
        return artifacts.joined(self._everywhere(world))

    def _everywhere(self, world: World) -> Iterator[Rendering]:
        if self.estate is not None:
            yield self.estate(world)
        if self.across is not None:
            for address in self.asked(world.estate.entities):
                yield self.across(world, address)
