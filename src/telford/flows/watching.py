"""What every service does all the time: its events measured each tick, its objectives evaluated.

Measurements are differences of raw counters, taken from the counters that were stored with the last
ones, so a gap is counted once. Pure but for what `controller` hands in. Called by `controller`.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from telford.deliver.policy import Indicator
from telford.estate.observation import Reading
from telford.estate.workload import PlaceState
from telford.flows import counting
from telford.operate import budget, promise
from telford.operate.promise import Promise
from telford.road import burn
from telford.store.measurements import Measurement, Sum
from telford.store.objectives import Evaluated


@dataclass(frozen=True, slots=True)
class Watched:
    """A service of a place: its canonical address, its name in the data plane, what is counted."""

    address: str
    name: str
    slis: tuple[str, ...] = (promise.ERRORS,)


@dataclass(frozen=True, slots=True)
class Watch:
    """All services of a place, and what they promise."""

    services: tuple[Watched, ...] = ()
    promises: tuple[Promise, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One service's tick: rows to add, and the counters to remember from now on."""

    rows: tuple[Measurement, ...]
    reading: Reading
    # Nothing to store where neither counts nor the set of series changed.
    changed: bool = field(default=True)


def watch(services: Iterable[tuple[str, str]], promises: Sequence[Promise]) -> Watch:
    """What to watch: (address, name) pairs; every service's errors, and what its promises name."""
    watched = []
    for address, name in services:
        named = {one.sli for one in promises if one.service == address and one.sli}
        watched.append(Watched(address, name, tuple(sorted(named | {promise.ERRORS}))))
    return Watch(tuple(watched), tuple(promises))


def measure(
    place: str, watched: Watched, before: Reading | None, now: Reading, state: PlaceState | None
) -> Measured:
    """The events of one service since `before`."""
    merged = counting.merged(before, now, state)
    indicators = [_indicator(sli) for sli in watched.slis]
    observation = counting.difference(before, now, 0, watched.name, indicators)
    rows = []
    for sli in watched.slis:
        tallies = [one for one in observation.tallies if one.sli == sli]
        total = sum(one.total for one in tallies)
        if total:
            bad = sum(one.bad for one in tallies)
            rows.append(Measurement(place, watched.address, sli, 0, now.at, total, bad))
    changed = before is None or merged.counters != before.counters
    return Measured(tuple(rows), merged, changed)


def evaluate(
    place: str,
    watch: Watch,
    sums: Mapping[tuple[str, str], Mapping[str, Sum]],
    now: float,
) -> tuple[Evaluated, ...]:
    """Every promise as it stands now; `sums` as the store gives them for `promise.all_windows`."""
    return tuple(
        _evaluated(place, one, sums.get((one.service, one.sli), {}), now) for one in watch.promises
    )


def _evaluated(place: str, one: Promise, sums: Mapping[str, Sum], now: float) -> Evaluated:
    counts = {
        name: burn.Count(Decimal(events.total), Decimal(events.bad))
        for name, events in sums.items()
    }
    found = budget.evaluate(one, counts, now)
    return Evaluated(
        place, one.objective, one.service, now, now, found.state.value, found.to_json()
    )


@functools.cache
def _indicator(sli: str) -> Indicator:
    # Only what is counted matters here; the target belongs to the promise.
    return Indicator(sli, Decimal("0.5"), promise.threshold_ms(sli))
