"""One arm against a fixed rate: the objective's certificate (E0) and the fuse.

Both are Bernoulli e-variables. For a null rate p and an alternative a, a tick of `requests` with
`bad` among them multiplies (a/p)^bad ((1-a)/(1-p))^(requests-bad). Its expectation is linear in
the true rate for each request, equals 1 at p, and falls away from the alternative; so E0, with
a < p, is valid for every rate of at least p, and the fuse, with a > p, for every rate of at most p.
Both assume that errors are independent given the past; bursts fool E0, hence the soak.
"""

import functools
import math

from telford.deliver import mixture

OBJECTIVE_PARTS = (0.0, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
"""E0's alternatives, as parts of the rate that must be shown not to be reached."""
# A release's rates come from its policy and do not change: what follows from them is worked out
# once. (Exposure asks `better` and `factors` about rates of its own, each time others.)
_KEPT = 4096


def better(p_max: float) -> tuple[float, ...]:
    """The rates E0 bets on, all below `p_max`."""
    return tuple(part * p_max for part in OBJECTIVE_PARTS)


@functools.lru_cache(maxsize=_KEPT)
def worse(rate: float) -> tuple[float, ...]:
    """The rates the fuse bets on: `rate` with its odds multiplied, so all lie in (rate, 1)."""
    odds = rate / (1 - rate)
    return tuple(ratio * odds / (1 + ratio * odds) for ratio in mixture.RATIOS)


def factors(requests: int, bad: int, null: float, alternatives: tuple[float, ...]) -> mixture.Logs:
    """The logarithm of one tick's factor for each alternative rate."""
    return _factors(requests, bad, _slopes(null, alternatives))


def update(
    logs: mixture.Logs, requests: int, bad: int, null: float, alternatives: tuple[float, ...]
) -> mixture.Logs:
    """The evidence after one more tick."""
    return mixture.multiply(logs, _factors(requests, bad, _kept_slopes(null, alternatives)))


def _factors(requests: int, bad: int, slopes: tuple[tuple[float, float], ...]) -> mixture.Logs:
    good = requests - bad
    return tuple([bad * hit + good * miss if bad else good * miss for hit, miss in slopes])


def _slopes(null: float, alternatives: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """What one bad and one good request multiply into each alternative, in logarithms."""
    base = math.log1p(-null)
    return tuple((mixture.times_log(1, a / null), math.log1p(-a) - base) for a in alternatives)


_kept_slopes = functools.lru_cache(maxsize=_KEPT)(_slopes)
