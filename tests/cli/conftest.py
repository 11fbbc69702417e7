"""Every test of the command line starts with settings of its own."""

import pathlib

import pytest

from telford.cli import options


@pytest.fixture(autouse=True)
def own_settings(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    """A cache folder of the test's own, no estate from outside, settings read afresh."""
    monkeypatch.setenv("TELFORD_CACHE", str(tmp_path / "telford-cache"))
    monkeypatch.delenv("TELFORD_ESTATE", raising=False)
    monkeypatch.delenv("TELFORD_DEBUG", raising=False)
    options.settings.cache_clear()
    yield
    options.settings.cache_clear()
