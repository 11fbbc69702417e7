"""For each objective, files for `promtool test rules` that prove its alerts. Called by `target`.

Two files, because promtool evaluates every group at one interval: the quick one by the minute, for
the pairs whose windows are read from the raw counters; the slow one every five minutes, for the
rest, whose sums need their own interval.
Each proves, at the minutes that `forecast` works out beforehand: a total failure fires, and ends
after recovery; a failure at twice the threshold fires once half of the long window is bad; a
steady rate of 0.95 of the threshold never fires, 1.05 does; one bad event never fires, be there six
events an hour or just as many as an alert asks for; missing data fires the alert of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from telford.basics import units
from telford.render.prometheus import forecast, rules
from telford.render.prometheus.promise import Promise, duration
from telford.render.prometheus.series import SAMPLES_A_MINUTE, Phase, interval, series
from telford.road import burn, conventions

_MINUTE = 60
# Traffic before and during a failure, in events a minute. They differ, and 97 is prime, so that no
# window's ratio lands exactly on a threshold.
_BEFORE = Decimal(100)
_DURING = Decimal(97)
# Six events an hour: one in ten minutes.
_QUIET = Decimal("0.1")
_BELOW, _ABOVE, _TWICE = Decimal("0.95"), Decimal("1.05"), Decimal(2)
# Steps of a steady rate: a constant ratio is the same over any window.
_STEADY_STEPS = 10
# So much more than it needs, where a steady rate must have enough events.
_AMPLE = 10


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
        yield from _half(promise, pair, pace)
        yield _steady(promise, pair, pace, _BELOW)
        yield from _above(promise, pair, pace)
    yield _one_of_few(promise, pace)
    yield _one_of_enough(promise, min(pairs, key=lambda pair: pair.long_seconds), pace)
    yield _no_data(promise, pace)


def _traffic(promise: Promise) -> tuple[Decimal, Decimal]:
    """Events a minute before and during a failure; samples of a probe come by the clock."""
    if promise.spec.sli.probe is not None:
        return Decimal(SAMPLES_A_MINUTE), Decimal(SAMPLES_A_MINUTE)
    return _BEFORE, _DURING


def _test(
    name: str, promise: Promise, phases: list[Phase], checks: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "interval": interval(promise),
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


def _ever(promise: Promise, pace: Pace, minutes: int) -> str:
    """Which of the pace's alerts fired at any time. The others' sums are wrong at this pace."""
    windows = "|".join(duration(pair.long_seconds) for pair in pace.pairs(promise))
    labels = f'alertname="{conventions.ALERT_BURN}",long_window=~"{windows}",alertstate="firing"'
    return f"count(count_over_time(ALERTS{{{labels}}}[{minutes}m]))"


def _failure(promise: Promise, pair: burn.Pair, pace: Pace) -> dict[str, Any]:
    """Good traffic as long as the long window, then nothing but failures, then recovery."""
    start = pace.up(pair.long_seconds // _MINUTE)
    long, short = pair.long_seconds // _MINUTE, pair.short_seconds // _MINUTE
    before, during = _traffic(promise)
    failing = pace.up(max(short, _minutes_to_fire(promise, pair) + 2 * pace.step))
    phases = [
        Phase(start, before, Decimal(0)),
        Phase(failing, during, during),
        Phase(long + 2 * pace.step, before, Decimal(0)),
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
    phases[-1] = Phase(ends - end + pace.step, before, Decimal(0))
    return _test(f"{name} and ends {ends - end} minutes after it", promise, phases, checks)


def _minutes_to_fire(promise: Promise, pair: burn.Pair) -> int:
    """How long a total failure may need: t with d*t = threshold * (b*(long - t) + d*t), for b
    events a minute before it and d during it; long enough for the least number of bad events too.
    """
    before, during = _traffic(promise)
    threshold, long = pair.threshold(promise.target), pair.long_seconds // _MINUTE
    by_ratio = threshold * before * long / (during * (1 - threshold) + threshold * before)
    needed = burn.least_bad_events(promise.minimum_events(pair), promise.target)
    return max(int(by_ratio), int(needed / during)) + 1


def _named(pair: burn.Pair) -> str:
    return f"{pair.rate:f} times over {duration(pair.long_seconds)}"


def _half(promise: Promise, pair: burn.Pair, pace: Pace) -> Iterator[dict[str, Any]]:
    """A failure at twice the threshold after a long window of good traffic: it fires when half of
    the window is bad, so the window is as long as it says.
    """
    ratio = pair.threshold(promise.target) * _TWICE
    if ratio >= 1:
        return
    start = pace.up(pair.long_seconds // _MINUTE)
    before, during = _traffic(promise)
    line = forecast.Timeline(
        [Phase(start, before, Decimal(0)), Phase(start, during, during * ratio)]
    )
    minutes = range(start, line.minutes + 1, pace.step)
    fires = line.first(promise, pair, minutes, firing=True)
    if fires is None:
        return
    phases = [
        Phase(start, before, Decimal(0)),
        Phase(fires - start + pace.step, during, during * ratio),
    ]
    checks = [_check(_firing(pair), fires - pace.step, None), _check(_firing(pair), fires, 1)]
    name = f"{_named(pair)}: twice its threshold fires after {fires - start} minutes"
    yield _test(name, promise, phases, checks)


def _steady_phase(promise: Promise, pair: burn.Pair, pace: Pace, factor: Decimal) -> Phase:
    """A constant share of bad events, with more events than any alert asks for."""
    ratio = min(pair.threshold(promise.target) * factor, Decimal(1))
    if promise.spec.sli.probe is not None:
        events = Decimal(SAMPLES_A_MINUTE)
        return Phase(pace.up(pair.long_seconds // _MINUTE), events, events * ratio)
    minutes = _STEADY_STEPS * pace.step
    minimum = promise.minimum_events(pair)
    needed = max(Decimal(minimum), burn.least_bad_events(minimum, promise.target) / ratio)
    events = max(_BEFORE, (needed * _AMPLE / minutes).to_integral())
    return Phase(minutes, events, events * ratio)


def _steady(promise: Promise, pair: burn.Pair, pace: Pace, factor: Decimal) -> dict[str, Any]:
    phase = _steady_phase(promise, pair, pace, factor)
    name = f"{_named(pair)}: is silent at {factor} of its threshold"
    return _test(name, promise, [phase], [_check(_firing(pair), phase.minutes, None)])


def _above(promise: Promise, pair: burn.Pair, pace: Pace) -> Iterator[dict[str, Any]]:
    """Fires above its threshold; left out where a probe has too few samples to tell."""
    phase = _steady_phase(promise, pair, pace, _ABOVE)
    if forecast.Timeline([phase]).fires(promise, pair, phase.minutes):
        name = f"{_named(pair)}: fires at {_ABOVE} of its threshold"
        yield _test(name, promise, [phase], [_check(_firing(pair), phase.minutes, 1)])


def _one_of_few(promise: Promise, pace: Pace) -> dict[str, Any]:
    """Six events an hour, one of them bad."""
    quiet = 20 * pace.step
    phases = [
        Phase(quiet, _QUIET, Decimal(0)),
        Phase(10, _QUIET, _QUIET),
        Phase(quiet, _QUIET, Decimal(0)),
    ]
    if promise.spec.sli.probe is not None:
        phases = _one_sample(quiet)
    name = "one bad event at six events an hour never fires"
    return _never(name, promise, phases, pace)


def _one_of_enough(promise: Promise, pair: burn.Pair, pace: Pace) -> dict[str, Any]:
    """Half as many events again as the alert asks for, one of them bad."""
    long = pace.up(pair.long_seconds // _MINUTE)
    events = Decimal(promise.minimum_events(pair)) * 3 / 2 / long
    phases = [
        Phase(long, events, Decimal(0)),
        Phase(1, events + 1, Decimal(1)),
        Phase(10 * pace.step - 1, events, Decimal(0)),
    ]
    if promise.spec.sli.probe is not None:
        phases = _one_sample(long)
    name = "one bad event among just enough events never fires"
    return _never(name, promise, phases, pace)


def _one_sample(minutes: int) -> list[Phase]:
    """One failed sample of a probe that succeeds otherwise."""
    samples = Decimal(SAMPLES_A_MINUTE)
    good = Phase(minutes, samples, Decimal(0))
    return [good, Phase(1, samples, Decimal(1)), good]


def _never(name: str, promise: Promise, phases: list[Phase], pace: Pace) -> dict[str, Any]:
    minutes = pace.up(sum(phase.minutes for phase in phases))
    return _test(name, promise, phases, [_check(_ever(promise, pace, minutes), minutes, None)])


def _no_data(promise: Promise, pace: Pace) -> dict[str, Any]:
    """Data is there, then it is not."""
    wait = int(units.seconds(promise.spec.alerting.absent)) // _MINUTE
    there = 4 * pace.step
    fed = series(promise, [Phase(there, _traffic(promise)[0], Decimal(0))]) or []
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
            _check(_ever(promise, pace, fires), fires, None),
        ],
    )
    return test | {"input_series": gone}
