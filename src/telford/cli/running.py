"""What the commands about a running place share: its records, the place itself, who asks.

Used by `telford release`, `status`, `promote`, `abort`, `pause`, `resume` and `evidence`.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from telford.app import control, wiring
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import TelfordError, TemporaryError
from telford.cli import options, output
from telford.store.store import Store

# A controller looks every second; a command that is not taken by then meets none.
TAKEN_SECONDS = 5.0
FALLBACK_NAME = "somebody"

Reason = Annotated[str, typer.Option("--reason", help="why; kept in the audit log")]
ReleaseName = Annotated[
    str,
    typer.Argument(metavar="RELEASE", help="a release's id, or the service that is being released"),
]


def who() -> str:
    """The name that acts are recorded under."""
    return options.settings().who or FALLBACK_NAME


def kept(estate: Path | None) -> wiring.Files:
    """Where the records of an estate are."""
    return wiring.files(options.settings(), options.folder(estate))


@contextlib.contextmanager
def records(estate: Path | None) -> Iterator[Store]:
    """The store of a place that has run, closed afterwards."""
    store = wiring.look(kept(estate), SystemClock())
    try:
        yield store
    finally:
        store.close()


def connect(files: wiring.Files, place: str) -> LocalPlace | None:
    """The running local place, or None where none answers."""
    try:
        return LocalPlace.connect(files.place(place))
    except TemporaryError:
        return None


def order(
    verb: str, estate: Path | None, name: str, reason: str, *, as_json: bool, says: str
) -> None:
    """Ask a release for something, wait for the controller's answer and print it."""
    with records(estate) as store:
        release = control.find(store, name)
        asked = control.ask(store, release.id, verb, who=who(), reason=reason)
        taken, problem = _taken(store, asked.id)
        if as_json:
            output.json({"release": release.id, "verb": verb, "command": asked.id, "taken": taken})
        elif taken:
            output.line(f"{release.id}: {says}")
        else:
            output.note(problem)


def _taken(store: Store, command: str) -> tuple[bool, str]:
    try:
        control.wait(store, SystemClock(), command, TAKEN_SECONDS)
    except TemporaryError as error:
        return False, _sentence(error)
    return True, ""


def _sentence(error: TelfordError) -> str:
    return f"{error.message}; {error.fix}" if error.fix else error.message
