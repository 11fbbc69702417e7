"""Where a data store is: a secret that is resolved when it is needed, and never shown.

What is written down is only where to look (``env:NAME``, ``file:/path``). Whatever a driver says
goes through `Address.hidden` before anybody sees it. Used by every module of this folder.
"""

import pathlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from telford.basics.errors import PermanentError, TelfordError, TemporaryError

CONNECT_SECONDS = 5
APPLICATION = "telford data changes"
# What a transaction of ours may stand still for before the server ends it.
IDLE_SECONDS = 60
_SUPPORTED = ("postgresql", "sqlite")
_CANNOT_CONNECT = re.compile(r"^(08|57P|53)")


class Address:
    """A data store's URL. Its repr hides it; `url` is for drivers only."""

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):
            # The driver's own words quote the text, which has a password in it.
            raise PermanentError(
                "the address of the data store is no URL",
                fix="write it as postgresql://user:password@host/name",
            ) from None
        if self.url.get_backend_name() not in _SUPPORTED:
            raise PermanentError(
                f"data of {self.url.get_backend_name()} cannot be changed in steps",
                fix="PostgreSQL can (and SQLite, on a laptop)",
            )

    def __repr__(self) -> str:
        return "Address(***)"

    @property
    def postgres(self) -> bool:
        """Whether it is PostgreSQL."""
        return self.url.get_backend_name() == "postgresql"

    @property
    def text(self) -> str:
        """The URL with its password, for a driver in another process."""
        return self.url.render_as_string(hide_password=False)

    def hidden(self, text: str) -> str:
        """A text without the URL or its password, one line."""
        for secret in (self.text, str(self.url.password or "")):
            if secret:
                text = text.replace(secret, "***")
        return " ".join(text.split())

    def engine(self) -> sa.Engine:
        """Connections of our own driver; nothing is kept open between two uses."""
        if not self.postgres:
            return _sqlite(self.url)
        found = {"connect_timeout": CONNECT_SECONDS, "application_name": APPLICATION}
        url = self.url.set(drivername="postgresql+psycopg")
        return sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args=found)


def _sqlite(url: sa.URL) -> sa.Engine:
    """Transactions begin when we say so and take the writer's lock at once; DDL is part of them."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)

    @sa.event.listens_for(engine, "connect")
    def _by_hand(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def resolve(reference: str, environment: Mapping[str, str]) -> Address:
    """The address behind ``env:NAME`` or ``file:/path``. Raises `PermanentError` naming where."""
    kind, _, name = reference.partition(":")
    if kind == "env":
        found = environment.get(name, "")
        if not found:
            raise PermanentError(
                f"the address of the data store is to be in {name}, which is not set",
                fix=f"set {name} where the controller runs: postgresql://user:password@host/name",
            )
        return Address(found)
    if kind != "file":
        raise PermanentError("where the data store's address is must be env:NAME or file:/path")
    try:
        return Address(pathlib.Path(name).read_text(encoding="utf-8").strip())
    except OSError as error:
        raise PermanentError(
            f"the address of the data store is to be in {name}: {error.strerror}",
            fix="mount the secret there, or write another path",
        ) from error


def state_of(error: sa.exc.SQLAlchemyError) -> str:
    """The SQLSTATE of an error; "" where there is none."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def lock_missed(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether a lock was not to be had in time (or two waited for each other)."""
    text = str(getattr(error, "orig", ""))
    return state_of(error) in {"55P03", "40P01", "40001"} or "database is locked" in text


def gone(error: sa.exc.SQLAlchemyError) -> bool:
    """Whether the data store does not answer, or no longer."""
    state = state_of(error)
    lost = isinstance(error, sa.exc.OperationalError) and not state
    return lost or _CANNOT_CONNECT.match(state) is not None


@contextmanager
def wrapped(address: Address) -> Iterator[None]:
    """A driver's errors as ours, without the secret."""
    try:
        yield
    except TelfordError:
        raise
    except sa.exc.SQLAlchemyError as error:
        words = address.hidden(str(getattr(error, "orig", None) or error))
        if lock_missed(error):
            raise TemporaryError(f"a lock of the data store was not had in time: {words}") from None
        if gone(error):
            raise TemporaryError(f"the data store does not answer: {words}") from None
        raise PermanentError(f"the data store says no: {words}") from None


def limit(connection: sa.Connection, lock_seconds: float, statement_seconds: float) -> None:
    """Limits for this transaction: nobody queues behind it for longer than the first."""
    if connection.dialect.name != "postgresql":
        milliseconds = round(lock_seconds * 1000)
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")
        return
    for name, seconds in (
        ("lock_timeout", lock_seconds),
        ("statement_timeout", statement_seconds),
        ("idle_in_transaction_session_timeout", IDLE_SECONDS),
    ):
        connection.exec_driver_sql(f"SET LOCAL {name} = {round(seconds * 1000)}")
