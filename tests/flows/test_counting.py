"""Counters between ticks: remembered, merged, differenced, and exact through JSON."""

import math
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from telford.deliver.policy import Indicator
from telford.estate.observation import Counters, Reading, Series
from telford.estate.workload import PlaceState, ReplicaState
from telford.flows import counting, watching
from telford.flows.watching import Watched

ERRORS = (Indicator("errors", Decimal("0.9")),)


def a_series(version: str = "v1", replica: str = "0") -> Series:
    return Series("s", version, replica)


def a_reading(at: float, **requests: int) -> Reading:
    found = {a_series(replica=key[1:]): Counters(count, 0) for key, count in requests.items()}
    return Reading(at, found)


def a_state(*replicas: str) -> PlaceState:
    return PlaceState(
        tuple(ReplicaState("s", "v1", one, "ready", 1, 2, 0) for one in replicas), (), ()
    )


def totals(before: Reading | None, now: Reading) -> dict[str, int]:
    seen = counting.difference(before, now, 1, "s", ERRORS)
    return {one.series.replica: one.total for one in seen.tallies}


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["v1", "v2"]), st.text("012", min_size=1, max_size=2)),
        st.tuples(st.integers(0, 2**53), st.integers(0, 2**53)),
        max_size=6,
    ),
    st.floats(0, 4e9, allow_nan=False),
)
def test_a_reading_survives_json(counts: dict[tuple[str, str], tuple[int, int]], at: float) -> None:
    buckets = {5.0: 1, 0.5: 0, math.inf: 2}
    reading = Reading(
        at, {Series("s", v, r): Counters(n, k, buckets) for (v, r), (n, k) in counts.items()}
    )
    assert counting.from_json("s", counting.to_json(reading)) == reading


def test_nothing_remembered_is_none() -> None:
    assert counting.from_json("s", {}) is None


def test_the_first_look_counts_nothing() -> None:
    assert totals(None, a_reading(1.0, r0=1000)) == {}


def test_a_series_that_was_not_there_began_at_zero() -> None:
    assert totals(a_reading(1.0, r0=10), a_reading(2.0, r0=15, r1=7)) == {"0": 5, "1": 7}


def test_a_series_that_a_reading_left_out_is_remembered_while_its_replica_is_there() -> None:
    before = a_reading(1.0, r0=10, r1=20)
    now = a_reading(2.0, r0=15)
    kept = counting.merged(before, now, a_state("0", "1"))
    assert totals(kept, a_reading(3.0, r0=16, r1=25)) == {"0": 1, "1": 5}
    gone = counting.merged(before, now, a_state("0"))
    assert a_series(replica="1") not in gone.counters
    unknown = counting.merged(before, now, None)
    assert unknown.counters == kept.counters


def test_readings_and_states_are_split_by_service_once() -> None:
    other = Series("t", "v1", "0")
    reading = Reading(1.0, {a_series(): Counters(1, 0), other: Counters(2, 0)})
    split = counting.by_service(reading)
    assert {name: list(one.counters) for name, one in split.items()} == {
        "s": [a_series()],
        "t": [other],
    }


def test_a_service_is_measured_over_all_versions_and_replicas() -> None:
    before = Reading(1.0, {a_series("v1"): Counters(10, 1), a_series("v2"): Counters(5, 0)})
    now = Reading(2.0, {a_series("v1"): Counters(30, 2), a_series("v2"): Counters(9, 3)})
    measured = watching.measure("p", Watched("service/s", "s"), before, now, None)
    (row,) = measured.rows
    assert (row.total, row.bad, row.at, row.sli) == (24, 4, 2.0, "errors")


def test_a_quiet_service_writes_nothing() -> None:
    reading = a_reading(1.0, r0=10)
    measured = watching.measure(
        "p", Watched("service/s", "s"), reading, a_reading(2.0, r0=10), a_state("0")
    )
    assert (measured.rows, measured.changed) == ((), False)


def test_slowness_is_measured_for_every_threshold_that_is_promised() -> None:
    buckets = {100.0: 8, 300.0: 9, math.inf: 10}
    before = Reading(1.0, {a_series(): Counters(0, 0, dict.fromkeys(buckets, 0))})
    now = Reading(2.0, {a_series(): Counters(10, 1, buckets)})
    watched = Watched("service/s", "s", ("errors", "slowness:100", "slowness:300"))
    measured = watching.measure("p", watched, before, now, None)
    assert {row.sli: row.bad for row in measured.rows} == {
        "errors": 1,
        "slowness:100": 2,
        "slowness:300": 1,
    }
