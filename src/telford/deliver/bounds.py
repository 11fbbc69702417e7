"""Bounds of a rate and of a ratio of rates, for people to look at; no decision reads them.

A confidence sequence: the interval may be looked at after every request and still misses the true
rate with probability at most `level` over the whole release. It is what is left when every rate p
is tested by the mixture over Beta(1/2, 1/2) of Bernoulli likelihood ratios and thrown out once that
mixture reaches 1/level (H. Robbins, "Statistical methods related to the law of the iterated
logarithm", 1970; S. Howard et al., "Time-uniform, nonparametric, nonasymptotic confidence
sequences", 2021). It takes the rate as constant, which the engines do not; hence only a display.
The ratio's interval divides the ends of the two rates' intervals, so it is never too narrow.
"""

import math
from collections.abc import Callable

_HALVINGS = 34
"""Bisection steps: an interval of length 1 ends narrower than 6e-11, finer than any rate shown."""
_LOG_BETA_HALF = math.log(math.pi)
"""The logarithm of B(1/2, 1/2)."""

Interval = tuple[float, float]


def rate_bounds(requests: int, bad: int, level: float) -> Interval:
    """The rates that `bad` of `requests` leave possible at `level`, every peek included."""
    if requests == 0:
        return 0.0, 1.0
    limit = -math.log(level)
    mixture = (
        math.lgamma(bad + 0.5)
        + math.lgamma(requests - bad + 0.5)
        - math.lgamma(requests + 1)
        - _LOG_BETA_HALF
    )

    def excluded(rate: float) -> bool:
        good = (requests - bad) * math.log1p(-rate) if rate < 1 else _nothing(requests - bad)
        hit = bad * math.log(rate) if rate > 0 else _nothing(bad)
        return mixture - hit - good >= limit

    seen = bad / requests
    return _edge(excluded, 0.0, seen), _edge(excluded, 1.0, seen)


def ratio_bounds(canary: Interval, stable: Interval) -> Interval:
    """The ratios p1/p0 that two intervals leave possible; the upper end may be infinite."""
    low = canary[0] / stable[1] if stable[1] > 0 else 0.0
    high = canary[1] / stable[0] if stable[0] > 0 else math.inf
    return low, high


def _nothing(count: int) -> float:
    return 0.0 if count == 0 else -math.inf


def _edge(excluded: Callable[[float], bool], outer: float, inner: float) -> float:
    """The border between the excluded `outer` and the allowed `inner`, on the allowed side."""
    if not excluded(outer):
        return outer
    for _ in range(_HALVINGS):
        middle = (outer + inner) / 2
        if excluded(middle):
            outer = middle
        else:
            inner = middle
    return inner
