"""Counters to counts: the differences of one tick, per series, before anything is summed.

Decisions that the numbers rest on:

- A negative difference (of requests, errors or any bucket used) is a counter reset: that series is
  missing for this tick. Nothing is guessed about what happened before the reset.
- A series that the previous reading does not have is missing for this tick as well, because its
  counters may be older than the release (a scrape gap looks the same). Only the series named in
  `fresh` are taken to have begun at zero. A canary is started without traffic, so nothing is lost:
  its first reading is all zeros.
- A series that the present reading does not have is missing: never a failure.
- Slowness is counted from the histogram: slow are those above the threshold. Where the threshold
  is no bound of the histogram there is no interpolation; the next lower bound is used, which calls
  more requests slow, in both versions alike, and `notes` says so. Without a lower bound the series
  has no slowness counts.
- A latency indicator has the counts of all buckets. Series whose histograms have another number of
  buckets than most have no latency counts.
- Series that began in this tick, or were reset in it, are named in `begun`: a new replica of either
  version is left out while it warms up, see `weighing`.
- Counters of one series are not read at one instant; more bad requests than requests in a tick
  means that a request was counted in the next one, so the bad ones count as requests too.

Called by the app floor each tick; the result feeds `release.next_step`.
"""

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from telford.deliver.policy import Indicator, kind_of
from telford.estate.observation import Counters, Observation, Reading, Series, Tally


def observe(
    previous: Reading,
    current: Reading,
    tick: int,
    service: str,
    indicators: Sequence[Indicator],
    *,
    fresh: Collection[Series] = frozenset(),
) -> Observation:
    """The tallies of `service` between two readings.

    `fresh` are series known to have begun after `previous` was read: their counts start at zero.
    """
    tallies: list[Tally] = []
    missing: list[Series] = []
    begun: list[Series] = []
    for series, before, after in _series(previous, current, service):
        new = before is None and series in fresh
        reset = before is not None and after is not None and _reset(before, after)
        if new or reset:
            begun.append(series)
        start = _zero(after) if new else before
        found = []
        if start is not None and after is not None and not reset:
            found = list(_tallies(series, start, after, indicators))
        tallies += found
        if not found:
            missing.append(series)
    return Observation(tick, current.at, _alike(tallies), tuple(missing), tuple(begun))


def notes(reading: Reading, service: str, indicators: Sequence[Indicator]) -> tuple[str, ...]:
    """What a person should know about how `service` is counted, as sentences."""
    found: dict[str, None] = {}
    for series in sorted(reading.counters):
        if series.service != service:
            continue
        for indicator in indicators:
            found.update(dict.fromkeys(_note(reading.counters[series], indicator)))
    return tuple(found)


def slow_bound(buckets: Mapping[float, int], threshold_ms: float) -> float | None:
    """The histogram bound slowness is counted from: the threshold, or the next lower one."""
    return max((bound for bound in buckets if bound <= threshold_ms), default=None)


def _series(
    previous: Reading, current: Reading, service: str
) -> list[tuple[Series, Counters | None, Counters | None]]:
    """Every series of a service with its counters before and after, in order."""
    earlier, later = previous.counters, current.counters
    found: list[tuple[Series, Counters | None, Counters | None]] = [
        (one, earlier.get(one), after) for one, after in later.items() if one.service == service
    ]
    if sum([before is not None for _, before, _ in found]) < len(earlier):
        found += [
            (one, before, None)
            for one, before in earlier.items()
            if one.service == service and one not in later
        ]
    return sorted(found, key=_order)


def _order(found: tuple[Series, Counters | None, Counters | None]) -> tuple[str, str]:
    """As series are ordered within a service, without comparing them in Python."""
    return found[0].version, found[0].replica


def _zero(counters: Counters | None) -> Counters:
    return Counters(0, 0, dict.fromkeys(counters.buckets, 0) if counters else {})


def _tallies(
    series: Series, before: Counters, after: Counters, indicators: Iterable[Indicator]
) -> Iterator[Tally]:
    """One tally for each indicator that the series can say something about."""
    for indicator in indicators:
        counts = _difference(before, after, indicator)
        if counts is not None:
            total, bad = counts
            yield Tally(series, indicator.name, max(total, bad), bad)
        elif kind_of(indicator) == "latency":
            buckets = _buckets(before, after)
            if buckets:
                yield Tally(series, indicator.name, sum(buckets), 0, buckets)


def _alike(tallies: list[Tally]) -> tuple[Tally, ...]:
    """Without the histograms that have another number of buckets than most: nothing is rebinned."""
    if len({len(one.buckets) for one in tallies if one.buckets}) < 2:
        return tuple(tallies)
    sizes = Counter(len(one.buckets) for one in tallies if one.buckets)
    common = max(sizes, key=lambda size: (sizes[size], size))
    return tuple(one for one in tallies if not one.buckets or len(one.buckets) == common)


def _buckets(before: Counters, after: Counters) -> tuple[int, ...]:
    """The tick's requests in each bucket, lowest first; empty where the bounds have changed.

    The buckets of one series are not read at one instant either: a count below 0 is taken as 0.
    """
    bounds = sorted(after.buckets)
    if not bounds or before.buckets.keys() != after.buckets.keys():
        return ()
    totals = [after.buckets[bound] - before.buckets[bound] for bound in bounds]
    return tuple(max(b - a, 0) for a, b in itertools.pairwise((0, *totals)))


def _reset(before: Counters, after: Counters) -> bool:
    if after.requests < before.requests or after.errors < before.errors:
        return True
    counts = after.buckets
    return any(counts.get(bound, count) < count for bound, count in before.buckets.items())


def _difference(before: Counters, after: Counters, indicator: Indicator) -> tuple[int, int] | None:
    """(total, bad) of one indicator; None where the series cannot say."""
    if kind_of(indicator) == "latency":
        return None
    if indicator.threshold_ms is None:
        return after.requests - before.requests, after.errors - before.errors
    bound = slow_bound(after.buckets, indicator.threshold_ms)
    if bound is None or bound not in before.buckets:
        return None
    if math.inf not in after.buckets or math.inf not in before.buckets:
        return None
    total = after.buckets[math.inf] - before.buckets[math.inf]
    return total, max(total - (after.buckets[bound] - before.buckets[bound]), 0)


def _note(counters: Counters, indicator: Indicator) -> Iterator[str]:
    if indicator.threshold_ms is None:
        return
    bound = slow_bound(counters.buckets, indicator.threshold_ms)
    if bound is None:
        yield (
            f"slowness is not counted: the histogram has no bound at or below "
            f"{indicator.threshold_ms:g} ms"
        )
    elif bound != indicator.threshold_ms:
        yield (
            f"slow means above {bound:g} ms: the objective's {indicator.threshold_ms:g} ms is no "
            "bound of the histogram, and nothing is interpolated"
        )
