"""A store in a database of its own, on SQLite and on PostgreSQL; a clock that stands still."""

import pathlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from store_samples import PLACE, a_release

import stores
from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store
from telford.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sqlite_url(tmp_path: pathlib.Path) -> str:
    """Of a file that is not there yet."""
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """The same test on both databases."""
    if request.param == "sqlite":
        return stores.fresh(tmp_path / "store.db")
    return str(request.getfixturevalue("postgres_store_url"))


@pytest.fixture
def store(url: str, clock: FakeClock) -> Iterator[Store]:
    opened = Store(url, clock, own_clock=True)
    yield opened
    opened.close()


@pytest.fixture
def meddler(store: Store, url: str) -> Iterator[sa.Connection]:
    """A connection beside the store's own, for harm; each statement is committed at once."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def lease(store: Store) -> Lease:
    return store.leases.take(PLACE, "one", 3.0, gone=lambda holder: False)


@pytest.fixture
def release(clock: FakeClock) -> Release:
    return a_release("r1", clock.now())
