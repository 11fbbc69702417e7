"""Processes that die with the supervisor, and the logs they write.

Two nets catch what a SIGKILL of the supervisor would orphan: the kernel's parent-death signal on
every child (Linux), and a **guardian**, a fork of the supervisor that holds the other end of a
pipe and kills the recorded process groups when the pipe closes; the second also catches what
children started themselves. Used by `dataplane` and `replica`; all spawning happens in the main
thread, for the parent-death signal follows the thread.
"""

import asyncio
import contextlib
import ctypes
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

# What a diagnostic quotes of a log.
TAIL_LINES = 15
_TAIL_LINE_CHARS = 500

_READ_BYTES = 65_536


class RotatingLog:
    """A log file of limited size: `path`, then `path.1` (older), up to `files` in all.

    A disk that refuses loses lines, never the service; `tail` keeps the last lines in memory, and
    `notable` the first group of the last line in which `pattern` was found, "" while there is none.
    """

    def __init__(
        self,
        path: pathlib.Path,
        most_bytes: int,
        files: int,
        pattern: re.Pattern[str] | None = None,
    ) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._files = files
        self._size = 0
        self._partial = ""
        self._pattern = pattern
        self.notable = ""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._size = path.stat().st_size if path.exists() else 0

    def write(self, data: bytes) -> None:
        """Append what a process said."""
        self._remember(data.decode(errors="replace"))
        with contextlib.suppress(OSError):
            for start in range(0, len(data), self._most_bytes):
                self._append(data[start : start + self._most_bytes])

    def _append(self, data: bytes) -> None:
        if self._size and self._size + len(data) > self._most_bytes:
            self._rotate()
        with self._path.open("ab") as file:
            file.write(data)
        self._size += len(data)

    def _remember(self, text: str) -> None:
        *lines, self._partial = (self._partial + text).split("\n")
        self._partial = self._partial[-_TAIL_LINE_CHARS:]
        self.tail.extend(line[:_TAIL_LINE_CHARS] for line in lines if line.strip())
        for line in lines:
            self._note(line[:_TAIL_LINE_CHARS])

    def _note(self, line: str) -> None:
        found = self._pattern.search(line) if self._pattern else None
        if found:
            self.notable = found.group(1)

    def _rotate(self) -> None:
        names = [self._path, *(self._numbered(n) for n in range(1, self._files))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            if newer.exists():
                newer.replace(older)
        if self._files == 1:
            self._path.unlink(missing_ok=True)
        self._size = 0

    def _numbered(self, number: int) -> pathlib.Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def last_lines(self) -> str:
        """The last lines, for a diagnostic."""
        lines = [*self.tail, *([self._partial] if self._partial.strip() else [])]
        return "\n".join(lines[-TAIL_LINES:])


class Guardian:
    """The process that outlives a killed supervisor just long enough to clean up after it."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._writing)
            _guard(reading)
        os.close(reading)

    def watch(self, group: int) -> None:
        """From now on kill this process group when the supervisor dies."""
        self._say(f"+{group}\n")

    def forget(self, group: int) -> None:
        """This process group has ended."""
        self._say(f"-{group}\n")

    def close(self) -> None:
        """End the guardian; what it still watches is killed."""
        os.close(self._writing)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _say(self, line: str) -> None:
        with contextlib.suppress(OSError):  # a guardian that was killed cannot be told
            os.write(self._writing, line.encode())


def _guard(reading: int) -> None:
    """Read process groups until the pipe closes, kill what is left, and end. Never returns."""
    os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.closerange(3, reading)
    os.closerange(reading + 1, 1024)
    groups: set[int] = set()
    with os.fdopen(reading) as lines:
        for line in lines:
            group = int(line[1:])
            groups.add(group) if line.startswith("+") else groups.discard(group)
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)
    os._exit(0)


class Child:
    """One process, leader of its own group; `exited` is set soon after its end."""

    def __init__(self, process: subprocess.Popen[bytes], log: RotatingLog) -> None:
        self.pid = process.pid
        self.log = log
        self.exited = asyncio.Event()
        self._process = process

    @property
    def returncode(self) -> int | None:
        """None while it runs; negative: the signal that ended it."""
        return self._process.returncode

    def signal(self, number: int) -> None:
        """Tell the whole group; one that is gone is fine."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def stop(self, limit_seconds: float) -> None:
        """SIGTERM, then SIGKILL after the limit; returns when it has ended."""
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(limit_seconds):
                await self.exited.wait()
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.exited.wait()

    def how_it_ended(self) -> str:
        """For a sentence: ``exited with code 3`` or ``was killed by SIGKILL``."""
        code = self.returncode
        if code is None:
            return "still runs"
        if code < 0:
            return f"was killed by {signal.Signals(-code).name}"
        return f"exited with code {code}"


class Children:
    """All child processes of the supervisor: spawns, reaps at once, reads what they print."""

    def __init__(self, guardian: Guardian) -> None:
        self._guardian = guardian
        self._living: dict[Child, tuple[subprocess.Popen[bytes], Callable[[], None]]] = {}

    def install(self) -> None:
        """Hear of ended children from now on; needs a running loop in the main thread."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def spawn(
        self, command: Sequence[str], env: Mapping[str, str], folder: pathlib.Path, log: RotatingLog
    ) -> Child:
        """Start a process; raises OSError where the binary or the folder is not there."""
        parent = os.getpid()
        process = subprocess.Popen(
            list(command),
            env=dict(env),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent),  # noqa: PLW1509  # the supervisor has one thread
        )
        child = Child(process, log)
        self._guardian.watch(child.pid)
        self._living[child] = (process, self._follow(process, log))
        return child

    def _follow(self, process: subprocess.Popen[bytes], log: RotatingLog) -> Callable[[], None]:
        """Copy output to the log as it comes; the result reads what is left and closes."""
        loop, pipe = asyncio.get_running_loop(), process.stdout
        assert pipe is not None, "every child is started with a pipe"
        descriptor = pipe.fileno()
        os.set_blocking(descriptor, False)

        def read() -> bool:
            try:
                data = os.read(descriptor, _READ_BYTES)
            except BlockingIOError:
                return False
            if data:
                log.write(data)
            else:
                loop.remove_reader(descriptor)
            return bool(data)

        def finish() -> None:
            for _ in range(64):  # a pipe holds 64 KiB; a grandchild may keep it open for ever
                if not read():
                    break
            loop.remove_reader(descriptor)
            pipe.close()

        loop.add_reader(descriptor, read)
        return finish

    def _reap(self) -> None:
        for child, (process, finish) in list(self._living.items()):
            if process.poll() is None:
                continue
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)  # what it started does not outlive it
            self._guardian.forget(child.pid)
            del self._living[child]
            finish()
            child.exited.set()


def _die_with(parent: int) -> None:
    """In the new process, before its program: ask for SIGKILL when the supervisor dies."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
