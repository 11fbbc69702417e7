"""What tests of flows share."""

import pathlib
import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture
def memory() -> Iterator[pathlib.Path]:
    """A folder in memory where the machine has one: thousands of commits need not reach a disk,
    for here it is exceptions that kill, not power cuts.
    """
    shared = pathlib.Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield pathlib.Path(folder)
