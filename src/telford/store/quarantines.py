"""Quarantines: versions kept out of places; lifted by people, never removed."""

import sqlalchemy as sa

from telford.deliver.quarantine import Quarantine
from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.quarantines
MAX_LIST = 1000


class Quarantines:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, writing: Writing, one: Quarantine) -> bool:
        """Write it down; False where one of the same id is there, lifted or not."""
        known = sa.select(_TABLE.c.id).where(_TABLE.c.id == one.id)
        if writing.connection.execute(known).one_or_none() is not None:
            return False
        writing.connection.execute(sa.insert(_TABLE).values(columns(one)))
        return True

    def get(self, key: str) -> Quarantine | None:
        """One by its id."""
        found = self._some(_TABLE.c.id == key)
        return found[0] if found else None

    def of(
        self, place: str = "", service: str = "", *, active: bool = True
    ) -> tuple[Quarantine, ...]:
        """Those of a place and a service ("" for all), newest first; all where `active` is False."""
        asked: list[sa.ColumnElement[bool]] = [_TABLE.c.lifted_at.is_(None)] if active else []
        asked += [_TABLE.c.place == place] if place else []
        asked += [_TABLE.c.service == service] if service else []
        return self._some(*asked)

    def lift(self, writing: Writing, key: str, who: str, reason: str) -> bool:
        """Let the version in again; False where it was lifted already or never there."""
        done = writing.connection.execute(
            sa.update(_TABLE)
            .where(_TABLE.c.id == key, _TABLE.c.lifted_at.is_(None))
            .values(lifted_at=writing.at, lifted_by=who, lift_reason=reason)
        )
        return bool(done.rowcount)

    def returned(self, writing: Writing, key: str, *, alarm: bool) -> None:
        """It came back: counted once more, or said to be too often. Needs the lease."""
        assert writing.lease is not None, "only a controller takes a version out"
        values = {"alarm": writing.at} if alarm else {"returns": _TABLE.c.returns + 1}
        writing.connection.execute(sa.update(_TABLE).where(_TABLE.c.id == key).values(values))

    def _some(self, *asked: sa.ColumnElement[bool]) -> tuple[Quarantine, ...]:
        query = (
            sa.select(_TABLE)
            .where(*asked)
            .order_by(_TABLE.c.at.desc(), _TABLE.c.id)
            .limit(MAX_LIST)
        )
        with self._database.reading() as connection:
            return tuple(Quarantine(**row._mapping) for row in connection.execute(query))  # noqa: SLF001
