"""Objectives as they stood when they were last evaluated: one row a place and objective."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.objectives


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An objective's state at `at`, in it `since`; `evaluation` is JSON of `telford.operate`."""

    place: str
    objective: str
    service: str
    at: float
    since: float
    state: str
    evaluation: Mapping[str, Any]


class Objectives:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, place: str, service: str = "") -> tuple[Evaluated, ...]:
        """All of a place (or of one service in it), by objective."""
        query = sa.select(_TABLE).where(_TABLE.c.place == place).order_by(_TABLE.c.objective)
        if service:
            query = query.where(_TABLE.c.service == service)
        with self._database.reading() as connection:
            return tuple(Evaluated(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def states(self, services: Iterable[str], states: Iterable[str]) -> dict[tuple[str, str], str]:
        """(place, service) -> the state of its first objective that is in one of `states`."""
        table = _TABLE.c
        query = (
            sa.select(table.place, table.service, table.state)
            .where(table.service.in_(sorted(services)), table.state.in_(sorted(states)))
            .order_by(table.objective)
        )
        found: dict[tuple[str, str], str] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault((row.place, row.service), row.state)
        return found

    def get(self, place: str, objective: str) -> Evaluated | None:
        """One objective by its canonical address."""
        return next((one for one in self.of(place) if one.objective == objective), None)

    def record(
        self, writing: Writing, evaluated: Iterable[Evaluated]
    ) -> tuple[tuple[str, str, str], ...]:
        """Replace the rows; returns the changes of state as (objective, before, after)."""
        place = writing.fenced.name
        before = self._states(writing.connection, place)
        changes = []
        for one in evaluated:
            state, since = before.get(one.objective, ("", one.at))
            if state != one.state:
                changes.append((one.objective, state, one.state))
                since = one.at
            row = columns(one) | {"since": since, "evaluation": dict(one.evaluation)}
            _upsert(writing.connection, row, exists=one.objective in before)
        return tuple(changes)

    @staticmethod
    def _states(connection: sa.Connection, place: str) -> dict[str, tuple[str, float]]:
        query = sa.select(_TABLE.c.objective, _TABLE.c.state, _TABLE.c.since).where(
            _TABLE.c.place == place
        )
        return {row.objective: (row.state, row.since) for row in connection.execute(query)}


def _upsert(connection: sa.Connection, row: dict[str, Any], *, exists: bool) -> None:
    if not exists:
        connection.execute(sa.insert(_TABLE).values(row))
        return
    key = (_TABLE.c.place == row["place"], _TABLE.c.objective == row["objective"])
    connection.execute(sa.update(_TABLE).where(*key).values(row))
