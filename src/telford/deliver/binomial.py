"""E2: of the bad requests of a tick, how many were the canary's? And the sample-ratio test.

Given k1 + k0 bad requests and equal rates, the canary's part is at most binomial with share
n1/(n1+n0), whatever the rates are and however they move: a shared outage cancels out. The factor
for a canary `ratio` times worse is (t/t0)^k1 ((1-t)/(1-t0))^k0 with t0 = n1/(n1+n0) and
t = ratio*n1/(ratio*n1+n0). For equal Bernoulli rates k1 is hypergeometric given the sum, which is
smaller in convex order than the binomial (Hoeffding 1963), so the factor is valid there as well;
for any other bound on the ratio it is not, and E1 is used.

The sample-ratio test asks the same of the requests themselves, in both directions: "the split you
asked for is not the split you got". Its alternatives are a quarter off or more, so that a data
plane that rounds a weight does not fire it.
"""

import functools
import math

from telford.deliver import mixture

SPLIT_ODDS = (0.5, 0.8, 1.25, 2.0)
_LOG_ODDS = tuple((odds, math.log(odds)) for odds in SPLIT_ODDS)


def factors(
    n1: int, k1: int, n0: int, k0: int, ratios: tuple[float, ...] = mixture.RATIOS
) -> mixture.Logs:
    """The logarithm of one tick's factor for each ratio; all 0 where an arm had no request."""
    if n1 == 0 or n0 == 0 or k1 + k0 == 0:
        return (0.0,) * len(ratios)
    total, bad, log = n1 + n0, k1 + k0, math.log
    return tuple(
        [
            k1 * one - bad * log((ratio * n1 + n0) / total)
            for ratio, one in zip(ratios, _logs(ratios), strict=True)
        ]
    )


def update(logs: mixture.Logs, n1: int, k1: int, n0: int, k0: int) -> mixture.Logs:
    """The evidence that the canary is worse, after one more tick."""
    return mixture.multiply(logs, factors(n1, k1, n0, k0))


def update_split(logs: mixture.Logs, n1: int, n0: int, weight: float) -> mixture.Logs:
    """The evidence that requests are not divided as asked; `weight` is the canary's share."""
    return mixture.multiply(
        logs,
        [n1 * log - (n1 + n0) * math.log1p(weight * (odds - 1)) for odds, log in _LOG_ODDS],
    )


@functools.cache
def _logs(ratios: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(map(math.log, ratios))
