"""How numbers, times and states are written on every page: one way each, never two.

Registered as filters of the templates (`telford.portal.page`). Times are epoch seconds, ratios are
0..1, weights are basis points.
"""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime

from markupsafe import Markup, escape

from telford.deliver import judging

# state or phase -> (meaning, icon, word). Colour, icon and word always come together.
STATES: Mapping[str, tuple[str, str, str]] = {
    "planned": ("plain", "wait", "planned"),
    "starting": ("plain", "wait", "starting"),
    "stepping": ("plain", "run", "in progress"),
    "paused": ("watch", "pause", "paused"),
    "held": ("watch", "watch", "held"),
    "promoting": ("good", "run", "promoting"),
    "rolling-back": ("bad", "back", "rolling back"),
    "promoted": ("good", "good", "promoted"),
    "rolled-back": ("bad", "back", "rolled back"),
    "aborted": ("watch", "back", "aborted"),
    "failed": ("bad", "bad", "failed"),
    "ok": ("good", "good", "kept"),
    "watch": ("watch", "watch", "watch"),
    "burning": ("bad", "watch", "burning"),
    "exhausted": ("bad", "bad", "budget spent"),
    "no-data": ("watch", "info", "no data"),
    "not-measured": ("plain", "wait", "not measured yet"),
    "error": ("bad", "bad", "error"),
    "warning": ("watch", "watch", "warning"),
    "info": ("plain", "info", "note"),
}


def state(name: str) -> tuple[str, str, str]:
    """(meaning, icon, word) of a state; an unknown one is shown as it is."""
    return STATES.get(name, ("plain", "info", name.replace("-", " ")))


def utc(at: float) -> str:
    """``2026-11-22 06:03:11 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(at: float) -> str:
    """For the ``datetime`` attribute."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def clock(at: float) -> str:
    """``06:03:11``: the time of day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")


def day(at: float) -> str:
    """``2026-11-22``: the day in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def ago(seconds: float) -> str:
    """``12 s ago``; the browser keeps it right (``app.js`` writes the same words)."""
    if seconds < 1:
        return "just now"
    return f"{judging.duration(seconds)} ago"


def count(value: float) -> str:
    """A count with thousands separators; a fraction keeps one digit below 100."""
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"


def weight(basis_points: int) -> str:
    """``25%``, ``0.5%``."""
    return f"{basis_points / 100:g}%"


def rate(value: float) -> str:
    """A share as a percentage with as many digits as it needs: ``0.53%``, ``12%``, ``99.5%``. What is
    not quite none or all never rounds to it. ``chart.js`` writes the same.
    """
    percent = value * 100
    if percent in {0, 100}:
        return f"{percent:.0f}%"
    if percent < 0.001:
        return "<0.001%"
    if percent > 99.99:
        return ">99.99%"
    if percent >= 10:
        return f"{percent:.2f}".rstrip("0").rstrip(".") + "%"
    return f"{percent:.{max(0, 1 - math.floor(math.log10(percent)))}f}%"


def share(value: float) -> str:
    """A share of a whole, in whole percent; what is not quite all or nothing never rounds to it."""
    percent = round(value * 100)
    if percent == 100 and value < 1:
        return ">99%"
    return "<1%" if percent == 0 and value > 0 else f"{percent}%"


def times(value: float | None) -> str:
    """A ratio of two rates: ``2.1×``; infinity where there is nothing to divide by."""
    if value is None or math.isnan(value):
        return "unknown"
    if value > FAR:
        return f"over {FAR:,}×"
    if 0 < value < 0.1:
        return "<0.1×"
    text = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
    return f"{text.removesuffix('.0')}×"


def evidence(log_e: float) -> str:
    """An e-value as a plain number: ``63``, ``0.4``, ``over 1,000,000``."""
    if log_e > math.log(judging.MANY):
        return f"over {judging.MANY:,.0f}"
    value = math.exp(log_e)
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def named(text: str) -> str:
    """A short name of a text that can stand in an ``id``."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def coded(text: str) -> Markup:
    """A docstring's text with what stands between backticks as code; everything is escaped."""
    parts = text.split("`")
    marked = [
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part)
        for at, part in enumerate(parts)
    ]
    return Markup("").join(marked)


FAR = 1_000
"""A ratio beyond this says "far worse", whatever the number is."""

FILTERS = {
    "utc": utc,
    "iso": iso,
    "clock": clock,
    "day": day,
    "ago": ago,
    "count": count,
    "weight": weight,
    "rate": rate,
    "share": share,
    "times": times,
    "evidence": evidence,
    "duration": judging.duration,
    "state": state,
    "coded": coded,
    "named": named,
}
