"""When windows hold: whether an instant lies in one, and when that will change. Pure.

A window is about clocks on the wall: an instant lies in it where the local time of its zone does,
so an hour that the clocks skip is in no window and an hour that they show twice is in it twice.
Zones are handed in as `tzinfo`, for their data lie on a disk. Called by `telford.deliver.gates` and,
to choose the windows of a service, by `telford.app.gate_policy`.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = dt.timedelta(days=1)
_DAY_SECONDS = 86_400
# A window that opens later than this is a mistake, or none of today's business.
HORIZON_DAYS = 400
# Of answers about the next change: as many as there are different sets of windows in a minute.
KEPT = 512
_GRAINS_SECONDS = (float(_DAY_SECONDS), 60.0)


@dataclass(frozen=True, slots=True)
class Hours:
    """Some hours of some days of the week (0 is Monday), in minutes of the local day. From `start`
    on and before `end`; where `end` is not after `start` it is on the next day.
    """

    days: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Days:
    """Days of the calendar (ISO 8601), the first and the last included."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A window: `freeze` closes while it holds, any other (an allow) opens; `zone` is an IANA name."""

    name: str
    freeze: bool
    zone: str
    hours: tuple[Hours, ...] = ()
    spans: tuple[Days, ...] = ()
    reason: str = ""


Zones = Mapping[str, dt.tzinfo]


def holds(rule: Rule, at: float, zone: dt.tzinfo) -> bool:
    """Whether an instant (epoch seconds) lies in the window."""
    return _holds(rule, dt.datetime.fromtimestamp(at, zone))


def shutting(rules: Sequence[Rule], at: float, zones: Zones) -> tuple[Rule, ...]:
    """What keeps changes out at an instant: freezes that hold, or else the allows, if none holds."""
    held = [one for one in rules if holds(one, at, zones[one.zone])]
    freezes = tuple(one for one in held if one.freeze)
    if freezes:
        return freezes
    allows = tuple(one for one in rules if not one.freeze)
    return () if any(one in held for one in allows) else allows


def opening(rules: tuple[Rule, ...], at: float, zones: Zones) -> float | None:
    """The first instant after `at` at which nothing keeps changes out; None where there is none
    within `HORIZON_DAYS`. Asked at every tick, so answers are remembered for the day, and where it
    has opened and shut again since the day began, for the minute.
    """
    named = tuple((one, zones[one]) for one in sorted({rule.zone for rule in rules}))
    for grain in _GRAINS_SECONDS:
        found = _opening(rules, at // grain * grain, named)
        if found is None or found > at:
            return found
    return _opening(rules, at, named)


@lru_cache(maxsize=KEPT)
def _opening(
    rules: tuple[Rule, ...], at: float, named: tuple[tuple[str, dt.tzinfo], ...]
) -> float | None:
    zones = dict(named)
    day = dt.datetime.fromtimestamp(at, dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(HORIZON_DAYS):
        begin = day + number * _DAY
        for moment in _changes(rules, begin, zones):
            if moment > at and not shutting(rules, moment, zones):
                return moment
    return None


def _holds(rule: Rule, local: dt.datetime) -> bool:
    today = local.date().isoformat()
    if any(one.first <= today <= one.last for one in rule.spans):
        return True
    minute, weekday = local.hour * 60 + local.minute, local.weekday()
    return any(_in_hours(one, weekday, minute) for one in rule.hours)


def _in_hours(hours: Hours, weekday: int, minute: int) -> bool:
    if hours.start < hours.end:
        return weekday in hours.days and hours.start <= minute < hours.end
    began_yesterday = (weekday - 1) % 7 in hours.days and minute < hours.end
    return began_yesterday or (weekday in hours.days and minute >= hours.start)


def _changes(rules: Sequence[Rule], begin: dt.datetime, zones: Zones) -> list[float]:
    """Every instant of a day of UTC at which a window may begin or end, in order."""
    found: set[float] = set()
    for rule in rules:
        zone = zones[rule.zone]
        found.update(_shift(begin, zone))
        for minute in _minutes(rule):
            found.update(_instants(begin, minute, zone))
    first, last = begin.timestamp(), (begin + _DAY).timestamp()
    return sorted(one for one in found if first <= one < last)


def _minutes(rule: Rule) -> set[int]:
    """Minutes of the local day at which something may change; a day begins at midnight."""
    return {0, *(minute for one in rule.hours for minute in (one.start, one.end))}


def _instants(begin: dt.datetime, minute: int, zone: dt.tzinfo) -> Iterator[float]:
    """When a local clock shows that minute about a day of UTC: no, one or two times a day."""
    local = begin.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    for days in (-1, 0, 1):
        clock = local + days * _DAY + dt.timedelta(minutes=minute)
        for fold in (0, 1):
            yield clock.replace(tzinfo=zone, fold=fold).timestamp()


def _shift(begin: dt.datetime, zone: dt.tzinfo) -> Iterator[float]:
    """The instant in a day of UTC at which the zone's clocks are set: at most one, to the second."""
    if _offset(begin, zone) != _offset(begin + _DAY, zone):
        yield _bisected(begin, zone)


def _bisected(before: dt.datetime, zone: dt.tzinfo) -> float:
    """The first second of a day at which the offset is another one than at its beginning."""
    low, high = 0, _DAY_SECONDS
    start = _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + dt.timedelta(seconds=middle), zone) == start:
            low = middle
        else:
            high = middle
    return (before + dt.timedelta(seconds=high)).timestamp()


def _offset(moment: dt.datetime, zone: dt.tzinfo) -> dt.timedelta | None:
    return moment.astimezone(zone).utcoffset()
