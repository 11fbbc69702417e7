"""The engines over arrays: whole releases at once, all ticks at once.

The twin of the online engines, by cumulated sums in numpy: `evidence` recomputes a ledger with it
and the benchmark runs thousands of releases through it. A test proves both equal on random
sequences. Counts have shape (..., ticks), the last axis in time; each function returns the
logarithm of the evidence after each tick, in that shape. A tick without counts is all zeros.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from telford.deliver import bernoulli, binomial, block, mixture, share

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
    ratios = np.array(mixture.RATIOS)
    live = ((n1 > 0) & (n0 > 0))[..., None]
    total = np.maximum(n1 + n0, 1)[..., None]
    mean = (ratios * n1[..., None] + n0[..., None]) / total
    steps = k1[..., None] * np.log(ratios) - (k1 + k0)[..., None] * np.log(np.where(live, mean, 1))
    return log_average(np.where(live, steps, 0.0).cumsum(axis=-2))


def split_path(n1: Floats, n0: Floats, weight: Floats) -> Floats:
    """The sample-ratio test: requests to each arm against the asked `weight` of each tick."""
    odds = np.array(binomial.SPLIT_ODDS)
    base = np.log1p(weight[..., None] * (odds - 1))
    steps = n1[..., None] * np.log(odds) - (n1 + n0)[..., None] * base
    return log_average(steps.cumsum(axis=-2))


def share_path(k1: Floats, k0: Floats, w: float) -> Floats:
    """E4: the canary's share of each tick's bad requests, against its share `w` of replicas."""
    stakes = np.array(share.FRACTIONS)
    total = k1 + k0
    surplus = np.where(total > 0, k1 / np.maximum(total, 1) / w - 1, 0.0)
    return log_average(np.log1p(stakes * surplus[..., None]).cumsum(axis=-2))


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
