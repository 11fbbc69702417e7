"""Rollouts: a version on its way through several places, each with a release of its own.

A row is written once, with the releases it begins, and never changed: how a rollout stands follows
from its releases (`telford.deliver.waves`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.rollouts
MAX_LIST = 200


@dataclass(frozen=True, slots=True)
class Rollout:
    """`service` is the canonical address, `name` what data planes call it; `waves` the JSON of
    `telford.deliver.waves.Waves`; `releases` maps each place to its release's id; `created_at` is
    epoch seconds.
    """

    id: str
    service: str
    name: str
    to_version: str
    digest: str
    waves: Mapping[str, Any]
    releases: Mapping[str, str]
    who: str
    reason: str
    created_at: float


class Rollouts:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, writing: Writing, rollout: Rollout) -> None:
        """Write it down, in the transaction of its releases."""
        writing.connection.execute(sa.insert(_TABLE).values(columns(rollout)))

    def get(self, rollout: str) -> Rollout | None:
        """One by its id."""
        query = sa.select(_TABLE).where(_TABLE.c.id == rollout)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Rollout(**row._mapping)  # noqa: SLF001

    def find(self, *, service: str = "", limit: int = 50) -> tuple[Rollout, ...]:
        """Newest first, at most `limit` (and at most `MAX_LIST`)."""
        query = sa.select(_TABLE)
        if service:
            query = query.where(sa.or_(_TABLE.c.service == service, _TABLE.c.name == service))
        query = query.order_by(_TABLE.c.created_at.desc(), _TABLE.c.id).limit(min(limit, MAX_LIST))
        with self._database.reading() as connection:
            return tuple(Rollout(**row._mapping) for row in connection.execute(query))  # noqa: SLF001
