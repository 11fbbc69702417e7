"""`telford check`: everything wrong in an estate, as one report."""

from collections.abc import Iterable
from pathlib import Path

from telford.app import loading, remember
from telford.app.remember import Report
from telford.backends import files
from telford.ports.cache import Cache


def check(paths: Iterable[Path], cache: Cache | None = None) -> Report:
    """Check the estate in these files and folders, or recall what was found in the same texts.

    Raises `UsageError` where a path is not there.
    """
    found = files.read(paths)
    known = remember.recall(found, cache) if cache is not None else None
    return known or fresh(found, cache)


def fresh(found: files.Texts, cache: Cache | None = None) -> Report:
    """Check texts that were read, and keep the report."""
    loaded = loading.of_texts(found, cache)
    return Report(loaded.diagnostics, len(found.texts), len(loaded.estate.entities))
