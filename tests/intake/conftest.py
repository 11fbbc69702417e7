"""The folder of real systems, for the tests of import."""

import pathlib

import pytest

import optional


@pytest.fixture
def estates() -> pathlib.Path:
    """Real public systems; without them the test is skipped, or fails where they are required."""
    return optional.real_estates()
