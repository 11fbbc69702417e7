"""Latency for the verdicts' benchmark: histograms of lognormal answers, shifted or with a slow tail.

Answers of the stable version are lognormal with a median of 50 ms and sigma .6, counted in the
default buckets of a Prometheus client. Called by `verdict_cells` for E3's cells.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import lognorm

Floats = NDArray[np.float64]
BOUNDS_MS = (5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000)
MEDIAN_MS, SIGMA = 50.0, 0.6
THRESHOLD_BUCKET = BOUNDS_MS.index(250) + 1
"""The first bucket of answers slower than 250 ms: what a threshold in milliseconds would count."""
TAIL_MS = 1000.0


@dataclass(frozen=True)
class Slowness:
    """How much slower the canary is: everything times `shift`, a part `tail` a second later."""

    shift: float = 1.0
    tail: float = 0.0


def distribution(slow: Slowness) -> Floats:
    """The share of answers in each bucket, lowest first, the last one open."""
    bounds = np.array(BOUNDS_MS, dtype=float)
    scale = MEDIAN_MS * slow.shift
    below = (1 - slow.tail) * lognorm.cdf(bounds, SIGMA, scale=scale)
    below += slow.tail * lognorm.cdf(np.maximum(bounds - TAIL_MS, 0.0), SIGMA, scale=scale)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))


def draw(
    slow: Slowness,
    requests: tuple[float, float],
    ticks: int,
    releases: int,
    random: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Counts of (canary, stable), shape (releases, ticks, buckets); `requests` a tick in each arm.

    Poisson requests fall into buckets independently, so each bucket's count is Poisson too.
    """
    arms = []
    for mean, one in zip(requests, (slow, Slowness()), strict=True):
        shape = (releases, ticks, len(BOUNDS_MS) + 1)
        arms.append(random.poisson(mean * distribution(one), shape).astype(float))
    return arms[0], arms[1]


def over_threshold(counts: Floats) -> tuple[Floats, Floats]:
    """(requests, slow ones) of each tick, as a threshold of 250 ms counts them."""
    return counts.sum(axis=-1), counts[..., THRESHOLD_BUCKET:].sum(axis=-1)


def limit_minutes(slow: Slowness, rps: float, weight: float, alpha: float) -> float:
    """Minutes that a test needs on average which knows both distributions; infinite if equal.

    The limit of `telford.deliver.limit` for one request: w*KL(p1, q) + (1-w)*KL(p0, q) with the
    nearest null point, the mixture q = w*p1 + (1-w)*p0.
    """
    p1, p0 = distribution(slow), distribution(Slowness())
    q = weight * p1 + (1 - weight) * p0
    rate = weight * _divergence(p1, q) + (1 - weight) * _divergence(p0, q)
    return -math.log(alpha) / rate / rps / 60 if rate > 0 else math.inf


def _divergence(a: Floats, b: Floats) -> float:
    live = a > 0
    return float((a[live] * np.log(a[live] / b[live])).sum())
