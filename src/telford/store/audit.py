"""The audit log: append-only, each entry carrying the hash of the one before it.

`verify` recomputes the chain: an entry that was changed, removed or put in between breaks it from
there on. (Cutting off the newest entries cannot be seen from inside; compare `last` with a copy of
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

    def verify(self) -> str:
        """Empty where the whole chain holds, else a sentence naming the first broken entry."""
        previous, sequence = GENESIS, 0
        while True:
            page = self._page(sequence)
            if not page:
                return ""
            for record in page:
                problem = _problem(record, sequence + 1, previous)
                if problem:
                    return problem
                previous, sequence = record.hash, record.sequence

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
