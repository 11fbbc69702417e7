"""Periods and windows: rolling and calendar, each window once, names unique."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from telford.operate import promise
from telford.operate.promise import Promise
from telford.road import burn

NOW = datetime(2026, 2, 17, 13, 30, tzinfo=UTC).timestamp()


def a_promise(**fields: object) -> Promise:
    values: dict[str, object] = {
        "objective": "objective/o",
        "service": "service/s",
        "sli": "errors",
        "target": Decimal("0.999"),
    }
    return Promise(**(values | fields))  # type: ignore[arg-type]


def test_a_rolling_period_is_the_last_days() -> None:
    window = promise.period(a_promise(), NOW)
    assert (window.name, window.seconds, window.since) == ("30d", 2_592_000, NOW - 2_592_000)


@pytest.mark.parametrize(
    ("unit", "moment", "begin", "days"),
    [
        ("month", (2026, 2, 17), (2026, 2, 1), 28),
        ("month", (2024, 2, 29), (2024, 2, 1), 29),
        ("month", (2026, 12, 31), (2026, 12, 1), 31),
        ("quarter", (2026, 2, 17), (2026, 1, 1), 90),
        ("quarter", (2026, 11, 1), (2026, 10, 1), 92),
    ],
)
def test_a_calendar_period_begins_with_its_month_or_quarter_in_utc(
    unit: str, moment: tuple[int, int, int], begin: tuple[int, int, int], days: int
) -> None:
    now = datetime(*moment, 23, 59, 59, tzinfo=UTC).timestamp()
    window = promise.period(a_promise(calendar=unit), now)
    assert window.since == datetime(*begin, tzinfo=UTC).timestamp()
    assert window.seconds == days * 86_400


@pytest.mark.parametrize("period", [30 * 86_400, 28 * 86_400, 7 * 86_400, 86_400])
def test_every_window_of_the_burn_rate_table_is_asked_for_once(period: int) -> None:
    found = promise.windows(a_promise(period_seconds=period), NOW)
    names = [one.name for one in found]
    assert len(set(names)) == len(names)
    needed = {promise.name(pair.long_seconds) for pair in burn.pairs(period)}
    needed |= {promise.name(pair.short_seconds) for pair in burn.pairs(period)}
    assert needed <= set(names)
    assert all(one.since == NOW - one.seconds for one in found)


def test_promises_with_the_same_windows_share_them() -> None:
    two = [a_promise(), a_promise(objective="objective/p", sli="slowness:300")]
    assert promise.all_windows(two, NOW) == promise.all_windows(two[:1], NOW)


def test_an_sli_names_its_threshold() -> None:
    assert promise.slowness(300.0) == "slowness:300"
    assert promise.threshold_ms("slowness:300") == 300.0
    assert promise.threshold_ms("errors") is None
