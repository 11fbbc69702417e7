"""Counts are exact however old they grow, and take bounded space."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import PLACE

import stores
from telford.store.database import Lease
from telford.store.measurements import LEVELS, Measurement, Sum
from telford.store.readings import Stored
from telford.store.store import Store
from telford.testing.clock import FakeClock

S = "service/shop.orders"


def _tick(at: float, total: int, bad: int) -> Measurement:
    return Measurement(PLACE, S, "errors", 0, at, total, bad)


def test_events_survive_every_rollup_exactly(store: Store, lease: Lease, clock: FakeClock) -> None:
    start = clock.now()
    total = bad = 0
    # Five days, four ticks a transaction.
    for first in range(0, 480, 4):
        clock.advance(4 * 890.0)
        numbers = range(first, first + 4)
        ticks = [_tick(clock.now() - 890.0 * (first + 3 - n), n, n // 3) for n in numbers]
        with store.writing(lease) as writing:
            store.measurements.add(writing, ticks)
            store.measurements.roll_up(writing)
        total += sum(numbers)
        bad += sum(n // 3 for n in numbers)
    sums = store.measurements.sums(PLACE, {"all": start - 3600})
    assert sums == {(S, "errors"): {"all": Sum(total, bad)}}
    widths = {row.width for row in store.measurements.series(PLACE, S, "errors", 0.0)}
    assert widths == {level.width for level in LEVELS}


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(st.tuples(st.floats(0.5, 5000.0), st.integers(0, 99)), max_size=40))
def test_rolling_up_at_any_time_never_changes_the_total(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[float, int]]
) -> None:
    clock = FakeClock()
    store = Store(stores.fresh(tmp_path_factory.mktemp("s") / "store.db"), clock)
    lease = store.leases.take(PLACE, "one", 3.0, gone=lambda holder: False)
    start = clock.now()
    for pause, count in steps:
        clock.advance(pause)
        with store.writing(lease) as writing:
            store.measurements.add(writing, [_tick(clock.now(), count, count // 2)])
            store.measurements.roll_up(writing)
    # A slot begins at most its own width before the first event in it.
    sums = store.measurements.sums(PLACE, {"all": start - 3600})
    expected = Sum(sum(c for _, c in steps), sum(c // 2 for _, c in steps))
    assert sums.get((S, "errors"), {}).get("all", Sum(0, 0)) == expected
    store.close()


def test_windows_count_what_began_in_them(store: Store, lease: Lease, clock: FakeClock) -> None:
    now = clock.now()
    with store.writing(lease) as writing:
        rows = [_tick(now - 400, 100, 10), _tick(now - 200, 50, 5), _tick(now, 7, 1)]
        store.measurements.add(writing, rows)
    sums = store.measurements.sums(PLACE, {"5m": now - 300, "1h": now - 3600, "1s": now - 1})
    assert sums[S, "errors"] == {"5m": Sum(57, 6), "1h": Sum(157, 16), "1s": Sum(7, 1)}


def test_what_is_older_than_the_longest_period_goes(
    store: Store, lease: Lease, clock: FakeClock
) -> None:
    with store.writing(lease) as writing:
        store.measurements.add(writing, [_tick(clock.now(), 5, 0)])
    clock.advance(101 * 86_400.0)
    with store.writing(lease) as writing:
        for _ in LEVELS:
            store.measurements.roll_up(writing)
    assert store.measurements.series(PLACE, S, "errors", 0.0) == ()


def test_readings_are_replaced_service_by_service(store: Store, lease: Lease) -> None:
    with store.writing(lease) as writing:
        store.readings.replace(writing, [Stored("a", 1.0, {"x": [1]}), Stored("b", 1.0, {})])
    with store.writing(lease) as writing:
        store.readings.replace(writing, [Stored("a", 2.0, {"x": [2]}), Stored("c", 2.0, {})])
    found = store.readings.of(PLACE)
    assert {name: one.at for name, one in found.items()} == {"a": 2.0, "b": 1.0, "c": 2.0}
    assert found["a"].counters == {"x": [2]}
