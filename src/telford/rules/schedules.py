"""Cron schedules, as Kubernetes and POSIX crontab write them: is it one, and can it ever run."""

import re
from decimal import Decimal
from itertools import pairwise

_WORDS = frozenset(
    ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
)
_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
)}  # fmt: skip
_DAYS = {
    name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
}
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of month", 1, 31, {}),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_LONGEST = {1: 31, 2: 29, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
_PART = re.compile(r"(\*|\?|\w+(?:-\w+)?)(?:/(\d{1,4}))?")


def problem(text: str) -> str:
    """What is wrong with a schedule, as part of a sentence; "" where nothing is."""
    if text.startswith("@"):
        return "" if text in _WORDS else f"there is no {text}"
    parts = text.split()
    if len(parts) != len(_FIELDS):
        return f"it has {len(parts)} fields instead of 5"
    values: list[set[int]] = []
    for part, (name, low, high, names) in zip(parts, _FIELDS, strict=True):
        found = _field(part, low, high, names)
        if found is None:
            return f"`{part}` is no {name} ({low} to {high})"
        values.append(found)
    days, months = values[2], values[3]
    if parts[4] in {"*", "?"} and not any(min(days) <= _LONGEST[month] for month in months):
        return f"day {min(days)} is in none of its months, so it never runs"
    return ""


def _field(text: str, low: int, high: int, names: dict[str, int]) -> set[int] | None:
    """The numbers that a field means, or None where it is none."""
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            return None
        first, last = _range(match[1], low, high, names)
        step = int(match[2]) if match[2] else 1
        if first is None or last is None or step < 1 or not low <= first <= last <= high:
            return None
        if match[2] and "-" not in match[1] and match[1] not in "*?":
            last = high
        found.update(range(first, last + 1, step))
    return found


def _range(text: str, low: int, high: int, names: dict[str, int]) -> tuple[int | None, int | None]:
    if text in {"*", "?"}:
        return low, high
    first, dash, last = text.partition("-")
    start = _number(first, names)
    return start, _number(last, names) if dash else start


def _number(text: str, names: dict[str, int]) -> int | None:
    if text.isascii() and text.isdigit() and len(text) <= 4:
        return int(text)
    return names.get(text.lower())


# Two weeks: every pattern of hours and days of the week comes round in it.
_MINUTES_LOOKED_AT = 14 * 24 * 60


def longest_gap_seconds(text: str) -> Decimal | None:
    """The longest time between two runs of a schedule by hours and days of the week, in seconds;
    None for one by days of the month or months, whose gaps are weeks and more.
    """
    words = {"@hourly": Decimal(3600), "@daily": Decimal(86_400), "@midnight": Decimal(86_400)}
    if text.startswith("@"):
        return words.get(text, Decimal(604_800) if text == "@weekly" else None)
    parts = text.split()
    if problem(text) or not {parts[2], parts[3]} <= {"*", "?"}:
        return None
    minutes, hours, _, _, days = (
        _field(part, low, high, names) or set()
        for part, (_, low, high, names) in zip(parts, _FIELDS, strict=True)
    )
    weekdays = {day % 7 for day in days}
    runs = [
        at
        for at in range(_MINUTES_LOOKED_AT)
        if at % 60 in minutes and at // 60 % 24 in hours and at // 1440 % 7 in weekdays
    ]
    gaps = [later - earlier for earlier, later in pairwise(runs)]
    return Decimal(60 * max(gaps)) if gaps else None
