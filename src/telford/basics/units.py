"""Quantities with a unit, kept as the text that people wrote and computed exactly.

The grammar is what the field writes: durations ``300ms 30s 5m 2h 30d 1w``, percentages ``99.5%``,
CPU ``250m`` or ``0.5`` (cores), memory ``128Mi`` or ``1G`` (Kubernetes resource quantities), money
is not here. Every parser raises `UnitError` with a sentence that says what was expected.
"""

import re
from decimal import Decimal

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86_400),
    "w": Decimal(604_800),
}
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(m|[kMGTPE]i?|Ki)?")
# Kubernetes quantities: resource.Quantity, binary and decimal suffixes.
_SUFFIX = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** (power + 1) for power, letter in enumerate("kMGTPE")},
    **{f"{letter}i": Decimal(1024) ** (power + 1) for power, letter in enumerate("KMGTPE")},
}


class UnitError(ValueError):
    """A text that is no quantity of the kind that was asked for."""


def seconds(text: str) -> Decimal:
    """The duration in seconds; units may be chained (``1h30m``)."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise UnitError(
            f"not a duration: {text!r}; write a number with a unit, such as 300ms or 5m"
        )
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0))


def ratio(text: str) -> Decimal:
    """The percentage as a ratio: ``99.5%`` is 0.995."""
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        raise UnitError(f"not a percentage: {text!r}; write a number with a percent sign: 99.5%")
    return Decimal(match[1]) / 100


def quantity(text: str) -> Decimal:
    """A Kubernetes resource quantity: cores for CPU, bytes for memory and storage."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise UnitError(f"not a quantity: {text!r}; write for example 250m, 0.5, 128Mi or 1G")
    return Decimal(match[1]) * _SUFFIX[match[2] or ""]


def duration_text(value: Decimal | float) -> str:
    """The shortest exact text of a number of seconds: 5400 is ``90m``, 0.3 is ``300ms``."""
    exact = Decimal(str(value))
    if exact == 0:
        return "0s"
    for unit in ("w", "d", "h", "m", "s", "ms"):
        count = exact / _SECONDS[unit]
        if count == count.to_integral_value():
            return f"{int(count)}{unit}"
    return f"{exact.normalize():f}s"
