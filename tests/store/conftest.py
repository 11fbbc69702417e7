"""A store in a file of its own, a clock that stands still, a lease."""

import pathlib
from collections.abc import Iterator

import pytest
from store_samples import PLACE, a_release

from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store
from telford.testing.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def url(tmp_path: pathlib.Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def store(url: str, clock: FakeClock) -> Iterator[Store]:
    opened = Store(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def lease(store: Store) -> Lease:
    return store.leases.take(PLACE, "one", 3.0, gone=lambda holder: False)


@pytest.fixture
def release(clock: FakeClock) -> Release:
    return a_release("r1", clock.now())
