"""labels: a worker that prints shipping labels from a queue, and says itself how it fares.

Not a part of the demo: it shows how a worker is released (docs/guides/local-workers.md). The queue
is one SQLite file that all its versions share; a job is claimed in one statement, so no two workers
print the same label. TELFORD_PARTITIONS ("0-3") narrows it to some of the 8 partitions: "" is none
of them, and unset all.

Nobody is in front of a worker to count, so it counts: METRICS_PORT serves what it did.
Versions: 1.0.0 and 1.1.0 are good; 1.2.0 cannot print jobs whose number is divisible by three.
"""

import asyncio
import os
import pathlib
import sqlite3
import time
from collections import Counter

from shop import database, settings, web

PARTITIONS = 8
BATCH = 10
IDLE_SECONDS = 0.02  # between two looks at an empty queue
PRINT_SECONDS = 0.002
CLAIM_SECONDS = 30.0  # a claim that is older was a dead worker's
BOUNDS_SECONDS = (0.005, 0.01, 0.05, 0.1, 0.5, 1.0)

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, claimed_at REAL, outcome TEXT, version TEXT
);
"""
CLAIM = f"""
UPDATE jobs SET claimed_at = ? WHERE number IN (
    SELECT number FROM jobs
    WHERE outcome IS NULL AND (claimed_at IS NULL OR claimed_at < ?)
      AND number % {PARTITIONS} BETWEEN ? AND ?
    ORDER BY number LIMIT {BATCH}
) RETURNING number
"""


def connect(folder: pathlib.Path) -> sqlite3.Connection:
    """The queue in a state folder."""
    return database.connect(folder / "labels.sqlite", SCHEMA)


def put(queue: sqlite3.Connection, jobs: int) -> None:
    """Ask for that many labels."""
    queue.executemany("INSERT INTO jobs (claimed_at) VALUES (?)", [(None,)] * jobs)


def span(text: str | None) -> tuple[int, int]:
    """The first and the last partition of TELFORD_PARTITIONS; an empty one ends before it begins."""
    if text is None:
        return 0, PARTITIONS - 1
    first, _, last = text.partition("-")
    return (int(first), int(last or first)) if first else (0, -1)


class Labels:
    """One worker: its queue, its share of it, and what it did so far."""

    def __init__(
        self, queue: sqlite3.Connection, version: str, partitions: tuple[int, int]
    ) -> None:
        self._queue = queue
        self._version = version
        self._partitions = partitions
        self.outcomes: Counter[str] = Counter()
        self.slower: Counter[float] = Counter()
        self.heartbeat = time.time()

    async def step(self) -> int:
        """Claim some jobs and print them; how many there were."""
        self.heartbeat = now = time.time()
        claimed = self._queue.execute(CLAIM, (now, now - CLAIM_SECONDS, *self._partitions))
        jobs = [number for (number,) in claimed.fetchall()]
        for number in jobs:
            began = time.monotonic()
            await asyncio.sleep(PRINT_SECONDS)
            outcome = "failed" if self._version == "1.2.0" and number % 3 == 0 else "done"
            self._queue.execute(
                "UPDATE jobs SET outcome = ?, version = ? WHERE number = ?",
                (outcome, self._version, number),
            )
            self._count(outcome, time.monotonic() - began)
        return len(jobs)

    def _count(self, outcome: str, seconds: float) -> None:
        self.outcomes[outcome] += 1
        for bound in BOUNDS_SECONDS:
            self.slower[bound] += seconds <= bound

    def page(self) -> str:
        """What it did, in Prometheus' text format."""
        lines = [
            f'telford_work_total{{outcome="{outcome}"}} {self.outcomes[outcome]}'
            for outcome in ("done", "failed")
        ]
        lines += [
            f'telford_work_seconds_bucket{{le="{bound}"}} {self.slower[bound]}'
            for bound in BOUNDS_SECONDS
        ]
        lines.append(f'telford_work_seconds_bucket{{le="+Inf"}} {self.outcomes.total()}')
        lines.append(f"telford_work_heartbeat_seconds {self.heartbeat}")
        return "\n".join(lines) + "\n"


async def main() -> None:
    """Work until SIGTERM; what was claimed is printed first."""
    given = settings.Settings("labels")
    log = given.log()
    partitions = span(os.environ.get("TELFORD_PARTITIONS"))
    worker = Labels(connect(given.state_folder), given.version, partitions)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = worker.page().encode()
        head = f"HTTP/1.0 200 OK\r\ncontent-type: {web.METRICS}\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    stopping = asyncio.Event()
    web.stop_on_signals(stopping)
    port = int(os.environ["METRICS_PORT"])
    async with await asyncio.start_server(answer, settings.LOOPBACK, port):
        log("start")
        while not stopping.is_set():
            if not await worker.step():
                await asyncio.sleep(IDLE_SECONDS)
    log("stop", **worker.outcomes)


if __name__ == "__main__":
    asyncio.run(main())
