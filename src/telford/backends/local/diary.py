"""The supervisor's own log: one line a fact, to standard output, which is logs/supervisor.log.

A disk that is full loses a line and nothing else.
"""

import contextlib
import os
import time


def say(line: str) -> None:
    """Write one line with the time (UTC)."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):
        os.write(1, f"{stamp} {line}\n".encode())
