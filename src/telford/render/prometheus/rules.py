"""Recording and alerting rules of one objective. Called by `target`.

Two groups. `counts` (every 5 minutes, never otherwise: its ranges must not overlap) records the
increase of all and of good events; sums of those give the period and every window above two hours,
weighted by traffic as the events themselves are. `burn` (every minute) has the windows that alerts
look at and the alerts.
"""

from decimal import Decimal
from typing import Any

from telford.basics import units
from telford.render.prometheus import indicators
from telford.render.prometheus.promise import Promise, duration
from telford.road import burn, conventions

BURN_INTERVAL = "1m"
_MINUTE = 60


def group_names(promise: Promise) -> tuple[str, str]:
    """The names of the two groups: one name is one group in the whole Prometheus."""
    place = "/".join(promise.labels[k] for k in ("environment", "region") if k in promise.labels)
    return f"{promise.address} in {place}: counts", f"{promise.address} in {place}: burn"


def groups(promise: Promise) -> dict[str, Any]:
    """The whole rule file."""
    counts, burns = group_names(promise)
    every = duration(burn.GRAIN_SECONDS)
    rules = [*_windows(promise), *_burns(promise), _absent(promise)]
    return {
        "groups": [
            {"name": counts, "interval": every, "rules": [*_counts(promise), *_period(promise)]},
            {"name": burns, "interval": BURN_INTERVAL, "rules": rules},
        ]
    }


def _record(promise: Promise, series: str, expression: str) -> dict[str, Any]:
    return {"record": series, "expr": expression, "labels": promise.labels}


def _counts(promise: Promise) -> list[dict[str, Any]]:
    events = indicators.events(promise)
    grain = burn.GRAIN_SECONDS
    return [
        _record(promise, conventions.SERIES_TOTAL, events.total_events(grain)),
        _record(promise, conventions.SERIES_GOOD, events.good_events(grain)),
    ]


def _period(promise: Promise) -> list[dict[str, Any]]:
    """The whole period, and what is left of its budget."""
    unit = promise.spec.calendar
    name = unit or duration(promise.period_seconds)
    counted = _calendar(promise, unit) if unit else _window(promise, promise.period_seconds)
    budget = burn.plain(1 - promise.target)
    left = f"1 - {conventions.series_error_ratio(name)}{promise.matcher} / {budget:f}"
    return [
        _record(promise, conventions.SERIES_TARGET, f"vector({promise.target:f})"),
        *counted,
        _record(promise, conventions.SERIES_BUDGET_LEFT, left),
    ]


# The number of a calendar unit, in UTC. A year later it comes again; no gap is that long.
_UNITS = {"month": "month()", "quarter": "ceil(month() / 3)"}
# A Prometheus that was away for longer than this counts the unit anew.
_LONGEST_GAP = "1d"


def _calendar(promise: Promise, unit: str) -> list[dict[str, Any]]:
    """Counts since the unit began: what was counted up to the last evaluation, if that was in the
    same unit, and the five minutes since. The unit's number is recorded last, so that the next
    evaluation finds the number of this one.
    """
    mine, number = promise.matcher, conventions.series_calendar(unit)
    total, bad = conventions.series_total(unit), conventions.series_bad(unit)
    good_now, all_now = conventions.SERIES_GOOD + mine, conventions.SERIES_TOTAL + mine
    ratio = f"{bad}{mine} / {total}{mine}"
    return [
        _record(promise, total, _since(promise, unit, total, all_now)),
        _record(promise, bad, _since(promise, unit, bad, f"clamp_min({all_now} - {good_now}, 0)")),
        _record(promise, conventions.series_error_ratio(unit), ratio),
        _record(promise, number, _UNITS[unit]),
    ]


def _since(promise: Promise, unit: str, series: str, now: str) -> str:
    mine, number = promise.matcher, conventions.series_calendar(unit)
    same = f"last_over_time({number}{mine}[{_LONGEST_GAP}]) == scalar({_UNITS[unit]})"
    before = f"last_over_time({series}{mine}[{_LONGEST_GAP}])"
    return f"(\n  {before} and {same}\n  or 0 * {now}\n)\n+ {now}"


def _windows(promise: Promise) -> list[dict[str, Any]]:
    return [rule for seconds in promise.windows for rule in _window(promise, seconds)]


def _window(promise: Promise, seconds: int) -> list[dict[str, Any]]:
    """All events of a window, the bad ones, and their ratio."""
    name = duration(seconds)
    total, bad = conventions.series_total(name), conventions.series_bad(name)
    direct = seconds <= burn.DIRECT_SECONDS
    every, failed = _direct(promise, seconds) if direct else _summed(promise, seconds)
    mine = promise.matcher
    return [
        _record(promise, total, every),
        _record(promise, bad, failed),
        _record(promise, conventions.series_error_ratio(name), f"{bad}{mine} / {total}{mine}"),
    ]


def _direct(promise: Promise, seconds: int) -> tuple[str, str]:
    """(all, bad) from the raw series."""
    events = indicators.events(promise)
    return events.total_events(seconds), events.bad_events(seconds)


def _summed(promise: Promise, seconds: int) -> tuple[str, str]:
    """(all, bad) as sums of five-minute counts. A minute less than the window holds exactly as
    many of them as fit in it, whether a range includes its older end (Prometheus 2) or not (3).
    """
    length = duration(seconds - _MINUTE)
    total, good = (
        f"sum_over_time({series}{promise.matcher}[{length}])"
        for series in (conventions.SERIES_TOTAL, conventions.SERIES_GOOD)
    )
    return total, indicators.without(total, good)


def _burns(promise: Promise) -> list[dict[str, Any]]:
    return [_burn(promise, pair) for pair in promise.pairs]


def _burn(promise: Promise, pair: burn.Pair) -> dict[str, Any]:
    long, short = duration(pair.long_seconds), duration(pair.short_seconds)
    return {
        "alert": conventions.ALERT_BURN,
        "expr": condition(promise, pair),
        "labels": {
            **promise.alert_labels,
            "severity": promise.severity(pair),
            "long_window": long,
            "short_window": short,
            "burn_rate": f"{pair.rate:f}",
        },
        "annotations": {
            "summary": f"{promise.service} spends the error budget of {promise.spec.name}"
            f" more than {pair.rate:f} times too fast",
            "description": f"{{{{ $value | humanizePercentage }}}} of events were bad in the last"
            f" {long}; {burn.plain(1 - promise.target) * 100:f}% may be over the period.",
            "runbook": _runbook(promise),
        },
    }


def condition(promise: Promise, pair: burn.Pair) -> str:
    """Both windows burn too fast, and the long one holds enough events, bad ones among them."""
    long, short = duration(pair.long_seconds), duration(pair.short_seconds)
    threshold = f"{pair.threshold(promise.target):f}"
    minimum = promise.minimum_events(pair)
    # Half an event less: an increase over a range is extrapolated and seldom whole.
    bad = burn.least_bad_events(minimum, promise.target) - Decimal("0.5")
    mine = promise.matcher
    return (
        f"{conventions.series_error_ratio(long)}{mine} > {threshold}\n"
        f"and {conventions.series_error_ratio(short)}{mine} > {threshold}\n"
        f"and {conventions.series_total(long)}{mine} > {minimum - Decimal('0.5')}\n"
        f"and {conventions.series_bad(long)}{mine} > {bad}"
    )


def _absent(promise: Promise) -> dict[str, Any]:
    """No data is an alert of its own: neither silence nor success."""
    needed = indicators.events(promise).needed
    return {
        "alert": conventions.ALERT_ABSENT,
        "expr": "\nor ".join(f"absent(sum({selector}))" for selector in needed),
        "for": duration(int(units.seconds(promise.spec.alerting.absent))),
        "labels": {**promise.labels, **promise.alert_labels, "severity": "ticket"},
        "annotations": {
            "summary": f"nothing is counted for {promise.spec.name} of {promise.service}",
            "description": f"No series matches for {promise.spec.alerting.absent}: whether the"
            " objective is met is not known.",
            "runbook": _runbook(promise),
        },
    }


def _runbook(promise: Promise) -> str:
    """What the estate says, else the commands that show what changed."""
    return promise.runbook or (
        f"telford status {promise.service}; telford explain {promise.address}"
    )
