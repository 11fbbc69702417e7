"""E3: is the canary slower? Over the whole latency histogram, for "stochastically no slower".

A tick's counts are those of the histogram's buckets, lowest first. For a pair of distributions
(a1, a0) over the buckets, chosen before the tick, the factor is the product over all requests of
a1/q (the canary's) and a0/q (the stable version's), with q = (n1*a1 + n0*a0)/(n1 + n0).

Why it is fair: a1/q grows with the bucket wherever a1/a0 does, so its mean under the canary's
distribution is at most that under the stable one's, p0, where the canary is stochastically no
slower; and (sum p0*a1/q)^n1 * (sum p0*a0/q)^n0 is at most 1 by the inequality of the means, because
their weighted average is sum p0 = 1. Every alternative here has a1/a0 growing with the bucket, and
a0 is learnt from past ticks only, so an average of them may be looked at after every tick. As with
E1 and E2, requests are taken to be independent given the past.

Alternatives: tilts a1 ~ a0*exp(b*j), a shift of everything, and moves of a part of all requests to
the top buckets, a slow tail. Source for the block form: see `block`. Called by `weighing`.
"""

import itertools
import math
from collections.abc import Sequence

from telford.deliver import block, mixture

TILTS = (0.1, 0.2, 0.4, 0.7, 1.1, 1.6)
"""b of each tilt: how much a bucket's logarithm of odds grows from one bucket to the next."""
MOVES = (0.005, 0.02, 0.1)
"""The part of all requests that each move takes to the top buckets."""
TAIL = 0.95
"""Top buckets are those that begin above this part of the stable version's requests."""
HALF_EVENT = 0.5
"""Each bucket of the guess has seen at least this many requests, so that nothing is impossible."""
ALTERNATIVES = len(TILTS) + len(MOVES)

Shape = tuple[float, ...]
"""Discounted counts of the stable version, one a bucket; empty before anything was learnt."""


def learn(before: Shape, counts: Sequence[int]) -> Shape:
    """The guess for the next tick."""
    if not before:
        return tuple(float(one) for one in counts)
    return tuple(block.DISCOUNT * a + b for a, b in zip(before, counts, strict=True))


def guess(shape: Shape) -> Shape:
    """The stable version's distribution over the buckets as it is guessed; sums to 1."""
    total = math.fsum(shape) + HALF_EVENT * len(shape)
    return tuple((one + HALF_EVENT) / total for one in shape)


def tail(shape: Shape) -> int:
    """The first of the top buckets, at most the last one; past the end where nothing is known."""
    if not any(shape):
        return len(shape)
    below = itertools.accumulate(guess(shape), initial=0.0)
    first = next((place for place, part in enumerate(below) if part >= TAIL), len(shape) - 1)
    return min(first, len(shape) - 1)


def slow(shape: Shape, counts: Sequence[int]) -> int:
    """How many of `counts` fell into the top buckets; 0 where nothing is known yet."""
    return sum(counts[tail(shape) :]) if shape else 0


def alternatives(stable: Shape, first: int) -> tuple[Shape, ...]:
    """What the canary's distribution might be, each growing against `stable` by the bucket.

    `stable` sums to 1; `first` is the first top bucket.
    """
    return (*(_tilt(stable, one) for one in TILTS), *(_move(stable, first, one) for one in MOVES))


def factors(shape: Shape, canary: Sequence[int], stable: Sequence[int]) -> mixture.Logs:
    """The logarithm of one tick's factor for each alternative; all 0 where there is no bet."""
    n1, n0 = sum(canary), sum(stable)
    if n1 == 0 or n0 == 0 or not any(shape):
        return (0.0,) * ALTERNATIVES
    base = guess(shape)
    return tuple(
        _factor(one, base, canary, stable, n1 / (n1 + n0))
        for one in alternatives(base, tail(shape))
    )


def update(
    logs: mixture.Logs, shape: Shape, canary: Sequence[int], stable: Sequence[int]
) -> mixture.Logs:
    """The evidence that the canary is slower, after one more tick."""
    return mixture.multiply(logs, factors(shape, canary, stable))


def _tilt(stable: Shape, slope: float) -> Shape:
    top = slope * (len(stable) - 1)
    raised = [part * math.exp(slope * place - top) for place, part in enumerate(stable)]
    total = math.fsum(raised)
    return tuple(one / total for one in raised)


def _move(stable: Shape, first: int, part: float) -> Shape:
    """A `part` of all requests goes to the top buckets, equally where that grows by the bucket."""
    wanted = (1 / one if place >= first else 0.0 for place, one in enumerate(stable))
    growing = itertools.accumulate(wanted, max)
    moved = [one * times for one, times in zip(stable, growing, strict=True)]
    total = math.fsum(moved)
    return tuple(
        (1 - part) * one + part * other / total for one, other in zip(stable, moved, strict=True)
    )


def _factor(
    a1: Shape, a0: Shape, canary: Sequence[int], stable: Sequence[int], weight: float
) -> float:
    total = 0.0
    for one, other, c1, c0 in zip(a1, a0, canary, stable, strict=True):
        if c1 or c0:
            middle = weight * one + (1 - weight) * other
            total += mixture.times_log(c1, one / middle) + c0 * math.log(other / middle)
    return total
