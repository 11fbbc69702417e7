"""The limit: how many errors any test needs on average, however clever.

A test with false-rollback probability at most alpha needs at least ln(1/alpha)/I requests on
average, I = the smallest divergence of the truth from the null (A. Wald 1945; R. Farrell 1964;
A. Garivier and E. Kaufmann, 2019). For rare errors this is, in errors seen in both arms,
ln(1/alpha) / kl(theta1, theta0), where theta is the canary's share of the errors. A verdict that
comes faster than this is luck or fraud. Used by `forecast` and by the verdicts' benchmark.
"""

import math


def divergence(a: float, b: float) -> float:
    """kl(a, b) of two Bernoulli rates, in nats; infinite where b rules out what a allows."""
    total = 0.0
    for one, other in ((a, b), (1 - a, 1 - b)):
        if one > 0:
            total += one * math.log(one / other) if other > 0 else math.inf
    return total


def error_share(weight: float, ratio: float) -> float:
    """The canary's share of the errors at traffic share `weight` where it is `ratio` times worse."""
    return weight * ratio / (weight * ratio + 1 - weight)


def errors_to_roll_back(alpha: float, weight: float, ratio: float) -> float:
    """N*: errors in both arms, on average, to show that the canary is worse (null: a ratio of 1)."""
    return -math.log(alpha) / divergence(error_share(weight, ratio), weight)


def errors_to_promote(beta: float, weight: float, tolerable: float) -> float:
    """Errors in both arms to show that an equal canary is less than `tolerable` times worse."""
    return -math.log(beta) / divergence(weight, error_share(weight, tolerable))


def requests_to_certify(beta: float, p_max: float, rate: float) -> float:
    """Canary requests to show that a canary with `rate` is below `p_max`; infinite at or above."""
    return -math.log(beta) / divergence(rate, p_max) if rate < p_max else math.inf
