"""How a database is opened and how its failures are told: the one place that knows dialects.

SQLite runs in WAL mode with `synchronous=FULL`: a tick is one commit (about a millisecond) for all
releases, and a commit whose effect has reached the place must not be lost to a power cut, because
a generation that went back would be refused by everything that saw the higher one. Called by
`telford.store` only.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from telford.basics.errors import PermanentError, TemporaryError, UsageError
from telford.deliver import codec
from telford.deliver.once import once

# How long a writer waits for another one. A tick's transaction takes milliseconds; a migration or
# a rollup of a large store may take seconds.
BUSY_SECONDS = 15.0
WAL_ATTEMPTS = 100
WAL_PAUSE_SECONDS = 0.05
# One for the controller, the rest for the portal's threads; more wait their turn.
POOL_SIZE = 8
WRITE_OPTION = "telford_write"
POSTGRESQL, SQLITE = "postgresql", "sqlite"
# A server that is away is told from one that is slow by then; connections that a firewall forgot
# are noticed by the kernel's probes.
_POSTGRESQL_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "application_name": "telford",
    # A statement waits for a lock as long as a writer on SQLite does, and never works for longer
    # than a rollup of a large store may take. A session that stopped inside a transaction (its
    # process was stopped) must not hold the lease's row against the controller that takes over.
    "options": "-c lock_timeout=15s -c statement_timeout=30s"
    " -c idle_in_transaction_session_timeout=5s",
}
# Any numbers will do, as long as nothing else in the same PostgreSQL database uses them.
MIGRATION_LOCK, AUDIT_LOCK, LEASE_LOCK = 7_305_761, 7_305_762, 7_305_763


def open_engine(url: str) -> sa.Engine:
    """An engine for `url` (``sqlite:///path`` or ``postgresql://...``).

    Raises `UsageError` where the URL cannot be understood, `PermanentError` where the database
    cannot be opened.
    """
    try:
        parsed = with_driver(url)
        postgresql = parsed.get_backend_name() == POSTGRESQL
        engine = sa.create_engine(
            parsed,
            json_serializer=_dump,
            pool_size=POOL_SIZE,
            pool_timeout=BUSY_SECONDS,
            # A server that was started anew is found out before a transaction, not in it.
            pool_pre_ping=postgresql,
            connect_args=arguments(parsed),
        )
    except (exc.ArgumentError, exc.NoSuchModuleError, ImportError) as error:
        raise UsageError(
            f"the store's URL is not one that can be opened: {sa_safe(url)}",
            fix="write sqlite:////absolute/path.db, or a PostgreSQL URL whose driver is installed",
        ) from error
    if engine.dialect.name == SQLITE:
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        with wrapped(url):
            _switch_to_wal(engine)
    return engine


def with_driver(url: str) -> sa.URL:
    """The URL with the driver that Telford brings along, where it names none.

    Raises `sqlalchemy.exc.ArgumentError` where it is no URL.
    """
    parsed = sa.make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def database_time(connection: sa.Connection) -> float | None:
    """The server's clock, in epoch seconds; None on SQLite, which has none of its own."""
    if connection.dialect.name != POSTGRESQL:
        return None
    return float(connection.execute(sa.select(_NOW)).scalar_one())


_NOW = sa.cast(sa.func.extract("epoch", sa.func.clock_timestamp()), sa.Double)


def arguments(url: sa.URL) -> dict[str, Any]:
    """What a driver is told beside the URL: how long anything may take."""
    if url.get_backend_name() == SQLITE:
        return {"timeout": BUSY_SECONDS}
    if url.drivername == "postgresql+psycopg":
        # What the URL itself says goes first.
        return {key: value for key, value in _POSTGRESQL_ARGUMENTS.items() if key not in url.query}
    return {}


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
    if connection.dialect.name == POSTGRESQL:
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
    if "too many connections" in text or "too many clients" in text or "starting up" in text:
        return TemporaryError(f"the store at {where} takes no more connections just now")
    if "locked" in text or "busy" in text or "lock timeout" in text:
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
    if "does not exist" in text or "authentication failed" in text or "permission denied" in text:
        return PermanentError(
            f"the store at {where} refuses: {text.strip().splitlines()[0]}",
            fix="check the database's name, the user and the password in TELFORD_STORE",
        )
    return TemporaryError(
        f"the store at {where} did not answer",
        fix="nothing is lost: what runs goes on as it is, and the controller asks again",
    )


# Values are plain trees of our own making: looking for circles in them is a third of the work.
_text = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode
_text_once = once(_text)


def _dump(value: Any) -> str:
    """A value as JSON text. What begins with a part that never changes (a state, with its policy)
    is written at every tick: that part is made into text once.
    """
    if type(value) is not dict or len(value) < 2:
        return _text(value)
    (name, first), *rest = value.items()
    if not codec.is_kept(first):
        return _text(value)
    return f"{{{_text(name)}:{_text_once(first)},{_text(dict(rest))[1:]}"


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
