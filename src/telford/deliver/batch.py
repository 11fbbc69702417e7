"""The engines over arrays: whole releases at once, all ticks at once.

The twin of the online engines, by cumulated sums in numpy: `evidence` recomputes a ledger with it
and the benchmark runs thousands of releases through it. A test proves both equal on random
sequences. Counts have shape (..., ticks), the last axis in time; each function returns the
logarithm of the evidence after each tick, in that shape. A tick without counts is all zeros.
"""

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from telford.deliver import bernoulli, binomial, block, histogram, mixture, share

Floats = NDArray[np.float64]


def log_average(logs: Floats) -> Floats:
    """The logarithm of the average over the last axis; ``-inf`` where all are."""
    top = logs.max(axis=-1, keepdims=True)
    safe = np.where(np.isfinite(top), top, 0.0)
    mean: Floats = np.log(np.exp(logs - safe).mean(axis=-1)) + safe[..., 0]
    return mean


def bernoulli_path(requests: Floats, bad: Floats, null: float, rates: tuple[float, ...]) -> Floats:
    """E0 and the fuse: one arm against the rate `null`, betting on `rates`."""
    total_bad, total_good = bad.cumsum(axis=-1), (requests - bad).cumsum(axis=-1)
    alternatives = np.array(rates)
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = total_bad[..., None] * np.log(alternatives / null)
        hit = np.where(total_bad[..., None] == 0, 0.0, hit)
    miss = total_good[..., None] * (np.log1p(-alternatives) - np.log1p(-null))
    return log_average(hit + miss)


def binomial_path(n1: Floats, k1: Floats, n0: Floats, k0: Floats) -> Floats:
    """E2: the canary's part of the bad requests, against equal rates."""
    return log_average(_binomial_steps(n1, k1, n0, k0).cumsum(axis=-2))


def _binomial_steps(n1: Floats, k1: Floats, n0: Floats, k0: Floats) -> Floats:
    ratios = np.array(mixture.RATIOS)
    live = ((n1 > 0) & (n0 > 0))[..., None]
    total = np.maximum(n1 + n0, 1)[..., None]
    mean = (ratios * n1[..., None] + n0[..., None]) / total
    steps = k1[..., None] * np.log(ratios) - (k1 + k0)[..., None] * np.log(np.where(live, mean, 1))
    found: Floats = np.where(live, steps, 0.0)
    return found


def split_path(n1: Floats, n0: Floats, weight: Floats) -> Floats:
    """The sample-ratio test: requests to each arm against the asked `weight` of each tick."""
    odds = np.array(binomial.SPLIT_ODDS)
    base = np.log1p(weight[..., None] * (odds - 1))
    steps = n1[..., None] * np.log(odds) - (n1 + n0)[..., None] * base
    return log_average(steps.cumsum(axis=-2))


def share_path(k1: Floats, k0: Floats, w: float | Floats) -> Floats:
    """E4: the canary's share of each tick's bad requests, against its share `w` of replicas."""
    return log_average(_share_steps(k1, k0, w).cumsum(axis=-2))


def _share_steps(k1: Floats, k0: Floats, w: float | Floats) -> Floats:
    stakes = np.array(share.FRACTIONS)
    total = k1 + k0
    surplus = np.where(total > 0, k1 / np.maximum(total, 1) / w - 1, 0.0)
    steps: Floats = np.log1p(stakes * surplus[..., None])
    return steps


def stable_rates(n0: Floats, k0: Floats, first: block.Baseline) -> Floats:
    """E1's guess of the stable rate before each tick, from the ticks before it."""
    requests = np.full(n0.shape[:-1], first.requests)
    bad = np.full(n0.shape[:-1], first.bad)
    guesses = np.empty(n0.shape)
    for tick in range(n0.shape[-1]):
        guess = np.maximum(bad, 0.5) / requests
        guesses[..., tick] = np.clip(guess, block.RATE_FLOOR, block.RATE_CEILING)
        requests = block.DISCOUNT * requests + n0[..., tick]
        bad = block.DISCOUNT * bad + k0[..., tick]
    return guesses


def worse_path(
    n1: Floats, k1: Floats, n0: Floats, k0: Floats, guesses: Floats, ratio: float
) -> Floats:
    """E1 against "at most `ratio` times worse", betting on more."""
    odds = (ratio * guesses / (1 - guesses))[..., None] * np.array(mixture.RATIOS)
    canary = odds / (1 + odds)
    stable = np.broadcast_to(guesses[..., None], canary.shape)
    bets = canary > ratio * stable
    return log_average(_block_steps((n1, k1, n0, k0), (canary, stable), ratio, bets))


def better_path(
    n1: Floats, k1: Floats, n0: Floats, k0: Floats, guesses: Floats, ratio: float
) -> Floats:
    """E1 against "at least `ratio` times worse", betting on less."""
    parts = np.array(block.GOOD_RATIOS)
    canary = guesses[..., None] * parts
    stable = np.broadcast_to(guesses[..., None], canary.shape)
    bets = np.broadcast_to(parts < ratio, canary.shape)
    return log_average(_block_steps((n1, k1, n0, k0), (canary, stable), ratio, bets))


def _block_steps(
    counts: tuple[Floats, Floats, Floats, Floats],
    pair: tuple[Floats, Floats],
    ratio: float,
    bets: NDArray[np.bool_],
) -> Floats:
    """E1's cumulated logarithms, (..., ticks, alternatives)."""
    n1, k1, n0, k0 = (one[..., None] for one in counts)
    a1, a0 = pair
    live = (n1 > 0) & (n0 > 0) & bets
    square = ratio * np.maximum(n1 + n0, 1)
    linear = n1 * (a1 + ratio) + n0 * (1 + ratio * a0)
    constant = n1 * a1 + n0 * a0
    root = np.sqrt(np.maximum(linear * linear - 4 * square * constant, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        q0 = np.where(live, 2 * constant / (linear + root), a0)
        q1 = np.where(live, ratio * q0, a1)
        terms = (
            np.where(k1 == 0, 0.0, k1 * np.log(a1 / q1)),
            (n1 - k1) * (np.log1p(-a1) - np.log1p(-q1)),
            k0 * np.log(a0 / q0),
            (n0 - k0) * (np.log1p(-a0) - np.log1p(-q0)),
        )
    steps = np.where(live, functools.reduce(np.add, terms), 0.0)
    cumulated: Floats = steps.cumsum(axis=-2)
    return cumulated


def objective_path(requests: Floats, bad: Floats, p_max: float) -> Floats:
    """E0: the canary's rate is below `p_max`."""
    return bernoulli_path(requests, bad, p_max, bernoulli.better(p_max))


def fuse_path(requests: Floats, bad: Floats, rate: float) -> Floats:
    """The fuse: the canary's rate is above `rate`."""
    return bernoulli_path(requests, bad, rate, bernoulli.worse(rate))


def histogram_guesses(stable: Floats) -> Floats:
    """E3's discounted histogram of the stable version before each tick; all 0 before the first.

    Shape (..., ticks, buckets), as the counts it is learnt from.
    """
    shape = np.zeros(stable.shape[:-2] + stable.shape[-1:])
    shapes = np.empty(stable.shape)
    for tick in range(stable.shape[-2]):
        shapes[..., tick, :] = shape
        shape = block.DISCOUNT * shape + stable[..., tick, :]
    return shapes


def tails(shapes: Floats) -> NDArray[np.int64]:
    """The first top bucket of each tick; past the end where nothing is known yet."""
    size = shapes.shape[-1]
    base = _guesses(shapes)
    below = np.concatenate([np.zeros((*base.shape[:-1], 1)), base.cumsum(axis=-1)[..., :-1]], -1)
    over = below >= histogram.TAIL
    first = np.where(over.any(axis=-1), over.argmax(axis=-1), size - 1)
    found: NDArray[np.int64] = np.where(shapes.sum(axis=-1) > 0, first, size)
    return found


def histogram_path(canary: Floats, stable: Floats, shapes: Floats) -> Floats:
    """E3: the canary is slower, from counts of shape (..., ticks, buckets)."""
    n1, n0 = canary.sum(axis=-1), stable.sum(axis=-1)
    live = (n1 > 0) & (n0 > 0) & (shapes.sum(axis=-1) > 0)
    weight = (n1 / np.maximum(n1 + n0, 1))[..., None]
    base = _guesses(shapes)
    steps = [
        np.where(live, _histogram_step(one, base, canary, stable, weight), 0.0)
        for one in _slower(base, tails(shapes))
    ]
    return log_average(np.stack(steps, axis=-1).cumsum(axis=-2))


def _guesses(shapes: Floats) -> Floats:
    raised = shapes + histogram.HALF_EVENT
    guesses: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return guesses


def _slower(base: Floats, first: NDArray[np.int64]) -> Iterator[Floats]:
    """E3's alternatives, one after the other: each is as large as the counts."""
    place = np.arange(base.shape[-1])
    for slope in histogram.TILTS:
        raised = base * np.exp(slope * (place - place[-1]))
        yield raised / raised.sum(axis=-1, keepdims=True)
    wanted = np.where(place >= first[..., None], 1 / base, 0.0)
    moved = base * np.maximum.accumulate(wanted, axis=-1)
    total = moved.sum(axis=-1, keepdims=True)
    moved /= np.where(total > 0, total, 1.0)
    for part in histogram.MOVES:
        yield (1 - part) * base + part * moved


def _histogram_step(
    a1: Floats, a0: Floats, canary: Floats, stable: Floats, weight: Floats
) -> Floats:
    middle = weight * a1 + (1 - weight) * a0
    terms = canary * np.log(a1 / middle) + stable * np.log(a0 / middle)
    total: Floats = terms.sum(axis=-1)
    return total


def placebo_path(
    engine: str, counts: tuple[Floats, Floats, Floats, Floats], part: Floats
) -> Floats:
    """The placebo test on (n, k) of both halves; `part` is the first half's part of the replicas."""
    n1, k1, n0, k0 = counts
    if engine == "E4":
        steps = [_share_steps(k1, k0, part), _share_steps(k0, k1, 1 - part)]
    else:
        steps = [_binomial_steps(n1, k1, n0, k0), _binomial_steps(n0, k0, n1, k1)]
    return log_average(np.concatenate(steps, axis=-1).cumsum(axis=-2))
