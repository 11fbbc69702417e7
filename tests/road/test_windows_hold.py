"""Windows against a slow second way: a table of the week's minutes, looked at minute by minute."""

import datetime as dt
import zoneinfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telford.road import holding
from telford.road.holding import Days, Hours, Rule

# Whole and half hours, clocks set at midnight, a day that was skipped, two hours at once, none.
ZONES = {
    name: zoneinfo.ZoneInfo(name)
    for name in (
        "UTC", "Europe/Dublin", "Europe/Berlin", "America/New_York", "America/Santiago",
        "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham",
        "Antarctica/Troll", "Africa/Casablanca",
    )
}  # fmt: skip
DAY = 86_400
# Instants about which clocks are set somewhere: Berlin and Dublin 2026, New York 2026, Santiago
# 2026, Lord Howe 2026, Apia's lost day of 2011, Troll 2026.
TURNS = (
    1_774_746_000, 1_792_890_000, 1_772_953_200, 1_793_512_800, 1_775_358_000, 1_788_667_200,
    1_791_041_400, 1_775_314_800, 1_325_239_200, 1_774_746_000,
)  # fmt: skip
SEARCHED_MINUTES = 2 * 24 * 60

minutes = st.integers(0, 24 * 4 - 1).map(lambda quarter: quarter * 15)
hours = st.builds(
    Hours,
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    minutes,
    minutes,
)
instants = st.one_of(
    st.tuples(st.sampled_from(TURNS), st.integers(-2 * DAY, DAY)).map(sum),
    st.integers(1_000_000_000, 1_900_000_000),
)


@st.composite
def spans(draw: st.DrawFn, near: int) -> Days:
    first = dt.date.fromtimestamp(near) + dt.timedelta(days=draw(st.integers(-3, 3)))
    last = first + dt.timedelta(days=draw(st.integers(0, 4)))
    return Days(first.isoformat(), last.isoformat())


@st.composite
def cases(draw: st.DrawFn) -> tuple[tuple[Rule, ...], int]:
    at = draw(instants)
    rules = st.builds(
        Rule,
        st.just("w"),
        st.booleans(),
        st.sampled_from(sorted(ZONES)),
        st.lists(hours, max_size=2).map(tuple),
        st.lists(spans(at), max_size=1).map(tuple),
    )
    return tuple(draw(st.lists(rules, min_size=1, max_size=3))), at


def table(rule: Rule) -> set[tuple[int, int]]:
    """Every (weekday, minute) that the hours cover, walked minute by minute."""
    found = set()
    for one in rule.hours:
        length = (one.end - one.start) % 1440 or 1440
        for day in one.days:
            for step in range(length):
                moment = day * 1440 + one.start + step
                found.add((moment // 1440 % 7, moment % 1440))
    return found


def slowly(rules: tuple[Rule, ...]):
    """Whether changes are kept out at an instant, by looking everything up."""
    tables = [table(rule) for rule in rules]

    def shut(at: float) -> bool:
        inside = []
        for rule, covered in zip(rules, tables, strict=True):
            local = dt.datetime.fromtimestamp(at, dt.UTC).astimezone(ZONES[rule.zone])
            clock = (
                (int(local.strftime("%w")) - 1) % 7,
                int(local.strftime("%H")) * 60 + int(local.strftime("%M")),
            )
            day = local.strftime("%Y-%m-%d")
            inside.append(clock in covered or any(s.first <= day <= s.last for s in rule.spans))
        pairs = list(zip(rules, inside, strict=True))
        frozen = any(held for rule, held in pairs if rule.freeze)
        allows = [held for rule, held in pairs if not rule.freeze]
        return frozen or (bool(allows) and not any(allows))

    return shut


@settings(max_examples=70, deadline=None)
@given(case=cases())
@example(case=((Rule("w", True, "Europe/Berlin", (Hours((6,), 60, 150),)),), 1_774_744_200))
@example(case=((Rule("w", False, "America/Santiago", (Hours((6,), 0, 60),)),), 1_788_660_000))
@example(
    case=(
        (Rule("w", True, "Pacific/Apia", (), (Days("2011-12-30", "2011-12-30"),)),),
        1_325_239_199,
    )
)
def test_what_is_shut_and_when_it_opens(case: tuple[tuple[Rule, ...], int]) -> None:
    rules, at = case
    shut = slowly(rules)
    assert bool(holding.shutting(rules, at, ZONES)) is shut(at)
    if not shut(at):
        return
    opening = holding.opening(rules, at, ZONES)
    begin = at // 60 * 60
    walked = (begin + 60 * step for step in range(1, SEARCHED_MINUTES))
    expected = next((moment for moment in walked if not shut(moment)), None)
    if expected is not None:
        assert opening == expected
    else:
        assert opening is None or opening >= begin + 60 * SEARCHED_MINUTES


def test_an_hour_that_the_clocks_show_twice_is_in_a_window_twice() -> None:
    """Berlin, 25 October 2026: 02:30 comes at 00:30 and at 01:30 UTC."""
    rule = Rule("w", True, "Europe/Berlin", (Hours((6,), 120, 180),))
    zone = ZONES["Europe/Berlin"]
    first = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC).timestamp()
    assert [holding.holds(rule, first + 3600 * n, zone) for n in (-1, 0, 1, 2)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_an_hour_that_the_clocks_skip_is_in_no_window() -> None:
    """Berlin, 29 March 2026: a window from 02:00 to 03:00 is never there on that day."""
    rule = Rule("w", True, "Europe/Berlin", (Hours((6,), 120, 180),))
    midnight = dt.datetime(2026, 3, 29, tzinfo=dt.UTC).timestamp()
    held = [holding.holds(rule, midnight + 60 * n, ZONES["Europe/Berlin"]) for n in range(1440)]
    assert not any(held)


@pytest.mark.parametrize(("year", "opens"), [("2026", True), ("2029", False)])
def test_what_opens_too_far_away_opens_never(year: str, opens: bool) -> None:
    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()
    rule = Rule("w", False, "UTC", (), (Days(f"{year}-12-30", f"{year}-12-31"),))
    found = holding.opening((rule,), at, ZONES)
    assert (found == dt.datetime(2026, 12, 30, tzinfo=dt.UTC).timestamp()) is opens
