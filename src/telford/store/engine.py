"""How a database is opened and how its failures are told: the one place that knows dialects.

SQLite runs in WAL mode with `synchronous=FULL`: a tick is one commit (about a millisecond) for all
releases, and a commit whose effect has reached the place must not be lost to a power cut, because
a generation that went back would be refused by everything that saw the higher one. Called by
`telford.store.store` only.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from telford.basics.errors import PermanentError, TemporaryError, UsageError

# How long a writer waits for another one. A tick's transaction takes milliseconds; a migration or
# a rollup of a large store may take seconds.
BUSY_SECONDS = 15.0
WAL_ATTEMPTS = 100
WAL_PAUSE_SECONDS = 0.05
# One for the controller, the rest for the portal's threads; more wait their turn.
POOL_SIZE = 8
WRITE_OPTION = "telford_write"
# Any numbers will do, as long as nothing else in the same PostgreSQL database uses them.
MIGRATION_LOCK, AUDIT_LOCK = 7_305_761, 7_305_762


def open_engine(url: str) -> sa.Engine:
    """An engine for `url` (``sqlite:///path`` or ``postgresql+driver://...``).

    Raises `UsageError` where the URL cannot be understood, `PermanentError` where the database
    cannot be opened.
    """
    try:
        engine = sa.create_engine(
            url,
            json_serializer=_dump,
            pool_size=POOL_SIZE,
            pool_timeout=BUSY_SECONDS,
            connect_args={"timeout": BUSY_SECONDS} if url.startswith("sqlite") else {},
        )
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise UsageError(
            f"the store's URL is not one that can be opened: {sa_safe(url)}",
            fix="write sqlite:////absolute/path.db, or a PostgreSQL URL whose driver is installed",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        with wrapped(url):
            _switch_to_wal(engine)
    return engine


def sa_safe(url: str) -> str:
    """The URL without its password."""
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except exc.ArgumentError:
        return "(not a URL)"


def lock(connection: sa.Connection, number: int) -> None:
    """Let one writer at a time do what `number` stands for; held until the transaction ends.

    On SQLite the write transaction itself is the lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


@contextmanager
def wrapped(url: str) -> Iterator[None]:
    """Turn the database's own failures into ours, each with what to do about it."""
    try:
        yield
    except (exc.OperationalError, exc.DatabaseError, exc.TimeoutError) as error:
        if isinstance(error, exc.IntegrityError | exc.ProgrammingError):
            raise
        raise _translate(str(error).lower(), sa_safe(url)) from error


def _translate(text: str, where: str) -> TemporaryError | PermanentError:
    if "disk is full" in text or "no space left" in text or "could not extend file" in text:
        return TemporaryError(
            f"the store at {where} cannot grow: its disk is full",
            fix="free some space; what was running goes on as it was and nothing is half-written",
            retry_after_seconds=10.0,
        )
    if "locked" in text or "busy" in text or "timeout" in text or "timed out" in text:
        return TemporaryError(f"the store at {where} is busy with another writer")
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return PermanentError(
            f"the store at {where} cannot be opened for writing",
            fix="check that its folder exists and that you may write to it",
        )
    if "malformed" in text or "not a database" in text:
        return PermanentError(
            f"the store at {where} is damaged or not a store",
            fix="restore it from a copy, or move it away to begin a new one",
        )
    return TemporaryError(f"the store at {where} did not answer")


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`; the driver's own implicit ones are switched off.
    connection.isolation_level = None
    for pragma in (
        "foreign_keys=ON",
        "synchronous=FULL",
        f"busy_timeout={int(BUSY_SECONDS * 1e3)}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that reads first and writes later can be refused at once in WAL mode, whatever
    # the busy timeout: writers take the lock when they begin.
    writes = connection.get_execution_options().get(WRITE_OPTION, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _switch_to_wal(engine: sa.Engine) -> None:
    """The switch needs the file to itself and does not wait by the busy timeout: try, bounded."""
    for attempt in range(WAL_ATTEMPTS):
        try:
            _set_wal(engine)
        except engine.dialect.loaded_dbapi.Error as error:
            if "locked" not in str(error) or attempt == WAL_ATTEMPTS - 1:
                raise exc.OperationalError("PRAGMA journal_mode=WAL", None, error) from error
            time.sleep(WAL_PAUSE_SECONDS)
        else:
            return


def _set_wal(engine: sa.Engine) -> None:
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        raw.close()
