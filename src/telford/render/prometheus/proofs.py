"""For each objective, files for `promtool test rules` that prove its alerts. Called by `target`.

Two files, because promtool evaluates every group at one interval: the quick one by the minute, for
the pairs whose windows are read from the raw counters; the slow one every five minutes, for the
rest, whose sums need their own interval.
Each proves: a total failure fires at the minute worked out beforehand (`forecast`) and not a step
earlier; it ends after recovery; a steady rate of 0.95 of the threshold never fires, 1.05 does; one
bad event at little traffic never fires; data that is not there fires the alert of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from telford.basics import units
from telford.render.prometheus import forecast, rules
from telford.render.prometheus.promise import Promise, duration
from telford.render.prometheus.series import Phase, series
from telford.road import burn, conventions

_MINUTE = 60
# Traffic before and during a failure, in events a minute. They differ, and 97 is prime, so that no
# window's ratio lands exactly on a threshold, where binary fractions would decide.
_BEFORE = Decimal(100)
_DURING = Decimal(97)
# Six events an hour: one in ten minutes.
_QUIET = Decimal("0.1")
# Twenty hours at that pace hold more events than any alert asks for by default.
_QUIET_MINUTES = 1200
_BELOW, _ABOVE = Decimal("0.95"), Decimal("1.05")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a file's rules are evaluated, in minutes, and which pairs it proves."""

    step: int
    direct: bool

    def pairs(self, promise: Promise) -> list[burn.Pair]:
        """Those with every window raw, or those with a summed one."""
        return [p for p in promise.pairs if (p.long_seconds <= burn.DIRECT_SECONDS) is self.direct]

    def up(self, minute: int) -> int:
        """The first evaluation at or after a minute."""
        return -(-minute // self.step) * self.step


QUICK = Pace(1, direct=True)
SLOW = Pace(5, direct=False)


def feasible(promise: Promise) -> bool:
    """Whether series can be made that its selectors match."""
    return series(promise, [Phase(1, _BEFORE, Decimal(0))]) is not None


def file(promise: Promise, rule_file: str, pace: Pace) -> dict[str, Any]:
    """The test file for the rule file beside it, of a feasible objective."""
    return {
        "rule_files": [rule_file],
        "evaluation_interval": f"{pace.step}m",
        # Without an order promtool takes the groups as they come, and sums lag behind counts.
        "group_eval_order": list(rules.group_names(promise)),
        "tests": list(_tests(promise, pace.pairs(promise), pace)),
    }


def _tests(promise: Promise, pairs: list[burn.Pair], pace: Pace) -> Iterator[dict[str, Any]]:
    for pair in pairs:
        yield _failure(promise, pair, pace)
        yield _steady(promise, pair, pace, _BELOW)
        yield _steady(promise, pair, pace, _ABOVE)
    yield _one_error(promise, pairs, pace)
    yield _no_data(promise, pace)


def _test(
    name: str, promise: Promise, phases: list[Phase], checks: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "interval": "1m",
        "input_series": series(promise, phases) or [],
        "promql_expr_test": checks,
    }


def _check(expression: str, minute: int, value: int | None) -> dict[str, Any]:
    samples = [] if value is None else [{"labels": "{}", "value": value}]
    return {"expr": expression, "eval_time": duration(minute * _MINUTE), "exp_samples": samples}


def _firing(pair: burn.Pair) -> str:
    long = duration(pair.long_seconds)
    labels = f'alertname="{conventions.ALERT_BURN}",long_window="{long}",alertstate="firing"'
    return f"count(ALERTS{{{labels}}})"


def _ever(minutes: int) -> str:
    """How often any burn alert fired in the whole test."""
    labels = f'alertname="{conventions.ALERT_BURN}",alertstate="firing"'
    return f"count(count_over_time(ALERTS{{{labels}}}[{minutes}m]))"


def _failure(promise: Promise, pair: burn.Pair, pace: Pace) -> dict[str, Any]:
    """Good traffic as long as the long window, then nothing but failures, then recovery."""
    start = pace.up(pair.long_seconds // _MINUTE)
    long, short = pair.long_seconds // _MINUTE, pair.short_seconds // _MINUTE
    failing = pace.up(max(short, int(long * pair.threshold(promise.target)) + 2 * pace.step))
    phases = [
        Phase(start, _BEFORE, Decimal(0)),
        Phase(failing, _DURING, _DURING),
        Phase(long + 2 * pace.step, _BEFORE, Decimal(0)),
    ]
    line = forecast.Timeline(phases)
    end = start + failing
    fires = line.first(promise, pair, range(start, end + 1, pace.step), firing=True)
    assert fires is not None, f"{promise.address}: a total failure must fire {pair}"
    ends = line.first(promise, pair, range(end, line.minutes + 1, pace.step), firing=False)
    assert ends is not None, f"{promise.address}: {pair} must end after recovery"
    checks = [
        _check(_firing(pair), fires - pace.step, None),
        _check(_firing(pair), fires, 1),
        _check(_firing(pair), end, 1),
        _check(_firing(pair), ends - pace.step, 1),
        _check(_firing(pair), ends, None),
    ]
    name = f"{_named(pair)}: a total failure fires after {fires - start} minutes"
    phases[-1] = Phase(ends - end + pace.step, _BEFORE, Decimal(0))
    return _test(f"{name} and ends {ends - end} minutes after it", promise, phases, checks)


def _named(pair: burn.Pair) -> str:
    return f"{pair.rate:f} times over {duration(pair.long_seconds)}"


def _steady(promise: Promise, pair: burn.Pair, pace: Pace, factor: Decimal) -> dict[str, Any]:
    """A constant share of bad events, for as long as the short window and the events need."""
    ratio = min(pair.threshold(promise.target) * factor, Decimal(1))
    enough = max(promise.minimum_events(pair), 200) * 10
    minutes = pace.up(max(pair.short_seconds // _MINUTE, 60) + 2 * pace.step)
    events = max(_BEFORE, Decimal(enough) / max(ratio, Decimal("0.0001")) / minutes).to_integral()
    phases = [Phase(minutes, events, events * ratio)]
    fires = factor > 1
    how = "fires" if fires else "is silent"
    name = f"{_named(pair)}: {how} at {factor} of its threshold"
    check = _check(_firing(pair), minutes, 1 if fires else None)
    return _test(name, promise, phases, [check])


def _one_error(promise: Promise, pairs: list[burn.Pair], pace: Pace) -> dict[str, Any]:
    """Six events an hour, one of them bad: enough events for an alert, too few bad ones."""
    longest = max(pair.long_seconds for pair in pairs) // _MINUTE
    half = pace.up(min(longest, _QUIET_MINUTES))
    phases = [
        Phase(half, _QUIET, Decimal(0)),
        Phase(10, _QUIET, _QUIET),
        Phase(half, _QUIET, Decimal(0)),
    ]
    minutes = pace.up(2 * half + 10)
    check = _check(_ever(minutes), minutes, None)
    return _test("one bad event at six events an hour never fires", promise, phases, [check])


def _no_data(promise: Promise, pace: Pace) -> dict[str, Any]:
    """Data is there, then it is not."""
    wait = int(units.seconds(promise.spec.alerting.absent)) // _MINUTE
    there = 4 * pace.step
    fed = series(promise, [Phase(there, _BEFORE, Decimal(0))]) or []
    gone = [{**entry, "values": f"{entry['values']} stale"} for entry in fed]
    labels = f'alertname="{conventions.ALERT_ABSENT}",alertstate="firing"'
    firing = f"count(ALERTS{{{labels}}})"
    first = pace.up(there + 1)
    fires = first + pace.up(wait)
    test = _test(
        f"no data is an alert of its own after {fires - there} minutes",
        promise,
        [],
        [
            _check(firing, there, None),
            _check(firing, fires - pace.step, None),
            _check(firing, fires, 1),
            _check(_ever(fires), fires, None),
        ],
    )
    return test | {"input_series": gone}
