"""The folder of real systems, for the tests of import."""

import pathlib

import pytest

_SHARED = pathlib.Path(__file__).resolve().parent.parent / "conftest.py"


@pytest.fixture
def estates(pytestconfig: pytest.Config) -> pathlib.Path:
    """Real public systems; without them the test is skipped, or fails where they are required."""
    plugin = pytestconfig.pluginmanager.get_plugin(str(_SHARED))
    folder: pathlib.Path = plugin.real_estates()  # type: ignore[union-attr]
    return folder
