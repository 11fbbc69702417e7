"""Edges by number: neighbours, groups and walks, as fast as plain Python goes.

Nodes are integers and neighbours lists of integers, so that a walk over 60,000 edges takes
milliseconds; rustworkx does what is more than a walk. Made by `telford.estate.graph`, and used by
`telford.analysis`, which asks it harder questions.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import rustworkx

from telford.estate.edges import Edge


@dataclass(frozen=True, slots=True)
class Steps:
    """Edges in columns, with their ends and the groups of those by number: an object for each more
    would cost more than most questions.
    """

    edges: list[Edge]
    sources: list[int]
    targets: list[int]
    source_groups: list[int]
    target_groups: list[int]


class Links:
    """Neighbours by number, each once: `forward` are those that one needs, `backward` those that
    need it. Neither list is ever changed.
    """

    def __init__(self, size: int, pairs: Iterable[tuple[int, int]]) -> None:
        self.pairs = tuple(dict.fromkeys(pairs))
        self.forward: list[list[int]] = [[] for _ in range(size)]
        self.backward: list[list[int]] = [[] for _ in range(size)]
        for source, target in self.pairs:
            self.forward[source].append(target)
            self.backward[target].append(source)

    @cached_property
    def diagram(self) -> "rustworkx.PyDiGraph[int, None]":
        """The same for rustworkx; nodes have their numbers."""
        made: rustworkx.PyDiGraph[int, None] = rustworkx.PyDiGraph(multigraph=False)
        made.add_nodes_from(range(len(self.forward)))
        made.add_edges_from_no_data(list(self.pairs))
        return made

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The strongly connected parts: in each, everything needs everything. What a group needs
        comes before it (reverse topological order, as Kosaraju's algorithm finds them; O(n + m)).
        """
        found = rustworkx.strongly_connected_components(self.diagram)
        return tuple(tuple(sorted(group)) for group in found)

    @cached_property
    def group_of(self) -> tuple[int, ...]:
        """The place of each node's group in `groups`."""
        home = [0] * len(self.forward)
        for number, group in enumerate(self.groups):
            for node in group:
                home[node] = number
        return tuple(home)

    @cached_property
    def condensed(self) -> tuple[tuple[int, ...], ...]:
        """The groups as a graph without cycles: for each, the other groups that it needs."""
        home = self.group_of
        return tuple(
            tuple({home[other] for node in group for other in self.forward[node]} - {number})
            for number, group in enumerate(self.groups)
        )


def walk(
    starts: Iterable[int], neighbours: Sequence[Sequence[int]], depth: int | None = None
) -> list[list[int]]:
    """Breadth first: the starts, then what is one step away, and so on to `depth` steps (all the
    way where it is None). Each node is in one level, levels are in order of number. O(n + m).
    """
    seen = bytearray(len(neighbours))
    level = sorted(set(starts))
    for node in level:
        seen[node] = 1
    levels = []
    while level:
        levels.append(level)
        if depth is not None and len(levels) > depth:
            break
        following = []
        for node in level:
            for other in neighbours[node]:
                if not seen[other]:
                    seen[other] = 1
                    following.append(other)
        level = sorted(following)
    return levels


def circle(
    links: Links, group: Container[int], start: int, longest: int | None = None
) -> tuple[tuple[int, ...], int]:
    """The shortest cycle through a node of a strongly connected part, from that node, and how many
    nodes were looked at. Empty where it would be longer than `longest`. O(n + m) of the part.
    """
    before = {start: start}
    level = [start]
    length = 0
    while level and (longest is None or length < longest):
        length += 1
        following = []
        for node in level:
            for other in sorted(links.forward[node]):
                if other == start:
                    return _back(before, node), len(before)
                if other in group and other not in before:
                    before[other] = node
                    following.append(other)
        level = following
    return (), len(before)


def _back(before: dict[int, int], node: int) -> tuple[int, ...]:
    path = [node]
    while before[node] != node:
        node = before[node]
        path.append(node)
    return tuple(reversed(path))
