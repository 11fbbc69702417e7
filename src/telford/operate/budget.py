"""How an objective stands: budget left, burn rates, state, and what that means for releases.

Everything comes from event counts, so a quiet night weighs as little as it is: 12 hours at 10,000
requests a minute without an error and 12 hours at 10 a minute with 10% errors are 0.0000999, not
the 0.05 that an average of ratios says. Comparisons multiply instead of dividing, so they are
exact. Called by the controller after each evaluation period.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from telford.operate import promise as promises
from telford.operate.promise import Promise
from telford.road import burn

_NOTHING = burn.Count(Decimal(0), Decimal(0))


class Standing(StrEnum):
    """How an objective stands, worst last but one: without data nothing is known."""

    OK = "ok"
    WATCH = "watch"
    BURNING = "burning"
    EXHAUSTED = "exhausted"
    NO_DATA = "no-data"


class Pace(StrEnum):
    """What the budget allows releases to do."""

    NORMAL = "normal"
    SLOW = "slow"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class Burn:
    """One window: its events, and how many times faster than allowed they spend the budget (None
    without events).
    """

    window: str
    seconds: int
    total: int
    bad: int
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """One pair of windows: fires while both burn faster than `rate`, with enough events in the
    long one. `reachable` is False where no error ratio could ever do that.
    """

    severity: str
    long: str
    short: str
    rate: Decimal
    firing: bool
    reachable: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An objective at one moment. `allowed` is how many bad events the period's traffic so far
    allows, `left` the share of that which is left (below 0: overspent).
    """

    objective: str
    service: str
    sli: str
    target: Decimal
    at: float
    period: str
    since: float
    total: int
    bad: int
    allowed: Decimal
    left: Decimal
    burns: tuple[Burn, ...]
    alarms: tuple[Alarm, ...]
    state: Standing
    pace: Pace
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain values; decimals as text, so that nothing is rounded."""
        return {
            "objective": self.objective,
            "service": self.service,
            "sli": self.sli,
            "target": str(self.target),
            "at": self.at,
            "period": self.period,
            "since": self.since,
            "total": self.total,
            "bad": self.bad,
            "allowed": str(self.allowed),
            "left": str(self.left),
            "burns": [
                {
                    "window": one.window,
                    "seconds": one.seconds,
                    "total": one.total,
                    "bad": one.bad,
                    "rate": None if one.rate is None else str(one.rate),
                }
                for one in self.burns
            ],
            "alarms": [
                {
                    "severity": one.severity,
                    "long": one.long,
                    "short": one.short,
                    "rate": str(one.rate),
                    "firing": one.firing,
                    "reachable": one.reachable,
                }
                for one in self.alarms
            ],
            "state": self.state.value,
            "pace": self.pace.value,
            "reason": self.reason,
        }


def evaluate(promise: Promise, counts: Mapping[str, burn.Count], now: float) -> Evaluation:
    """How `promise` stands. `counts` maps a window's name (`promise.windows`) to its events; a
    window that is not there had none.
    """
    whole, *rolling = promises.windows(promise, now)
    period = _count(counts, whole.name)
    alarms = tuple(_alarm(promise, pair, counts) for pair in burn.pairs(whole.seconds))
    left = burn.budget_left(period, promise.target)
    state, reason = _state(promise, period, alarms, counts)
    return Evaluation(
        objective=promise.objective,
        service=promise.service,
        sli=promise.sli,
        target=promise.target,
        at=now,
        period=whole.name,
        since=whole.since,
        total=int(period.total),
        bad=int(period.bad),
        allowed=period.total * (1 - promise.target),
        left=left,
        burns=tuple(_burn(promise, window, counts) for window in (*rolling, whole)),
        alarms=alarms,
        state=state,
        pace=pace(promise, state, left),
        reason=reason,
    )


def pace(promise: Promise, state: Standing, left: Decimal) -> Pace:
    """What an objective in this state allows releases to do."""
    if state is Standing.EXHAUSTED or left <= promise.freeze_at:
        return Pace.FREEZE
    if state is Standing.BURNING or left < promise.slow_below:
        return Pace.SLOW
    return Pace.NORMAL


def _count(counts: Mapping[str, burn.Count], name: str) -> burn.Count:
    return counts.get(name, _NOTHING)


def _burn(promise: Promise, window: promises.Window, counts: Mapping[str, burn.Count]) -> Burn:
    count = _count(counts, window.name)
    rate = burn.burn_rate(count, promise.target)
    return Burn(window.name, window.seconds, int(count.total), int(count.bad), rate)


def _alarm(promise: Promise, pair: burn.Pair, counts: Mapping[str, burn.Count]) -> Alarm:
    long, short = promises.name(pair.long_seconds), promises.name(pair.short_seconds)
    slow, fast = _count(counts, long), _count(counts, short)
    least = burn.least_bad_events(promise.minimum_events, promise.target)
    firing = slow.total >= promise.minimum_events and slow.bad >= least
    if firing:
        over = pair.rate * (1 - promise.target)
        firing = slow.bad > over * slow.total and fast.bad > over * fast.total
    return Alarm(pair.severity, long, short, pair.rate, firing, pair.reachable(promise.target))


def _state(
    promise: Promise,
    period: burn.Count,
    alarms: tuple[Alarm, ...],
    counts: Mapping[str, burn.Count],
) -> tuple[Standing, str]:
    """The first that applies: nothing left, nothing known, burning, slowly burning, fine."""
    if not promise.sli:
        return Standing.NO_DATA, "this indicator is not counted by the data plane of this place"
    if period.bad and period.bad >= period.total * (1 - promise.target):
        return Standing.EXHAUSTED, "the period's error budget is spent"
    silence = promises.name(promise.absent_seconds)
    if not _count(counts, silence).total:
        return Standing.NO_DATA, f"no events for {silence}"
    firing = [one for one in alarms if one.firing]
    for severity, state in (("page", Standing.BURNING), ("ticket", Standing.WATCH)):
        for one in firing:
            if one.severity == severity:
                return state, (
                    f"burning faster than {one.rate} times the budget over {one.long} and "
                    f"{one.short}"
                )
    return Standing.OK, "within its budget"
