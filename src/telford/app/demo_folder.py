"""Where the demo finds the example shop, and the state folder that it has for itself.

The folder is the demo's alone: a lock keeps a second demo out of it, a marker keeps the demo out of
folders that hold anything else, and what a killed demo left running is ended before a new one
begins. Called by `telford.app.demo` and by `telford demo`.
"""

import contextlib
import dataclasses
import fcntl
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from telford.app import serving, wiring
from telford.app.settings import Settings
from telford.backends.local.place import LocalPlace
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError, RefusedError, TemporaryError

FOLDER = Path(wiring.STATE_FOLDER) / "demo"
# Lock and marker in one: no other command makes a file of this name.
LOCK = "demo.lock"
_PACKAGE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Example:
    """The example shop: its folder, the estate that describes it, its load generator."""

    folder: Path

    @property
    def estate(self) -> Path:
        """The folder of the estate."""
        return self.folder / "estate"

    @property
    def load(self) -> Path:
        """The program that plays the customers."""
        return self.folder / "load.py"


def example(here: Path) -> Example:
    """The example of the checkout that `here` is the top of, or that telford runs from.

    Raises `RefusedError` where telford was installed without its examples.
    """
    for top in (here, _PACKAGE.parents[1]):
        found = Example(top / "examples" / "shop")
        if found.load.is_file() and found.estate.is_dir():
            return found
    raise RefusedError(
        "the example shop is in Telford's source, not in the installed package",
        fix="get the source and run `make demo` in it (or `telford demo` from its top folder)",
    )


def settings(chosen: Settings, here: Path) -> Settings:
    """The settings of the demo: its own folder (TELFORD_STATE where given) and its own records."""
    state = chosen.state or str(here / FOLDER)
    return dataclasses.replace(chosen, state=state, store="")


@contextlib.contextmanager
def taken(kept: wiring.Files, clock: clocks.Clock) -> Iterator[bool]:
    """Hold the folder, empty; yields whether an earlier demo had left something running.

    Raises `RefusedError` where another demo holds it or it holds something else, `PermanentError`
    where the disk says no.
    """
    _refuse_foreign(kept)
    with _locked(kept):
        left = _end_leftovers(kept, clock)
        _empty(kept)
        yield left


def _refuse_foreign(kept: wiring.Files) -> None:
    if kept.state.is_dir() and not (kept.state / LOCK).exists() and any(kept.state.iterdir()):
        raise RefusedError(
            f"{kept.state} holds something that is not the demo's",
            fix="set TELFORD_STATE to another folder, or to none",
        )


@contextlib.contextmanager
def _locked(kept: wiring.Files) -> Iterator[None]:
    with _lock_file(kept) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RefusedError(_busy(kept), fix=_ANOTHER) from error
        found = serving.read(kept)
        if found is not None:  # a `telford up` that was told to use this folder
            raise RefusedError(_busy(kept), fix=_ANOTHER)
        yield


_ANOTHER = "watch that one, end it (Ctrl-C there), or set TELFORD_STATE to a folder for another"


def _lock_file(kept: wiring.Files) -> IO[bytes]:
    try:
        kept.state.mkdir(mode=wiring.PRIVATE, parents=True, exist_ok=True)
        return (kept.state / LOCK).open("ab")
    except OSError as error:
        raise PermanentError(
            f"cannot write to the folder {kept.state}: {error.strerror}",
            fix="set TELFORD_STATE to a folder that you may write to",
        ) from error


def _busy(kept: wiring.Files) -> str:
    found = serving.read(kept)
    where = f"; its portal: {found.portal}" if found and found.portal else ""
    return f"a demo runs already in {kept.state}{where}"


def _end_leftovers(kept: wiring.Files, clock: clocks.Clock) -> bool:
    """Stop the places that a killed demo could not stop."""
    left = False
    for root in (kept.state / "places").glob("*/"):
        with contextlib.suppress(TemporaryError):  # nothing answers: nothing runs
            LocalPlace.connect(root, clock).stop()
            left = True
    return left


def _empty(kept: wiring.Files) -> None:
    for path in kept.state.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
