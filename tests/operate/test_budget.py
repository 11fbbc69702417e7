"""How an objective stands, against independent arithmetic with exact fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_promises import NOW, a_promise

from telford.operate import budget, promise
from telford.operate.budget import Pace, Standing
from telford.road.burn import Count

WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d")


def counts(total: int = 0, bad: int = 0, **others: tuple[int, int]) -> dict[str, Count]:
    """The same events in every window, but for those that are named (w5m=(total, bad))."""
    found = {name: Count(Decimal(total), Decimal(bad)) for name in (*WINDOWS, "10m")}
    for name, (all_of_them, bad_ones) in others.items():
        found[name.removeprefix("w")] = Count(Decimal(all_of_them), Decimal(bad_ones))
    return found


def test_budgets_weigh_traffic_not_time() -> None:
    """The example of specs/objectives.md: 12 h at 10,000 a minute without an error, then 12 h at
    10 a minute with 10% errors. The true error ratio is 0.0000999; an average of ratios says 0.05.
    """
    busy, quiet = 12 * 60 * 10_000, 12 * 60 * 10
    total, bad = busy + quiet, quiet // 10
    found = budget.evaluate(a_promise(), counts(total, bad), NOW)
    ratio = Fraction(bad, total)
    assert abs(ratio - Fraction("0.0000999")) < Fraction(1, 10**7)
    exact = 1 - ratio / Fraction("0.001")
    assert abs(Fraction(found.left) - exact) < Fraction(1, 10**20)
    assert found.total, found.bad == (total, bad)


@given(
    total=st.integers(1, 10**12),
    share=st.integers(0, 10**6),
    target=st.sampled_from(["0.9", "0.95", "0.99", "0.995", "0.999", "0.9999"]),
)
def test_budget_left_and_burn_rate_are_those_of_exact_fractions(
    total: int, share: int, target: str
) -> None:
    bad = total * share // 10**6
    found = budget.evaluate(a_promise(target=Decimal(target)), counts(total, bad), NOW)
    rate = Fraction(bad, total) / (1 - Fraction(target))
    assert abs(Fraction(found.left) - (1 - rate)) <= Fraction(1, 10**18) * (1 + rate)
    for one in found.burns:
        assert one.rate is not None
        assert abs(Fraction(one.rate) - rate) <= Fraction(1, 10**18) * (1 + rate)
    # The comparison itself is exact, however close to the edge.
    spent = bad > 0 and Fraction(bad) >= total * (1 - Fraction(target))
    assert (found.state is Standing.EXHAUSTED) == spent


@pytest.mark.parametrize(
    ("factor", "state"), [("0.95", Standing.WATCH), ("1.05", Standing.BURNING)]
)
def test_the_page_fires_just_beyond_its_threshold(factor: str, state: Standing) -> None:
    """14.4 times the budget over 1 h and 5 min, a little below and a little above."""
    total = 1_000_000
    bad = int(total * Decimal("0.0144") * Decimal(factor))
    slow = int(10_000_000 * Decimal("0.0144") * Decimal(factor))
    found = counts(
        w5m=(total, bad), w1h=(total, bad), w10m=(total, bad),
        w30m=(total, 0), w6h=(10_000_000, 0), w2h=(10_000_000, slow), w1d=(10_000_000, slow),
        w3d=(10_000_000, 0), w30d=(10**9, 0),
    )  # fmt: skip
    assert budget.evaluate(a_promise(), found, NOW).state is state


def test_both_windows_must_burn() -> None:
    """An hour that was bad and five minutes that are good again: nobody is woken."""
    found = counts(10**7, 0, w1h=(100_000, 5_000))
    assert budget.evaluate(a_promise(), found, NOW).state is Standing.OK


def test_one_error_at_low_traffic_wakes_nobody() -> None:
    found = counts(6, 1, w30d=(10**6, 1))
    assert budget.evaluate(a_promise(), found, NOW).state is Standing.OK


def test_a_spent_budget_freezes() -> None:
    found = budget.evaluate(a_promise(), counts(1_000_000, 1_000), NOW)
    assert (found.state, found.pace, found.left) == (Standing.EXHAUSTED, Pace.FREEZE, Decimal(0))


@pytest.mark.parametrize(("bad", "pace"), [(0, Pace.NORMAL), (750, Pace.NORMAL), (751, Pace.SLOW)])
def test_releases_slow_down_in_the_last_quarter(bad: int, pace: Pace) -> None:
    found = counts(1_000_000, 0, w30d=(1_000_000, bad))
    assert budget.evaluate(a_promise(), found, NOW).pace is pace


def test_silence_is_neither_good_nor_bad() -> None:
    found = counts(1_000_000, 10, w5m=(0, 0), w10m=(0, 0))
    assert budget.evaluate(a_promise(), found, NOW).state is Standing.NO_DATA
    assert budget.evaluate(a_promise(), {}, NOW).state is Standing.NO_DATA


def test_what_the_data_plane_does_not_count_is_said() -> None:
    found = budget.evaluate(a_promise(sli=""), counts(10, 0), NOW)
    assert (found.state, "not counted" in found.reason) == (Standing.NO_DATA, True)


def test_an_alarm_that_no_error_ratio_can_reach_is_marked() -> None:
    """14.4 x (1 - 0.93) is above 1."""
    found = budget.evaluate(a_promise(target=Decimal("0.93")), counts(1000, 1000), NOW)
    assert [one.reachable for one in found.alarms] == [False, True, True, True]


@pytest.mark.parametrize("unit", ["month", "quarter"])
def test_a_calendar_period_counts_from_its_beginning(unit: str) -> None:
    one = a_promise(calendar=unit)
    whole = promise.period(one, NOW)
    found = budget.evaluate(
        one, counts(10**6, 0) | {whole.name: Count(Decimal(10**6), Decimal(500))}, NOW
    )
    assert (found.period, found.since, found.bad) == (whole.name, whole.since, 500)
    assert found.left == Decimal("0.5")


def test_an_evaluation_is_plain_json_with_exact_decimals() -> None:
    text = budget.evaluate(a_promise(), counts(1000, 1), NOW).to_json()
    assert text["target"] == "0.999"
    assert text["burns"][0]["rate"] == "1"
