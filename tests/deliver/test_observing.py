"""Counters to counts: differences per series, resets and gaps, slowness from the histogram."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_release import ERRORS, SLOWNESS

from telford.deliver.observe import notes, observe, slow_bound
from telford.deliver.policy import Indicator
from telford.estate.observation import Counters, Reading, Series, Tally

OLD = Series("orders", "v1", "0")
NEW = Series("orders", "v2", "0")
OTHER = Series("basket", "v1", "0")


def reading(at, **counters):
    names = {"old": OLD, "new": NEW, "other": OTHER}
    return Reading(at, {names[name]: value for name, value in counters.items()})


def histogram(fast, slow, total):
    return {100.0: fast, 300.0: slow, math.inf: total}


def test_differences_are_taken_per_series_and_only_of_the_service():
    before = reading(1.0, old=Counters(100, 5), new=Counters(10, 1), other=Counters(1, 1))
    after = reading(2.0, old=Counters(190, 7), new=Counters(20, 1), other=Counters(9, 9))
    found = observe(before, after, 7, "orders", [ERRORS])
    assert (found.tick, found.at, found.missing) == (7, 2.0, ())
    assert found.tallies == (Tally(OLD, "errors", 90, 2), Tally(NEW, "errors", 10, 0))


@pytest.mark.parametrize(
    "after",
    [Counters(99, 5), Counters(101, 4), Counters(101, 5, histogram(9, 90, 101))],
    ids=["requests", "errors", "a bucket"],
)
def test_a_counter_that_went_down_makes_the_tick_missing_for_that_series_alone(after):
    before = reading(1.0, old=Counters(100, 5, histogram(10, 90, 100)), new=Counters(10, 1))
    found = observe(before, reading(2.0, old=after, new=Counters(11, 1)), 1, "orders", [ERRORS])
    assert found.missing == (OLD,)
    assert found.tallies == (Tally(NEW, "errors", 1, 0),)


def test_a_series_seen_first_is_missing_unless_it_is_known_to_be_new():
    before, after = (
        reading(1.0, old=Counters(1, 0)),
        reading(2.0, old=Counters(3, 1), new=Counters(5, 2)),
    )
    assert observe(before, after, 1, "orders", [ERRORS]).missing == (NEW,)
    known = observe(before, after, 1, "orders", [ERRORS], fresh={NEW})
    assert known.missing == ()
    assert Tally(NEW, "errors", 5, 2) in known.tallies


def test_a_series_that_is_gone_is_missing():
    before, after = (
        reading(1.0, old=Counters(1, 0), new=Counters(5, 2)),
        reading(2.0, old=Counters(3, 1)),
    )
    found = observe(before, after, 1, "orders", [ERRORS], fresh={NEW})
    assert found.missing == (NEW,)


def test_slow_is_above_the_threshold():
    before = reading(1.0, old=Counters(0, 0, histogram(0, 0, 0)))
    after = reading(2.0, old=Counters(10, 0, histogram(2, 7, 10)))
    found = observe(before, after, 1, "orders", [ERRORS, SLOWNESS])
    assert found.tallies == (Tally(OLD, "errors", 10, 0), Tally(OLD, "slowness", 10, 3))


def test_a_threshold_between_two_bounds_uses_the_lower_one_and_says_so():
    between = replace(SLOWNESS, threshold_ms=250.0)
    after = reading(2.0, old=Counters(10, 0, histogram(2, 7, 10)))
    found = observe(
        reading(1.0, old=Counters(0, 0, histogram(0, 0, 0))), after, 1, "orders", [between]
    )
    assert found.tallies == (Tally(OLD, "slowness", 10, 8),)
    assert "above 100 ms" in notes(after, "orders", [between])[0]
    assert notes(after, "orders", [SLOWNESS, ERRORS]) == ()
    assert notes(after, "basket", [between]) == ()


@pytest.mark.parametrize("buckets", [{}, {400.0: 1, math.inf: 2}, {100.0: 1}])
def test_without_a_usable_histogram_there_is_no_slowness(buckets):
    zeros = dict.fromkeys(buckets, 0)
    before, after = (
        reading(1.0, old=Counters(0, 0, zeros)),
        reading(2.0, old=Counters(3, 1, buckets)),
    )
    found = observe(before, after, 1, "orders", [ERRORS, SLOWNESS])
    assert [one.sli for one in found.tallies] == ["errors"]
    only = observe(before, after, 1, "orders", [SLOWNESS])
    assert only.missing == (OLD,)


def test_no_bound_at_or_below_the_threshold_is_said():
    after = reading(2.0, old=Counters(3, 1, {400.0: 1, math.inf: 2}))
    assert "not counted" in notes(after, "orders", [SLOWNESS])[0]
    assert slow_bound({400.0: 1}, 300.0) is None


def test_more_errors_than_requests_count_as_requests():
    before, after = reading(1.0, old=Counters(10, 0)), reading(2.0, old=Counters(10, 1))
    assert observe(before, after, 1, "orders", [ERRORS]).tallies == (Tally(OLD, "errors", 1, 1),)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20))
def test_the_ticks_of_an_unbroken_series_add_up_to_its_counters(steps):
    total = bad = 0
    before, requests, errors = reading(0.0, old=Counters(5, 2)), 5, 2
    for tick, (good, failed) in enumerate(steps):
        requests, errors = requests + good + failed, errors + failed
        after = reading(float(tick), old=Counters(requests, errors))
        for one in observe(before, after, tick, "orders", [ERRORS]).tallies:
            total, bad = total + one.total, bad + one.bad
        before = after
    assert (total, bad) == (requests - 5, errors - 2)


WHOLE = Indicator("all", kind="latency")
SLOWER = Indicator("slow-100", Decimal("0.9"), threshold_ms=100.0, kind="slowness")


def test_a_latency_indicator_has_the_counts_of_every_bucket():
    before = reading(1.0, old=Counters(100, 5, histogram(10, 90, 100)))
    after = reading(2.0, old=Counters(130, 5, histogram(25, 119, 130)))
    found = observe(before, after, 1, "orders", [ERRORS, WHOLE, SLOWNESS, SLOWER])
    buckets = {one.sli: (one.total, one.bad, one.buckets) for one in found.tallies}
    assert buckets == {
        "errors": (30, 0, ()),
        "all": (30, 0, (15, 14, 1)),
        "slowness": (30, 1, ()),
        "slow-100": (30, 15, ()),
    }


def test_histograms_with_other_buckets_than_most_are_left_out():
    others = {100.0: 1, math.inf: 2}
    before = reading(1.0, new=Counters(0, 0, dict.fromkeys(others, 0)))
    before = Reading(1.0, {**before.counters, **_alike(0).counters})
    after = Reading(2.0, {NEW: Counters(2, 0, others), **_alike(2).counters})
    found = observe(before, after, 1, "orders", [WHOLE])
    assert {one.series for one in found.tallies} == {OLD, replace(OLD, replica="1")}
    assert observe(_alike(2), _odd(), 1, "orders", [WHOLE]).tallies == ()


def _alike(count):
    counters = Counters(count, 0, histogram(count, count, count))
    return Reading(float(count), {OLD: counters, replace(OLD, replica="1"): counters})


def _odd():
    return Reading(9.0, {OLD: Counters(9, 0, {50.0: 9, math.inf: 9})})


def test_who_began_or_was_reset_is_named():
    before = reading(1.0, old=Counters(100, 5))
    after = reading(2.0, old=Counters(3, 0), new=Counters(5, 2))
    assert observe(before, after, 1, "orders", [ERRORS], fresh={NEW}).begun == (OLD, NEW)
    assert observe(before, after, 1, "orders", [ERRORS]).begun == (OLD,)
