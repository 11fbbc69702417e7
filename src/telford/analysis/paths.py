"""Every way from one thing to another: shortest first, and what all of them go through.

Two services of a large estate may be joined by more ways than there are atoms, so the search has
three limits and says which of them cut it. Called by `telford graph --to`.
"""

import heapq
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import rustworkx

from telford.estate.graph import Edge, Graph
from telford.estate.links import Links, walk

MAX_PATHS = 50
"""Nobody compares more; a program that wants more says so."""
MAX_LENGTH = 12
"""Steps of one way, or of the shortest where that is longer: beyond it every way is a detour."""
MAX_STEPS = 10_000
"""Partial ways looked at: about 30 ms, whatever the estate looks like."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way: the things from the first to the last, and an edge for each step (the strongest,
    where several join the same two).
    """

    addresses: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def critical(self) -> bool:
        """Whether a failure of the last is passed on all the way to the first."""
        return all(edge.critical for edge in self.edges)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {"addresses": list(self.addresses), "critical": self.critical}


@dataclass(frozen=True, slots=True)
class Paths:
    """The simple paths from `source` to `target`, shortest first, then by address.

    `through` are the things between the two that every way goes through (of all ways, shown or
    not), nearest first. `cut` says what is left out, in words, or is "".
    """

    source: str
    target: str
    paths: tuple[Path, ...]
    through: tuple[str, ...]
    cut: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "source": self.source,
            "target": self.target,
            "paths": [path.as_json() for path in self.paths],
            "through": list(self.through),
            "cut": self.cut or None,
        }


def paths(
    estate: Graph,
    source: str,
    target: str,
    most: int = MAX_PATHS,
    longest: int = MAX_LENGTH,
) -> Paths:
    """The ways by which `source` needs `target`.

    Best first (A*, Hart, Nilsson and Raphael 1968): a partial way is taken up in the order of its
    length plus the true distance that is left, so the first ways found are the shortest, and
    nothing is looked at that cannot arrive. O(`MAX_STEPS` * degree + n + m).
    """
    first, last = estate.number[source], estate.number[target]
    links = estate.links
    left = _distances(links, last)
    if first == last or left[first] < 0:
        return Paths(source, target, (), ())
    longest = max(longest, left[first])
    found, cut = _search(links, (first, last), left, most, longest)
    return Paths(
        source,
        target,
        tuple(_path(estate, numbers) for numbers in found),
        _through(estate, links, first, last),
        cut,
    )


def _distances(links: Links, last: int) -> list[int]:
    """Steps from each node to the last; -1 where there is no way."""
    left = [-1] * len(links.forward)
    for steps, level in enumerate(walk([last], links.backward)):
        for node in level:
            left[node] = steps
    return left


def _search(
    links: Links, ends: tuple[int, int], left: Sequence[int], most: int, longest: int
) -> tuple[list[tuple[int, ...]], str]:
    first, last = ends
    found: list[tuple[int, ...]] = []
    heap: list[tuple[int, tuple[int, ...]]] = [(left[first], (first,))]
    detours = False
    for _ in range(MAX_STEPS):
        if not heap:
            return found, f"ways of more than {longest} steps are left out" if detours else ""
        _, way = heapq.heappop(heap)
        if way[-1] == last:
            if len(found) == most:
                return found, f"only the {most} shortest ways are shown"
            found.append(way)
            continue
        for other in links.forward[way[-1]]:
            if left[other] < 0 or other in way:
                continue
            length = len(way) + left[other]
            if length > longest:
                detours = True
            else:
                heapq.heappush(heap, (length, (*way, other)))
    return found, f"the search ended after {MAX_STEPS} partial ways; there are more"


def _path(estate: Graph, numbers: tuple[int, ...]) -> Path:
    addresses = tuple(estate.nodes[number] for number in numbers)
    steps = itertools.pairwise(addresses)
    return Path(addresses, tuple(strongest(estate, one, next_) for one, next_ in steps))


def strongest(estate: Graph, source: str, target: str) -> Edge:
    """The edge that joins two neighbours: a critical one before others, a declared one before an
    inferred one, then the first.
    """
    joining = [edge for edge in estate.outgoing(source) if edge.target == target]
    return min(joining, key=lambda edge: (not edge.critical, edge.inferred))


def _through(estate: Graph, links: Links, first: int, last: int) -> tuple[str, ...]:
    """The dominators of the last seen from the first (Cooper, Harvey and Kennedy 2001, as
    rustworkx has it), without the two themselves.
    """
    above = rustworkx.immediate_dominators(links.diagram, first)
    between = []
    node = above[last]
    while node != first:
        between.append(estate.nodes[node])
        node = above[node]
    return tuple(reversed(between))
