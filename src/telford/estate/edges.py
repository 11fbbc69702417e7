"""The typed dependencies of an estate as edges: which fields of which kinds say who needs whom.

An edge points from the one that needs to the one that is needed. One function a kind, in the one
list `_SAYERS`; `telford.estate.graph` calls `edges_of` and asks questions of what it gives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.estate.kinds.base import Kind
from telford.estate.kinds.people import Team
from telford.estate.kinds.structure import Datastore, Service, Stream, Use
from telford.estate.model import Binding, Bound, Entity, Estate

THINGS = frozenset({"Service", "Datastore", "Stream", "Pipeline", "Route"})
"""Kinds that depend and are depended on: what pictures draw and questions are about."""


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

    def sure(self, kind: str, text: str | None, referrer: Kind) -> str | None:
        """The one address that a reference means; None where there is none, or several."""
        found = self.refer(kind, text, referrer) if text is not None else []
        return found[0] if len(found) == 1 else None


def edges_of(source: Estate | Binding, index: Index) -> Iterator[Edge]:
    """Every edge, in the order in which things say so; what names nothing is left out."""
    streams = _Streams()
    found: Mapping[str, Entity | Bound] = source.entities
    for address, item in found.items():
        say = _SAYERS.get(kind_of(address))
        if say is None:
            continue
        for edge in say(address, item.spec, index):
            streams.note(edge)
            yield edge
    yield from streams.edges()


class _Streams:
    """Who publishes to and who consumes from which stream: a consumer also needs its publishers,
    softly: they stop, it starves.
    """

    def __init__(self) -> None:
        self._publishers: dict[str, list[str]] = {}
        self._consumers: dict[str, list[tuple[str, bool]]] = {}

    def note(self, edge: Edge) -> None:
        if edge.role == "publish":
            self._publishers.setdefault(edge.target, []).append(edge.source)
        elif edge.role == "consume":
            self._consumers.setdefault(edge.target, []).append((edge.source, edge.inferred))

    def edges(self) -> Iterator[Edge]:
        for stream, takers in self._consumers.items():
            for taker, inferred in takers:
                for giver in self._publishers.get(stream, ()):
                    if giver != taker:
                        yield Edge(
                            taker, giver, "stream", critical=False, inferred=inferred, via=stream
                        )


def _uses(address: str, spec: Kind, index: Index) -> Iterator[Edge]:
    assert isinstance(spec, Service | Datastore)
    for number, use in enumerate(spec.uses):
        kind, text = use.target
        target = index.sure(kind, text, spec)
        if target is not None:
            yield _use_edge(address, target, use, number)


def _use_edge(address: str, target: str, use: Use, number: int) -> Edge:
    return Edge(
        address,
        target,
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


def _stream(address: str, spec: Kind, index: Index) -> Iterator[Edge]:
    assert isinstance(spec, Stream)
    broker = index.sure("Service", spec.broker, spec)
    if broker is not None:
        yield Edge(address, broker, "broker")
    letters = index.sure("Stream", spec.dead_letter, spec)
    if letters is not None and letters != address:
        yield Edge(address, letters, "dead-letter", critical=False)


_SAYERS: dict[str, Callable[[str, Kind, Index], Iterator[Edge]]] = {
    "service": _uses,
    "datastore": _uses,
    "stream": _stream,
}


def kind_of(address: str) -> str:
    """The kind of an address, as it is written there: ``service``."""
    return address.partition("/")[0]


def owner_of(spec: Kind) -> str:
    """The address of the owner, or "": a bare name means a team."""
    owner = spec.owner or ""
    return owner if "/" in owner or not owner else f"{Team.__name__.lower()}/{owner}"
