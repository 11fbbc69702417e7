"""What workers did: the page a worker writes, as counters that outlive its restarts.

A worker has no port for requests, so nobody in front of it counts. It counts itself, in the text
format of Prometheus, on a port that the place gives it as ``{metrics_port}``
(docs/guides/local-workers.md):

    telford_work_total{outcome="done"} 120
    telford_work_total{outcome="failed"} 3
    telford_work_seconds_bucket{le="0.5"} 118
    telford_work_heartbeat_seconds 1795000000.0

Only the first is needed. `replica` looks once a second, `operations` when somebody reads. Pure.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telford.estate.observation import Counters, Series

PATH = "/metrics"
PREFIX = "telford_work"
DONE, FAILED = "done", "failed"

_LINE = re.compile(r"^([A-Za-z_:][A-Za-z0-9_:]*)(?:\{(.*)\})?\s+([^\s]+)(?:\s+-?\d+)?$")
_LABEL = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """One look. `buckets`: bound in milliseconds -> work at most that slow; `heartbeat` in epoch
    seconds, None where the worker has none.
    """

    counters: Counters
    heartbeat: float | None = None


def read(text: str) -> Page:
    """A worker's page; lines that are not about work, or make no sense, are passed over."""
    done = failed = 0
    buckets: dict[float, int] = {}
    heartbeat = None
    for name, labels, value in _samples(text):
        if name == f"{PREFIX}_total":
            done += int(value) if labels.get("outcome") == DONE else 0
            failed += int(value) if labels.get("outcome") == FAILED else 0
        elif name == f"{PREFIX}_seconds_bucket" and (bound := _milliseconds(labels)) is not None:
            buckets[bound] = buckets.get(bound, 0) + int(value)
        elif name == f"{PREFIX}_heartbeat_seconds":
            heartbeat = max(value, heartbeat or 0.0)
    return Page(Counters(done + failed, failed, dict(sorted(buckets.items()))), heartbeat)


def _samples(text: str) -> Iterable[tuple[str, dict[str, str], float]]:
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if not match or not match[1].startswith(PREFIX):
            continue
        value = _number(match[3])
        if value is not None and math.isfinite(value) and value >= 0:
            yield match[1], dict(_LABEL.findall(match[2] or "")), value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _milliseconds(labels: Mapping[str, str]) -> float | None:
    seconds = _number(labels.get("le", ""))
    if seconds is None or math.isnan(seconds):
        return None
    return round(seconds * 1000, 6)


@dataclass(slots=True)
class _Life:
    """One replica's counters: what ended processes did, and the last look at the present one."""

    pid: int
    before: Counters
    last: Counters = field(default_factory=lambda: Counters(0, 0))


class Ledger:
    """What every worker replica did since its version came. A new process begins at zero, and so
    may a running one that counts anew: neither lowers the sum.
    """

    def __init__(self) -> None:
        self._lives: dict[Series, _Life] = {}

    def add(self, series: Series, pid: int, page: Page) -> None:
        """Take a look into account."""
        life = self._lives.get(series)
        if life is None:
            life = self._lives[series] = _Life(pid, Counters(0, 0))
        if life.pid != pid or _fell(life.last, page.counters):
            life.before, life.pid = _sum(life.before, life.last), pid
        life.last = page.counters

    def total(self, series: Series) -> Counters | None:
        """The sum over all processes of this replica; None where none was ever looked at."""
        life = self._lives.get(series)
        return None if life is None else _sum(life.before, life.last)

    def forget(self, service: str, version: str) -> None:
        """The version is gone; should it come again, it begins at zero."""
        for series in [s for s in self._lives if (s.service, s.version) == (service, version)]:
            del self._lives[series]


def _fell(before: Counters, after: Counters) -> bool:
    return after.requests < before.requests or after.errors < before.errors


def _sum(one: Counters, other: Counters) -> Counters:
    """Bounds that only one of them has are left out, but where the other counted nothing."""
    if not one.requests:
        return other
    if not other.requests and not other.buckets:
        return one
    shared = one.buckets.keys() & other.buckets.keys()
    return Counters(
        one.requests + other.requests,
        one.errors + other.errors,
        {bound: one.buckets[bound] + other.buckets[bound] for bound in sorted(shared)},
    )
