"""Releases: one row each, from which a controller re-derives everything it must do next.

People create a row; only the holder of the place's lease moves it on. `slot` keeps a second active
release of the same service out of the same place.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from telford.basics.errors import RefusedError
from telford.store import schema
from telford.store.database import Database, Writing, columns

Json = Mapping[str, Any]
_TABLE = schema.releases
# The most rows that one page of a list may ask for.
MAX_LIST = 1000
# Databases limit how many values one query may carry.
MAX_KEYS = 500
# Services that one list may be narrowed to: those of a system or of a team.
MAX_SERVICES = 20_000


@dataclass(frozen=True, slots=True)
class Release:
    """A new version of a service on its way into one place.

    `service` is the canonical address, `name` what the data plane calls it; `digest` identifies
    the immutable release; `policy` and `state` are the JSON of `telford.deliver`; `workloads` holds
    what runs under "stable" and "canary"; `progress` is what the controller asked the place for and
    has not seen confirmed yet; `reading` the raw counters of the last tick. `tick` is the last one
    in the ledger (-1: none), counted from `created_at` in steps of `tick_seconds`. `revision` grows
    with every write.
    """

    id: str
    service: str
    name: str
    place: str
    from_version: str
    to_version: str
    digest: str
    phase: str
    policy: Json
    state: Json
    workloads: Json
    who: str
    reason: str
    tick_seconds: float
    created_at: float
    active: bool = True
    generation: int = 0
    tick: int = -1
    progress: Json = field(default_factory=dict)
    reading: Json = field(default_factory=dict)
    updated_at: float = 0.0
    finished_at: float | None = None
    epoch: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """What a list of releases asks for; "" and None ask for nothing.

    `place` is a place or a whole environment; `services` are addresses, one of which it must be;
    `phases` likewise; `version` a part of the new version's name; `since` and `until` hold for the
    begin, epoch seconds.
    """

    place: str = ""
    service: str = ""
    services: frozenset[str] | None = None
    phases: frozenset[str] | None = None
    strategy: str = ""
    who: str = ""
    version: str = ""
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """A release without what makes its row large."""

    id: str
    place: str
    to_version: str
    phase: str
    created_at: float
    finished_at: float | None


class Releases:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, release: str) -> Release | None:
        """One release by its id."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(_TABLE).where(_TABLE.c.id == release)).one_or_none()
        return None if row is None else _release(row)

    def find(
        self, *, place: str = "", service: str = "", active: bool | None = None, limit: int = 100
    ) -> tuple[Release, ...]:
        """Newest first, at most `limit` (and at most `MAX_LIST`)."""
        query = sa.select(_TABLE)
        if place:
            query = query.where(_TABLE.c.place == place)
        if service:
            query = query.where(sa.or_(_TABLE.c.service == service, _TABLE.c.name == service))
        if active is not None:
            query = query.where(_TABLE.c.slot.is_not(None) if active else _TABLE.c.slot.is_(None))
        query = query.order_by(_TABLE.c.created_at.desc(), _TABLE.c.id).limit(min(limit, MAX_LIST))
        with self._database.reading() as connection:
            return tuple(_release(row) for row in connection.execute(query))

    def search(self, query: Query, *, offset: int = 0, limit: int = 50) -> tuple[Release, ...]:
        """Newest first, at most `limit` (and at most `MAX_LIST`) beyond the first `offset`."""
        keys = (
            sa.select(_TABLE.c.id)
            .where(*_conditions(query))
            .order_by(_TABLE.c.created_at.desc(), _TABLE.c.id)
            .offset(offset)
            .limit(min(limit, MAX_LIST))
        )
        with self._database.reading() as connection:
            # The rows themselves are large: only those that are shown are read.
            chosen = list(connection.execute(keys).scalars())
        rows = {one.id: one for one in self.some(chosen)}
        return tuple(rows[key] for key in chosen if key in rows)

    def brief(self, service: str, *, limit: int = 100) -> tuple[Brief, ...]:
        """The releases of one service (its address), newest first, at most `limit`."""
        query = (
            sa.select(*(_TABLE.c[name] for name in Brief.__slots__))
            .where(_TABLE.c.service == service)
            .order_by(_TABLE.c.created_at.desc(), _TABLE.c.id)
            .limit(min(limit, MAX_LIST))
        )
        with self._database.reading() as connection:
            return tuple(Brief(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def briefs(self, releases: Iterable[str]) -> dict[str, Brief]:
        """These, by id; those that are not there are left out."""
        keys = list(releases)
        found = {}
        with self._database.reading() as connection:
            for begin in range(0, len(keys), MAX_KEYS):
                query = sa.select(*(_TABLE.c[name] for name in Brief.__slots__)).where(
                    _TABLE.c.id.in_(keys[begin : begin + MAX_KEYS])
                )
                for row in connection.execute(query):
                    found[row.id] = Brief(**row._mapping)  # noqa: SLF001
        return found

    def tally(self, query: Query) -> dict[str, int]:
        """How many releases there are in each phase, most first."""
        counted = (
            sa.select(_TABLE.c.phase, sa.func.count())
            .where(*_conditions(query))
            .group_by(_TABLE.c.phase)
        )
        with self._database.reading() as connection:
            found = [(str(phase), int(count)) for phase, count in connection.execute(counted)]
        return dict(sorted(found, key=lambda one: (-one[1], one[0])))

    def active(self, place: str) -> tuple[Release, ...]:
        """All active ones of a place, oldest first."""
        return self.some(self.revisions(place))

    def some(self, releases: Iterable[str]) -> tuple[Release, ...]:
        """These, by id, oldest first."""
        keys = list(releases)
        rows: list[Release] = []
        with self._database.reading() as connection:
            for begin in range(0, len(keys), MAX_KEYS):
                query = sa.select(_TABLE).where(_TABLE.c.id.in_(keys[begin : begin + MAX_KEYS]))
                rows += [_release(row) for row in connection.execute(query)]
        return tuple(sorted(rows, key=lambda one: (one.created_at, one.id)))

    def revisions(self, place: str = "") -> dict[str, int]:
        """Active release -> revision, oldest first, of a place or of all: the cheap "has anything
        changed?".
        """
        query = (
            sa.select(_TABLE.c.id, _TABLE.c.revision)
            .where(_TABLE.c.slot.is_not(None))
            .order_by(_TABLE.c.created_at, _TABLE.c.id)
        )
        if place:
            query = query.where(_TABLE.c.place == place)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def create(self, writing: Writing, release: Release) -> None:
        """Raises `RefusedError` where the service has an active release in the place already."""
        try:
            writing.connection.execute(sa.insert(_TABLE).values(_row(release)))
        except exc.IntegrityError as error:
            raise RefusedError(
                f"{release.service} already has a release on its way in {release.place}",
                fix=f"see `telford status {release.name}`; abort it or let it end first",
            ) from error

    def save(self, writing: Writing, releases: Iterable[Release]) -> None:
        """Write what a tick made of them. Needs the lease; each row's revision grows by one."""
        lease = writing.fenced
        rows = [
            {
                "key": release.id,
                "slot": _slot(release),
                "phase": release.phase,
                "generation": release.generation,
                "tick": release.tick,
                "state": release.state,
                "progress": release.progress,
                "reading": release.reading,
                "updated_at": writing.at,
                "finished_at": release.finished_at,
                "epoch": lease.epoch,
                "revision": release.revision + 1,
            }
            for release in releases
        ]
        if not rows:
            return
        values: dict[str, Any] = {name: sa.bindparam(name) for name in rows[0] if name != "key"}
        statement = sa.update(_TABLE).where(_TABLE.c.id == sa.bindparam("key")).values(values)
        writing.connection.execute(statement, rows)


def _conditions(query: Query) -> Iterator[sa.ColumnElement[bool]]:
    table = _TABLE.c
    if query.place:
        inside = table.place.startswith(f"{query.place}/", autoescape=True)
        yield sa.or_(table.place == query.place, inside)
    if query.service:
        yield sa.or_(table.service == query.service, table.name == query.service)
    if query.services is not None:
        yield table.service.in_(sorted(query.services)[:MAX_SERVICES])
    if query.phases is not None:
        yield table.phase.in_(sorted(query.phases))
    if query.strategy:
        yield table.strategy == query.strategy
    if query.who:
        yield table.who.icontains(query.who, autoescape=True)
    if query.version:
        yield table.to_version.icontains(query.version, autoescape=True)
    if query.since is not None:
        yield table.created_at >= query.since
    if query.until is not None:
        yield table.created_at < query.until


def _slot(release: Release) -> str | None:
    return f"{release.place} {release.service}" if release.active else None


def _row(release: Release) -> dict[str, Any]:
    row = columns(release)
    row["slot"] = _slot(release)
    row["strategy"] = release.policy.get("strategy", "canary")
    row["updated_at"] = release.updated_at or release.created_at
    del row["active"]
    return row


def _release(row: sa.Row[Any]) -> Release:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    values["active"] = values.pop("slot") is not None
    del values["strategy"]
    return Release(**values)
