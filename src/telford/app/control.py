"""Ask a release for something, and hear what came of it: through the store, whoever controls.

Called by `telford promote|abort|pause|resume`, the portal and the API.
"""

import secrets

from telford.basics import clock as clocks
from telford.basics.errors import RefusedError, TemporaryError, UsageError
from telford.store.commands import Command
from telford.store.releases import Release
from telford.store.store import Store

POLL_SECONDS = 0.1


def find(store: Store, text: str, place: str = "") -> Release:
    """The release of that id, or the active (else the newest) one of that service.

    Raises `UsageError` where there is none.
    """
    exact = store.releases.get(text)
    if exact is not None:
        return exact
    name = text if "." in text and text.startswith("service/") else text.rpartition("/")[2]
    found = store.releases.find(place=place, service=name, limit=50)
    active = [one for one in found if one.active]
    if not found:
        raise UsageError(f"there is no release {text!r}", fix="see them all: telford status")
    return active[0] if active else found[0]


def ask(
    store: Store, release: str, verb: str, *, who: str, reason: str = "", key: str = ""
) -> Command:
    """Write a command down for the controller. `key` makes asking twice asking once.

    Raises `UsageError` for an unknown verb or release, `RefusedError` where the release is over.
    """
    row = store.releases.get(release)
    if row is None:
        raise UsageError(f"there is no release {release!r}", fix="see them all: telford status")
    if not row.active:
        raise RefusedError(f"{row.id} is over: it is {row.phase}")
    with store.writing() as writing:
        name = key or f"c-{secrets.token_hex(8)}"
        command = Command(name, row.id, verb, who, reason, writing.at)
        if store.commands.ask(writing, command):
            store.audit.append(writing, who, f"asked to {verb}", f"release/{row.id}", _why(reason))
    return command


def wait(store: Store, clock: clocks.Clock, command: str, limit_seconds: float) -> Command:
    """Until the controller has taken it. Raises `RefusedError` with its answer where that is no,
    `TemporaryError` where none took it within the limit (it still may).
    """
    deadline = clock.monotonic() + limit_seconds
    while True:
        found = store.commands.get(command)
        if found is not None and found.taken_at is not None:
            if found.outcome != "done":
                raise RefusedError(found.outcome.removeprefix("refused: "))
            return found
        if clock.monotonic() >= deadline:
            raise TemporaryError(
                f"no controller took the command within {limit_seconds:g} s",
                fix="it is written down and will be taken when one runs: telford up",
            )
        clock.sleep(POLL_SECONDS)


def _why(reason: str) -> dict[str, str]:
    return {"reason": reason} if reason else {}
