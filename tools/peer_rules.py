"""What other tools do with the same counts, written from their sources and documentation.

Each rule takes per-minute counts of shape (releases, minutes) and says at which minute it rolled
back (1 = after the first minute, 0 = never). None has a declared error bound; that is the point of
the comparison, not a fault of these implementations. Simplified where noted; losses are kept.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]
Minutes = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """Per-minute counts, each of shape (releases, minutes)."""

    n1: Floats
    k1: Floats
    n0: Floats
    k0: Floats


def first_minute(fires: NDArray[np.bool_]) -> Minutes:
    """The first minute (from 1) that fires; 0 where none does."""
    return np.where(fires.any(axis=1), fires.argmax(axis=1) + 1, 0)


def flagger(counts: Counts, *, success: float = 0.99, threshold: int = 10) -> Minutes:
    """Each minute the canary's success rate against a fixed minimum; failed checks accumulate.

    fluxcd/flagger pkg/controller/scheduler.go and scheduler_metrics.go: no requests is a failed
    check, checks never reset, rollback at the tick after failed >= threshold. The documented
    example uses 99%, one minute and a threshold of 10; the API's default threshold is 1.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        failed = ~((counts.n1 - counts.k1) / counts.n1 >= success)
    minute = first_minute(failed.cumsum(axis=1) >= threshold)
    return np.where((minute > 0) & (minute < failed.shape[1]), minute + 1, 0)


def argo_rollouts(
    counts: Counts, *, success: float = 0.95, interval: int = 5, limit: int = 3
) -> Minutes:
    """A sample of the last `interval` minutes each `interval`; aborted when failed > limit.

    argoproj/argo-rollouts analysis/analysis.go: a sample without requests (NaN) fails a lone
    success condition. The documented example: 5 minutes, limit 3, at least 0.95.
    """
    n1, k1 = _sums(counts.n1, interval), _sums(counts.k1, interval)
    with np.errstate(divide="ignore", invalid="ignore"):
        failed = ~((n1 - k1) / n1 >= success)
    return first_minute(failed.cumsum(axis=1) > limit) * interval


def kayenta(counts: Counts, *, every: int = 0, tolerance: float = 0.25) -> Minutes:
    """Mann-Whitney on the per-minute error rates of both arms, at 98% confidence.

    spinnaker/kayenta MannWhitneyClassifier.scala, MannWhitney.scala and NetflixACAJudge.scala:
    "High", which fails the only metric, when the lower end of the confidence interval of the shift
    lies above `tolerance` of the estimated shift. `every` minutes a judgement on all data so far; 0
    is the default, one at the end. Whether the end lies above a value is asked of the test at that
    value, which is the same; minutes without requests count as a rate of 0.
    """
    length = counts.n1.shape[1]
    ends = range(every, length + 1, every) if every else (length,)
    with np.errstate(divide="ignore", invalid="ignore"):
        canary, stable = counts.k1 / counts.n1, counts.k0 / counts.n0
    canary, stable = np.nan_to_num(canary), np.nan_to_num(stable)
    minute = np.zeros(len(canary), dtype=np.int64)
    for end in ends:
        open_ = np.flatnonzero(minute == 0)
        high = _high(canary[open_, :end], stable[open_, :end], tolerance)
        minute[open_[high]] = end
    return minute


def z_test(counts: Counts, *, level: float = 0.05) -> Minutes:
    """The home-made rule: a one-sided two-proportion z-test on all counts, looked at each minute."""
    n1, k1 = counts.n1.cumsum(axis=1), counts.k1.cumsum(axis=1)
    n0, k0 = counts.n0.cumsum(axis=1), counts.k0.cumsum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (k1 + k0) / (n1 + n0)
        deviation = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
        z = (k1 / n1 - k0 / n0) / deviation
    return first_minute(z >= norm.isf(level))


def _sums(values: Floats, width: int) -> Floats:
    whole = values.shape[1] // width * width
    return values[:, :whole].reshape(len(values), -1, width).sum(axis=2)


def _high(canary: Floats, stable: Floats, tolerance: float) -> NDArray[np.bool_]:
    """Whether each release's shift is "High"; in blocks, because all pairs are compared."""
    found = [
        _high_block(canary[i : i + 250], stable[i : i + 250], tolerance)
        for i in range(0, len(canary), 250)
    ]
    return np.concatenate(found) if found else np.zeros(0, dtype=bool)


def _high_block(canary: Floats, stable: Floats, tolerance: float) -> NDArray[np.bool_]:
    """The asymptotic test of R's wilcox.test, with its corrections for ties and continuity."""
    n = canary.shape[1]
    pairs = (canary[:, :, None] - stable[:, None, :]).reshape(len(canary), -1)
    least = tolerance * np.abs(np.median(pairs, axis=1))
    above = (pairs > least[:, None]).sum(axis=1) + 0.5 * (pairs == least[:, None]).sum(axis=1)
    excess = above - n * n / 2
    both = np.concatenate([canary - least[:, None], stable], axis=1)
    equal = (both[:, :, None] == both[:, None, :]).sum(axis=2).astype(float)
    ties = (equal**2 - 1).sum(axis=1) / (2 * n * (2 * n - 1))
    spread = np.sqrt(n * n / 12 * (2 * n + 1 - ties))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (excess - 0.5 * np.sign(excess)) / spread > norm.isf(0.01)
