"""E1: two arms, exact for Bernoulli outcomes, for any bound r on the ratio of their rates.

A tick's factor for a pair of rates (a1, a0) chosen before the tick is
(a1/q1)^k1 ((1-a1)/(1-q1))^(n1-k1) (a0/q0)^k0 ((1-a0)/(1-q0))^(n0-k0), where (q1, q0) with
q1 = r*q0 is the point of the null nearest to the pair: the smaller root of
n1(a1 - r*q0)(1 - q0) + n0(a0 - q0)(1 - r*q0) = 0. The logarithm of its expectation is concave in the
true rates and has its maximum, 0, at (q1, q0), with the gradient pointing out of the null; so it
is at most 1 for every rate pair of the null, also where the rates differ from request to request.

Source: R. Turner, A. Ly and P. Grünwald, "Generic E-variables for exact sequential k-sample tests
that allow for optional stopping" (2024), there for r = 1; the linear null is worked out in
docs/concepts/verdicts.md.
"""

import math
from dataclasses import dataclass

from telford.deliver import mixture

GOOD_RATIOS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""What the promotion evidence bets on: rates from none to equal to the stable one's."""
DISCOUNT = 0.97
"""How much of the stable version's counts is kept from one tick to the next."""
RATE_FLOOR = 1e-6
RATE_CEILING = 0.999
"""The guess of the stable rate stays inside these, so that no logarithm is infinite by accident."""
PRIOR_REQUESTS = 100.0
"""Without a history, the guess starts as if this many requests had used half of the budget."""

Pair = tuple[float, float]
"""Rates (a1, a0) of the canary and the stable version that an alternative bets on."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Discounted counts of the stable version, from past ticks only."""

    requests: float
    bad: float

    def rate(self) -> float:
        """The guess of the stable rate: never below half an event of what was seen."""
        guess = max(self.bad, 0.5) / self.requests if self.requests > 0 else 0.0
        return min(max(guess, RATE_FLOOR), RATE_CEILING)


def baseline(history_requests: int, history_bad: int, budget: float) -> Baseline:
    """The first guess: from before the release, or from the budget where there is no history."""
    if history_requests > 0:
        return Baseline(float(history_requests), float(history_bad))
    return Baseline(PRIOR_REQUESTS, PRIOR_REQUESTS * budget / 2)


def learn(before: Baseline, requests: int, bad: int) -> Baseline:
    """The guess for the next tick, after this one has been weighed."""
    return Baseline(DISCOUNT * before.requests + requests, DISCOUNT * before.bad + bad)


def worse(rate: float, ratio: float) -> tuple[Pair | None, ...]:
    """Alternatives to p1 <= ratio * p0, in odds; None where one would lie within the null."""
    odds = rate / (1 - rate)
    pairs: list[Pair | None] = []
    for times in mixture.RATIOS:
        raised = times * ratio * odds
        canary = raised / (1 + raised)
        pairs.append((canary, rate) if canary > ratio * rate else None)
    return tuple(pairs)


def better(rate: float, ratio: float) -> tuple[Pair | None, ...]:
    """Alternatives to p1 >= ratio * p0; None where one would lie within the null."""
    return tuple((part * rate, rate) if part < ratio else None for part in GOOD_RATIOS)


def nearest(n1: int, n0: int, pair: Pair, ratio: float) -> Pair:
    """(q1, q0), the null point nearest to `pair` for n1 and n0 requests (both above 0)."""
    a1, a0 = pair
    square = ratio * (n1 + n0)
    linear = n1 * (a1 + ratio) + n0 * (1 + ratio * a0)
    constant = n1 * a1 + n0 * a0
    root = math.sqrt(max(linear * linear - 4 * square * constant, 0.0))
    q0 = 2 * constant / (linear + root)
    return ratio * q0, q0


def update(
    logs: mixture.Logs,
    canary: tuple[int, int],
    stable: tuple[int, int],
    pairs: tuple[Pair | None, ...],
    ratio: float,
) -> mixture.Logs:
    """The evidence after one more tick of (requests, bad) in each arm."""
    if canary[0] == 0 or stable[0] == 0:
        return logs
    return mixture.multiply(
        logs, [0.0 if pair is None else _factor(canary, stable, pair, ratio) for pair in pairs]
    )


def _factor(canary: tuple[int, int], stable: tuple[int, int], pair: Pair, ratio: float) -> float:
    (n1, k1), (n0, k0) = canary, stable
    (a1, a0), (q1, q0) = pair, nearest(n1, n0, pair, ratio)
    log1p = math.log1p  # A dozen times for each indicator and tick.
    hit1 = mixture.times_log(k1, a1 / q1) if k1 else 0.0
    hit0 = mixture.times_log(k0, a0 / q0) if k0 else 0.0
    miss1, miss0 = log1p(-a1) - log1p(-q1), log1p(-a0) - log1p(-q0)
    return hit1 + (n1 - k1) * miss1 + hit0 + (n0 - k0) * miss0
