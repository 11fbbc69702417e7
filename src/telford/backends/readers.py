"""Reading a large estate for the first time on all cores: processes that read a share each.

A share goes to a process as texts and comes back as what is kept of them (`telford.estate.kept`),
the very text that a cache holds: whoever asked goes on as if it had been read before, and reads by
itself what a process could not. Used by `telford.app.loading`; run as `python -m` for one share.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from telford.estate import kept, loading

# A process costs half a second before it reads anything, and its answer must be read too: at four
# megabytes one process alone was faster (1.5 s against 2.1 s).
WORTH_CHARACTERS = 8_000_000
# More processes than this wait for the one that puts everything together.
MAX_READERS = 4
# Far longer than the largest estate takes; a process that hangs must not hang us.
MAX_SECONDS = 120.0

_COMMAND = ("-P", "-m", "telford.backends.readers")


def cores() -> int:
    """How many processes may run at once, this one included."""
    try:
        return min(len(os.sched_getaffinity(0)), MAX_READERS)
    except AttributeError:
        return min(os.cpu_count() or 1, MAX_READERS)


@contextlib.contextmanager
def reading(shares: Sequence[Mapping[str, str]], digests: Mapping[str, str]) -> Iterator["Readers"]:
    """Processes that read these shares (file name -> text); ended with the block at the latest."""
    readers = Readers()
    try:
        for texts in shares:
            readers.begin(texts, {name: digests[name] for name in texts})
        yield readers
    finally:
        readers.end()


class Readers:
    """Processes that read a share each."""

    def __init__(self) -> None:
        self._running: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
        self._answers = contextlib.ExitStack()

    def begin(self, texts: Mapping[str, str], digests: Mapping[str, str]) -> None:
        """Start a process on a share; where none can be started, nothing comes of it."""
        with contextlib.suppress(OSError, UnicodeEncodeError), tempfile.TemporaryFile() as share:
            share.write(json.dumps([texts, digests]).encode())
            share.seek(0)
            answer = self._answers.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            command = [sys.executable, *_COMMAND]
            process = subprocess.Popen(
                command, stdin=share, stdout=answer, stderr=subprocess.DEVNULL
            )
            self._running.append((process, answer))

    def answers(self) -> Iterator[str]:
        """What is kept of each share, in their order; without those that came to nothing."""
        for process, answer in self._running:
            with contextlib.suppress(subprocess.TimeoutExpired, OSError, UnicodeDecodeError):
                if process.wait(MAX_SECONDS) == 0:
                    answer.seek(0)
                    yield answer.read().decode()

    def end(self) -> None:
        """Leave no process behind."""
        for process, _ in self._running:
            process.kill()
            process.wait()
        self._answers.close()


def main() -> None:
    """Read one share: its texts come in, what is kept of them goes out."""
    gc.disable()
    texts, digests = json.loads(sys.stdin.buffer.read())
    memory = loading.load(texts, keep=True).memory
    assert memory is not None, "it was asked for"
    sys.stdout.buffer.write(kept.encode(memory, digests).encode())


if __name__ == "__main__":
    main()
