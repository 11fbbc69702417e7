"""Stores on SQLite for tests: migrated once a process and copied, not migrated for every test."""

import functools
import pathlib
import tempfile

from telford.store.store import Store
from telford.testing.clock import FakeClock


@functools.cache
def empty() -> bytes:
    """A migrated store without a record."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "store.db"
        Store(f"sqlite:///{file}", FakeClock()).close()
        return file.read_bytes()


def fresh(file: pathlib.Path) -> str:
    """SQLAlchemy's URL of a new store in this file."""
    file.write_bytes(empty())
    return f"sqlite:///{file}"
