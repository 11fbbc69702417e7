"""Who needs whom: the typed dependencies of an estate as a graph, and how far they reach.

Declared once (`uses`, streams, brokers), used for blast radius, cycles, policies and pictures. An
edge points from the one that needs to the one that is needed (`telford.estate.edges`). Things are
numbered by address, and walks go over numbers (`telford.estate.links`). Called by rules, render,
app and the portal; `telford.analysis` asks it harder questions.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from telford.estate import overlays
from telford.estate.edges import THINGS, Edge, Index, edges_of, kind_of, owner_of
from telford.estate.kinds.base import Kind
from telford.estate.kinds.promises import Objective
from telford.estate.links import Links, Steps, circle, walk
from telford.estate.model import Binding, Bound, Entity, Estate

__all__ = [
    "THINGS", "BlastRadius", "Edge", "Graph", "Index", "Links", "Reached", "kind_of", "owner_of",
    "walk",
]  # fmt: skip

_PLACES = frozenset({"region", "environment"})
_DRAWN = frozenset(kind.lower() for kind in THINGS)


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

    @property
    def services(self) -> tuple[Reached, ...]:
        """The services among the entities."""
        return tuple(r for r in self.entities if r.address.startswith("service/"))


class Graph:
    """The dependencies of an estate, or of one place's binding of it.

    `nodes` are all canonical addresses, sorted; a node's number is its place among them.
    """

    def __init__(self, source: Estate | Binding) -> None:
        self._source = source
        self._entities: Mapping[str, Entity | Bound] = source.entities
        self._index = Index(source)
        self.nodes: tuple[str, ...] = tuple(sorted(source.entities))
        self.number: dict[str, int] = {a: n for n, a in enumerate(self.nodes)}
        self.things: tuple[str, ...] = tuple(a for a in self.nodes if kind_of(a) in _DRAWN)
        self.edges: tuple[Edge, ...] = tuple(edges_of(source, self._index))
        # The ends of each edge by number, in columns.
        self.sources: list[int] = [self.number[edge.source] for edge in self.edges]
        self.targets: list[int] = [self.number[edge.target] for edge in self.edges]

    def spec(self, address: str) -> Kind:
        """The fields of a node. It is asked for where it is needed only: a large estate makes them
        on first use.
        """
        return self._entities[address].spec

    def system_of(self, address: str) -> str:
        """The name of the system that a thing belongs to, or ""."""
        return address.partition("/")[2].rpartition(".")[0]

    def owner_of(self, address: str) -> str:
        """The address of its owner, or ""."""
        found = self._owners.get(address)
        return owner_of(self.spec(address)) if found is None else found

    def outgoing(self, address: str) -> tuple[Edge, ...]:
        """What `address` needs, in the order in which it says so."""
        return self._by_source.get(address, ())

    def incoming(self, address: str) -> tuple[Edge, ...]:
        """Who needs `address`, by address."""
        return self._by_target.get(address, ())

    def dependencies(self, address: str, depth: int | None = None) -> tuple[Reached, ...]:
        """Everything that `address` needs, directly or not, nearest first; at most `depth` steps
        away. Of a system or a team: what all of its things need, beside themselves. O(n + m).
        """
        return self.reach(self.members(address), forward=True, depth=depth)

    def dependents(self, address: str, depth: int | None = None) -> tuple[Reached, ...]:
        """Everything that needs `address`, as `dependencies` in the other direction."""
        return self.reach(self.members(address), forward=False, depth=depth)

    def reach(
        self, addresses: Iterable[str], *, forward: bool, depth: int | None = None
    ) -> tuple[Reached, ...]:
        """What several things need together (or, not `forward`, who needs any of them), nearest
        first, themselves left out. `critical` looks at all ways, longer than `depth` too.
        """
        starts = [self.number[a] for a in addresses if a in self.number]
        every, strong = self.links, self.critical_links
        levels = walk(starts, every.forward if forward else every.backward, depth)
        forced: set[int] = set()
        for level in walk(starts, strong.forward if forward else strong.backward):
            forced.update(level)
        nodes = self.nodes
        return tuple(
            Reached(nodes[node], steps, node in forced)
            for steps, level in enumerate(levels[1:], 1)
            for node in level
        )

    def members(self, address: str) -> tuple[str, ...]:
        """The things that an address stands for: those of a system, those that a team or a person
        owns, or itself. Empty where there is no such address.
        """
        if address not in self.number:
            return ()
        if kind_of(address) == "system":
            name = address.partition("/")[2]
            return tuple(a for a in self.things if self.system_of(a) == name)
        if kind_of(address) in {"team", "person"}:
            return tuple(a for a in self.things if self.owner_of(a) == address)
        return (address,)

    def blast_radius(self, address: str) -> BlastRadius:
        """What a failure of `address` touches. A region or an environment takes everything that
        runs in it, a system all of its members. O(n + m).
        """
        if kind_of(address) in _PLACES:
            reached = tuple(Reached(a, 1, True) for a in self.things)
        else:
            reached = self.dependents(address)
        touched = {address, *self.members(address), *(r.address for r in reached)}
        owners = self._owners
        teams = {owners.get(a, "") for a in touched} | {self.owner_of(address)}
        promised = self._objectives
        objectives = {o for a in touched for o in promised.get(a, ())}
        return BlastRadius(
            address,
            reached,
            tuple(sorted(teams - {""})),
            tuple(sorted(objectives)),
            self._environments(address),
        )

    def critical_cycles(self, besides: Set[Edge] = frozenset()) -> tuple[tuple[str, ...], ...]:
        """One cycle of critical dependencies for each group that has any, smallest address first:
        the shortest through that address. Edges of `besides` are not followed.
        """
        links = self._uses_links
        if besides:
            pairs = self._pairs(e for e in self._critical_uses if e not in besides)
            links = Links(len(self.nodes), pairs)
        groups = [group for group in links.groups if len(group) > 1]
        found = (circle(links, frozenset(group), group[0])[0] for group in groups)
        return tuple(sorted(tuple(self.nodes[n] for n in cycle) for cycle in found))

    def picture(self, addresses: Iterable[str] | None = None) -> tuple[Edge, ...]:
        """The edges among some addresses (or all), for drawing."""
        if addresses is None:
            return self.edges
        wanted = set(addresses)
        return tuple(e for a in sorted(wanted) for e in self.outgoing(a) if e.target in wanted)

    @cached_property
    def links(self) -> Links:
        """All edges as neighbours by number."""
        return Links(len(self.nodes), zip(self.sources, self.targets, strict=True))

    @cached_property
    def critical_links(self) -> Links:
        """The critical edges as neighbours by number."""
        return Links(len(self.nodes), self._pairs(e for e in self.edges if e.critical))

    @cached_property
    def critical_steps(self) -> "Steps":
        """The critical edges, ordered by the group of their source in `critical_links`: what is
        needed comes first.
        """
        home, sources, targets = self.critical_links.group_of, self.sources, self.targets
        critical = [n for n, edge in enumerate(self.edges) if edge.critical]
        order = sorted(critical, key=lambda n: home[sources[n]])
        return Steps(
            [self.edges[n] for n in order],
            [sources[n] for n in order],
            [targets[n] for n in order],
            [home[sources[n]] for n in order],
            [home[targets[n]] for n in order],
        )

    @cached_property
    def _uses_links(self) -> Links:
        if all(e.kind == "uses" for e in self.edges if e.critical):
            return self.critical_links
        return Links(len(self.nodes), self._pairs(self._critical_uses))

    @property
    def _critical_uses(self) -> Iterator[Edge]:
        return (e for e in self.edges if e.critical and e.kind == "uses")

    def _pairs(self, edges: Iterable[Edge]) -> Iterator[tuple[int, int]]:
        number = self.number
        return ((number[e.source], number[e.target]) for e in edges)

    def prepared(self) -> "Graph":
        """The same, with all that queries share made at once: so that none of them waits for it."""
        _ = self.links.condensed, self.critical_links.condensed, self._uses_links.groups
        _ = self._by_source, self._by_target, self._owners, self._objectives, self.critical_steps
        return self

    @cached_property
    def _by_source(self) -> dict[str, tuple[Edge, ...]]:
        return _grouped((e.source, e) for e in self.edges)

    @cached_property
    def _by_target(self) -> dict[str, tuple[Edge, ...]]:
        ordered = sorted(self.edges, key=lambda e: (e.source, e.index))
        return _grouped((e.target, e) for e in ordered)

    @cached_property
    def _owners(self) -> dict[str, str]:
        return {a: owner_of(self.spec(a)) for a in self.things}

    @cached_property
    def _objectives(self) -> dict[str, list[str]]:
        """Service -> the objectives that promise something of it."""
        found: dict[str, list[str]] = {}
        for address in self._of_kind("objective"):
            spec = self.spec(address)
            assert isinstance(spec, Objective)
            for service in self._index.refer("Service", spec.service, spec):
                found.setdefault(service, []).append(address)
        return found

    def _of_kind(self, kind: str) -> Iterator[str]:
        return (address for address in self.nodes if kind_of(address) == kind)

    def _environments(self, address: str) -> tuple[str, ...]:
        """The environments in which a thing exists; of a place's binding, that place's."""
        name = address.rpartition("/")[2]
        if kind_of(address) == "environment":
            return (name,)
        if isinstance(self._source, Binding):
            return (self._source.place.environment,)
        estate, entity = self._source, self._source.entities[address]
        places = overlays.places(estate)
        if kind_of(address) == "region":
            places = tuple(place for place in places if place.region == name)
        there = (p.environment for p in places if not overlays.absent(estate, entity, p))
        return tuple(dict.fromkeys(there))


def _grouped(pairs: Iterable[tuple[str, Edge]]) -> dict[str, tuple[Edge, ...]]:
    found: dict[str, list[Edge]] = {}
    for key, edge in pairs:
        found.setdefault(key, []).append(edge)
    return {key: tuple(edges) for key, edges in found.items()}
