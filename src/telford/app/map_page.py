"""The map of the estate: nodes and edges to draw, grouped by system, small enough to read.

A picture of thousands of boxes says nothing. Where the filtered estate is larger than `MAX_NODES`
the map draws one node a system instead and says so; a person narrows it by team, tier or focus.
Called by the portal's map and by ``/api/graph``.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from telford.app import catalogue, connections

MAX_NODES = 300
"""More boxes than this cannot be read on one screen, and layout takes over a second."""
MAX_DEPTH = 6
"""Further than this from the focus nearly everything is reached."""
DRAWN_KINDS = frozenset({"Service", "Datastore", "Stream"})


@dataclass(frozen=True, slots=True)
class Query:
    """What to draw; empty values filter nothing. `depth` counts edges from `focus`."""

    focus: str = ""
    depth: int = 2
    owner: str = ""
    system: str = ""
    tier: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One box. `size` is how many entities it stands for (1, or those of a folded system)."""

    id: str
    label: str
    kind: str
    system: str
    owner: str
    tier: int | None
    size: int
    focus: bool

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "id": self.id,
            "label": self.label,
            "kind": self.kind,
            "system": self.system or None,
            "owner": self.owner or None,
            "tier": self.tier,
            "size": self.size,
            "focus": self.focus,
        }


@dataclass(frozen=True, slots=True)
class Map:
    """What is drawn. `folded` is True where systems stand for their members; `matching` counts the
    entities that the filters let through.
    """

    nodes: tuple[Node, ...]
    edges: tuple[connections.Edge, ...]
    folded: bool
    matching: int

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "nodes": [node.as_json() for node in self.nodes],
            "edges": [edge.as_json() for edge in self.edges],
            "folded": self.folded,
            "matching": self.matching,
        }


def draw(index: catalogue.Index, known: connections.Connections, query: Query) -> Map:
    """The map that answers a query."""
    near = known.around(query.focus, min(query.depth, MAX_DEPTH)) if query.focus else None
    rows = [
        row
        for row in index.rows
        if row.kind in DRAWN_KINDS
        and (near is None or row.address in near)
        and (row.address == query.focus or _passes(row, query))
    ]
    if len(rows) > MAX_NODES:
        return _folded(rows, known, query)
    shown = {row.address for row in rows}
    edges = tuple(edge for edge in known.edges if edge.source in shown and edge.target in shown)
    return Map(tuple(_node(row, query.focus) for row in rows), edges, False, len(rows))


def _passes(row: catalogue.Row, query: Query) -> bool:
    return (
        (not query.owner or row.owner == query.owner)
        and (not query.system or row.system == query.system)
        and (query.tier is None or row.tier is None or row.tier == query.tier)
    )


def _node(row: catalogue.Row, focus: str) -> Node:
    return Node(
        id=row.address,
        label=row.name,
        kind=row.kind,
        system=row.system,
        owner=row.owner,
        tier=row.tier,
        size=1,
        focus=row.address == focus,
    )


def _folded(rows: list[catalogue.Row], known: connections.Connections, query: Query) -> Map:
    home = {row.address: f"system/{row.system or '-'}" for row in rows}
    counts: dict[str, int] = {}
    for address in home.values():
        counts[address] = counts.get(address, 0) + 1
    largest = sorted(counts, key=lambda one: (-counts[one], one))[:MAX_NODES]
    kept = frozenset(largest)
    nodes = tuple(
        Node(one, one.partition("/")[2], "System", "", "", None, counts[one], False)
        for one in sorted(kept)
    )
    return Map(nodes, tuple(_between(known.edges, home, kept)), True, len(rows))


def _between(
    edges: Iterable[connections.Edge], home: dict[str, str], kept: frozenset[str]
) -> Iterable[connections.Edge]:
    seen: dict[tuple[str, str], int] = {}
    for edge in edges:
        ends = (home.get(edge.source, ""), home.get(edge.target, ""))
        if ends[0] != ends[1] and kept.issuperset(ends):
            seen[ends] = seen.get(ends, 0) + 1
    for (source, target), count in sorted(seen.items()):
        yield connections.Edge(source, target, True, f"{count} dependencies", False)
