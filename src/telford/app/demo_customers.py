"""The demo's customers: the example's load generator as a process of its own, and what it saw.

Its counts are the demo's second witness: independent of Envoy's counters, of the records and of
this process. Called by `telford.app.demo` and by `tools/bench_demo.py`.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telford.app.demo_folder import Example
from telford.backends import process
from telford.basics import clock as clocks
from telford.basics.errors import TemporaryError

# It ends with the demo, or when it finds the demo gone; this bound is for neither.
LONGEST_SECONDS = 86_400.0
# Requests in flight end within their own limit of 5 s.
LEAVE_SECONDS = 15.0
POLL_SECONDS = 0.05
FIRST_FAILURE = 400


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many customers: requests a second, and the seed that decides what they ask for when."""

    rate: float
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """What customers saw: requests by who answered them, those that failed likewise ("" where
    nobody of the shop did) and by what was asked, and what got no answer at all. `lost` where the
    load generator ended without a last word.
    """

    sent: int = 0
    answered: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)
    transport: Mapping[str, int] = field(default_factory=dict)
    not_sent: int = 0
    latency_ms: Mapping[str, float] = field(default_factory=dict)
    lost: bool = False

    def failed_of(self, server: str) -> int:
        """Failed requests that this server, such as ``storefront/1.2.0``, answered."""
        return self.failed.get(server, 0)

    @property
    def all_failed(self) -> int:
        """Requests that failed, whoever answered them, or got no answer."""
        return sum(self.failed.values()) + sum(self.transport.values())

    def unexplained(self, guilty: str) -> tuple[str, ...]:
        """Whatever failed and is not the fault of `guilty`, a sentence each; none where all is."""
        found = [
            f"{count:,} requests failed that {server or 'no service'} answered"
            for server, count in sorted(self.failed.items())
            if server != guilty
        ]
        found += [f"{count:,} requests: {kind}" for kind, count in sorted(self.transport.items())]
        if self.not_sent:
            found.append(f"{self.not_sent:,} requests could not be sent in time")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Customers:
    """Customers that are there; `begin` makes them, `leave` sends them home."""

    pid: int
    out: Path

    def seen(self) -> Seen:
        """What they have seen so far, at most a second old."""
        lives = process.lives(self.pid)
        try:
            summary = json.loads(self.out.read_text(encoding="utf-8"))
        except FileNotFoundError:  # the first second is not over
            return Seen(lost=not lives)
        return dataclasses.replace(read(summary), lost=not (lives or summary["final"]))

    def leave(self, clock: clocks.Clock) -> Seen:
        """Ask for nothing more, wait for what was asked, and say it all.

        Raises `TemporaryError` where they do not go within `LEAVE_SECONDS`.
        """
        if process.lives(self.pid):
            process.terminate(self.pid)
        deadline = clock.monotonic() + LEAVE_SECONDS
        while process.lives(self.pid):
            if clock.monotonic() > deadline:
                raise TemporaryError(f"the load generator (process {self.pid}) does not end")
            clock.sleep(POLL_SECONDS)
        return self.seen()


def begin(example: Example, url: str, crowd: Crowd, folder: Path) -> Customers:
    """Let customers come to `url`; what they saw is kept in `folder`."""
    out = folder / "customers.json"
    out.unlink(missing_ok=True)
    requests = int(crowd.rate * LONGEST_SECONDS)
    words = [sys.executable, str(example.load), "--url", url, "--out", str(out)]
    # This process as it is now: it may be gone before the other one can ask for its parent.
    words += ["--with-parent", str(os.getpid())]
    words += ["--rate", str(crowd.rate), "--seed", str(crowd.seed)]
    words += ["--seconds", str(LONGEST_SECONDS), "--requests", str(requests)]
    return Customers(process.leave_behind(words, folder / "customers.log"), out)


def read(summary: Mapping[str, Any]) -> Seen:
    """The load generator's summary as `Seen`."""
    answered: dict[str, int] = {}
    failed: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for one in summary["responses"]:
        server, count = one["served_by"], one["count"]
        answered[server] = answered.get(server, 0) + count
        if one["status"] >= FIRST_FAILURE:
            failed[server] = failed.get(server, 0) + count
            kind = f"{one['method']} {one['route']}"
            kinds[kind] = kinds.get(kind, 0) + count
    return Seen(
        sent=summary["sent"],
        answered=answered,
        failed=failed,
        kinds=kinds,
        transport=dict(summary["transport"]),
        not_sent=summary["not_sent"],
        latency_ms=dict(summary["latency_ms"]),
    )
