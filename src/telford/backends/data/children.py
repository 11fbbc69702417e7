"""Children that do one piece of a data change each: started, asked again and again, ended.

A migration may take minutes and whoever asks for it has seconds, so a child goes on between two
questions. It dies with this process (its stdin closes), and the data store rolls back what it had
not finished. Used by `runner`.
"""

import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.basics.errors import TemporaryError

# What of a foreign program's last words is shown.
SAID = 2000
# At once in one process; each may hold a connection and a core.
MOST = 8


@dataclass(slots=True)
class Child:
    """One running program and what it says; `out` and `err` are read by threads, so that no pipe
    fills up.
    """

    process: "subprocess.Popen[str]"
    threads: tuple[threading.Thread, ...]
    words: dict[str, str]

    def ended(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        if self.process.stdin is not None:
            self.process.stdin.close()
        for thread in self.threads:
            thread.join(1.0)
        return True


class Children:
    """By key, at most one each. Whoever learns of a child's end in another way calls `end`, or it
    keeps its place here for ever.
    """

    def __init__(self) -> None:
        # With the task that each was started for.
        self._running: dict[str, tuple[str, Child]] = {}
        self._lock = threading.Lock()

    def ask(self, key: str, task: str, start: Callable[[], Child], seconds: float) -> Child | None:
        """The child of this key once it has ended; None while it runs. It is started where there is
        none; one that was started for another task is no answer to this one, and is killed. Raises
        `TemporaryError` where too many run.
        """
        with self._lock:
            known = self._running.get(key)
        if known is not None and known[0] != task:
            self.end(key)
        with self._lock:
            if key not in self._running:
                if len(self._running) >= MOST:
                    raise TemporaryError(f"{MOST} data steps are under way already")
                self._running[key] = task, start()
            _, child = self._running[key]
        if not child.ended(seconds):
            return None
        with self._lock:
            self._running.pop(key, None)
        return child

    def end(self, key: str) -> None:
        """Kill it, where there is one; the data store rolls back."""
        with self._lock:
            known = self._running.pop(key, None)
        if known is not None:
            _, child = known
            child.process.kill()
            child.ended(5.0)


def start(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    line: Mapping[str, Any] | None,
) -> Child:
    """Start a program; `line` goes to its stdin as JSON, which then stays open as long as we live."""
    try:
        process = subprocess.Popen(
            list(words),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise TemporaryError(f"cannot start {words[0]}: {error.strerror}") from error
    said: dict[str, str] = {"out": "", "err": ""}
    streams = {"out": process.stdout, "err": process.stderr}
    threads = tuple(
        threading.Thread(target=_listen, args=(streams[name], said, name), daemon=True)
        for name in streams
    )
    for thread in threads:
        thread.start()
    if line is not None and process.stdin is not None:
        _tell(process, json.dumps(line) + "\n")
    return Child(process, threads, said)


def _tell(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdin is not None, "it was opened as a pipe"
    try:
        process.stdin.write(text)
        process.stdin.flush()
    except BrokenPipeError:
        return  # it ended at once; its exit code says so


def answer(child: Child) -> dict[str, Any]:
    """The last line of what it said, as JSON; a failed outcome where it said none."""
    for line in reversed(child.words["out"].splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    why = " ".join(child.words["err"].split())[-SAID:]
    return {"outcome": "died", "why": why or f"it ended with {child.process.returncode}"}


def _listen(stream: Any, said: dict[str, str], name: str) -> None:
    with stream:
        for text in iter(lambda: stream.read(4096), ""):
            said[name] = (said[name] + text)[-1_000_000:]
