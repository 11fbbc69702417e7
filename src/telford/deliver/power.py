"""How fast evidence grows: the expected logarithm of each engine's bets, for given rates and traffic.

Evidence grows by about the same each request, so the time until a mixture of bets reaches its bound
can be computed before anything is counted. Called by `forecast`, which says it to people.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telford.deliver import bernoulli, block, histogram, limit, mixture, share
from telford.deliver.mixture import Logs
from telford.deliver.policy import (
    FULL_WEIGHT,
    Indicator,
    Policy,
    certified_rate,
    objective_rate,
)
from telford.deliver.shape import Stage

PLANNED_MOVE = histogram.MOVES[-1]
"""The slow-down that is planned for: so many of all answers become as slow as the slowest
1 - `histogram.TAIL` of the stable version's."""
_DOUBLINGS = 60
_HALVINGS = 50
_MANY = 200.0
"""Bad requests of a tick beyond which E4's bet is taken at its limit: the share has settled."""
_REACH = 6.5
"""Standard deviations, and one more error each, beyond which counts are left out of an expectation:
what is left out is less likely than 1e-9."""


@dataclass(frozen=True, slots=True)
class Arms:
    """Requests of the canary and of what it is compared with, for one request to the service."""

    canary: float
    other: float

    @property
    def weight(self) -> float:
        """The canary's share of the compared requests."""
        return self.canary / (self.canary + self.other)


@dataclass(frozen=True, slots=True)
class Rates:
    """The share of bad requests of each arm."""

    canary: float
    other: float


def arms(stage: Stage) -> Arms | None:
    """What a stage compares; None where nobody knows how many requests that will be."""
    shape = stage.shape
    if shape.mirror_bp:
        return Arms(shape.mirror_bp / FULL_WEIGHT, 1.0)
    canary = shape.canary_bp / FULL_WEIGHT
    if canary <= 0:
        return None
    if stage.against == "baseline":
        return Arms(canary, shape.baseline_bp / FULL_WEIGHT)
    return Arms(canary, 0.0 if stage.against == "objective" else 1 - canary)


def objective_growth(policy: Policy, indicator: Indicator, seen: Arms, rates: Rates) -> Logs:
    """Of the objective's certificate (E0), for each alternative, a request to the service."""
    p_max = certified_rate(policy, indicator)
    rows = (_expected(rates.canary, a, p_max) for a in bernoulli.better(p_max))
    return tuple(seen.canary * row for row in rows)


def ratio_growth(policy: Policy, seen: Arms, rates: Rates) -> Logs:
    """Of the ratio's certificate (E1)."""
    guess = min(max(rates.other, block.RATE_FLOOR), block.RATE_CEILING)
    ratio = policy.tolerable_ratio
    return _block_growth(block.better(guess, ratio), ratio, seen, rates)


def rollback_growth(
    policy: Policy, indicator: Indicator, stage: Stage, seen: Arms, rates: Rates, requests: float
) -> Logs:
    """Of the rollback evidence; `requests` are those of a tick to the service, for E4."""
    if stage.against == "objective":
        null = objective_rate(policy, indicator)
        rows = (_expected(rates.canary, a, null) for a in bernoulli.worse(null))
        return tuple(seen.canary * row for row in rows)
    if policy.engine == "E1":
        guess = min(max(rates.other, block.RATE_FLOOR), block.RATE_CEILING)
        ratio = policy.rollback_ratio
        return _block_growth(block.worse(guess, ratio), ratio, seen, rates)
    bad = seen.canary * rates.canary, seen.other * rates.other
    if policy.engine == "E2":
        return tuple(
            bad[0] * math.log(ratio) - sum(bad) * math.log(1 + seen.weight * (ratio - 1))
            for ratio in mixture.RATIOS
        )
    return _share_growth(bad, seen.weight, requests)


def latency_growth(shape: histogram.Shape, seen: Arms) -> Logs:
    """Of E3's evidence, where `PLANNED_MOVE` of the canary's answers moved to the top buckets of
    the stable version's histogram `shape` (its counts before the release), a request to the service.
    """
    stable = histogram.guess(shape)
    bets = histogram.alternatives(stable, histogram.tail(shape))
    canary = bets[-1]  # The last alternative is the largest move; see `histogram.alternatives`.
    return tuple(_shape_growth(bet, stable, canary, seen) for bet in bets)


def requests_until(logs: Logs, growth: Logs, bound: float) -> float:
    """Requests until the mixture that grows by `growth` each reaches `bound`; infinite if never."""

    def reached(requests: float) -> bool:
        grown = [a + requests * b if requests else a for a, b in zip(logs, growth, strict=True)]
        return mixture.log_e(grown) >= bound

    if reached(0.0):
        return 0.0
    high = 1.0
    for _ in range(_DOUBLINGS):
        if reached(high):
            break
        high *= 2
    else:
        return math.inf
    low = high / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def _shape_growth(
    bet: histogram.Shape, stable: histogram.Shape, canary: histogram.Shape, seen: Arms
) -> float:
    """E log of E3's factor for one alternative, where the arms answer by `stable` and `canary`."""
    middle = [seen.weight * a1 + (1 - seen.weight) * a0 for a1, a0 in zip(bet, stable, strict=True)]
    return math.fsum(
        seen.canary * p1 * math.log(a1 / q) + seen.other * a0 * math.log(a0 / q)
        for p1, a1, a0, q in zip(canary, bet, stable, middle, strict=True)
    )


def least_to_certify(
    policy: Policy, indicator: Indicator, certificate: str, level: float, seen: Arms, rate: float
) -> float:
    """Requests to the service that an ideal test needs, if both arms have this rate."""
    if certificate == "objective":
        p_max = certified_rate(policy, indicator)
        return limit.requests_to_certify(level, p_max, rate) / seen.canary
    if rate <= 0 or seen.other <= 0:
        return math.inf
    errors = limit.errors_to_promote(level, seen.weight, policy.tolerable_ratio)
    return errors / rate / (seen.canary + seen.other)


def _block_growth(
    pairs: tuple[block.Pair | None, ...], ratio: float, seen: Arms, rates: Rates
) -> Logs:
    return tuple(
        -math.inf if pair is None else _pair_growth(pair, ratio, seen, rates) for pair in pairs
    )


def _pair_growth(pair: block.Pair, ratio: float, seen: Arms, rates: Rates) -> float:
    # The nearest null point depends on n1 : n0 alone, so a large block with that proportion does.
    n1 = min(max(round(seen.weight * FULL_WEIGHT), 1), FULL_WEIGHT - 1)
    q1, q0 = block.nearest(n1, FULL_WEIGHT - n1, pair, ratio)
    canary = seen.canary * _expected(rates.canary, pair[0], q1)
    return canary + seen.other * _expected(rates.other, pair[1], q0)


def _expected(rate: float, a: float, q: float) -> float:
    """E log of one request's likelihood ratio of rates a and q, at the true `rate`."""
    hit = rate * (math.log(a / q) if a > 0 else -math.inf) if rate > 0 else 0.0
    return hit + (1 - rate) * (math.log1p(-a) - math.log1p(-q))


def _share_growth(bad: tuple[float, float], weight: float, requests: float) -> Logs:
    """E4's: one bet a tick, however many bad requests the tick has, and none where it has none.

    Exact for counts that are independent Poisson ones: E log(1 + (f/w)(s - w)) over both arms'.
    """
    each = sum(bad) * requests
    if each <= 0:
        return (0.0,) * len(share.FRACTIONS)
    scale = min(1.0, _MANY / each) * requests
    (k1, chance1), (k0, chance0) = (_counts(one * scale) for one in bad)
    total = k1[:, None] + k0[None, :]
    part = np.where(total > 0, k1[:, None] / np.maximum(total, 1), weight)
    chance = chance1[:, None] * chance0[None, :]
    return tuple(
        float((chance * np.log1p(stake * (part / weight - 1))).sum()) / requests
        for stake in share.FRACTIONS
    )


def _counts(mean: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The counts that a tick may have where it has `mean` of them, and how likely each is: Poisson's
    law, as far out as it matters.
    """
    if mean <= 0:
        return np.zeros(1), np.ones(1)
    reach = _REACH * (math.sqrt(mean) + 1)
    counts = np.arange(max(math.floor(mean - reach), 0), math.ceil(mean + reach) + 1, dtype=float)
    logs = counts * math.log(mean) - mean - [math.lgamma(one + 1) for one in counts]
    return counts, np.exp(logs)
