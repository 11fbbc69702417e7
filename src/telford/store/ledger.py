"""The evidence ledger: one entry a release and tick, never changed, never two.

An entry holds the raw counts, the e-values made of them and the decision, so that anybody can
recompute the verdict from the counts alone (`telford evidence RELEASE`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.ledger
# A page of entries; a release of an hour with ticks of a second has 3,600.
MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What one tick of one release saw and decided; `entry` is JSON of `telford.deliver`."""

    release: str
    tick: int
    at: float
    epoch: int
    phase: str
    entry: Mapping[str, Any]


class Ledger:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, release: str, *, after: int = -1, limit: int = MAX_ENTRIES) -> tuple[Entry, ...]:
        """Entries of ticks beyond `after`, in order, at most `limit`."""
        query = (
            sa.select(_TABLE)
            .where(_TABLE.c.release == release, _TABLE.c.tick > after)
            .order_by(_TABLE.c.tick)
            .limit(min(limit, MAX_ENTRIES))
        )
        with self._database.reading() as connection:
            return tuple(Entry(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def last(self, release: str) -> Entry | None:
        """The newest entry."""
        query = (
            sa.select(_TABLE)
            .where(_TABLE.c.release == release)
            .order_by(_TABLE.c.tick.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Entry(**row._mapping)  # noqa: SLF001

    def append(self, writing: Writing, entries: Iterable[Entry]) -> None:
        """Add a tick's entries. Needs the lease; a (release, tick) there already is a bug."""
        rows = [columns(entry) | {"epoch": writing.fenced.epoch} for entry in entries]
        if rows:
            writing.connection.execute(sa.insert(_TABLE), rows)
