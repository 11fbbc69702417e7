"""The audit log: append-only, each entry carrying the hash of the one before it.

`verify` recomputes the chain: an entry that was changed, removed or put in between breaks it from
there on. What is cut off at the beginning because it is old (`cut`) is told by an entry of the chain
itself, so that a beginning which nobody cut is seen. (Cutting off the newest entries cannot be seen from inside; compare `last` with a copy of
its hash kept elsewhere.)
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import engine as engines
from telford.store import schema
from telford.store.database import Database, Writing

_TABLE = schema.audit
GENESIS = "0" * 64
# Entries are verified in pages, so that a long log does not need as much memory.
PAGE = 5_000
# The entry that tells of what was cut off, and how much goes at once.
CUT = "forgot old entries"
MAX_CUT = 2_000


@dataclass(frozen=True, slots=True)
class Record:
    """Who did what to which address or release, and the chain's hashes (SHA-256, hex)."""

    sequence: int
    at: float
    who: str
    verb: str
    subject: str
    detail: Mapping[str, Any]
    previous: str
    hash: str


class Audit:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(
        self,
        writing: Writing,
        who: str,
        verb: str,
        subject: str,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Add one entry to the chain, in the transaction of what it tells about."""
        engines.lock(writing.connection, engines.AUDIT_LOCK)
        last = _last(writing.connection)
        sequence = last.sequence + 1 if last else 1
        previous = last.hash if last else GENESIS
        content = (sequence, writing.at, who, verb, subject, dict(detail or {}), previous)
        names = ("sequence", "at", "who", "verb", "subject", "detail", "previous")
        row = dict(zip(names, content, strict=True)) | {"hash": _hash(*content)}
        writing.connection.execute(sa.insert(_TABLE).values(row))

    def tail(self, *, subject: str = "", limit: int = 100) -> tuple[Record, ...]:
        """Newest first."""
        query = sa.select(_TABLE).order_by(_TABLE.c.sequence.desc()).limit(min(limit, PAGE))
        if subject:
            query = query.where(_TABLE.c.subject == subject)
        with self._database.reading() as connection:
            return tuple(Record(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def cut(self, writing: Writing, before: float, who: str) -> int:
        """Remove entries older than `before` (epoch seconds) from the beginning, at most `MAX_CUT`,
        and say so in the chain; the number of rows that went. The newest entry stays.
        """
        engines.lock(writing.connection, engines.AUDIT_LOCK)
        query = sa.select(_TABLE).order_by(_TABLE.c.sequence).limit(MAX_CUT)
        first, last = _first(writing.connection), _last(writing.connection)
        if first is None or last is None or first.at >= before:
            return 0
        if not _begins_well(writing.connection, first):
            return 0  # somebody harmed the log: it stays as it is, for `verify` to show
        gone = [
            row
            for row in writing.connection.execute(query)
            if row.at < before and row.sequence < last.sequence
        ]
        if not gone:
            return 0
        until = gone[-1]
        detail = {"until": until.sequence, "hash": until.hash, "entries": len(gone)}
        self.append(writing, who, CUT, "audit", detail)
        writing.connection.execute(sa.delete(_TABLE).where(_TABLE.c.sequence <= until.sequence))
        return len(gone)

    def verify(self) -> str:
        """Empty where the whole chain holds, else a sentence naming the first broken entry."""
        page = self._page(0)
        if not page:
            return ""
        previous, sequence = page[0].previous, page[0].sequence - 1
        begin, told = (sequence, previous), sequence == 0 and previous == GENESIS
        while page:
            for record in page:
                problem = _problem(record, sequence + 1, previous)
                if problem:
                    return problem
                previous, sequence = record.hash, record.sequence
                told = told or _tells(record, begin)
            page = self._page(sequence)
        return "" if told else _unsaid(begin[0])

    def _page(self, after: int) -> tuple[Record, ...]:
        query = (
            sa.select(_TABLE)
            .where(_TABLE.c.sequence > after)
            .order_by(_TABLE.c.sequence)
            .limit(PAGE)
        )
        with self._database.reading() as connection:
            return tuple(Record(**row._mapping) for row in connection.execute(query))  # noqa: SLF001


def _last(connection: sa.Connection) -> Record | None:
    query = sa.select(_TABLE).order_by(_TABLE.c.sequence.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Record(**row._mapping)  # noqa: SLF001


def _first(connection: sa.Connection) -> Record | None:
    row = connection.execute(sa.select(_TABLE).order_by(_TABLE.c.sequence).limit(1)).one_or_none()
    return None if row is None else Record(**row._mapping)  # noqa: SLF001


def _begins_well(connection: sa.Connection, first: Record) -> bool:
    """Whether nothing is missing before the first entry, or a cut told of it."""
    begin = (first.sequence - 1, first.previous)
    if begin == (0, GENESIS):
        return True
    query = sa.select(_TABLE).where(_TABLE.c.verb == CUT).order_by(_TABLE.c.sequence.desc())
    row = connection.execute(query.limit(1)).one_or_none()
    return row is not None and _tells(Record(**row._mapping), begin)  # noqa: SLF001


def _tells(record: Record, begin: tuple[int, str]) -> bool:
    """Whether this entry says that everything up to there was cut off."""
    return record.verb == CUT and (record.detail.get("until"), record.detail.get("hash")) == begin


def _unsaid(sequence: int) -> str:
    if sequence == 0:
        return "entry 1 of the audit log does not follow the one before it"
    return f"entry {sequence} of the audit log is missing"


def _problem(record: Record, sequence: int, previous: str) -> str:
    if record.sequence != sequence:
        return f"entry {sequence} of the audit log is missing"
    content = (record.sequence, record.at, record.who, record.verb, record.subject)
    if record.previous != previous:
        return f"entry {sequence} of the audit log does not follow the one before it"
    if record.hash != _hash(*content, dict(record.detail), record.previous):
        return f"entry {sequence} of the audit log was changed"
    return ""


def _hash(*content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
