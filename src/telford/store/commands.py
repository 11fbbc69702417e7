"""Commands: what people ask of a release, in writing, for whichever process runs the controller.

A command is taken in the same transaction as the state that it leads to, so it is obeyed once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from telford.basics.errors import UsageError
from telford.store import schema
from telford.store.database import Database, Writing, columns

VERBS = ("promote", "step", "abort", "pause", "resume", "hold")
_TABLE = schema.commands
# A tick takes no more than this at once; the rest waits for the next one.
MAX_PENDING = 1000


@dataclass(frozen=True, slots=True)
class Command:
    """`id` is chosen by who asks, so that asking twice is asking once. `taken_at` is None until
    the controller has obeyed or refused; `outcome` says which.
    """

    id: str
    release: str
    verb: str
    who: str
    reason: str
    asked_at: float
    taken_at: float | None = None
    outcome: str = ""


class Commands:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, writing: Writing, command: Command) -> bool:
        """Write it down; False where one of the same id is there already."""
        if command.verb not in VERBS:
            raise UsageError(f"no such command: {command.verb}", fix=f"one of {', '.join(VERBS)}")
        known = sa.select(_TABLE.c.id).where(_TABLE.c.id == command.id)
        if writing.connection.execute(known).one_or_none() is not None:
            return False
        writing.connection.execute(sa.insert(_TABLE).values(columns(command)))
        return True

    def get(self, command: str) -> Command | None:
        """One command by its id."""
        query = sa.select(_TABLE).where(_TABLE.c.id == command)
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Command(**row._mapping)  # noqa: SLF001

    def pending(self, place: str) -> tuple[Command, ...]:
        """Not taken yet, for releases of a place, in the order they were asked."""
        query = (
            sa.select(_TABLE)
            .join(schema.releases, schema.releases.c.id == _TABLE.c.release)
            .where(_TABLE.c.taken_at.is_(None), schema.releases.c.place == place)
            .order_by(_TABLE.c.asked_at, _TABLE.c.id)
            .limit(MAX_PENDING)
        )
        with self._database.reading() as connection:
            return tuple(Command(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def of(self, release: str) -> tuple[Command, ...]:
        """All of a release, in the order they were asked."""
        query = sa.select(_TABLE).where(_TABLE.c.release == release).order_by(_TABLE.c.asked_at)
        with self._database.reading() as connection:
            return tuple(Command(**row._mapping) for row in connection.execute(query))  # noqa: SLF001

    def take(self, writing: Writing, outcomes: Iterable[tuple[str, str]]) -> None:
        """Mark (id, outcome) pairs as taken now. Needs the lease."""
        assert writing.lease is not None, "only a controller takes commands"
        rows: Sequence[dict[str, object]] = [
            {"key": key, "outcome": outcome, "taken_at": writing.at} for key, outcome in outcomes
        ]
        if rows:
            statement = (
                sa.update(_TABLE)
                .where(_TABLE.c.id == sa.bindparam("key"), _TABLE.c.taken_at.is_(None))
                .values(outcome=sa.bindparam("outcome"), taken_at=sa.bindparam("taken_at"))
            )
            writing.connection.execute(statement, rows)
