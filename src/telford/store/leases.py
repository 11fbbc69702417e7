"""Leases: which controller may act in a place, with an epoch that only grows.

A controller takes the lease when it starts and beats in every tick's transaction. Another may take
over once the beat is older than the limit it is given, or at once where it knows that the holder
is gone (a dead process on the same machine). The old one's writes are refused from then on. Ages
are judged by the database's clock where it has one (`Database.writing`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from telford.basics.errors import RefusedError
from telford.store import engine as engines
from telford.store import schema
from telford.store.database import Database, Lease, Writing

_TABLE = schema.leases
# The heartbeat of a lease that was given back.
_GIVEN_BACK = 0.0


@dataclass(frozen=True, slots=True)
class Holding:
    """A lease as it stands; `heartbeat` is epoch seconds, 0 where it was given back."""

    name: str
    holder: str
    epoch: int
    heartbeat: float


class Leases:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, name: str) -> Holding | None:
        """Who holds it, or held it last."""
        with self._database.reading() as connection:
            return _get(connection, name)

    def all(self) -> tuple[Holding, ...]:
        """Every lease, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(_TABLE).order_by(_TABLE.c.name)).all()
        return tuple(Holding(row.name, row.holder, row.epoch, row.heartbeat) for row in rows)

    def holds(self, lease: Lease) -> bool:
        """Whether the lease is still the newest: asked before an effect outside of the store."""
        held = self.get(lease.name)
        return held is not None and held.epoch == lease.epoch

    def take(
        self, name: str, holder: str, limit_seconds: float, gone: Callable[[str], bool]
    ) -> Lease:
        """Take it, with a new epoch. `gone(holder)` says whether a holder surely is no more.

        Raises `RefusedError` where somebody else holds it and has been heard of lately.
        """
        with self._database.writing() as writing:
            engines.lock(writing.connection, engines.LEASE_LOCK)
            held = _get(writing.connection, name, lock=True)
            if held is None:
                row = {"name": name, "holder": holder, "epoch": 1, "heartbeat": writing.at}
                writing.connection.execute(sa.insert(_TABLE).values(row))
                return Lease(name, holder, 1)
            age = writing.at - held.heartbeat
            if age <= limit_seconds and not gone(held.holder):
                raise RefusedError(
                    f"{name} already has a controller: {held.holder}, heard of {age:.1f} s ago",
                    fix="see `telford controllers`; it may be taken over once that one has ended",
                )
            _write(writing, Lease(name, holder, held.epoch + 1), writing.at)
            return Lease(name, holder, held.epoch + 1)

    def beat(self, writing: Writing) -> None:
        """Say that the holder lives, in the transaction of whatever else is written."""
        _write(writing, writing.fenced, writing.at)

    def give_back(self, lease: Lease) -> None:
        """Let the next controller take it at once."""
        with self._database.writing(lease) as writing:
            _write(writing, lease, _GIVEN_BACK)


def _get(connection: sa.Connection, name: str, *, lock: bool = False) -> Holding | None:
    query = sa.select(_TABLE).where(_TABLE.c.name == name)
    query = query.with_for_update() if lock else query
    row = connection.execute(query).one_or_none()
    return None if row is None else Holding(row.name, row.holder, row.epoch, row.heartbeat)


def _write(writing: Writing, lease: Lease, heartbeat: float) -> None:
    writing.connection.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.name == lease.name)
        .values(holder=lease.holder, epoch=lease.epoch, heartbeat=heartbeat)
    )
