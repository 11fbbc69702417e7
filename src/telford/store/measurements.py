"""Measurements: how many events there were and how many were bad, exactly, in bounded space.

Each tick adds the increase since the last one. Old ticks are summed into slots of a minute, those
into slots of a quarter of an hour, those into slots of an hour, which are dropped after the longest
period an objective may have. Every event is in exactly one row at any time, so sums of counts are
exact; a window's edge is as sharp as the rows that lie there (a tick within 15 minutes, a minute
within 7 hours, a quarter of an hour within 4 days, an hour beyond).
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.measurements
_KEY = (_TABLE.c.place, _TABLE.c.address, _TABLE.c.sli, _TABLE.c.width, _TABLE.c.at)


@dataclass(frozen=True, slots=True)
class Level:
    """Rows of `width` seconds are kept for `keep_seconds`, then summed into the next level's."""

    width: int
    keep_seconds: float


# 15 minutes of ticks cover the shortest burn-rate window and the portal's live charts; 7 hours of
# minutes the 6 h window; 4 days of quarters the 3 d window; 100 days of hours a quarter of a year.
LEVELS = (
    Level(0, 900.0),
    Level(60, 7 * 3600.0),
    Level(900, 4 * 86_400.0),
    Level(3600, 100 * 86_400.0),
)
# One rollup moves at most this many rows of a level; what is left waits for the next one.
MAX_MOVED = 200_000
# Rows that one chart may ask for.
MAX_SERIES = 20_000


@dataclass(frozen=True, slots=True)
class Measurement:
    """`total` events of which `bad`: in the tick that ended at `at` (`width` 0), or in the slot of
    `width` seconds that began at `at`. `address` is a service's, `sli` names what makes one bad.
    """

    place: str
    address: str
    sli: str
    width: int
    at: float
    total: int
    bad: int


@dataclass(frozen=True, slots=True)
class Sum:
    """Events of one window."""

    total: int
    bad: int


class Measurements:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, writing: Writing, rows: Iterable[Measurement]) -> None:
        """Add a tick's increases. Needs the lease."""
        place = writing.fenced.name
        values = [columns(row) for row in rows]
        assert all(row["place"] == place for row in values), "the lease is of another place"
        if values:
            writing.connection.execute(sa.insert(_TABLE), values)

    def sums(
        self, place: str, windows: Mapping[str, float]
    ) -> dict[tuple[str, str], dict[str, Sum]]:
        """(address, sli) -> window's name -> its events. `windows` maps a name to the moment since
        which events count; all windows end now.
        """
        if not windows:
            return {}
        columns = []
        for index, since in enumerate(windows.values()):
            inside = _TABLE.c.at >= since
            columns.append(_sum(inside, _TABLE.c.total).label(f"total{index}"))
            columns.append(_sum(inside, _TABLE.c.bad).label(f"bad{index}"))
        query = (
            sa.select(_TABLE.c.address, _TABLE.c.sli, *columns)
            .where(_TABLE.c.place == place, _TABLE.c.at >= min(windows.values()))
            .group_by(_TABLE.c.address, _TABLE.c.sli)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {
            (row[0], row[1]): {
                name: Sum(int(row[2 + 2 * index]), int(row[3 + 2 * index]))
                for index, name in enumerate(windows)
            }
            for row in rows
        }

    def series(self, place: str, address: str, sli: str, since: float) -> tuple[Measurement, ...]:
        """The rows of one SLI since a moment, in order of time, for charts; at most `MAX_SERIES`,
        the newest.
        """
        query = (
            sa.select(_TABLE)
            .where(
                _TABLE.c.place == place,
                _TABLE.c.address == address,
                _TABLE.c.sli == sli,
                _TABLE.c.at >= since,
            )
            .order_by(_TABLE.c.at.desc(), _TABLE.c.width)
            .limit(MAX_SERIES)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Measurement(**row._mapping) for row in reversed(rows))  # noqa: SLF001

    def roll_up(self, writing: Writing) -> int:
        """Sum what has grown old into wider slots, drop what is beyond the last level; the number
        of rows that went. Needs the lease.
        """
        place = writing.fenced.name
        gone = 0
        for level, wider in itertools.pairwise(LEVELS):
            edge = (writing.at - level.keep_seconds) // wider.width * wider.width
            gone += _move(writing.connection, place, level.width, wider.width, edge)
        last = LEVELS[-1]
        old = (
            _TABLE.c.place == place,
            _TABLE.c.width == last.width,
            _TABLE.c.at < writing.at - last.keep_seconds,
        )
        return gone + writing.connection.execute(sa.delete(_TABLE).where(*old)).rowcount


def _sum(inside: sa.ColumnElement[bool], column: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(sa.case((inside, column), else_=0)), 0)


def _move(connection: sa.Connection, place: str, width: int, wider: int, edge: float) -> int:
    """Whole slots only: everything before `edge`, a multiple of `wider`."""
    narrow = (_TABLE.c.place == place, _TABLE.c.width == width, _TABLE.c.at < edge)
    query = sa.select(_TABLE).where(*narrow).order_by(_TABLE.c.at).limit(MAX_MOVED)
    rows = connection.execute(query).all()
    if len(rows) == MAX_MOVED:
        edge = rows[-1].at // wider * wider
        rows = [row for row in rows if row.at < edge]
    slots: dict[tuple[str, str, float], tuple[int, int]] = {}
    for row in rows:
        key = (row.address, row.sli, row.at // wider * wider)
        total, bad = slots.get(key, (0, 0))
        slots[key] = (total + row.total, bad + row.bad)
    for (address, sli, at), (total, bad) in slots.items():
        _merge(connection, Measurement(place, address, sli, wider, at, total, bad))
    if rows:
        until = _TABLE.c.at < edge
        connection.execute(sa.delete(_TABLE).where(*narrow[:2], until))
    return len(rows)


def _merge(connection: sa.Connection, slot: Measurement) -> None:
    """Add to the slot; it is there already only where the machine's clock went back."""
    values = columns(slot)
    same = [column == values[column.name] for column in _KEY]
    found = connection.execute(
        sa.update(_TABLE)
        .where(*same)
        .values(total=_TABLE.c.total + slot.total, bad=_TABLE.c.bad + slot.bad)
    ).rowcount
    if not found:
        connection.execute(sa.insert(_TABLE).values(values))
