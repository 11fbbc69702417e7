"""Transactions: reads that see one moment, writes that are fenced by the epoch of a lease.

Every noun module reads through `Database.reading` and writes inside a `Writing`, which its caller
opens, so that what belongs together is committed together.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.basics import clock as clocks
from telford.basics.errors import RefusedError
from telford.store import engine as engines
from telford.store import schema


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to be the one controller of `name` (a place), as long as `epoch` is the newest."""

    name: str
    holder: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Writing:
    """One write transaction. `lease` is None for what people do; `at` is when it began."""

    connection: sa.Connection
    at: float
    lease: Lease | None

    @property
    def fenced(self) -> Lease:
        """The lease; what writes a release's progress must have one."""
        assert self.lease is not None, "a release's progress is written under a lease only"
        return self.lease


class Database:
    """An engine, its clock, and the two kinds of transaction."""

    def __init__(self, url: str, clock: clocks.Clock) -> None:
        self.url = url
        self.clock = clock
        self.engine = engines.open_engine(url)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A read transaction: all its queries see the same moment."""
        with engines.wrapped(self.url), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[Writing]:
        """A write transaction, committed at the end of the block or not at all.

        Raises `RefusedError` and changes nothing where `lease` is no longer the newest;
        `TemporaryError` where the disk is full or another writer holds on too long.
        """
        with engines.wrapped(self.url), self.engine.connect() as plain:
            connection = plain.execution_options(**{engines.WRITE_OPTION: True})
            with connection.begin():
                if lease is not None:
                    check_epoch(connection, lease)
                yield Writing(connection, self.clock.now(), lease)


def columns(record: Any) -> dict[str, Any]:
    """A row's dataclass as column values; JSON values are handed on, not copied."""
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


def check_epoch(connection: sa.Connection, lease: Lease) -> None:
    """Refuse a lease that a newer controller has taken over. The row stays locked."""
    table = schema.leases
    newest = connection.execute(
        sa.select(table.c.epoch).where(table.c.name == lease.name).with_for_update()
    ).scalar_one_or_none()
    if newest != lease.epoch:
        raise RefusedError(
            f"this controller's lease on {lease.name} (epoch {lease.epoch}) was taken over by "
            f"epoch {newest}; nothing was written",
            fix="nothing to do: the newer controller goes on",
        )
