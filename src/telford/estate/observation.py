"""What is: raw counters as a metrics backend reads them, and the per-tick counts made from them.

A **reading** holds cumulative counters per series; a series is one replica of one version of one
service. An **observation** holds the differences over one tick (`telford.deliver.observe` makes
them, per series before they are summed; a negative difference is a counter reset and counts as a
missing tick of that series).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """One replica of one version of one service, as the data plane names it."""

    service: str  # short name: "orders"
    version: str
    replica: str


@dataclass(frozen=True, slots=True)
class Counters:
    """Cumulative since the series began; never goes down but at a reset.

    `buckets` maps an upper bound in milliseconds to the cumulative count of requests at most that
    slow (Prometheus ``le`` semantics, ``inf`` last).
    """

    requests: int
    errors: int
    buckets: Mapping[float, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """All counters of one moment. `at` is epoch seconds (when the backend answered)."""

    at: float
    counters: Mapping[Series, Counters]


@dataclass(frozen=True, slots=True)
class Tally:
    """Events of one SLI on one series in one tick: `bad` of `total`.

    `buckets` holds the counts of a whole histogram, not cumulative, lowest bound first and the
    last one open, where the SLI is a distribution ("latency"); empty otherwise.
    """

    series: Series
    sli: str
    total: int
    bad: int
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """One tick of one service: the tallies, and the series for which this tick is missing.

    `begun` are the series that began in this tick, or whose counters were reset in it.
    """

    tick: int
    at: float
    tallies: tuple[Tally, ...] = ()
    missing: tuple[Series, ...] = ()
    begun: tuple[Series, ...] = ()
