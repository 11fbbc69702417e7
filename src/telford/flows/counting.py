"""Raw counters between two ticks: split by service, remembered as JSON, differences at the end.

Counters are remembered for series that a reading leaves out (a data plane names only those that
were used), so that a series which is not remembered is known to have begun at zero. Pure; called
by `advancing` and `watching`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from telford.deliver import observe
from telford.deliver.policy import Indicator
from telford.estate.observation import Counters, Observation, Reading, Series
from telford.estate.workload import PlaceState, ReplicaState, Split, Workload

Json = Mapping[str, Any]


def by_service(reading: Reading) -> dict[str, Reading]:
    """One reading a service: going through all counters once, not once a service."""
    found: dict[str, dict[Series, Counters]] = {}
    for series, counters in reading.counters.items():
        found.setdefault(series.service, {})[series] = counters
    return {service: Reading(reading.at, counters) for service, counters in found.items()}


def places(state: PlaceState) -> dict[str, PlaceState]:
    """One state a service, for the same reason."""
    parts: dict[str, tuple[list[ReplicaState], list[Workload], list[Split]]] = {}
    for replica in state.replicas:
        parts.setdefault(replica.service, ([], [], []))[0].append(replica)
    for workload in state.workloads:
        parts.setdefault(workload.service, ([], [], []))[1].append(workload)
    for split in state.splits:
        parts.setdefault(split.service, ([], [], []))[2].append(split)
    return {
        service: PlaceState(tuple(replicas), tuple(workloads), tuple(splits), state.ingress_url)
        for service, (replicas, workloads, splits) in parts.items()
    }


def merged(before: Reading | None, now: Reading, place: PlaceState | None) -> Reading:
    """`now`, and what `before` remembers of replicas that still are in the place (unknown: None)
    but that `now` leaves out.
    """
    if before is None or before.counters.keys() <= now.counters.keys():
        return now
    alive = None
    if place is not None:
        alive = {(one.service, one.version, one.replica) for one in place.replicas}
    remembered = {
        series: counters
        for series, counters in before.counters.items()
        if series not in now.counters
        and (alive is None or (series.service, series.version, series.replica) in alive)
    }
    return Reading(now.at, {**remembered, **now.counters})


def difference(
    before: Reading | None, now: Reading, tick: int, service: str, indicators: Sequence[Indicator]
) -> Observation:
    """What happened since `before`. Without one (the very first look) every series is missing: its
    counters may be older than what is asked.
    """
    if before is None:
        return observe.observe(Reading(now.at, {}), now, tick, service, indicators)
    begun = [one for one in now.counters if one not in before.counters]
    return observe.observe(before, now, tick, service, indicators, fresh=begun)


def to_json(reading: Reading) -> dict[str, Any]:
    """Plain values; `from_json` gives back an equal reading of the same service."""
    return {
        "at": reading.at,
        "series": [
            [
                series.version,
                series.replica,
                counters.requests,
                counters.errors,
                [[str(bound), count] for bound, count in counters.buckets.items()],
            ]
            for series, counters in reading.counters.items()
        ],
    }


def from_json(service: str, plain: Json) -> Reading | None:
    """None where nothing was remembered."""
    if not plain:
        return None
    return Reading(
        plain["at"],
        {
            Series(service, version, replica): Counters(
                requests, errors, {float(bound): count for bound, count in buckets}
            )
            for version, replica, requests, errors, buckets in plain["series"]
        },
    )
