"""Load an estate from a folder: read, load, apply every rule. The one way for all use cases."""

import contextlib
import gc
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from telford.backends import files
from telford.basics import diagnostics
from telford.basics.diagnostics import Severity
from telford.basics.errors import RefusedError
from telford.estate import loading
from telford.estate.model import Estate, Loaded
from telford.rules import registry


def load_folder(folder: Path) -> Loaded:
    """The estate of a folder, with everything wrong in it, rules included.

    Raises `UsageError` where there is no such folder.
    """
    return load_paths([folder])


def load_paths(paths: Sequence[Path]) -> Loaded:
    """The estate of several files and folders together."""
    return of_texts(files.read(paths))


def of_texts(found: files.Texts) -> Loaded:
    """The estate of texts that were read, with what could not be read among the diagnostics."""
    with undisturbed():
        loaded = loading.load(found.texts)
        more = registry.check(loaded)
    everything = [*found.diagnostics, *loaded.diagnostics, *loading.with_source(more, found.texts)]
    return replace(loaded, diagnostics=diagnostics.ordered(everything))


def require(loaded: Loaded) -> Estate:
    """The estate, where it has no errors. Raises `RefusedError` with the first of them."""
    errors = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    if errors:
        first = errors[0]
        raise RefusedError(
            f"the estate has {len(errors)} error{'s' * (len(errors) != 1)};"
            f" the first: {first.summary} ({first.position})",
            fix="run `telford check` and mend what it lists",
        )
    return loaded.estate


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Without the garbage collector: a large estate is a million objects that all stay, and the
    collector would walk them again and again (half of the time for 1,000 services). Afterwards
    they are set aside: they hold no cycles, so counting references frees them all the same.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.enable()
