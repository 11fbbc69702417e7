"""Commands: run a program of the estate's to ask whether a gate may open. Ending with 0 is a yes.

It gets no shell, no input and a small environment without secrets; runs in the estate's folder and
in a process group of its own, which is killed as a whole at the limit and after the end, so that
nothing that it started stays (but for what leaves the group on purpose). What it says is read to
its end and thrown away but for the last lines. Called by `asking`.
"""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from telford.backends.hooks import filling
from telford.basics.errors import PermanentError, TemporaryError
from telford.deliver.gate_settings import Command
from telford.ports import Said

# What a program finds its tools and its language by; nothing else is handed on.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
_READ_BYTES = 65_536
_TAIL_BYTES = 2_000
_SHOWN_CHARS = 200
# After the group is dead its pipe closes at once; whoever left it may hold it for ever.
_DRAIN_SECONDS = 1.0


def run(
    command: Command, about: Mapping[str, str], folder: Path, environment: Mapping[str, str]
) -> Said:
    """One run. Raises `TemporaryError` at the time limit, `PermanentError` where it cannot start."""
    words = [filling.argument(one, about) for one in command.run]
    child = _start(words, _environment(command, about, environment), folder)
    said = _Tail(child)
    try:
        code = child.wait(timeout=command.limit)
    except subprocess.TimeoutExpired as error:
        raise TemporaryError(f"{words[0]} had not ended after {command.limit:g} s") from error
    finally:
        _end(child)
        said.close()
    last = said.last_line()
    if code == 0:
        return Said(open=True, why=last or f"{words[0]} ended with 0")
    ended = (
        f"{words[0]} ended with {code}" if code > 0 else f"{words[0]} was ended by signal {-code}"
    )
    return Said(open=False, why=f"{ended}: {last}" if last else ended)


def _start(
    words: list[str], environment: dict[str, str], folder: Path
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise PermanentError(
            f"cannot run {words[0]}: {why}", fix="mend the gate's `run`"
        ) from error


def _environment(
    command: Command, about: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    kept = {name: environment[name] for name in KEPT if name in environment}
    return {**kept, **dict(command.env), **filling.variables(about)}


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the whole group: it is dead already, or must be."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Tail:
    """Reads all that a process says, and keeps the end."""

    def __init__(self, child: "subprocess.Popen[bytes]") -> None:
        assert child.stdout is not None, "it was started with a pipe"
        self._pipe: IO[bytes] = child.stdout
        self._kept: deque[bytes] = deque(maxlen=2)
        self._thread = threading.Thread(target=self._read, name="telford-hook", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        descriptor = self._pipe.fileno()
        with suppress(OSError, ValueError):
            while part := os.read(descriptor, _READ_BYTES):
                self._kept.append(part)

    def close(self) -> None:
        """Stop reading; a pipe that somebody else holds is left to the reading thread."""
        self._thread.join(_DRAIN_SECONDS)
        if not self._thread.is_alive():
            self._pipe.close()

    def last_line(self) -> str:
        """The last line that says something, short and printable."""
        text = b"".join(self._kept)[-_TAIL_BYTES:].decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        shown = lines[-1] if lines else ""
        return "".join(one if one.isprintable() else "?" for one in shown)[:_SHOWN_CHARS]
