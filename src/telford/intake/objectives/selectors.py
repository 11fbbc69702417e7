"""PromQL of foreign objectives -> the plain selectors that an Objective counts.

An Objective names counters and does the arithmetic of windows itself, so ``sum(rate(x{a="b"}[5m]))``
says no more than ``x{a="b"}``. What does more (a quotient, a join, a subquery) cannot be said and is
refused, never approximated. Called by the readers of `telford.intake.objectives`.
"""

import re

# name{label="value",...}; a closing brace inside of quotes does not end it.
_SELECTOR = (
    r"[a-zA-Z_:][a-zA-Z0-9_:]*\s*(?:\{(?:[^{}\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')*\})?"
)
_BARE = re.compile(rf"\s*(?P<selector>{_SELECTOR})\s*")
_RATE = re.compile(
    rf"\s*(?:rate|increase|irate)\s*\(\s*(?P<selector>{_SELECTOR})\s*"
    r"\[\s*(?:\{\{\s*\.window\s*\}\}|\$\{?__?\w+\}?|[0-9a-z]+)\s*\]\s*\)\s*"
)
_SUM = re.compile(r"\s*sum\s*\((?P<inner>.*)\)\s*", re.DOTALL)
# Longer queries are programs.
MAX_QUERY = 8_000


def counters(query: str) -> str | None:
    """The selector that a query sums up, or None where it does more than that."""
    if len(query) > MAX_QUERY:
        return None
    summed = _SUM.fullmatch(query)
    found = _RATE.fullmatch(summed["inner"] if summed else query)
    if found is None:
        found = _BARE.fullmatch(query)
    return _tidy(found["selector"]) if found is not None else None


def label(selector: str, names: tuple[str, ...]) -> str:
    """The value of the first of some labels that a selector demands exactly; "" where none."""
    for name in names:
        found = re.search(rf'[{{,]\s*{name}\s*=\s*"([^"\\]+)"', selector)
        if found is not None:
            return found[1]
    return ""


def _tidy(selector: str) -> str:
    return " ".join(selector.split())
