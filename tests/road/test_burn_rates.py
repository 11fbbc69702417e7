"""Burn rates are exact, follow the period, and never ask for the impossible."""

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.road import burn

DAY = 86_400
MONTH = 30 * DAY


def _rates(days: int) -> list[str]:
    return [f"{pair.rate:f}" for pair in burn.pairs(days * DAY)]


def test_thirty_days_have_the_rates_and_windows_of_the_workbook():
    found = [
        (p.severity, f"{p.rate:f}", p.long_seconds, p.short_seconds) for p in burn.pairs(MONTH)
    ]
    assert found == [
        ("page", "14.4", 3600, 300),
        ("page", "6", 6 * 3600, 1800),
        ("ticket", "3", DAY, 7200),
        ("ticket", "1", 3 * DAY, 6 * 3600),
    ]


def test_twenty_eight_days_keep_three_pairs_and_scale_the_one_below_its_budget_rate():
    assert _rates(28)[:3] == ["13.44", "5.6", "2.8"]
    last = burn.pairs(28 * DAY)[-1]
    assert last.long_seconds == 4030 * 60
    assert 1 <= last.rate < Decimal("1.001")


def test_seven_days_scale_every_window_so_that_a_page_still_burns_faster_than_a_ticket():
    assert [p.long_seconds // 60 for p in burn.pairs(7 * DAY)] == [14, 84, 335, 1005]
    assert _rates(7)[:2] == ["14.4", "6"]


@given(st.integers(min_value=1, max_value=400))
def test_no_rate_is_below_the_budget_rate_in_any_period(days: int):
    pairs = burn.pairs(days * DAY)
    assert pairs
    assert all(pair.rate >= 1 for pair in pairs)
    assert all(pair.short_seconds <= pair.long_seconds for pair in pairs)
    assert all(pair.long_seconds % 300 == 0 for pair in pairs if pair.long_seconds > 7200)


@given(st.integers(min_value=2, max_value=400))
def test_a_pair_spends_its_share_of_the_budget_in_its_long_window(days: int):
    period = days * DAY
    for pair in burn.pairs(period):
        spent = Fraction(pair.rate) * pair.long_seconds / period
        assert abs(spent - Fraction(pair.share)) < Fraction(1, 1000)


def test_thresholds_are_written_exactly():
    page = burn.pairs(MONTH)[0]
    assert [f"{page.threshold(Decimal(t)):f}" for t in ("0.999", "0.9995", "0.99")] == [
        "0.0144",
        "0.0072",
        "0.144",
    ]


@pytest.mark.parametrize(
    ("target", "count"), [("0.9305", 1), ("0.931", 0), ("0.83", 2), ("0.5", 3)]
)
def test_alerts_that_no_error_ratio_can_reach_are_named(target: str, count: int):
    assert len(burn.unreachable(MONTH, Decimal(target))) == count
    assert len(burn.reachable(MONTH, Decimal(target))) == 4 - count


def test_the_highest_target_out_of_reach_is_where_it_says():
    page = burn.pairs(MONTH)[0]
    edge = burn.highest_unreachable_target(page)
    assert edge.quantize(Decimal("0.0001")) == Decimal("0.9306")
    assert not page.reachable(edge - Decimal("0.0001"))
    assert page.reachable(edge + Decimal("0.0001"))


@pytest.mark.parametrize("target", ["0.9", "0.99", "0.995", "0.999", "0.9999"])
@pytest.mark.parametrize("minimum", [1, 10, 100, 1000])
def test_chance_alone_seldom_reaches_the_bad_events_that_an_alert_needs(target: str, minimum: int):
    """Against the binomial tail summed term by term with exact integers."""
    needed = burn.least_bad_events(minimum, Decimal(target))
    assert needed >= 2
    budget = Fraction(1 - Decimal(target))

    def tail(count: int) -> Fraction:
        return sum(
            math.comb(minimum, k) * budget**k * (1 - budget) ** (minimum - k)
            for k in range(count, minimum + 1)
        ) or Fraction(0)

    assert tail(needed) <= Fraction(1, 1000)
    assert needed == 2 or tail(needed - 1) > Fraction(1, 1000)


def test_budgets_are_weighted_by_traffic():
    """The example of the objectives' specification: the average of ratios says 5%."""
    busy = [burn.Count(Decimal(10_000), Decimal(0))] * 720
    quiet = [burn.Count(Decimal(10), Decimal(1))] * 720
    ratio = burn.summed([*busy, *quiet]).ratio
    assert ratio is not None
    assert ratio.quantize(Decimal("0.0000001")) == Decimal("0.0000999")
    assert burn.budget_left(burn.summed([*busy, *quiet]), Decimal("0.999")) > Decimal("0.9")


def test_no_event_is_neither_good_nor_bad():
    nothing = burn.summed([])
    assert burn.burn_rate(nothing, Decimal("0.999")) is None
    assert burn.budget_left(nothing, Decimal("0.999")) == 1


@given(st.integers(1, 10**9), st.data(), st.sampled_from(["0.9", "0.99", "0.999"]))
def test_a_burn_rate_of_one_spends_exactly_the_budget(total: int, data: st.DataObject, text: str):
    bad, target = data.draw(st.integers(0, total)), Decimal(text)
    count = burn.Count(Decimal(total), Decimal(bad))
    left, rate = burn.budget_left(count, target), burn.burn_rate(count, target)
    assert rate is not None
    assert abs(left + rate - 1) < Decimal("1e-20")
