"""Bindings: which version of a service is the stable one in a place, now and before.

Also issues generations: every order to a place about a service carries one, and they only grow,
so that an order which was overtaken can be told from a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.bindings
_HISTORY = schema.binding_history


@dataclass(frozen=True, slots=True)
class Bound:
    """The stable version of `service` (canonical address; `name` in the data plane) in `place`.

    `generation` is the one under which it became stable, `issued` the last one given out for the
    service; `workload` is what runs, as plain JSON; `release` brought it, or None.
    """

    place: str
    service: str
    name: str
    version: str
    digest: str
    generation: int
    issued: int
    workload: Mapping[str, Any]
    release: str | None
    since: float


@dataclass(frozen=True, slots=True)
class Past:
    """One line of a service's history in a place; `workload` is what ran, with its configuration,
    None where that was not kept yet.
    """

    place: str
    service: str
    generation: int
    version: str
    digest: str
    release: str | None
    who: str
    at: float
    workload: Mapping[str, Any] | None = None


class Bindings:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, place: str, service: str) -> Bound | None:
        """The binding of one service, or None where it has never run there."""
        with self._database.reading() as connection:
            return _get(connection, place, service)

    def of(self, place: str) -> tuple[Bound, ...]:
        """All of a place, by service."""
        query = sa.select(_TABLE).where(_TABLE.c.place == place).order_by(_TABLE.c.service)
        with self._database.reading() as connection:
            return tuple(Bound(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def releases(self, place: str) -> frozenset[str]:
        """The releases that brought what is stable in a place now."""
        query = sa.select(_TABLE.c.release).where(
            _TABLE.c.place == place, _TABLE.c.release.is_not(None)
        )
        with self._database.reading() as connection:
            return frozenset(connection.execute(query).scalars())

    def everywhere(self, service: str) -> tuple[Bound, ...]:
        """A service's bindings in all places, by place."""
        query = sa.select(_TABLE).where(_TABLE.c.service == service).order_by(_TABLE.c.place)
        with self._database.reading() as connection:
            return tuple(Bound(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def history(self, place: str, service: str, limit: int = 100) -> tuple[Past, ...]:
        """Newest first."""
        query = (
            sa.select(_HISTORY)
            .where(_HISTORY.c.place == place, _HISTORY.c.service == service)
            .order_by(_HISTORY.c.generation.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(Past(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def issue(self, writing: Writing, place: str, service: str, count: int = 1) -> int:
        """Give out `count` generations for a service that has a binding; the first is returned."""
        bound = _get(writing.connection, place, service, lock=True)
        assert bound is not None, f"{service} has no binding in {place}: nothing to fence"
        writing.connection.execute(
            sa.update(_TABLE)
            .where(_TABLE.c.place == place, _TABLE.c.service == service)
            .values(issued=bound.issued + count)
        )
        return bound.issued + 1

    def seen(self, writing: Writing, place: str, service: str, generation: int) -> None:
        """Take note that a place may have seen this generation; lower ones change nothing."""
        writing.connection.execute(
            sa.update(_TABLE)
            .where(
                _TABLE.c.place == place, _TABLE.c.service == service, _TABLE.c.issued < generation
            )
            .values(issued=generation)
        )

    def bind(self, writing: Writing, bound: Bound, who: str) -> None:
        """Make a version the stable one. Needs the lease; the same again changes nothing."""
        assert writing.fenced.name == bound.place, "the lease is of another place"
        before = _get(writing.connection, bound.place, bound.service, lock=True)
        if before is not None and before.generation == bound.generation:
            return
        issued = max(bound.issued, bound.generation, before.issued if before else 0)
        values = columns(bound)
        values["issued"] = issued
        if before is None:
            writing.connection.execute(sa.insert(_TABLE).values(values))
        else:
            writing.connection.execute(
                sa.update(_TABLE)
                .where(_TABLE.c.place == bound.place, _TABLE.c.service == bound.service)
                .values(values)
            )
        past = {
            name: values[name]
            for name in (
                "place",
                "service",
                "generation",
                "version",
                "digest",
                "release",
                "workload",
            )
        }
        writing.connection.execute(sa.insert(_HISTORY).values(**past, who=who, at=writing.at))


def _get(
    connection: sa.Connection, place: str, service: str, *, lock: bool = False
) -> Bound | None:
    query = sa.select(_TABLE).where(_TABLE.c.place == place, _TABLE.c.service == service)
    query = query.with_for_update() if lock else query
    row = connection.execute(query).one_or_none()
    return None if row is None else Bound(**row._mapping)  # noqa: SLF001
