"""Target `mermaid`: a flowchart of each system with its neighbours, and one of all systems.

What lies in another system is drawn as that system, so that a diagram stays small enough to read.
Called by `telford.render.registry`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.edges import Edge, kind_of
from telford.estate.graph import Graph
from telford.estate.kinds import structure
from telford.render import whole
from telford.render.artifacts import Rendering, Unit, ready
from telford.render.scene import World
from telford.render.target import Target
from telford.road import drawing, flowchart, heading
from telford.road.flowchart import Arrow, Box, Frame

NAME = "mermaid"
# More boxes or arrows than these are no picture that somebody reads; it is drawn all the same, and
# said.
READABLE = 60
READABLE_ARROWS = 150


def _estate(world: World) -> Rendering:
    """Every diagram, and which of them are too large to read."""
    pictures = _Pictures(world)
    drawn = [_landscape(pictures), *(_system(pictures, name) for name in pictures.systems)]
    units = tuple(one.unit() for one in drawn if one.boxes)
    large = [one for one in drawn if one.boxes > READABLE or len(one.arrows) > READABLE_ARROWS]
    return Rendering(units, tuple(map(_large, large)))


@dataclass(frozen=True, slots=True)
class _Picture:
    """One diagram: its path without the end, whose it is, what stands in it, and the arrows."""

    stem: str
    owner: str
    frames: tuple[Frame, ...]
    arrows: tuple[Arrow, ...]

    @property
    def boxes(self) -> int:
        """How many things stand in it."""
        return sum(len(frame.boxes) for frame in self.frames)

    def unit(self) -> Unit:
        """The file."""
        text = heading.comment(self.owner, "%%") + flowchart.flowchart(self.frames, self.arrows)
        return ready(f"{NAME}/{self.stem}.mmd", self.owner, NAME, "", text)


class _Pictures:
    """The graph of an estate by system."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.graph = Graph(world.estate)
        self.systems = tuple(e.address.name for e in world.estate.of_kind("System"))
        self.members = drawing.by_system(self.graph.things)

    def holder(self, address: str) -> str:
        """The system that stands for a thing from outside, else the thing itself."""
        name = self.graph.system_of(address)
        return f"system/{name}" if name in self.systems else address

    @cached_property
    def drawn(self) -> list[Edge]:
        """Every edge that a picture of everything would show."""
        things = self.graph.things
        return drawing.strongest(self.graph.picture(things), things)

    @cached_property
    def touching(self) -> dict[str, list[Edge]]:
        """System -> the drawn edges that begin or end in it."""
        found: dict[str, list[Edge]] = {}
        for edge in self.drawn:
            ends = {self.graph.system_of(edge.source), self.graph.system_of(edge.target)}
            for name in ends:
                found.setdefault(name, []).append(edge)
        return found

    def box(self, address: str) -> Box:
        """A thing by its name and what it is made with."""
        name = address.partition("/")[2].rpartition(".")[2]
        made = drawing.technology(self.graph.spec(address))
        return Box(address, kind_of(address), f"{name} ({made})" if made else name)


def _landscape(pictures: _Pictures) -> _Picture:
    """Every system, by domain, and whatever belongs to none."""
    domains: dict[str, list[Box]] = {}
    for entity in pictures.world.estate.of_kind("System"):
        assert isinstance(entity.spec, structure.System), "a System is one"
        box = Box(str(entity.address), "system", entity.address.name)
        domains.setdefault(entity.spec.domain or "", []).append(box)
    alone = [a for a in pictures.graph.things if pictures.holder(a) == a]
    domains.setdefault("", []).extend(map(pictures.box, alone))
    frames = [Frame(name, tuple(boxes)) for name, boxes in sorted(domains.items()) if boxes]
    if len(frames) == 1:
        frames = [Frame("", frames[0].boxes)]
    arrows = _arrows(pictures.drawn, pictures.holder)
    return _Picture("landscape", whole.owner(pictures.world), tuple(frames), arrows)


def _system(pictures: _Pictures, name: str) -> _Picture:
    """The things of a system in a frame, and whom they touch outside of it."""
    members = pictures.members.get(name, ())
    own = frozenset(members)

    def shown(address: str) -> str:
        return address if address in own else pictures.holder(address)

    arrows = _arrows(pictures.touching.get(name, ()), shown)
    ends = {end for arrow in arrows for end in (arrow.source, arrow.target)} - own
    around = tuple(_neighbour(pictures, end) for end in sorted(ends))
    frames = (Frame(name, tuple(map(pictures.box, members))), Frame("", around))
    return _Picture(f"systems/{name}", f"system/{name}", frames if members else (), arrows)


def _neighbour(pictures: _Pictures, address: str) -> Box:
    if kind_of(address) == "system":
        return Box(address, "system", address.partition("/")[2])
    return pictures.box(address)


def _arrows(edges: Iterable[Edge], shown: Callable[[str], str]) -> tuple[Arrow, ...]:
    """One arrow for all edges between the same two boxes: the strongest of them."""
    found: dict[tuple[str, str], Arrow] = {}
    for edge in edges:
        source, target = shown(edge.source), shown(edge.target)
        if source == target:
            continue
        known = found.get((source, target))
        critical = edge.critical or (known is not None and known.critical)
        inferred = not edge.policed and (known is None or known.inferred)
        found[source, target] = Arrow(source, target, critical, inferred)
    return tuple(found[ends] for ends in sorted(found))


def _large(one: _Picture) -> Diagnostic:
    return Diagnostic(
        "TEL580",
        Severity.INFO,
        f"{NAME}/{one.stem}.mmd has {one.boxes} boxes and {len(one.arrows)} arrows:"
        " nobody reads so many at once",
        address=one.owner,
        detail=f"It is drawn all the same; up to {READABLE} boxes and {READABLE_ARROWS} arrows can"
        " be read.",
        fix="divide the system, or ask a smaller question with `telford graph`",
    )


TARGET = Target(NAME, "flowcharts of systems and of the landscape", estate=_estate)
