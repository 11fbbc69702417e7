"""Who reaches whom in a place: every dependency as an edge from a client to what it uses.

Network policies and mesh authorisation speak of the same edges. One that was only inferred is
kept with `confirmed` False: it allows nothing, and it forbids a policy that might cut real
traffic. Called by the targets; `telford.estate.graph` answers questions about the whole graph.
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from telford.estate.kinds import structure
from telford.estate.model import Binding, Bound


@dataclass(frozen=True, slots=True)
class Edge:
    """`client` uses `target`; both are canonical address texts.

    `server` is where the connection goes: the target itself, or the service that runs a stream's
    broker. `port` is the port the client dials, where the estate says so.
    """

    client: str
    target: str
    server: str
    port: int | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """All edges of a place, by client and by server."""

    outbound: Mapping[str, tuple[Edge, ...]]
    inbound: Mapping[str, tuple[Edge, ...]]


@dataclass(frozen=True, slots=True)
class Names:
    """Finds what a reference means within one binding."""

    canonical: Container[str]
    short: Mapping[str, tuple[str, ...]]

    def find(self, kind: str, text: str, system: str | None) -> str | None:
        """The canonical address text: the referrer's own system first, then a unique name."""
        if system is not None and f"{kind}/{system}.{text}" in self.canonical:
            return f"{kind}/{system}.{text}"
        if f"{kind}/{text}" in self.canonical:
            return f"{kind}/{text}"
        found = self.short.get(f"{kind}/{text}", ())
        return found[0] if len(found) == 1 else None


def names(binding: Binding) -> Names:
    """The names of a binding."""
    short: dict[str, tuple[str, ...]] = {}
    for canonical, bound in binding.entities.items():
        key = bound.entity.address.short
        short[key] = (*short.get(key, ()), canonical)
    return Names(frozenset(binding.entities), short)


def reach(binding: Binding, known: Names) -> Reach:
    """Every edge of the binding. References that name nothing are left out: check reports them."""
    outbound: dict[str, list[Edge]] = {}
    inbound: dict[str, list[Edge]] = {}
    for address, bound in binding.entities.items():
        for edge in _edges(binding, known, address, bound):
            outbound.setdefault(edge.client, []).append(edge)
            inbound.setdefault(edge.server, []).append(edge)
    return Reach(_frozen(outbound), _frozen(inbound))


def again(old: Binding, known: Reach, binding: Binding, names: Names) -> Reach:
    """Every edge of a binding after an edit: those of things that are as they were are taken over.

    Where addresses have come or gone, or what a stream's broker is has changed, nothing is.
    """
    if old.entities.keys() != binding.entities.keys() or not _same_streams(old, binding):
        return reach(binding, names)
    outbound: dict[str, tuple[Edge, ...]] = {}
    for address, bound in binding.entities.items():
        if _same(old.entities[address], bound):
            edges = known.outbound.get(address, ())
        else:
            edges = tuple(_edges(binding, names, address, bound))
        if edges:
            outbound[address] = edges
    if all(known.outbound.get(address) == edges for address, edges in outbound.items()) and len(
        outbound
    ) == len(known.outbound):
        return known
    inbound: dict[str, list[Edge]] = {}
    for edges in outbound.values():
        for edge in edges:
            inbound.setdefault(edge.server, []).append(edge)
    return Reach(outbound, _frozen(inbound))


def _same(old: Bound, new: Bound) -> bool:
    return old.entity is new.entity and old.layers == new.layers


def _same_streams(old: Binding, new: Binding) -> bool:
    return all(
        _same(old.entities[str(bound.entity.address)], bound) for bound in new.of_kind("Stream")
    )


def _frozen(edges: dict[str, list[Edge]]) -> dict[str, tuple[Edge, ...]]:
    return {address: tuple(found) for address, found in edges.items()}


def _edges(binding: Binding, known: Names, address: str, bound: Bound) -> Iterator[Edge]:
    spec = bound.spec
    if not isinstance(spec, structure.Service | structure.Datastore):
        return
    for use in spec.uses:
        kind, text = use.target
        target = known.find(kind, text, spec.system)
        if target is not None:
            server = _server(binding, known, target)
            yield Edge(address, target, server, use.port, use.policed)


def _server(binding: Binding, known: Names, target: str) -> str:
    """A stream is reached at its broker where the estate runs one."""
    spec = binding.entities[target].spec
    if isinstance(spec, structure.Stream) and spec.broker is not None:
        return known.find("service", spec.broker, spec.system) or target
    return target
