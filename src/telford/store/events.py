"""Events to be told, and how far each listener was told: a transactional outbox.

An event is written in the transaction of what it tells about, once for each id. Each subscription
has a cursor a place, moved on by the place's controller (under its lease) as events are taken by
the listener, in order; one that cannot be told after many tries is kept as lost and passed by.
A subscription that is new begins with what happens from then on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import engine as engines
from telford.store import schema
from telford.store.database import Database, Writing, columns

_EVENTS = schema.events
_CURSORS = schema.event_cursors
_LOST = schema.lost_events
MAX_LIST = 1000


@dataclass(frozen=True, slots=True)
class Event:
    """`event` is JSON of `telford.deliver.events.Event`; `sequence` grows by one with each."""

    id: str
    at: float
    place: str
    name: str
    service: str
    release: str
    event: Mapping[str, Any]
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a subscription was told of a place: `sequence` is the last event it took or that was
    given up, `attempts` the tries of the next one, which is due at `next_at` (epoch seconds).
    """

    place: str
    subscription: str
    sequence: int
    attempts: int = 0
    next_at: float = 0.0
    problem: str = ""
    told_at: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """An event that a listener did not take in any of the tries."""

    place: str
    subscription: str
    event: str
    at: float
    problem: str


class Events:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, writing: Writing, events: Iterable[Event]) -> None:
        """Write events down; one whose id is there already is left as it is."""
        new = {one.id: one for one in events}
        if not new:
            return
        # The audit log's lock: both are written in the same transactions, in this order.
        engines.lock(writing.connection, engines.AUDIT_LOCK)
        known = sa.select(_EVENTS.c.id).where(_EVENTS.c.id.in_(list(new)))
        for key in writing.connection.execute(known).scalars():
            del new[key]
        last = writing.connection.execute(sa.select(sa.func.max(_EVENTS.c.sequence))).scalar() or 0
        rows = [
            columns(one) | {"sequence": last + number, "event": dict(one.event)}
            for number, one in enumerate(new.values(), start=1)
        ]
        if rows:
            writing.connection.execute(sa.insert(_EVENTS), rows)

    def find(
        self, *, release: str = "", place: str = "", after: int = 0, limit: int = 100
    ) -> tuple[Event, ...]:
        """Newest first; with `after` those beyond a sequence, oldest first."""
        query = sa.select(_EVENTS).where(_EVENTS.c.sequence > after)
        if release:
            query = query.where(_EVENTS.c.release == release)
        if place:
            query = query.where(_EVENTS.c.place == place)
        order = _EVENTS.c.sequence if after else _EVENTS.c.sequence.desc()
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(order).limit(min(limit, MAX_LIST)))
            return tuple(Event(**row._mapping) for row in found)  # noqa: SLF001

    def newest(self, place: str) -> int:
        """The sequence of a place's last event; 0 where there is none."""
        query = sa.select(sa.func.max(_EVENTS.c.sequence)).where(_EVENTS.c.place == place)
        with self._database.reading() as connection:
            return connection.execute(query).scalar() or 0

    def following(self, place: str, after: int, limit: int) -> tuple[Event, ...]:
        """A place's events beyond a sequence, oldest first, also beyond 0."""
        query = (
            sa.select(_EVENTS)
            .where(_EVENTS.c.place == place, _EVENTS.c.sequence > after)
            .order_by(_EVENTS.c.sequence)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(Event(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def cursors(self, place: str = "") -> tuple[Cursor, ...]:
        """How far everybody was told."""
        query = sa.select(_CURSORS).order_by(_CURSORS.c.place, _CURSORS.c.subscription)
        if place:
            query = query.where(_CURSORS.c.place == place)
        with self._database.reading() as connection:
            return tuple(Cursor(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def move(self, writing: Writing, cursor: Cursor) -> None:
        """Keep a cursor. Needs the lease of its place."""
        assert writing.fenced.name == cursor.place, "only the place's controller tells its events"
        same = (
            _CURSORS.c.place == cursor.place,
            _CURSORS.c.subscription == cursor.subscription,
        )
        row = columns(cursor)
        update = sa.update(_CURSORS).where(*same).values(row)
        if not writing.connection.execute(update).rowcount:
            writing.connection.execute(sa.insert(_CURSORS).values(row))

    def lose(self, writing: Writing, lost: Lost) -> None:
        """Keep what could not be told. Needs the lease of its place."""
        assert writing.fenced.name == lost.place, "only the place's controller tells its events"
        same = (
            _LOST.c.place == lost.place,
            _LOST.c.subscription == lost.subscription,
            _LOST.c.event == lost.event,
        )
        writing.connection.execute(sa.delete(_LOST).where(*same))
        writing.connection.execute(sa.insert(_LOST).values(columns(lost)))

    def lost(self, limit: int = 100) -> tuple[Lost, ...]:
        """Newest first."""
        query = sa.select(_LOST).order_by(_LOST.c.at.desc(), _LOST.c.event).limit(limit)
        with self._database.reading() as connection:
            return tuple(Lost(**row._mapping) for row in connection.execute(query))  # noqa: SLF001
