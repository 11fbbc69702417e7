"""Who needs whom: the typed dependencies of an estate as a graph, and the questions asked of it.

Declared once (`uses`, streams, brokers), used for blast radius, cycles, policies and pictures. An
edge points from the one that needs to the one that is needed. A consumer of a stream also needs
its publishers, softly: they stop, it starves. Built on rustworkx; called by rules, render, app and
the portal.
"""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import rustworkx

from telford.estate.kinds.base import Kind
from telford.estate.kinds.people import Team
from telford.estate.kinds.places import Environment
from telford.estate.kinds.promises import Objective
from telford.estate.kinds.structure import Datastore, Service, Stream, Use
from telford.estate.model import Binding, Bound, Entity, Estate

_USING = (Service, Datastore)


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `target`; both are canonical addresses.

    `kind` says why: uses, stream (a consumer and a publisher of `via`), broker or dead-letter.
    `index` is the place in the source's `uses`, or -1.
    """

    source: str
    target: str
    kind: str = "uses"
    critical: bool = True
    inferred: bool = False
    confirmed: bool = False
    timeout: str | None = None
    retries: int | None = None
    access: str | None = None
    role: str | None = None
    port: int | None = None
    via: str = ""
    index: int = -1

    @property
    def policed(self) -> bool:
        """Whether policies may be made from it: declared, or inferred and confirmed."""
        return not self.inferred or self.confirmed


@dataclass(frozen=True, slots=True)
class Reached:
    """An entity reached from another: how many steps away, and whether all of some shortest or
    longer way is critical (so that a failure is passed on).
    """

    address: str
    depth: int
    critical: bool


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """What a failure of `address` touches: entities (critically or not), and whose and which
    promises those are. Environments are those in which the thing exists.
    """

    address: str
    entities: tuple[Reached, ...]
    teams: tuple[str, ...]
    objectives: tuple[str, ...]
    environments: tuple[str, ...]


class Graph:
    """The dependencies of an estate, or of one place's binding of it."""

    def __init__(self, source: Estate | Binding) -> None:
        self._specs: dict[str, Kind] = {a: e.spec for a, e in source.entities.items()}
        self._index = Index(source)
        self.edges: tuple[Edge, ...] = tuple(_edges(self._specs, self._index))
        self._graph: rustworkx.PyDiGraph[str, Edge] = rustworkx.PyDiGraph(multigraph=True)
        numbers = self._graph.add_nodes_from(list(self._specs))
        self._number = dict(zip(self._specs, numbers, strict=True))
        self._graph.add_edges_from(
            [(self._number[e.source], self._number[e.target], e) for e in self.edges]
        )

    def outgoing(self, address: str) -> tuple[Edge, ...]:
        """What `address` needs, in the order in which it says so."""
        return self._by_source.get(address, ())

    def incoming(self, address: str) -> tuple[Edge, ...]:
        """Who needs `address`, by address."""
        return self._by_target.get(address, ())

    def dependencies(self, address: str) -> tuple[Reached, ...]:
        """Everything that `address` needs, directly or not, nearest first."""
        return self._reach(address, forward=True)

    def dependents(self, address: str) -> tuple[Reached, ...]:
        """Everything that needs `address`, directly or not, nearest first."""
        return self._reach(address, forward=False)

    def blast_radius(self, address: str) -> BlastRadius:
        """What a failure of `address` touches. A region takes everything that runs in it."""
        spec = self._specs[address]
        environments = self._environments(spec)
        reached = self.dependents(address) if spec.kind not in {"Region", "Environment"} else ()
        if spec.kind in {"Region", "Environment"}:
            reached = tuple(Reached(a, 1, True) for a, s in self._specs.items() if _runs(s))
        touched = {address, *(r.address for r in reached)}
        owners = {owner_of(self._specs[a]) for a in touched}
        objectives = [
            a
            for a, s in self._specs.items()
            if isinstance(s, Objective)
            and touched & set(self._index.refer("Service", s.service, s))
        ]
        teams = sorted(owner for owner in owners if owner)
        return BlastRadius(address, reached, tuple(teams), tuple(objectives), environments)

    def critical_cycles(
        self, besides: Container[Edge] = frozenset()
    ) -> tuple[tuple[str, ...], ...]:
        """One cycle of critical dependencies for each group that has any, smallest address first.
        Edges of `besides` are not followed.
        """
        critical = [e for e in self.edges if e.critical and e.kind == "uses" and e not in besides]
        graph: rustworkx.PyDiGraph[str, None] = rustworkx.PyDiGraph()
        graph.add_nodes_from(list(self._specs))
        graph.add_edges_from(
            [(self._number[e.source], self._number[e.target], None) for e in critical]
        )
        groups = rustworkx.strongly_connected_components(graph)
        return tuple(sorted(_one_cycle(graph, group) for group in groups if len(group) > 1))

    def picture(self, addresses: Iterable[str] | None = None) -> tuple[Edge, ...]:
        """The edges among some addresses (or all), for drawing."""
        if addresses is None:
            return self.edges
        wanted = set(addresses)
        return tuple(e for e in self.edges if e.source in wanted and e.target in wanted)

    @cached_property
    def _by_source(self) -> dict[str, tuple[Edge, ...]]:
        return _grouped((e.source, e) for e in self.edges)

    @cached_property
    def _by_target(self) -> dict[str, tuple[Edge, ...]]:
        ordered = sorted(self.edges, key=lambda e: (e.source, e.index))
        return _grouped((e.target, e) for e in ordered)

    def _reach(self, address: str, *, forward: bool) -> tuple[Reached, ...]:
        """Breadth first, twice: over all edges for the depth, over critical ones for the force."""
        depths = self._depths(address, forward=forward, critical=False)
        forced = self._depths(address, forward=forward, critical=True)
        reached = [Reached(a, depth, a in forced) for a, depth in depths.items()]
        return tuple(sorted(reached, key=lambda r: (r.depth, r.address)))

    def _depths(self, address: str, *, forward: bool, critical: bool) -> dict[str, int]:
        if address not in self._number:
            return {}
        depths = {address: 0}
        level = [address]
        while level:
            following = []
            for current in level:
                edges = self.outgoing(current) if forward else self.incoming(current)
                for edge in edges:
                    other = edge.target if forward else edge.source
                    if other not in depths and (edge.critical or not critical):
                        depths[other] = depths[current] + 1
                        following.append(other)
            level = following
        del depths[address]
        return depths

    def _environments(self, spec: Kind) -> tuple[str, ...]:
        found = [s for s in self._specs.values() if isinstance(s, Environment)]
        found.sort(key=lambda s: (s.order, s.name))
        if spec.kind == "Environment":
            return (spec.name,)
        if spec.kind == "Region":
            found = [s for s in found if spec.name in s.regions]
        return tuple(s.name for s in found)


class Index:
    """Looks references up in an estate or a binding, in the way `Estate.refer` does."""

    def __init__(self, source: Estate | Binding) -> None:
        self._addresses = source.entities.keys()
        self._short: dict[str, list[str]] = {}
        found: Iterable[tuple[str, Entity | Bound]] = source.entities.items()
        for canonical, item in found:
            entity = item.entity if isinstance(item, Bound) else item
            self._short.setdefault(entity.address.short, []).append(canonical)

    def refer(self, kind: str, text: str, referrer: Kind) -> list[str]:
        """Canonical addresses that a reference may mean: none, one or several."""
        lower = kind.lower()
        if referrer.system:
            own = f"{lower}/{referrer.system}.{text}"
            if own in self._addresses:
                return [own]
        exact = f"{lower}/{text}"
        return [exact] if exact in self._addresses else self._short.get(exact, [])


def _edges(specs: dict[str, Kind], index: Index) -> Iterator[Edge]:
    publishers: dict[str, list[str]] = {}
    consumers: dict[str, list[tuple[str, bool]]] = {}
    for address, spec in specs.items():
        if isinstance(spec, _USING):
            for number, use in enumerate(spec.uses):
                edge = _use_edge(address, spec, use, number, index)
                if edge is None:
                    continue
                yield edge
                if use.role == "publish":
                    publishers.setdefault(edge.target, []).append(address)
                elif use.role == "consume":
                    consumers.setdefault(edge.target, []).append((address, edge.inferred))
        elif isinstance(spec, Stream):
            yield from _stream_edges(address, spec, index)
    for stream, takers in consumers.items():
        for taker, inferred in takers:
            for giver in publishers.get(stream, ()):
                if giver != taker:
                    yield Edge(
                        taker, giver, "stream", critical=False, inferred=inferred, via=stream
                    )


def _use_edge(address: str, spec: Kind, use: Use, number: int, index: Index) -> Edge | None:
    kind, text = use.target
    found = index.refer(kind, text, spec)
    if len(found) != 1:
        return None
    return Edge(
        address,
        found[0],
        critical=use.critical,
        inferred=use.inferred is not None,
        confirmed=use.inferred is not None and use.inferred.confirmed,
        timeout=use.timeout,
        retries=use.retries,
        access=use.access,
        role=use.role,
        port=use.port,
        index=number,
    )


def _stream_edges(address: str, spec: Stream, index: Index) -> Iterator[Edge]:
    if spec.broker is not None:
        found = index.refer("Service", spec.broker, spec)
        if len(found) == 1:
            yield Edge(address, found[0], "broker")
    if spec.dead_letter is not None:
        found = index.refer("Stream", spec.dead_letter, spec)
        if len(found) == 1 and found[0] != address:
            yield Edge(address, found[0], "dead-letter", critical=False)


def _one_cycle(graph: "rustworkx.PyDiGraph[str, None]", group: Iterable[int]) -> tuple[str, ...]:
    """The shortest cycle through the smallest address of a strongly connected part."""
    members = set(group)
    start = min(members, key=lambda n: graph[n])
    before: dict[int, int] = {}
    level = [start]
    while level:
        following = []
        for node in level:
            for other in sorted(graph.successor_indices(node), key=lambda n: graph[n]):
                if other == start:
                    return _back(graph, before, node, start)
                if other in members and other not in before:
                    before[other] = node
                    following.append(other)
        level = following
    raise AssertionError("a strongly connected part of two or more has a cycle")


def _back(
    graph: "rustworkx.PyDiGraph[str, None]", before: dict[int, int], node: int, start: int
) -> tuple[str, ...]:
    path = [graph[node]]
    while node != start:
        node = before[node]
        path.append(graph[node])
    return tuple(reversed(path))


def _grouped(pairs: Iterable[tuple[str, Edge]]) -> dict[str, tuple[Edge, ...]]:
    found: dict[str, list[Edge]] = {}
    for key, edge in pairs:
        found.setdefault(key, []).append(edge)
    return {key: tuple(edges) for key, edges in found.items()}


def _runs(spec: Kind) -> bool:
    return isinstance(spec, Service | Datastore | Stream)


def owner_of(spec: Kind) -> str:
    """The address of the owner, or "": a bare name means a team."""
    owner = spec.owner or ""
    return owner if "/" in owner or not owner else f"{Team.__name__.lower()}/{owner}"
