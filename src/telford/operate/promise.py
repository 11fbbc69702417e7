"""What a service promises, and the windows of time over which that is watched.

A period is rolling (the last 30 days) or calendar (this month, this quarter; UTC). Made by the app
floor from an `Objective` of the estate; read by `budget` and by the controller.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from telford.basics import units
from telford.road import burn

ERRORS = "errors"
_QUARTER_MONTHS = 3
# Below this share of the budget releases go slower: what is left would not pay for a second
# incident like the first. The Site Reliability Workbook, "Example Error Budget Policy", leaves the
# number to the organisation; a quarter is ours. A budget that is spent stops them.
SLOW_BELOW = Decimal("0.25")
FREEZE_AT = Decimal(0)


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective. `sli` is "errors", "slowness:MS", or "" where it is not counted here;
    `target` the share of good events (``Decimal("0.995")``); `calendar` "" (rolling), "month" or
    "quarter"; `period_seconds` of a rolling period. With less than `slow_below` of the budget left
    releases go slower, with `freeze_at` of it or less they stop.
    """

    objective: str
    service: str
    sli: str
    target: Decimal
    period_seconds: int = 30 * 86_400
    calendar: str = ""
    minimum_events: int = 100
    absent_seconds: int = 600
    slow_below: Decimal = SLOW_BELOW
    freeze_at: Decimal = FREEZE_AT


@dataclass(frozen=True, slots=True)
class Window:
    """Events since a moment (epoch seconds). `name` is unique among the windows of one promise."""

    name: str
    seconds: int
    since: float


def slowness(threshold_ms: float) -> str:
    """The SLI of requests slower than a threshold."""
    return f"slowness:{threshold_ms:g}"


def threshold_ms(sli: str) -> float | None:
    """The threshold of a slowness SLI; None for errors."""
    kind, _, value = sli.partition(":")
    return float(value) if kind == "slowness" else None


@cache
def name(seconds: int) -> str:
    """A rolling window's name: 5m, 1h, 30d."""
    return units.duration_text(seconds)


def period(promise: Promise, now: float) -> Window:
    """The whole period that is running at `now`; a calendar one from its beginning."""
    if not promise.calendar:
        seconds = promise.period_seconds
        return Window(name(seconds), seconds, now - seconds)
    begin, end = _calendar(promise.calendar, now)
    return Window(f"{promise.calendar} {begin:%Y-%m-%d}", _between(begin, end), begin.timestamp())


def windows(promise: Promise, now: float) -> tuple[Window, ...]:
    """The period first, then how long silence is allowed, then every burn-rate window, shortest
    first. Windows of the same length appear once.
    """
    whole = period(promise, now)
    lengths = _lengths(whole.seconds, promise.absent_seconds)
    rolling = [Window(text, length, now - length) for text, length in lengths]
    return (whole, *(one for one in rolling if one.name != whole.name))


def all_windows(promises: Iterable[Promise], now: float) -> dict[str, float]:
    """Name -> since, of every window that any of the promises needs: what to ask a store for."""
    return {one.name: one.since for promise in promises for one in windows(promise, now)}


@cache
def _lengths(period_seconds: int, absent_seconds: int) -> tuple[tuple[str, int], ...]:
    """Name and seconds of every rolling window, shortest first."""
    lengths = {absent_seconds}
    for pair in burn.pairs(period_seconds):
        lengths |= {pair.short_seconds, pair.long_seconds}
    return tuple((name(length), length) for length in sorted(lengths))


def _calendar(unit: str, now: float) -> tuple[datetime, datetime]:
    moment = datetime.fromtimestamp(now, UTC)
    months = 1 if unit == "month" else _QUARTER_MONTHS
    first = (moment.month - 1) // months * months + 1
    begin = datetime(moment.year, first, 1, tzinfo=UTC)
    after = first + months
    end = datetime(moment.year + (after > 12), (after - 1) % 12 + 1, 1, tzinfo=UTC)
    return begin, end


def _between(begin: datetime, end: datetime) -> int:
    return int((end - begin).total_seconds())
