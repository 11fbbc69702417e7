"""Stand-by controllers: who waits for the lease of which place, and when each was heard of last.

For people only (`telford controllers`): nothing is decided by these rows, leases alone decide.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing

_TABLE = schema.controllers
# A process that was killed says no goodbye; after this long nobody wants to read of it.
FORGOTTEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A controller that stands by for `place`; times are epoch seconds."""

    place: str
    holder: str
    since: float
    heard_at: float


class Controllers:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wait(self, place: str, holder: str) -> None:
        """Say that `holder` lives and waits."""
        with self._database.writing() as writing:
            same = (_TABLE.c.place == place, _TABLE.c.holder == holder)
            found = writing.connection.execute(
                sa.update(_TABLE).where(*same).values(heard_at=writing.at)
            ).rowcount
            if not found:
                row = {"place": place, "holder": holder, "since": writing.at}
                writing.connection.execute(sa.insert(_TABLE).values(row | {"heard_at": writing.at}))
                _forget(writing)

    def leave(self, place: str, holder: str) -> None:
        """It waits no longer."""
        with self._database.writing() as writing:
            same = (_TABLE.c.place == place, _TABLE.c.holder == holder)
            writing.connection.execute(sa.delete(_TABLE).where(*same))

    def waiting(self, place: str = "") -> tuple[Waiting, ...]:
        """Those of a place, or of all; the longest first."""
        query = sa.select(_TABLE).order_by(_TABLE.c.place, _TABLE.c.since, _TABLE.c.holder)
        if place:
            query = query.where(_TABLE.c.place == place)
        with self._database.reading() as connection:
            return tuple(Waiting(*row) for row in connection.execute(query))


def _forget(writing: Writing) -> None:
    old = _TABLE.c.heard_at < writing.at - FORGOTTEN_SECONDS
    writing.connection.execute(sa.delete(_TABLE).where(old))
