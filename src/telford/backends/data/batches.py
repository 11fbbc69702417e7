"""Rows changed in batches, each with its progress in one transaction: a kill anywhere loses nothing
and changes no row twice.

A batch is the next `batch` rows after the cursor in the order of the key. The transaction locks the
step's row in the ledger first (whoever else works on it waits there, and is refused if it was
overtaken), runs the statement, moves the cursor, and commits. Called by `runner`.
"""

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from telford.backends.data import address as addresses
from telford.backends.data import ledger
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError
from telford.deliver.data_changes import DataStep
from telford.ports.data import DataTask

# Below this many rows (by the planner's own guess) a table is counted exactly.
COUNTED = 100_000
_DECODE: dict[str, Callable[[str], Any]] = {
    "int": int,
    "str": str,
    "uuid": uuid.UUID,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "decimal": decimal.Decimal,
}
_KINDS: tuple[tuple[type, str], ...] = (
    (int, "int"),
    (str, "str"),
    (uuid.UUID, "uuid"),
    (dt.datetime, "datetime"),
    (dt.date, "date"),
    (decimal.Decimal, "decimal"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """The keys of one batch: first, last (both included), how many."""

    first: Any
    last: Any
    rows: int


@dataclass(frozen=True, slots=True)
class Backfill:
    """One backfill, as it is declared; seconds."""

    task: DataTask
    step: DataStep
    generation: int

    @property
    def pause(self) -> float:
        """The rest after a batch."""
        return float(self.step.setting("pause", "0.1"))

    @property
    def limits(self) -> tuple[float, float]:
        """Of a lock, of a statement."""
        return limits(self.step)


def limits(step: DataStep) -> tuple[float, float]:
    """How long a step may wait for a lock, and how long one statement may take, in seconds."""
    waits, takes = step.setting("lock_timeout", "2"), step.setting("statement_timeout", "60")
    return float(waits), float(takes)


def work(engine: sa.Engine, backfill: Backfill, clock: clocks.Clock, until: float) -> ledger.Row:
    """Batches until all are done, until `until` (monotonic), or until somebody else took over."""
    with engine.connect() as connection:
        while True:
            with connection.begin():
                addresses.limit(connection, *backfill.limits)
                row = ledger.locked(connection, backfill.task.service, backfill.step.name)
                assert row is not None, "a step is claimed before its rows are changed"
                if not ledger.mine(row, backfill.task, backfill.generation):
                    return row
                began = row.cursor is not None
                rest = row.changed_at + backfill.pause - clock.now() if began else 0.0
                if rest <= 0:
                    row = _one(connection, backfill, row, clock.now())
            wait = rest if rest > 0 else backfill.pause
            if row.status != "running" or clock.monotonic() + wait >= until:
                return row
            clock.sleep(wait)


def still_to_do(connection: sa.Connection, step: DataStep) -> int | None:
    """What `remaining` counts; None where nothing was declared to count it."""
    query = step.setting("remaining")
    return int(connection.execute(sa.text(query)).scalar_one()) if query else None


def again(connection: sa.Connection, row: ledger.Row, left: int, now: float) -> ledger.Row:
    """Go through the rows once more: some were written meanwhile by whoever does not know better."""
    why = f"{left:,} rows were written meanwhile: going through them again"
    fields = {"status": "running", "cursor": None, "left_over": left, "why": why, "tries": 0}
    return ledger.write(connection, row, fields | {"total": row.done + left}, now)


def _one(connection: sa.Connection, backfill: Backfill, row: ledger.Row, now: float) -> ledger.Row:
    """The next batch, or the end of them."""
    if row.cursor is None and row.left_over is None:
        row = ledger.write(connection, row, {"total": _count(connection, backfill.step)}, now)
    batch = _next(connection, backfill.step, row)
    if batch is None:
        return _end(connection, backfill.step, row, now)
    bounds = {"first": batch.first, "last": batch.last}
    connection.execute(sa.text(backfill.step.setting("statement")), bounds)
    fields = {"cursor": encode(batch.last), "done": row.done + batch.rows, "why": "", "tries": 0}
    return ledger.write(connection, row, fields, now)


def _end(connection: sa.Connection, step: DataStep, row: ledger.Row, now: float) -> ledger.Row:
    left = still_to_do(connection, step)
    if not left:
        fields = {"status": "done", "why": "", "total": row.done}
        return ledger.write(connection, row, fields, now)
    if row.left_over is not None and left >= row.left_over:
        why = f"{left:,} rows are left that the statement does not change"
        return ledger.write(connection, row, {"status": "failed", "why": why}, now)
    return again(connection, row, left, now)


def _next(connection: sa.Connection, step: DataStep, row: ledger.Row) -> Batch | None:
    table, key = _table(step)
    query = sa.select(key).select_from(table).order_by(key)
    if row.cursor is not None:
        query = query.where(key > decode(row.cursor))
    keys = connection.execute(query.limit(int(step.setting("batch", "1000")))).scalars().all()
    return Batch(keys[0], keys[-1], len(keys)) if keys else None


def _count(connection: sa.Connection, step: DataStep) -> int:
    """How many rows there are, roughly where there are many."""
    table, _ = _table(step)
    if connection.dialect.name == "postgresql":
        guess = sa.text("SELECT reltuples FROM pg_class WHERE oid = to_regclass(:name)")
        name = connection.dialect.identifier_preparer.format_table(table)
        rows = connection.execute(guess, {"name": name}).scalar_one_or_none()
        if rows is not None and rows >= COUNTED:
            return int(rows)
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _table(step: DataStep) -> tuple[sa.TableClause, sa.ColumnElement[Any]]:
    schema, _, name = step.setting("table").rpartition(".")
    key: sa.ColumnClause[Any] = sa.column(step.setting("key"))
    table = sa.table(name, key, schema=schema or None)
    return table, table.c[step.setting("key")]


def encode(key: Any) -> str:
    """A key as text with its type, for the ledger."""
    kind = next((name for of, name in _KINDS if isinstance(key, of)), None)
    if kind is None or isinstance(key, bool):
        raise PermanentError(
            f"a key of type {type(key).__name__} has no order that a batch could go by",
            fix="name a column of numbers, texts, times or UUIDs as the key",
        )
    return f"{kind}:{key.isoformat() if isinstance(key, dt.date) else key}"


def decode(text: str) -> Any:
    """The inverse of `encode`."""
    kind, _, value = text.partition(":")
    return _DECODE[kind](value)
