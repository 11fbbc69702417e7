"""Processes of this machine: who one is, whether it still lives, how it is ended, how one is left
behind in a session of its own.

A process is named by host, pid and start time, so that a pid that was given out again is not
mistaken for it. Called by `telford.app` for controllers; the local place keeps its own processes.
"""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

from telford.basics.errors import PermanentError

_START_FIELD = 19  # of what follows the command's name in /proc/PID/stat: field 22, starttime


def identity() -> str:
    """This process: ``host:pid:start``."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_started(pid)}"


def pid_of(name: str) -> int | None:
    """The pid behind an identity while that very process lives on this machine, else None."""
    host, _, rest = name.rpartition(":")[0].rpartition(":")
    start = name.rpartition(":")[2]
    if host != socket.gethostname() or not rest.isdigit():
        return None
    pid = int(rest)
    return pid if lives(pid) and _started(pid) == start else None


def gone(name: str) -> bool:
    """Whether the process surely is no more: it was on this machine and lives no longer."""
    host = name.rpartition(":")[0].rpartition(":")[0]
    return host == socket.gethostname() and pid_of(name) is None


def terminate(pid: int) -> None:
    """Ask it to end (SIGTERM); one that is gone is fine."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def leave_behind(command: Sequence[str], log: Path) -> int:
    """Start a process in a session of its own, its words in `log`; its pid.

    Raises `PermanentError` where it cannot be started.
    """
    try:
        with log.open("ab") as words:
            child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,
            )
    except OSError as error:
        raise PermanentError(
            f"cannot start {command[0]}: {error.strerror}", fix=f"check that {log.parent} exists"
        ) from error
    # Nobody waits for it: it outlives this process on purpose.
    child.returncode = 0
    return child.pid


def lives(pid: int) -> bool:
    """Whether a process of that pid runs (a dead one that nobody waited for does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _status(pid).startswith("Z")


def _started(pid: int) -> str:
    """When it started, in the kernel's ticks; "" where the system does not say."""
    fields = _status(pid).split()
    return fields[_START_FIELD] if len(fields) > _START_FIELD else ""


def _status(pid: int) -> str:
    """What follows the command's name in /proc/PID/stat, beginning with the state's letter."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.rpartition(") ")[2]
