"""E4: robust to errors that cluster within a tick, because it bets on a share, not on a count.

s = k1/(k1+k0) is the canary's share of a tick's bad requests. Where the replicas are exchangeable
given the past and get equal traffic, its expectation is w = canary replicas / all replicas,
however the errors of one tick hang together; so 1 + (f/w)(s - w) is a fair bet for each f in
(0, 1). Ticks without a bad request are no bet. One burst is one bet, not a hundred events: that is
what costs time, and what independence-based engines get wrong. It does not help against replicas
that differ for good: with m canaries among M replicas no test can go below 1/C(M, m) there.
"""

import math

from telford.deliver import mixture

FRACTIONS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95)
"""How much of the evidence each alternative stakes a tick."""


def factors(k1: int, k0: int, w: float) -> mixture.Logs:
    """The logarithm of one tick's factor for each stake; `w` is the canary replicas' share."""
    if k1 + k0 == 0:
        return (0.0,) * len(FRACTIONS)
    surplus = k1 / (k1 + k0) / w - 1
    return tuple(math.log1p(stake * surplus) for stake in FRACTIONS)


def update(logs: mixture.Logs, k1: int, k0: int, w: float) -> mixture.Logs:
    """The evidence that the canary's share is too large, after one more tick."""
    return mixture.multiply(logs, factors(k1, k0, w))
