"""What every importer gives: estate documents, a report in which every leaf of the input has its
fate, and diagnostics. Made by the formats' readers (`telford.intake.kubernetes`), used by
`telford.app.importing`.
"""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, overload

from telford.basics.diagnostics import Diagnostic, Position


class Status(StrEnum):
    """The fate of one leaf: a field of the model says it, it is kept as it was found, or it is
    left out for a reason.
    """

    MAPPED = "mapped"
    CARRIED = "carried"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Options:
    """What the person who imports decides. Empty texts mean: find out.

    `system` and `owner` are names; `fallback` is the system of what names none; `named` are the
    files (not folders) that were named one by one, in their order.
    """

    system: str = ""
    owner: str = ""
    environment: str = "imported"
    fallback: str = "imported"
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one leaf (a scalar or an empty collection) of one object of the input.

    `subject` is ``Kind/name`` or ``Kind/namespace/name``; `path` is dotted with indices
    (``spec.ports.0.port``); `to` is the address that says or carries it, or "".
    """

    file: str
    line: int
    subject: str
    path: str
    status: Status
    to: str = ""
    reason: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "file": self.file,
            "line": self.line,
            "object": self.subject,
            "path": self.path,
            "status": self.status.value,
            "to": self.to,
            "reason": self.reason,
        }


# Kind of object, fate and reason ("" but of what was dropped).
Counted = tuple[str, Status, str]


class Fates(Sequence[Fate]):
    """The fates of all leaves of an input: how many of each are known at once, and each of them is
    told when somebody looks (a large organisation has a hundred thousand).
    """

    def __init__(self, counts: Mapping[Counted, int], tell: Callable[[], Iterable[Fate]]) -> None:
        self.counts = Counter(counts)
        self._tell = tell
        self._told: tuple[Fate, ...] | None = None

    @classmethod
    def joined(cls, parts: Iterable[Sequence[Fate]]) -> "Fates":
        """Those of several inputs, one after the other."""
        listed = list(parts)
        counts: Counter[Counted] = Counter()
        for part in listed:
            counts.update(count(part))
        return cls(counts, lambda: itertools.chain.from_iterable(listed))

    def told(self) -> tuple[Fate, ...]:
        """All of them, in the order of the input."""
        if self._told is None:
            self._told = tuple(self._tell())
        return self._told

    def __iter__(self) -> Iterator[Fate]:
        return iter(self.told())

    def __len__(self) -> int:
        return self.counts.total()

    @overload
    def __getitem__(self, index: int) -> Fate: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Fate, ...]: ...

    def __getitem__(self, index: int | slice) -> Fate | tuple[Fate, ...]:
        return self.told()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self.told() == tuple(other)

    def __repr__(self) -> str:
        return f"Fates({self.told()!r})"

    __hash__ = None  # type: ignore[assignment]


def count(fates: Sequence[Fate]) -> Counter[Counted]:
    """How many leaves of each kind of object have which fate, for which reason."""
    if isinstance(fates, Fates):
        return fates.counts
    return Counter(
        (
            fate.subject.partition("/")[0],
            fate.status,
            fate.reason if fate.status is Status.DROPPED else "",
        )
        for fate in fates
    )


@dataclass(frozen=True, slots=True)
class Edge:
    """A dependency that was inferred: from which address to which, and the text it came from."""

    source: str
    target: str
    origin: str


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An address in the input that names nothing in the input; `external` where it has the form
    of a name outside (``api.example.com``).
    """

    source: str
    host: str
    origin: str
    position: Position
    external: bool


@dataclass(frozen=True, slots=True)
class SecretName:
    """A Secret that was found: its name and the names of its keys, never a value."""

    name: str
    keys: tuple[str, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Report:
    """Nothing is silently lost: the fate of every leaf, the edges, and what led nowhere."""

    fates: Sequence[Fate] = ()
    edges: tuple[Edge, ...] = ()
    unresolved: tuple[Unresolved, ...] = ()
    secrets: tuple[SecretName, ...] = ()
    # Objects of the input by kind.
    objects: Mapping[str, int] = field(default_factory=dict)
    # Lines of comments, by file: they are not taken over, and are no leaves.
    comments: Mapping[str, int] = field(default_factory=dict)
    # Objects of kinds that no field speaks of, by kind with its version: they are carried whole.
    whole: Mapping[str, int] = field(default_factory=dict)

    def totals(self) -> dict[str, Counter[Status]]:
        """Leaves by kind of object and fate, kinds sorted."""
        totals: dict[str, Counter[Status]] = {kind: Counter() for kind in sorted(self.objects)}
        for (kind, status, _), number in count(self.fates).items():
            totals.setdefault(kind, Counter())[status] += number
        return totals

    def reasons(self) -> Counter[str]:
        """Why leaves were dropped, and how many for each reason."""
        reasons: Counter[str] = Counter()
        for (_, status, reason), number in count(self.fates).items():
            if status is Status.DROPPED:
                reasons[reason] += number
        return reasons

    def as_json(self) -> dict[str, object]:
        """The whole list, in the order of the input."""
        return {
            "objects": dict(sorted(self.objects.items())),
            "totals": {
                kind: {status.value: counts[status] for status in Status}
                for kind, counts in self.totals().items()
            },
            "dropped": dict(sorted(self.reasons().items())),
            "commentLines": dict(sorted(self.comments.items())),
            "carriedWhole": dict(sorted(self.whole.items())),
            "edges": [
                {"from": edge.source, "to": edge.target, "origin": edge.origin}
                for edge in self.edges
            ],
            "unresolved": [_unresolved(item) for item in self.unresolved],
            "secrets": [
                {"name": secret.name, "keys": list(secret.keys), "at": str(secret.position)}
                for secret in self.secrets
            ],
            "leaves": [fate.as_json() for fate in self.fates],
        }


def _unresolved(item: Unresolved) -> dict[str, object]:
    return {
        "from": item.source,
        "host": item.host,
        "origin": item.origin,
        "at": str(item.position),
        "external": item.external,
    }


@dataclass(frozen=True, slots=True)
class Document:
    """One estate document: the file it is to be written to, its value, and where it came from.

    `marks` says where single values came from, by path (``("run", "image")``): needed only of the
    formats that live in an estate as they are, whose documents are never written. `called` is what
    the input calls the thing, where that tells it from others (``Component/cart``): two things of
    one format whose names are one name here are told apart by it.
    """

    file: str
    value: Mapping[str, Any]
    origins: tuple[Position, ...] = ()
    marks: Mapping[tuple[str | int, ...], Position] = field(default_factory=dict)
    called: str = ""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Who owns the files under `root` whose paths from there the expression finds: no team means
    nobody. Where several speak of a file, the last one counts.
    """

    root: str
    expression: re.Pattern[str]
    teams: tuple[str, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class Imported:
    """What an importer gives. `guessed` are systems that are called by a folder alone, because
    nothing names them: another format that names the system of a thing knows better.
    """

    documents: tuple[Document, ...]
    report: Report
    diagnostics: tuple[Diagnostic, ...]
    ownership: tuple[Ownership, ...] = ()
    # What a tool rendered and was read, by path: a build gives it back, so it is compared with too.
    rendered: Mapping[str, str] = field(default_factory=dict)
    guessed: frozenset[str] = frozenset()


def count_comments(texts: Mapping[str, str]) -> dict[str, int]:
    """Lines that hold nothing but a comment, by file; files without any are left out."""
    counted = {file: len(_COMMENT.findall("\n" + text)) for file, text in texts.items()}
    return {file: count for file, count in counted.items() if count}


_COMMENT = re.compile(r"\n[ \t]*#")
