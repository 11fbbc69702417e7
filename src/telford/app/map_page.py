"""The map of the estate: what to draw, small enough to read.

Five hundred boxes at once say nothing. Where the filtered estate is larger than `MAX_OPEN`, systems
stand for their members until somebody opens them; a focus shows one thing with what it needs and
what needs it, column by column. Pure; called by the portal's map and by ``/api/graph``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telford.app import catalogue, connections, graph_picture
from telford.app.graph_picture import Drawing, Thing, Wire
from telford.estate import graph

MAX_OPEN = 60
"""Things that are drawn without folding: as many as a screen shows with their names."""
MAX_NODES = 700
"""Boxes of one map, all systems opened: more are neither read nor drawn within a second."""
MAX_EDGES = 2000
"""Arrows of one map: more are a grey surface, and megabytes of page."""
MAX_DEPTH = 6
"""Further than this from the focus nearly everything is reached."""
DRAWN_KINDS = graph.THINGS
NO_SYSTEM = "-"
"""Stands for what belongs to no system, as if that were one."""
ALL = "all"
"""Opens every system."""
NONE = "none"
"""Folds every system that is not named beside it, however few things there are: the context map."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to draw; empty values filter nothing. `depth` counts edges from `focus`, `opened` names
    systems (or `ALL` or `NONE`), `kind` is a kind such as ``Service``.
    """

    focus: str = ""
    depth: int = 2
    owner: str = ""
    system: str = ""
    tier: int | None = None
    kind: str = ""
    opened: tuple[str, ...] = ()

    @property
    def narrowed(self) -> bool:
        """Whether it asks for less than all."""
        return bool(self.focus or self.owner or self.system or self.kind) or self.tier is not None


@dataclass(frozen=True, slots=True)
class Node:
    """One box. `size` is how many entities it stands for (1, or those of a folded system);
    `column` counts steps from the focus, below 0 for what needs it.
    """

    id: str
    label: str
    kind: str
    system: str
    owner: str
    tier: int | None
    size: int
    focus: bool
    column: int = 0

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
    """What is drawn. `folded` are the systems that stand for their members, `opened` those that do
    not though they could; `matching` counts the entities that the filters let through, and
    `left_out` those of them that are not even in a folded system; `weaker` counts the edges that
    were too many, those that stand for least.
    """

    nodes: tuple[Node, ...]
    edges: tuple[connections.Edge, ...]
    folded: tuple[str, ...]
    opened: tuple[str, ...]
    matching: int
    left_out: int = 0
    weaker: int = 0
    focus: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "nodes": [node.as_json() for node in self.nodes],
            "edges": [edge.as_json() for edge in self.edges],
            "folded": bool(self.folded),
            "foldedSystems": list(self.folded),
            "matching": self.matching,
            "leftOut": self.left_out,
            "edgesLeftOut": self.weaker,
        }


def draw(index: catalogue.Index, known: connections.Connections, query: Query) -> Map:
    """What answers a query."""
    columns = _columns(known.graph, query)
    rows = [
        row
        for row in index.rows
        if row.kind in DRAWN_KINDS
        and row.address in known.graph.number
        and (columns is None or row.address in columns)
        and (row.address == query.focus or _passes(row, query))
    ]
    home = _homes(rows, query)
    nodes = {row.address: _node(row, query, columns) for row in rows if row.address not in home}
    nodes |= _folded(rows, home, columns)
    kept = dict(sorted(nodes.items())[:MAX_NODES])
    shown = {row.address: home.get(row.address, row.address) for row in rows}
    edges = _edges(known.edges, {a: box for a, box in shown.items() if box in kept})
    strongest = sorted(edges, key=lambda e: (-e.count, not e.critical))[:MAX_EDGES]
    folded = tuple(node.label for node in kept.values() if node.kind == "System")
    return Map(
        tuple(kept.values()),
        edges if len(edges) == len(strongest) else tuple(strongest),
        folded,
        tuple(sorted({row.system or NO_SYSTEM for row in rows} - set(folded)))
        if _foldable(rows, query) and not query.system
        else (),
        len(rows),
        sum(box not in kept for box in shown.values()),
        len(edges) - len(strongest),
        query.focus,
    )


def picture(drawn: Map) -> Drawing:
    """The map with a place for everything."""
    things = [_thing(node, bool(drawn.focus)) for node in drawn.nodes]
    wires = [_wire(edge) for edge in drawn.edges]
    layers = {node.id: node.column for node in drawn.nodes} if drawn.focus else None
    return graph_picture.draw(things, wires, layers)


def _columns(estate: graph.Graph, query: Query) -> dict[str, int] | None:
    """How far each is from the focus: what needs it stands before it, what it needs behind it, and
    what does both on the nearer side. None without a focus.
    """
    if not query.focus:
        return None
    depth = min(query.depth, MAX_DEPTH)
    found = {query.focus: 0}
    for reached in estate.dependencies(query.focus, depth):
        found[reached.address] = reached.depth
    for reached in estate.dependents(query.focus, depth):
        if reached.depth < found.get(reached.address, depth + 1):
            found[reached.address] = -reached.depth
    return found


def _passes(row: catalogue.Row, query: Query) -> bool:
    return (
        (not query.owner or row.owner == query.owner)
        and (not query.system or row.system == query.system)
        and (not query.kind or row.kind == query.kind)
        and (query.tier is None or row.tier is None or row.tier == query.tier)
    )


def _foldable(rows: list[catalogue.Row], query: Query) -> bool:
    return len(rows) > MAX_OPEN or NONE in query.opened


def _homes(rows: list[catalogue.Row], query: Query) -> dict[str, str]:
    """Thing -> the folded system that stands for it; those that are drawn themselves are not in it.

    Systems that were asked to be open are opened as far as `MAX_NODES` allows, in their order.
    """
    if not _foldable(rows, query):
        return {}
    members: dict[str, list[str]] = {}
    for row in rows:
        if row.address != query.focus:
            members.setdefault(row.system or NO_SYSTEM, []).append(row.address)
    wanted = list(query.opened)
    if ALL in wanted or (query.system and not wanted):
        wanted = sorted(members)
    boxes = len(members)
    for system in wanted:
        size = len(members.get(system, ()))
        if size and boxes - 1 + size <= MAX_NODES:
            boxes += size - 1
            del members[system]
    return {address: f"system/{system}" for system, some in members.items() for address in some}


def _node(row: catalogue.Row, query: Query, columns: Mapping[str, int] | None) -> Node:
    return Node(
        id=row.address,
        label=row.name,
        kind=row.kind,
        system=row.system,
        owner=row.owner,
        tier=row.tier,
        size=1,
        focus=row.address == query.focus,
        column=columns[row.address] if columns else 0,
    )


def _folded(
    rows: list[catalogue.Row], home: Mapping[str, str], columns: Mapping[str, int] | None
) -> dict[str, Node]:
    """The boxes of the folded systems; beside a focus each stands where its nearest member would."""
    members: dict[str, list[str]] = {}
    for row in rows:
        if row.address in home:
            members.setdefault(home[row.address], []).append(row.address)
    return {
        system: Node(
            id=system,
            label=system.partition("/")[2],
            kind="System",
            system="",
            owner="",
            tier=None,
            size=len(some),
            focus=False,
            column=min((columns[a] for a in some), key=abs) if columns else 0,
        )
        for system, some in members.items()
    }


def _edges(
    edges: Iterable[connections.Edge], shown: Mapping[str, str]
) -> tuple[connections.Edge, ...]:
    """The edges between boxes; those that end in a folded system are counted together."""
    single: list[connections.Edge] = []
    many: dict[tuple[str, str], list[connections.Edge]] = {}
    for edge in edges:
        source, target = shown.get(edge.source), shown.get(edge.target)
        if source is None or target is None or source == target:
            continue
        if (source, target) == (edge.source, edge.target):
            single.append(edge)
        else:
            many.setdefault((source, target), []).append(edge)
    return (*single, *(_together(ends, many[ends]) for ends in sorted(many)))


def _together(ends: tuple[str, str], edges: list[connections.Edge]) -> connections.Edge:
    count = len(edges)
    return connections.Edge(
        *ends,
        critical=any(edge.critical for edge in edges),
        detail=f"{count} dependenc{'y' if count == 1 else 'ies'}",
        inferred=all(edge.inferred for edge in edges),
        count=count,
    )


def _thing(node: Node, focused: bool) -> Thing:
    """A box; beside a focus its second line says the system, in which it does not stand there."""
    if node.kind == "System":
        sub = f"{node.size} thing{'s' * (node.size != 1)}"
        label = node.label if node.label != NO_SYSTEM else "no system"
        return Thing(node.id, label, node.kind, sub, title=f"Open {label}: {sub}")
    plain = focused and node.kind == "Service" and node.system
    words = [node.system if focused else "", "" if plain else node.kind.lower()]
    if node.tier is not None:
        words.append(f"tier {node.tier}")
    title = f"{node.id}\n{node.owner}" if node.owner else node.id
    return Thing(
        node.id,
        node.label,
        node.kind,
        " · ".join(word for word in words if word),
        node.system,
        title,
        node.focus,
    )


def _wire(edge: connections.Edge) -> Wire:
    words = edge.detail or ("needs" if edge.critical else "uses, can do without")
    marks = " (inferred)" if edge.inferred else ""
    title = f"{edge.source} to {edge.target}: {words}{marks}"
    return Wire(edge.source, edge.target, edge.critical, edge.inferred, edge.count, title)
