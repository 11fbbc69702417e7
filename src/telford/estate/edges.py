"""The typed dependencies of an estate as edges: which fields of which kinds say who needs whom.

An edge points from the one that needs to the one that is needed. One function a kind, in the one
list `_SAYERS`; `telford.estate.graph` calls `edges_of` and asks questions of what it gives.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.estate.kinds import running
from telford.estate.kinds.base import Kind
from telford.estate.kinds.network import Route
from telford.estate.kinds.people import Team
from telford.estate.kinds.pipelines import Dataset, Pipeline
from telford.estate.kinds.structure import Datastore, Service, Stream, Use
from telford.estate.model import Binding, Bound, Entity, Estate

THINGS = frozenset({"Service", "Datastore", "Stream", "Pipeline", "Route"})
"""Kinds that depend and are depended on: what pictures draw and questions are about."""


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` needs `target`; both are canonical addresses.

    `kind` says why: uses; input or output (of a pipeline); route (what it leads to); config or
    secret (what a workload reads); broker or dead-letter (of a stream); stream (a consumer and a
    publisher of `via`) or feed (a reader of `via` and a pipeline that writes it).
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
    via = _Through()
    found: Mapping[str, Entity | Bound] = source.entities
    for address, item in found.items():
        say = _SAYERS.get(kind_of(address))
        if say is None:
            continue
        for edge in say(address, item.spec, index):
            via.note(edge)
            yield edge
    yield from via.edges()


class _Through:
    """Who gives to and who takes from what lies between: a consumer of a stream also needs its
    publishers, and a reader of a data store the pipelines that fill it, softly: they stop, it
    starves or goes stale.
    """

    def __init__(self) -> None:
        self._givers: dict[str, list[str]] = {}
        self._takers: dict[str, list[tuple[str, bool]]] = {}

    def note(self, edge: Edge) -> None:
        if edge.role == "publish" or edge.kind == "output":
            self._givers.setdefault(edge.target, []).append(edge.source)
        elif edge.role == "consume" or (
            edge.access in _READING and edge.target.startswith("datastore/")
        ):
            self._takers.setdefault(edge.target, []).append((edge.source, edge.inferred))

    def edges(self) -> Iterator[Edge]:
        for between, takers in self._takers.items():
            givers = self._givers.get(between, ())
            kind = "stream" if between.startswith("stream/") else "feed"
            for taker, inferred in takers:
                for giver in givers:
                    if giver != taker:
                        yield Edge(
                            taker, giver, kind, critical=False, inferred=inferred, via=between
                        )


def _workload(address: str, spec: Kind, index: Index) -> Iterator[Edge]:
    assert isinstance(spec, Service | Datastore)
    yield from _uses(address, spec, index)
    if spec.run is not None:
        yield from _reads(address, spec, spec.run, index)


def _uses(address: str, spec: Service | Datastore, index: Index) -> Iterator[Edge]:
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


def _reads(address: str, spec: Kind, run: running.Run, index: Index) -> Iterator[Edge]:
    """The Configs and Secrets of its containers and volumes, each once."""
    found = dict.fromkeys(_read(run))
    for kind, name in found:
        target = index.sure(kind, name, spec)
        if target is not None:
            yield Edge(address, target, kind.lower())


def _read(run: running.Run) -> Iterator[tuple[str, str]]:
    for container in (run, *run.sidecars, *run.initialise):
        sources: list[running.EnvironmentReference | running.EnvironmentSource] = [
            value for value in container.env.values() if not isinstance(value, str)
        ]
        sources += container.env_from
        for source in sources:
            if source.config is not None and not source.optional:
                yield "Config", source.config
            if source.secret is not None and not source.optional:
                yield "Secret", source.secret
    for volume in run.volumes:
        if volume.type in {"config", "secret"} and volume.source and not volume.optional:
            yield volume.type.capitalize(), volume.source


def _pipeline(address: str, spec: Kind, index: Index) -> Iterator[Edge]:
    assert isinstance(spec, Pipeline)
    for dataset in spec.inputs:
        yield from _dataset(address, spec, dataset, "input", index)
    for dataset in spec.outputs:
        yield from _dataset(address, spec, dataset, "output", index)
    if spec.run is not None:
        yield from _reads(address, spec, spec.run, index)


def _dataset(
    address: str, spec: Pipeline, dataset: Dataset, kind: str, index: Index
) -> Iterator[Edge]:
    target = index.sure(*dataset.target, spec)
    if target is None:
        return
    reading = kind == "input"
    access, role = None, None
    if dataset.datastore is not None:
        access = "read" if reading else "write"
    elif dataset.stream is not None:
        role = "consume" if reading else "publish"
    yield Edge(address, target, kind, access=access, role=role)


def _route(address: str, spec: Kind, index: Index) -> Iterator[Edge]:
    """One edge a service; a rule's timeout where all rules that lead there say the same."""
    assert isinstance(spec, Route)
    timeouts: dict[str, set[str | None]] = {}
    for rule in spec.rules:
        for destination in rule.to:
            target = index.sure("Service", destination.service, spec)
            if target is not None:
                timeouts.setdefault(target, set()).add(rule.timeout)
    for target, said in timeouts.items():
        yield Edge(address, target, "route", timeout=said.pop() if len(said) == 1 else None)


_READING = frozenset({"read", "readwrite", None})
_SAYERS: dict[str, Callable[[str, Kind, Index], Iterator[Edge]]] = {
    "service": _workload,
    "datastore": _workload,
    "stream": _stream,
    "pipeline": _pipeline,
    "route": _route,
}


def kind_of(address: str) -> str:
    """The kind of an address, as it is written there: ``service``."""
    return address.partition("/")[0]


def owner_of(spec: Kind) -> str:
    """The address of the owner, or "": a bare name means a team."""
    owner = spec.owner or ""
    return owner if "/" in owner or not owner else f"{Team.__name__.lower()}/{owner}"
