"""One piece of work shared among processes that begin as copies of this one.

A copy has everything in memory that this process has, so nothing must be sent to it, and it sends
back bytes. Only where the system can copy a process, and this one has a single thread: a copy of a
lock that another thread holds is never released. A share whose process fails is done here.
Called by `telford.app.rendering`.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from telford.backends import readers

_CHUNK = 1 << 20


def cores() -> int:
    """How many processes may share a piece of work, this one included."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    return readers.cores()


def shared(count: int, work: Callable[[int], bytes]) -> list[bytes]:
    """What `work` gives for each share from 0 to `count` - 1; share 0 is this process's own."""
    copies = [_begin(work, index) for index in range(1, count)]
    try:
        mine = work(0)
        return [mine, *(copy.answer() or work(copy.index) for copy in copies)]
    finally:
        for copy in copies:
            copy.end()


@dataclass(slots=True)
class _Copy:
    """A process at work on one share; `pid` is 0 where none could be begun, or it has ended."""

    index: int
    pid: int
    source: int

    def answer(self) -> bytes:
        """All that it says, once it has ended well; nothing otherwise."""
        if not self.pid:
            return b""
        said = b"".join(self._read())
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return said if status == 0 else b""

    def _read(self) -> Iterator[bytes]:
        with contextlib.suppress(OSError):
            while chunk := os.read(self.source, _CHUNK):
                yield chunk

    def end(self) -> None:
        """Leave no process behind."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        if self.source >= 0:
            os.close(self.source)


def _begin(work: Callable[[int], bytes], index: int) -> _Copy:
    source, sink = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(source)
        os.close(sink)
        return _Copy(index, 0, -1)
    if not pid:
        os.close(source)
        _work(work, index, sink)
    os.close(sink)
    return _Copy(index, pid, source)


def _work(work: Callable[[int], bytes], index: int, sink: int) -> NoReturn:
    """The whole life of a copy: it must never return into what it was copied from."""
    status = 1
    try:
        _write(sink, work(index))
        status = 0
    finally:
        os._exit(status)


def _write(sink: int, said: bytes) -> None:
    left = memoryview(said)
    while left:
        left = left[os.write(sink, left) :]
