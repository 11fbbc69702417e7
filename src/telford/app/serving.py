"""Where a running `telford up` can be reached: a private file in the state folder.

Written by the process that serves, read by `telford up` (already running?), `telford down` and
`telford status`. It holds the portal's start link, so it is for this user alone.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from telford.app import wiring
from telford.backends import process
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError, TemporaryError

PRIVATE = 0o600
POLL_SECONDS = 0.1
TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Serving:
    """`process` as `telford.backends.process.identity` names it; `portal` is the start link, "" for
    none; `ingress` where the estate's own routes are.
    """

    process: str
    place: str
    ingress: str
    portal: str


def write(kept: wiring.Files, serving: Serving) -> None:
    """Say where it is. Raises `PermanentError` where the disk refuses."""
    _write_private(kept.serving, json.dumps(asdict(serving)))


def token(kept: wiring.Files) -> str:
    """The portal's start token (192 random bits), made at the first start and kept in a private
    file, so that a restart signs nobody out. Raises `PermanentError` where it cannot be kept.
    """
    try:
        found = kept.token.read_text(encoding="utf-8").strip()
        open_to_others = kept.token.stat().st_mode & 0o077
    except FileNotFoundError:
        return renew_token(kept)
    except OSError as error:
        raise PermanentError(f"cannot read {kept.token}: {error.strerror}") from error
    # One that others may have read opens nothing any more.
    return found if found and not open_to_others else renew_token(kept)


def renew_token(kept: wiring.Files) -> str:
    """Another token in its place: from the portal's next start on, nobody is signed in."""
    fresh = secrets.token_urlsafe(TOKEN_BYTES)
    _write_private(kept.token, fresh + "\n")
    return fresh


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=wiring.PRIVATE, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, PRIVATE)
            file.write(text)
        fresh.replace(path)
    except OSError as error:
        raise PermanentError(f"cannot write {path}: {error.strerror}") from error


def read(kept: wiring.Files) -> Serving | None:
    """The one that runs now, or None: a file that a dead process left says nothing."""
    try:
        found = Serving(**json.loads(kept.serving.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return found if process.pid_of(found.process) is not None else None


def forget(kept: wiring.Files) -> None:
    """It runs no longer."""
    kept.serving.unlink(missing_ok=True)


def stop(kept: wiring.Files, clock: clocks.Clock, limit_seconds: float) -> bool:
    """Ask the serving process to end and wait for it; False where there was none.

    Raises `TemporaryError` where it does not end within the limit.
    """
    found = read(kept)
    pid = process.pid_of(found.process) if found else None
    if found is None or pid is None:
        return False
    process.terminate(pid)
    deadline = clock.monotonic() + limit_seconds
    while process.pid_of(found.process) is not None:
        if clock.monotonic() > deadline:
            raise TemporaryError(f"process {pid} does not end", fix=f"see {kept.log}, or kill it")
        clock.sleep(POLL_SECONDS)
    return True


def wait(kept: wiring.Files, clock: clocks.Clock, pid: int, limit_seconds: float) -> Serving:
    """Until the process of that pid serves. Raises `PermanentError` where it ended before it did,
    with the last of what it said.
    """
    deadline = clock.monotonic() + limit_seconds
    while True:
        found = read(kept)
        if found is not None and process.pid_of(found.process) == pid:
            return found
        if not process.lives(pid):
            raise PermanentError(_last_words(kept), fix=f"all of it: {kept.log}")
        if clock.monotonic() > deadline:
            raise TemporaryError("it has not come up yet", fix=f"see {kept.log}")
        clock.sleep(POLL_SECONDS)


def _last_words(kept: wiring.Files) -> str:
    try:
        lines = kept.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return "\n".join(lines[-4:]) or "it ended without a word"
