"""What a data store knows of its own changes: the table `telford_data_changes`, a row a step.

The truth about a step stands where the data are, in the transaction that changed them: status, the
key up to which rows are done, and the highest generation that was seen. A caller with a lower one
is refused. Used by `batches`, `child` and `runner`; each call is inside a caller's transaction.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from telford.basics.errors import PermanentError, RefusedError
from telford.deliver.data_changes import DataStep, DataView, aligned
from telford.ports.data import DataTask

NAME = "telford_data_changes"
metadata = sa.MetaData()
changes = sa.Table(
    NAME,
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("cursor", sa.Text, nullable=True),
    sa.Column("done", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("left_over", sa.BigInteger, nullable=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("changed_at", sa.Double, nullable=False),
)
# What may be tuned while a step is under way; all other settings are what the step is.
_TUNING = frozenset(
    {
        "batch",
        "pause",
        "lock_timeout",
        "statement_timeout",
        "lock_attempts",
        "url",
        "folder",
        "environment",
        "when",
        "after",
        "shared",
        "down",
        "remaining",
        "compatible",
    }
)
# Any constant number will do for the one lock under which the table is made.
_MAKING = 7_301_422


@dataclass(frozen=True, slots=True)
class Row:
    """A step as the data store has it."""

    service: str
    step: str
    phase: str
    version: str
    place: str
    generation: int
    fingerprint: str
    status: str
    cursor: str | None
    done: int
    total: int
    left_over: int | None
    turn: int
    tries: int
    why: str
    changed_at: float

    @property
    def view(self) -> DataView:
        """For people and for whoever waits."""
        return DataView(
            self.step, self.phase, self.status, self.done, self.total, self.why, self.turn
        )


def make(connection: sa.Connection) -> None:
    """The table, where it is not there yet; several may ask at once."""
    if sa.inspect(connection).has_table(NAME):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING)))
    metadata.create_all(connection, checkfirst=True)


def fingerprint(step: DataStep) -> str:
    """What a step is, so that another one of its name is noticed."""
    parts = [step.phase, *(f"{k}={v}" for k, v in sorted(step.settings) if k not in _TUNING)]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def claim(
    connection: sa.Connection, task: DataTask, step: DataStep, generation: int, now: float
) -> Row:
    """The step's row, locked until the transaction ends, at our generation.

    Raises `RefusedError` where a higher one was seen, `PermanentError` where another step of this
    name was begun before. A row that is done, or that another place has taken on, is given as it is.
    """
    make(connection)
    row = locked(connection, task.service, step.name)
    if row is None:
        _insert(connection, task, step, generation, now)
        row = locked(connection, task.service, step.name)
        assert row is not None, "it was just inserted"
    if row.fingerprint != fingerprint(step):
        raise PermanentError(
            f"a data step {step.name} of {task.service} with other content was begun before, for "
            f"version {row.version}",
            fix="give the new one another name",
        )
    if row.status == "done" or (row.generation > generation and row.place != task.place):
        return row
    if row.generation > generation:
        raise RefusedError(
            f"the data step {step.name} is at generation {row.generation}; {generation} comes late"
        )
    fields = {"generation": generation, "place": task.place, "version": task.version}
    if row.status != "running":
        fields |= {"status": "running", "why": "", "tries": 0}
        return write(connection, row, fields, now)
    # Asking is no work: or a rest that is longer than a call would begin anew at each of them.
    return write(connection, row, fields | {"changed_at": row.changed_at}, now)


def mine(row: Row, task: DataTask, generation: int) -> bool:
    """Whether the row is ours to work on: not done, not another place's."""
    return row.status == "running" and row.place == task.place and row.generation == generation


def locked(connection: sa.Connection, service: str, step: str) -> Row | None:
    """One row, locked until the transaction ends."""
    where = (changes.c.service == service, changes.c.step == step)
    found = connection.execute(sa.select(changes).where(*where).with_for_update()).one_or_none()
    return None if found is None else _row(found)


def write(connection: sa.Connection, row: Row, fields: Mapping[str, Any], now: float) -> Row:
    """Change a row that is locked; the turn grows."""
    values = {"turn": row.turn + 1, "changed_at": now, **fields}
    where = (changes.c.service == row.service, changes.c.step == row.step)
    connection.execute(sa.update(changes).where(*where).values(values))
    found = connection.execute(sa.select(changes).where(*where)).one()
    return _row(found)


def remove(connection: sa.Connection, row: Row) -> None:
    """Forget a step that was taken back."""
    where = (changes.c.service == row.service, changes.c.step == row.step)
    connection.execute(sa.delete(changes).where(*where))


def views(connection: sa.Connection, task: DataTask) -> tuple[DataView, ...]:
    """How all steps of a task stand, without a lock."""
    if not sa.inspect(connection).has_table(NAME):
        return aligned(task.steps, ())
    query = sa.select(changes).where(changes.c.service == task.service)
    return aligned(task.steps, [_row(one).view for one in connection.execute(query)])


def _row(found: Any) -> Row:
    return Row(**found._mapping)  # noqa: SLF001 - the one way to a row's columns by name


def _insert(
    connection: sa.Connection, task: DataTask, step: DataStep, generation: int, now: float
) -> None:
    values = {
        "service": task.service,
        "step": step.name,
        "phase": step.phase,
        "version": task.version,
        "place": task.place,
        "generation": generation,
        "fingerprint": fingerprint(step),
        "status": "waiting",
        "done": 0,
        "total": 0,
        "turn": 0,
        "tries": 0,
        "why": "",
        "changed_at": now,
    }
    if connection.dialect.name == "postgresql":
        made = postgresql.insert(changes).values(values).on_conflict_do_nothing()
        connection.execute(made)
    else:
        connection.execute(sa.insert(changes).prefix_with("OR IGNORE").values(values))
