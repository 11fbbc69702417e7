"""Changes of Git folders that are owed or made: the queue that outlives Git being away.

A row is written in the transaction that decides it and moved on only under the lease of its place.
Its id is made of what it is about, so that deciding twice is deciding once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from telford.store import schema
from telford.store.database import Database, Writing, columns

_TABLE = schema.git_changes
OWED, ASKED, DONE, SUPERSEDED, STUCK = "owed", "asked", "done", "superseded", "stuck"
OPEN = (OWED, ASKED)
MAX_LIST = 1000


@dataclass(frozen=True, slots=True)
class GitChange:
    """One change of a place's folder for one service.

    `purpose` is promote, rollback, reapply or lift; `generation` the binding's, `change` what to
    write (`telford.deliver.gitchange.Change` as JSON). `state`: owed, asked (a change request is
    open), done, superseded by a newer one, stuck (a person must look; it is
    tried again now and then). `commit` is set once it is
    made, `url` where a change request is.
    """

    id: str
    place: str
    service: str
    purpose: str
    generation: int
    digest: str
    change: Mapping[str, Any]
    at: float
    state: str = OWED
    commit: str = ""
    url: str = ""
    attempts: int = 0
    next_at: float = 0.0
    done_at: float | None = None
    problem: str = ""
    epoch: int = 0


class GitChanges:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owe(self, writing: Writing, one: GitChange) -> bool:
        """Write it down; what was owed before for the same service is superseded. False where this
        very change is known.
        """
        lease = writing.fenced
        known = sa.select(_TABLE.c.id).where(_TABLE.c.id == one.id)
        if writing.connection.execute(known).one_or_none() is not None:
            return False
        writing.connection.execute(
            sa.update(_TABLE)
            .where(
                _TABLE.c.place == one.place,
                _TABLE.c.service == one.service,
                _TABLE.c.state.in_((*OPEN, STUCK)),
            )
            .values(state=SUPERSEDED, done_at=writing.at, epoch=lease.epoch)
        )
        writing.connection.execute(
            sa.insert(_TABLE).values(columns(replace(one, epoch=lease.epoch)))
        )
        return True

    def save(self, writing: Writing, one: GitChange) -> None:
        """How it stands now. Needs the lease."""
        lease = writing.fenced
        values = {
            name: getattr(one, name)
            for name in ("state", "commit", "url", "attempts", "next_at", "done_at", "problem")
        }
        writing.connection.execute(
            sa.update(_TABLE).where(_TABLE.c.id == one.id).values(**values, epoch=lease.epoch)
        )

    def get(self, key: str) -> GitChange | None:
        """One by its id."""
        found = self._some(_TABLE.c.id == key)
        return found[0] if found else None

    def open(self, place: str) -> tuple[GitChange, ...]:
        """Owed, asked or stuck ones of a place, oldest first."""
        return self._some(_TABLE.c.place == place, _TABLE.c.state.in_((*OPEN, STUCK)))

    def of(self, place: str, service: str) -> tuple[GitChange, ...]:
        """All of a service in a place, oldest first."""
        return self._some(_TABLE.c.place == place, _TABLE.c.service == service)

    def _some(self, *asked: sa.ColumnElement[bool]) -> tuple[GitChange, ...]:
        query = (
            sa.select(_TABLE)
            .where(*asked)
            .order_by(_TABLE.c.at.desc(), _TABLE.c.generation.desc(), _TABLE.c.id)
            .limit(MAX_LIST)
        )
        with self._database.reading() as connection:
            rows = [GitChange(**row._mapping) for row in connection.execute(query)]  # noqa: SLF001
        return tuple(reversed(rows))
