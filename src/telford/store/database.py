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


class SharedClock:
    """The process's clock, put right by what the database's own said last.

    Controllers on several machines judge leases and count ticks by one clock this way, whatever
    theirs say. On SQLite there is one machine and nothing to put right.
    """

    def __init__(self, clock: clocks.Clock) -> None:
        self._clock = clock
        self._ahead_seconds = 0.0

    def now(self) -> float:
        """See `telford.basics.clock.Clock.now`."""
        return self._clock.now() + self._ahead_seconds

    def monotonic(self) -> float:
        """See `telford.basics.clock.Clock.monotonic`."""
        return self._clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `telford.basics.clock.Clock.sleep`."""
        self._clock.sleep(seconds)

    def put_right(self, now: float) -> None:
        """What the database says that it is."""
        self._ahead_seconds = now - self._clock.now()


class Database:
    """An engine, its clock, and the two kinds of transaction. With `own_clock` the process's clock
    is taken for right also where the database has one: simulations move theirs by hand.
    """

    def __init__(self, url: str, clock: clocks.Clock, *, own_clock: bool = False) -> None:
        self.url = url
        self.clock = SharedClock(clock)
        self.engine = engines.open_engine(url)
        self._own_clock = own_clock

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
                yield Writing(connection, self._moment(connection), lease)

    def now(self) -> float:
        """What the database's clock says (the process's, where it has none)."""
        with self.reading() as connection:
            return self._moment(connection)

    def _moment(self, connection: sa.Connection) -> float:
        """Now, by the database's clock where it has one (0.1 ms; a tick asks once)."""
        told = None if self._own_clock else engines.database_time(connection)
        if told is not None:
            self.clock.put_right(told)
        return self.clock.now()


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
            fix="nothing to do: the newer controller goes on with its releases",
        )
