"""What is offered by contract: the documents of contracts, read once for all rules and views, and
who counts on them. Called by `telford.rules.agreements` and `telford.app.contracts`.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from telford.analysis.contracts import comparing
from telford.analysis.contracts.change import Change
from telford.analysis.contracts.comparing import Document
from telford.estate import pruning
from telford.estate.graph import Graph
from telford.estate.kinds.contracts import Contract
from telford.estate.kinds.structure import Datastore, Service, Stream, Use
from telford.estate.model import Entity, Estate

_PARAMETER = re.compile(r"\{[^}]*\}")
_NUMBERS = re.compile(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+].*)?")


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who counts on a contract: its address and, where it is a service's or store's, what it says
    about the use and its place among `uses` (else -1).
    """

    address: str
    use: Use | None
    index: int


@dataclass(frozen=True, slots=True)
class Step:
    """From one version of a contract to the next: what it breaks, or may break, and for whom."""

    contract: Entity
    index: int
    older: str
    newer: str
    changes: tuple[Change, ...]
    broken: tuple[Consumer, ...]
    major: bool

    @property
    def breaking(self) -> tuple[Change, ...]:
        """The changes that break somebody for certain."""
        return tuple(change for change in self.changes if change.level == "breaking")


@dataclass(slots=True)
class Offered:
    """The contracts of an estate. `beside` are the files that they name (see `World.beside`)."""

    estate: Estate
    graph: Graph
    beside: Mapping[str, str | None]
    _read: dict[tuple[str, int], Document | None] = field(default_factory=dict)

    def document(self, entity: Entity, index: int) -> Document | None:
        """The document of a version; None where nobody looked for its file."""
        key = (str(entity.address), index)
        if key not in self._read:
            self._read[key] = self._document(entity, index)
        return self._read[key]

    def _document(self, entity: Entity, index: int) -> Document | None:
        spec = entity.spec
        assert isinstance(spec, Contract)
        version = spec.versions[index]
        if version.document is not None:
            node = pruning.at(entity.node, ("versions", index, "document"))
            return comparing.of_value(version.document, spec.type, node)
        path = self.path(entity, index)
        if path not in self.beside:
            return None
        text = self.beside[path]
        if text is None:
            why = "there is no such file in the estate's folder, or it is no text"
            return Document(spec.type, None, why)
        return comparing.read(text, spec.type, path)

    def path(self, entity: Entity, index: int) -> str:
        """The file of a version, from where the estate's files are named; "" where it is inline."""
        spec = entity.spec
        assert isinstance(spec, Contract)
        file = spec.versions[index].file
        return (
            posixpath.normpath(posixpath.join(posixpath.dirname(entity.file), file)) if file else ""
        )

    def steps(self, entity: Entity) -> Iterator[Step]:
        """Each version against the one before, where both can be read."""
        spec = entity.spec
        assert isinstance(spec, Contract)
        for index in range(1, len(spec.versions)):
            old, new = self.document(entity, index - 1), self.document(entity, index)
            if old is None or new is None or old.problem or new.problem:
                continue
            found = comparing.changes(old, new, spec.compatibility)
            before, after = spec.versions[index - 1].version, spec.versions[index].version
            broken = tuple(self._broken(entity, after, found))
            yield Step(entity, index, before, after, found, broken, is_major(before, after))

    def _broken(self, entity: Entity, newer: str, found: tuple[Change, ...]) -> Iterator[Consumer]:
        """Those who count on what is broken, and were not written for the newer version."""
        hit = {change.operation for change in found if change.level == "breaking"}
        if not hit:
            return
        for consumer in self.consumers(entity):
            use = consumer.use
            if use is not None and use.version is not None and not _before(use.version, newer):
                continue
            named = use.operations if use is not None else ()
            if not named or any(_meets(one, operation) for one in named for operation in hit):
                yield consumer

    def consumers(self, entity: Entity) -> Iterator[Consumer]:
        """Everything that calls the contract's service, or reads its stream, by address."""
        spec = entity.spec
        assert isinstance(spec, Contract)
        for keeper in self.keepers(entity):
            for edge in self.graph.incoming(keeper):
                if edge.kind == "input":
                    yield Consumer(edge.source, None, -1)
                elif edge.kind == "uses" and edge.role != "publish":
                    user = self.estate.entities[edge.source].spec
                    assert isinstance(user, Service | Datastore)
                    yield Consumer(edge.source, user.uses[edge.index], edge.index)

    def keepers(self, entity: Entity) -> tuple[str, ...]:
        """The service or the streams that keep a contract, by address."""
        spec = entity.spec
        assert isinstance(spec, Contract)
        found = {
            str(one.address)
            for kind, text in (("Service", spec.service), ("Stream", spec.stream))
            if text is not None
            for one in self.estate.refer(kind, text, spec.system)
        }
        for stream in self.estate.of_kind("Stream"):
            other = stream.spec
            if isinstance(other, Stream) and other.contract is not None:
                named = self.estate.refer("Contract", other.contract, other.system)
                if named == (entity,):
                    found.add(str(stream.address))
        return tuple(sorted(found))


def is_major(older: str, newer: str) -> bool:
    """Whether the step says that it breaks: another first number, or second after a leading 0
    (https://semver.org, 4 and 8). Versions that are no numbers say nothing else than being new.
    """
    before, after = _NUMBERS.fullmatch(older), _NUMBERS.fullmatch(newer)
    if before is None or after is None:
        return older != newer
    if before[1] != after[1]:
        return True
    return before[1] == "0" and before[2] != after[2]


def order(version: str) -> tuple[int, int, int] | None:
    """A version as numbers; None where it is none."""
    match = _NUMBERS.fullmatch(version)
    if match is None or len(version) > 40:
        return None
    return int(match[1]), int(match[2] or 0), int(match[3] or 0)


def is_offered(said: str, operation: str) -> bool:
    """Whether what a caller names is this operation: names of path parameters do not matter, and a
    method or message may be named without its package.
    """
    one, other = _PARAMETER.sub("{}", said), _PARAMETER.sub("{}", operation)
    return one == other or other.endswith((f".{one}", f"/{one}"))


def _meets(said: str, operation: str) -> bool:
    """Whether a change of `operation` touches what a caller names. One that is of no operation, or
    of a protobuf message that several methods share, may touch everybody.
    """
    whole = not operation or ("/" not in operation and "." in operation)
    return whole or is_offered(said, operation)


def _before(version: str, newer: str) -> bool:
    one, other = order(version), order(newer)
    return one < other if one is not None and other is not None else version != newer
