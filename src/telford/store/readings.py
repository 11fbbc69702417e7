"""The last raw counters of each service, so that the difference over a gap is counted once.

Written in the transaction of the measurements made from them: a controller that is killed and
started again takes the difference from here, whatever happened in between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing

_TABLE = schema.readings


@dataclass(frozen=True, slots=True)
class Stored:
    """Counters of one service at `at`; `counters` is plain JSON (`telford.flows.counting`)."""

    service: str
    at: float
    counters: Mapping[str, Any]


class Readings:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, place: str) -> dict[str, Stored]:
        """Service (as the data plane names it) -> its last counters."""
        query = sa.select(_TABLE.c.service, _TABLE.c.at, _TABLE.c.counters).where(
            _TABLE.c.place == place
        )
        with self._database.reading() as connection:
            return {row.service: Stored(*row) for row in connection.execute(query)}

    def replace(self, writing: Writing, readings: Iterable[Stored]) -> None:
        """Put new counters in the place of the old ones. Needs the lease."""
        place = writing.fenced.name
        rows = [
            {"place": place, "service": one.service, "at": one.at, "counters": dict(one.counters)}
            for one in readings
        ]
        if not rows:
            return
        known = sa.select(_TABLE.c.service).where(_TABLE.c.place == place)
        there = set(writing.connection.execute(known).scalars())
        fresh = [row for row in rows if row["service"] not in there]
        if fresh:
            writing.connection.execute(sa.insert(_TABLE), fresh)
        again = [{"key": row.pop("service"), **row} for row in rows if row["service"] in there]
        if again:
            statement = (
                sa.update(_TABLE)
                .where(_TABLE.c.place == place, _TABLE.c.service == sa.bindparam("key"))
                .values(at=sa.bindparam("at"), counters=sa.bindparam("counters"))
            )
            for row in again:
                del row["place"]
            writing.connection.execute(statement, again)
