"""Versions: immutable releases by their digest, and what each place gave them.

A row is written once and never changed. `telford.store.releases` are the journeys of a version into
a place; this is what travels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.versions


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable release of a service; `contents` are what its digest is the hash of."""

    service: str
    digest: str
    version: str
    image: str
    at: float
    contents: Mapping[str, Any] = field(default_factory=dict)


class Versions:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, writing: Writing, one: Version) -> None:
        """Write it down; the same digest again changes nothing."""
        if _get(writing.connection, one.service, one.digest) is None:
            writing.connection.execute(sa.insert(_TABLE).values(columns(one)))

    def get(self, service: str, digest: str) -> Version | None:
        """One by its digest."""
        with self._database.reading() as connection:
            return _get(connection, service, digest)


def _get(connection: sa.Connection, service: str, digest: str) -> Version | None:
    query = sa.select(_TABLE).where(_TABLE.c.service == service, _TABLE.c.digest == digest)
    row = connection.execute(query).one_or_none()
    return None if row is None else Version(**row._mapping)  # noqa: SLF001
