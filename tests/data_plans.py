"""Plans of data changes for tests: a table of customers, an Alembic project, a runner."""

import contextlib
import pathlib
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from telford.backends.data.runner import DataRunner
from telford.basics.clock import SystemClock
from telford.deliver.data_changes import DataStep
from telford.ports.data import DataTask

ENV = """
from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")

if context.is_offline_mode():
    context.configure(url=url, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=pool.NullPool).connect() as connection:
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
"""
REVISION = '''
"""{name}"""
import time
import sqlalchemy as sa
from alembic import op

revision = "{name}"
down_revision = {before}


def upgrade() -> None:
    {up}


def downgrade() -> None:
    {down}
'''
FILL = (
    "UPDATE customers SET email = contact, touched = touched + 1 WHERE id BETWEEN :first AND :last"
)
LEFT = "SELECT count(*) FROM customers WHERE email IS NULL"


def alembic_project(folder: pathlib.Path, *revisions: tuple[str, str, str]) -> pathlib.Path:
    """A folder with env.py and these revisions (name, upgrade, downgrade), one after the other."""
    versions = folder / "versions"
    versions.mkdir(parents=True)
    (folder / "env.py").write_text(ENV, encoding="utf-8")
    before = "None"
    for name, up, down in revisions:
        text = REVISION.format(name=name, before=before, up=up, down=down)
        (versions / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
        before = repr(name)
    return folder


def step(name: str, phase: str, **settings: Any) -> DataStep:
    """A step with short limits, at the database that DATA_URL names."""
    found = {"url": "env:DATA_URL", "lock_timeout": "0.3", "statement_timeout": "20"}
    found |= {key: str(value) for key, value in settings.items()}
    back = found.pop("reversible", str(phase != "contract")) == "True"
    return DataStep(name, phase, back, tuple(sorted(found.items())))


def fill(**settings: Any) -> DataStep:
    """The backfill of `customers.email`."""
    known = {"table": "customers", "key": "id", "statement": FILL, "pause": 0, "batch": 100}
    return step("fill-email", "migrate", **(known | {"remaining": LEFT} | settings))


def task(*steps: DataStep, place: str = "dev") -> DataTask:
    """A plan of service/orders."""
    return DataTask("service/orders", "2", place, steps)


def runner(url: str, folder: pathlib.Path) -> DataRunner:
    """A runner that knows where the database is."""
    return DataRunner(folder, {"DATA_URL": url, "PATH": "/usr/bin:/bin"}, SystemClock())


def customers(url: str, rows: int, *, email: bool = True) -> None:
    """A table of customers with contacts; `touched` counts how often a row was changed."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    column = ", email text" if email else ""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            f"CREATE TABLE customers (id integer PRIMARY KEY, contact text NOT NULL{column}, "
            "touched integer NOT NULL DEFAULT 0)"
        )
        connection.execute(
            sa.text("INSERT INTO customers (id, contact) VALUES (:id, :contact)"),
            [{"id": number, "contact": f"c{number}@x"} for number in range(1, rows + 1)],
        )


def ask(url: str, query: str) -> list[Any]:
    """The rows of a query."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.begin() as connection:
        result = connection.exec_driver_sql(query)
        return [tuple(one) for one in result] if result.returns_rows else []


GATED = FILL + " AND pg_advisory_xact_lock(:last) IS NOT NULL"


@contextlib.contextmanager
def holding(url: str, last: int) -> Iterator[Callable[[], bool]]:
    """Shut a gate before the batch that ends with a key, for backfills that are `GATED`: however
    fast the machine is, it stands still in the middle of it until the end of the block. Yields
    whether somebody waits there.
    """
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    query = (
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        f" WHERE locktype = 'advisory' AND objid = {last} AND classid = 0 AND NOT granted"
        " AND datname = current_database()"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({last})")
        yield lambda: ask(url, query) != [(0,)]
        connection.rollback()


def until(said: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that other processes do."""
    limit = time.monotonic() + seconds
    while not said():
        assert time.monotonic() < limit
        time.sleep(0.01)
