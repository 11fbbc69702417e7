"""Simulated counts for the verdicts' benchmark: ticks and replicas, seeded, by cell.

Counts are drawn per tick and, where replicas matter, per replica. Every rule of a cell sees the
same counts (common random numbers), and a cell's numbers depend on its name and the seed alone.
"""

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RAMP = ((0.0, 0.1), (1 / 3, 0.25), (2 / 3, 0.5))
"""The ramp: from which part of the release on, which weight."""
OUTAGE_MINUTES = {"outage": (10, 22), "short outage": (10, 15)}
COLD_MINUTES, COLD_TIMES = 2.0, 20.0
"""A cold start: errors of a new version are this much more frequent at first, falling linearly."""
OUTAGE_RATE = 0.05


@dataclass(frozen=True)
class Traffic:
    """One cell's world. `weight` 0 is the ramp; `onset` and `length` are in ticks.

    `noise`: independent, clustered (beta-binomial per tick and replica with correlation `rho`),
    outage and short outage (5% in both arms for 12 or 5 minutes), drift (AR(1) of both arms), own
    drift (AR(1) of each replica on its own), diurnal, gaps (a tenth of the ticks lost), resets (in
    a tick of twenty one replica of an arm is missing), cold start, bad node (one host of
    `replicas` is twenty times worse), retries (each failure is retried and counted three times).
    `warmup` ticks at the start are left out of both arms.
    """

    p0: float
    rps: float
    weight: float
    effect: float = 1.0
    tick: float = 15.0
    length: int = 240
    onset: int = 0
    noise: str = "independent"
    rho: float = 0.0
    canary: int = 1
    replicas: int = 10
    warmup: int = 0


@dataclass(frozen=True)
class Counts:
    """Shape (releases, ticks) each."""

    n1: Floats
    k1: Floats
    n0: Floats
    k0: Floats


def generator(seed: int, name: str) -> np.random.Generator:
    """The random numbers of one cell."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def weights(traffic: Traffic) -> Floats:
    """The canary's weight at each tick."""
    if traffic.weight:
        return np.full(traffic.length, traffic.weight)
    part = np.arange(traffic.length) / traffic.length
    return np.select([part >= start for start, _ in RAMP[::-1]], [w for _, w in RAMP[::-1]])


def draw(traffic: Traffic, releases: int, random: np.random.Generator) -> Counts:
    """The counts of so many releases."""
    if traffic.noise in _FLEETS:
        return _FLEETS[traffic.noise](traffic, releases, random)
    shape = (releases, traffic.length)
    share = weights(traffic)
    requests = traffic.rps * traffic.tick
    stable = traffic.p0 * _climate(traffic, releases, random)
    effect = np.where(np.arange(traffic.length) >= traffic.onset, traffic.effect, 1.0)
    if traffic.noise == "cold start":
        minute = np.arange(traffic.length) * traffic.tick / 60
        effect = effect * np.maximum(COLD_TIMES * (1 - minute / COLD_MINUTES), 1.0)
    n1 = random.poisson(np.broadcast_to(requests * share, shape))
    n0 = random.poisson(np.broadcast_to(requests * (1 - share), shape))
    k1 = random.binomial(n1, np.minimum(stable * effect, 1.0))
    k0 = random.binomial(n0, np.minimum(stable, 1.0))
    if traffic.noise == "retries":
        n1, k1, n0, k0 = n1 + 2 * k1, 3 * k1, n0 + 2 * k0, 3 * k0
    if traffic.noise == "gaps":
        kept = random.random(shape) >= 0.1
        n1, k1, n0, k0 = n1 * kept, k1 * kept, n0 * kept, k0 * kept
    if traffic.noise == "resets":
        n1, k1 = _reset(n1, k1, traffic.canary, random)
        n0, k0 = _reset(n0, k0, traffic.replicas - traffic.canary, random)
    late = np.arange(traffic.length) >= traffic.warmup
    return Counts(*((one * late).astype(float) for one in (n1, k1, n0, k0)))


def _reset(
    n: NDArray[np.int64], k: NDArray[np.int64], replicas: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """In a tick of twenty one replica restarts, and what it counted is missing."""
    lost = (random.random(n.shape) < 0.05) / replicas
    bad = k - random.binomial(k, lost)
    return bad + (n - k) - random.binomial(n - k, lost), bad


def _climate(traffic: Traffic, releases: int, random: np.random.Generator) -> Floats:
    """What multiplies both arms' rates at each tick."""
    ticks = np.arange(traffic.length)
    minute = ticks * traffic.tick / 60
    if traffic.noise in OUTAGE_MINUTES:
        first, last = OUTAGE_MINUTES[traffic.noise]
        during = (minute >= first) & (minute < last)
        return np.where(during, OUTAGE_RATE / traffic.p0, 1.0)
    if traffic.noise == "diurnal":
        return np.exp(np.sin(2 * math.pi * minute / 60 + random.uniform(0, 6.28, (releases, 1))))
    if traffic.noise == "drift":
        return _drift(traffic.length, (releases,), random)
    return np.ones(traffic.length)


def _drift(length: int, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    """Exp of AR(1) paths of shape (*shape, length): correlation .95 a tick, sigma .5."""
    level = random.normal(0, 0.5, shape)
    path = np.empty((*shape, length))
    for tick in range(length):
        path[..., tick] = level
        level = 0.95 * level + random.normal(0, 0.5 * math.sqrt(1 - 0.95**2), shape)
    return np.exp(path)


def _clustered(traffic: Traffic, releases: int, random: np.random.Generator) -> Counts:
    """Beta-binomial errors: in a tick, the requests of one replica tend to fail together."""
    sums = []
    arms = ((traffic.canary, traffic.effect), (traffic.replicas - traffic.canary, 1.0))
    each = traffic.rps * traffic.tick / traffic.replicas
    for size, effect in arms:
        shape = (releases, traffic.length, size)
        n = random.poisson(each, shape)
        rate = traffic.p0 * effect
        spread = (1 - traffic.rho) / traffic.rho
        chance = random.beta(rate * spread, (1 - rate) * spread, shape)
        k = random.binomial(n, chance)
        sums += [n.sum(axis=2).astype(float), k.sum(axis=2).astype(float)]
    return Counts(*sums)


@dataclass(frozen=True)
class Fleet:
    """Releases whose replicas differ for good: counts per replica, shape (releases, ticks, size)."""

    n1: NDArray[np.int64]
    k1: NDArray[np.int64]
    n0: NDArray[np.int64]
    k0: NDArray[np.int64]

    def sums(self) -> Counts:
        """The arms' counts."""
        return Counts(*(one.sum(axis=2).astype(float) for one in self.arrays()))

    def arrays(self) -> tuple[NDArray[np.int64], ...]:
        """n1, k1, n0, k0."""
        return self.n1, self.k1, self.n0, self.k0


def hosts(kind: str, releases: int, size: int, random: np.random.Generator) -> Floats:
    """How much worse each of `size` hosts is, (releases, size).

    "spread" is lognormal with sigma 0.5, "sick" has one host of ten twenty times worse.
    """
    if kind == "spread":
        return random.lognormal(-0.125, 0.5, (releases, size))
    worse = np.ones((releases, size))
    worse[np.arange(releases), random.integers(0, size, releases)] = 20.0
    return worse


def fleet(traffic: Traffic, worse: Floats, random: np.random.Generator) -> Fleet:
    """The counts of replicas on such hosts; the first `traffic.canary` run the new version."""
    each = traffic.rps * traffic.tick / traffic.replicas
    shape = (len(worse), traffic.length, traffic.replicas)
    n = random.poisson(each, shape)
    k = random.binomial(n, np.minimum(traffic.p0 * worse, 1.0)[:, None, :])
    m = traffic.canary
    return Fleet(n[:, :, :m], k[:, :, :m], n[:, :, m:], k[:, :, m:])


def _own_drift(traffic: Traffic, releases: int, random: np.random.Generator) -> Counts:
    """Each replica's rate drifts on its own: not exchangeable given the past for long stretches."""
    drift = np.moveaxis(_drift(traffic.length, (releases, traffic.replicas), random), 1, 2)
    each = traffic.rps * traffic.tick / traffic.replicas
    n = random.poisson(each, drift.shape)
    k = random.binomial(n, np.minimum(traffic.p0 * drift, 1.0))
    m = traffic.canary
    return Fleet(n[:, :, :m], k[:, :, :m], n[:, :, m:], k[:, :, m:]).sums()


def _bad_node(traffic: Traffic, releases: int, random: np.random.Generator) -> Counts:
    return fleet(traffic, hosts("sick", releases, traffic.replicas, random), random).sums()


_FLEETS = {"clustered": _clustered, "own drift": _own_drift, "bad node": _bad_node}
