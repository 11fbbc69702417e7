"""The measurements of the verdicts' benchmark, one function a kind of cell; run in worker processes.

All evidence comes from `telford.deliver.batch`, which a test proves equal to the engines that
decide online; `twin_gap` measures it again here.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import peer_rules
import verdict_latency
import verdict_traffic
from verdict_latency import Slowness
from verdict_traffic import Counts, Floats, Traffic

from telford.deliver import batch, block, forecast, limit, mixture, release, weighing
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import Clocks, Phase
from telford.estate.observation import Observation, Series, Tally

ALPHA, BETA = 0.01, 0.05
BLOCK = 3_000_000
"""Numbers in the largest array of a block of releases: bounds the memory of a worker."""
ORACLE = "knows the effect"
"""A test that is told how much worse the canary is: what a price is without anything to learn."""
NEVER = math.inf
MAX_TICKS = 2400
"""Ten hours: no cell is longer, and what is undecided then is said."""


@dataclass(frozen=True)
class Cell:
    """One cell: what is done to whom how often."""

    kind: str
    name: str
    traffic: Traffic
    releases: int
    engines: tuple[str, ...]
    must: tuple[str, ...] = ()
    host: str = ""
    p_max: float = 0.0
    slow: Slowness | None = None


@dataclass(frozen=True)
class Result:
    """One engine's or rule's outcome in a cell.

    `times` are minutes to the decision, infinite where there was none; `excess` the bad requests
    served beyond the stable rate until then, where it was measured.
    """

    cell: Cell
    engine: str
    times: Floats
    excess: float = 0.0
    seconds: float = 0.0

    @property
    def hits(self) -> int:
        """How many releases were decided."""
        return int(np.isfinite(self.times).sum())


def measure(cell: Cell, seed: int) -> list[Result]:
    """All results of one cell."""
    random = verdict_traffic.generator(seed, cell.name)
    started = time.perf_counter()
    results = _KINDS[cell.kind](cell, random)
    spent = time.perf_counter() - started
    return [replace(one, seconds=spent) for one in results]


def seeded(traffic: Traffic) -> block.Baseline:
    """One hour of history of the stable version."""
    requests = traffic.rps * 3600
    return block.Baseline(requests, requests * traffic.p0)


def path(engine: str, traffic: Traffic, counts: Counts, p_max: float = 0.0) -> Floats:
    """The rollback evidence of an engine after each tick."""
    n1, k1, n0, k0 = counts.n1, counts.k1, counts.n0, counts.k0
    if engine == "E0":
        return batch.fuse_path(n1, k1, p_max)
    if engine.startswith("E1"):
        ratio = 1.1 if engine == "E1 margin" else 1.0
        return batch.worse_path(n1, k1, n0, k0, batch.stable_rates(n0, k0, seeded(traffic)), ratio)
    if engine == "E2":
        return batch.binomial_path(n1, k1, n0, k0)
    if engine == ORACLE:
        return oracle_path(counts, traffic.effect)
    return batch.share_path(k1, k0, traffic.weight)


def oracle_path(counts: Counts, ratio: float) -> Floats:
    """E2's factor for the one true ratio: Wald's sequential test on the canary's part of the errors."""
    total = counts.n1 + counts.n0
    mean = (ratio * counts.n1 + counts.n0) / np.maximum(total, 1)
    steps = counts.k1 * math.log(ratio) - (counts.k1 + counts.k0) * np.log(np.where(total, mean, 1))
    cumulated: Floats = np.where((counts.n1 > 0) & (counts.n0 > 0), steps, 0.0).cumsum(axis=-1)
    return cumulated


def crossing(evidence: Floats, level: float) -> Floats:
    """Ticks until the bound is reached (1 = the first), infinite where it never is."""
    over = evidence >= mixture.log_bound(level)
    return np.where(over.any(axis=1), over.argmax(axis=1) + 1.0, NEVER)


def _blocks(cell: Cell) -> Iterator[int]:
    """The releases of a cell in blocks that fit the memory."""
    width = cell.traffic.length * max(9, cell.traffic.replicas if _per_replica(cell) else 9)
    size = max(BLOCK // width, 1)
    left = cell.releases
    while left > 0:
        yield min(size, left)
        left -= size


def _per_replica(cell: Cell) -> bool:
    return bool(cell.host) or cell.traffic.noise in {"clustered", "own drift", "bad node"}


def _gather(cell: Cell, engines: tuple[str, ...], parts: list[dict[str, Floats]]) -> list[Result]:
    minutes = cell.traffic.tick / 60
    return [
        Result(cell, engine, np.concatenate([one[engine] for one in parts]) * minutes)
        for engine in engines
    ]


def rollback(cell: Cell, random: np.random.Generator) -> list[Result]:
    """When each engine alone reaches alpha."""
    parts = []
    for size in _blocks(cell):
        counts = verdict_traffic.draw(cell.traffic, size, random)
        parts.append(
            {
                one: crossing(path(one, cell.traffic, counts, cell.p_max), ALPHA)
                for one in cell.engines
            }
        )
    return _gather(cell, cell.engines, parts)


def whole_policy(cell: Cell, random: np.random.Generator) -> list[Result]:
    """Two indicators and their fuses share alpha: when the first of the four fires."""
    budget = 0.005
    bad, fuse = (ALPHA - 0.001) / 2, 0.001 / 2
    parts = []
    for size in _blocks(cell):
        times = []
        for _ in range(2):
            counts = verdict_traffic.draw(cell.traffic, size, random)
            times.append(crossing(path("E2", cell.traffic, counts), bad))
            times.append(crossing(batch.fuse_path(counts.n1, counts.k1, 14.4 * budget), fuse))
        parts.append({"E2": np.minimum.reduce(times)})
    return _gather(cell, ("E2",), parts)


def persistent(cell: Cell, random: np.random.Generator) -> list[Result]:
    """Replicas that differ for good: each engine without and with the one-replica probe."""
    names = tuple(name for one in cell.engines for name in (one, f"{one} + probe"))
    parts = []
    for size in _blocks(cell):
        worse = verdict_traffic.hosts(cell.host, size, cell.traffic.replicas, random)
        fleet = verdict_traffic.fleet(cell.traffic, worse, random)
        found: dict[str, Floats] = {}
        for engine in cell.engines:
            first = crossing(path(engine, cell.traffic, fleet.sums()), ALPHA)
            found[engine] = first
            found[f"{engine} + probe"] = _look_again(cell, engine, fleet, worse, first, random)
        parts.append(found)
    return _gather(cell, names, parts)


def _look_again(
    cell: Cell,
    engine: str,
    fleet: verdict_traffic.Fleet,
    worse: Floats,
    first: Floats,
    random: np.random.Generator,
) -> Floats:
    """The rollback ticks where a lone replica is moved to another host and evidence begins again."""
    times = first.copy()
    crossed = np.flatnonzero(np.isfinite(first))
    if not len(crossed):
        return times
    ticks = first[crossed].astype(int)
    lone, who = _lone(fleet, crossed, ticks)
    moved, who, ticks = crossed[lone], who[lone], ticks[lone]
    if not len(moved):
        return times
    fresh = worse[moved].copy()
    fresh[np.arange(len(moved)), who] = verdict_traffic.hosts(
        cell.host, len(moved), cell.traffic.replicas, random
    )[:, 0]
    again = verdict_traffic.fleet(cell.traffic, fresh, random).sums()
    later = np.arange(cell.traffic.length)[None, :] >= ticks[:, None]
    masked = Counts(again.n1 * later, again.k1 * later, again.n0 * later, again.k0 * later)
    times[moved] = crossing(path(engine, cell.traffic, masked), ALPHA)
    return times


def _lone(
    fleet: verdict_traffic.Fleet, crossed: np.ndarray, ticks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Whether one canary replica carries the evidence at that tick, and which: as `suspect` does."""
    seen = np.arange(fleet.n1.shape[1])[None, :] < ticks[:, None]
    n1, k1, n0, k0 = (
        (one[crossed] * seen[:, :, None]).sum(axis=1).astype(float) for one in fleet.arrays()
    )
    rate = k0.sum(axis=1) / np.maximum(n0.sum(axis=1), 1)
    excess = k1 - n1 * rate[:, None]
    total = np.where(excess > 0, excess, 0).sum(axis=1)
    lone = (total > 0) & (excess.max(axis=1) >= 0.9 * total)
    return lone, excess.argmax(axis=1)


def promotion(cell: Cell, random: np.random.Generator) -> list[Result]:
    """When the promotion evidence reaches beta, in one step."""
    parts = []
    for size in _blocks(cell):
        one = verdict_traffic.draw(cell.traffic, size, random)
        found: dict[str, Floats] = {}
        if "E0" in cell.engines:
            found["E0"] = crossing(batch.objective_path(one.n1, one.k1, cell.p_max), BETA)
        if "E1" in cell.engines:
            guesses = batch.stable_rates(one.n0, one.k0, seeded(cell.traffic))
            found["E1"] = crossing(
                batch.better_path(one.n1, one.k1, one.n0, one.k0, guesses, 2.0), BETA
            )
        if "either" in cell.engines:
            found["either"] = _either(cell, one)
        parts.append(found)
    return _gather(cell, cell.engines, parts)


def _either(cell: Cell, one: Counts) -> Floats:
    """Both certificates with half of beta each: when the first is there."""
    guesses = batch.stable_rates(one.n0, one.k0, seeded(cell.traffic))
    ratio = batch.better_path(one.n1, one.k1, one.n0, one.k0, guesses, 2.0)
    objective = batch.objective_path(one.n1, one.k1, cell.p_max)
    return np.minimum(crossing(ratio, BETA / 2), crossing(objective, BETA / 2))


def latency(cell: Cell, random: np.random.Generator) -> list[Result]:
    """E3 over whole histograms, and E2 on what a threshold of 250 ms counts."""
    traffic = cell.traffic
    requests = traffic.rps * traffic.tick
    arms = requests * traffic.weight, requests * (1 - traffic.weight)
    slow = cell.slow or Slowness()
    width = traffic.length * (len(verdict_latency.BOUNDS_MS) + 1) * 4
    parts = []
    for start in range(0, cell.releases, max(BLOCK // width, 1)):
        size = min(max(BLOCK // width, 1), cell.releases - start)
        canary, stable = verdict_latency.draw(slow, arms, traffic.length, size, random)
        shapes = batch.histogram_guesses(stable)
        whole = batch.histogram_path(canary, stable, shapes)
        n1, k1 = verdict_latency.over_threshold(canary)
        n0, k0 = verdict_latency.over_threshold(stable)
        parts.append(
            {
                "E3": crossing(whole, ALPHA),
                "E2 over 250 ms": crossing(batch.binomial_path(n1, k1, n0, k0), ALPHA),
            }
        )
    return _gather(cell, cell.engines, parts)


def placebo(cell: Cell, random: np.random.Generator) -> list[Result]:
    """When the placebo test between two halves of the stable replicas fires, at 1%."""
    parts = []
    for size in _blocks(cell):
        one = verdict_traffic.draw(cell.traffic, size, random)
        counts, part = (one.n1, one.k1, one.n0, one.k0), np.array(cell.traffic.weight)
        parts.append(
            {
                engine: crossing(batch.placebo_path(engine, counts, part), ALPHA)
                for engine in cell.engines
            }
        )
    return _gather(cell, cell.engines, parts)


OURS = ("Telford E2", "Telford E1", "Telford E4")
PEERS = (
    "Flagger 99%, 10 checks",
    "Flagger 99%, 1 check",
    "Argo Rollouts 95%, 5 min, limit 3",
    "Kayenta, at the end",
    "Kayenta, each 10 min",
    "z-test each minute",
)


def peers(cell: Cell, random: np.random.Generator) -> list[Result]:
    """Every rule on the same counts; excess bad requests are those served until the decision."""
    traffic, parts, harm = cell.traffic, [], []
    for size in _blocks(cell):
        counts = verdict_traffic.draw(traffic, size, random)
        times = _minutes(traffic, counts)
        parts.append(times)
        harm.append({rule: _excess(traffic, counts, taken) for rule, taken in times.items()})
    return [
        Result(
            cell,
            rule,
            np.concatenate([one[rule] for one in parts]),
            float(np.concatenate([one[rule] for one in harm]).mean()),
        )
        for rule in (*OURS, *PEERS)
    ]


def _minutes(traffic: Traffic, counts: Counts) -> dict[str, Floats]:
    """Minutes to rollback of each rule; ours with the fuse of a 99.5% objective, alpha in all."""
    fuse = crossing(batch.fuse_path(counts.n1, counts.k1, 14.4 * 0.005), 0.001)
    found: dict[str, Floats] = {}
    for rule in OURS:
        taken = crossing(path(rule.split()[1], traffic, counts), ALPHA - 0.001)
        found[rule] = np.minimum(taken, fuse) * traffic.tick / 60
    a_minute = round(60 / traffic.tick)
    each = peer_rules.Counts(
        *(
            one.reshape(len(one), -1, a_minute).sum(axis=2)
            for one in (counts.n1, counts.k1, counts.n0, counts.k0)
        )
    )
    taken = (
        peer_rules.flagger(each),
        peer_rules.flagger(each, threshold=1),
        peer_rules.argo_rollouts(each),
        peer_rules.kayenta(each),
        peer_rules.kayenta(each, every=10),
        peer_rules.z_test(each),
    )
    for rule, minute in zip(PEERS, taken, strict=True):
        found[rule] = np.where(minute > 0, minute, NEVER)
    return found


def _excess(traffic: Traffic, counts: Counts, minutes: Floats) -> Floats:
    """Expected bad requests beyond the stable rate, served until the decision or the hour's end."""
    tick = np.arange(traffic.length)
    served = (tick >= traffic.onset) & (
        (tick[None, :] + 0.5) * traffic.tick / 60 < minutes[:, None]
    )
    return (counts.n1 * served).sum(axis=1) * traffic.p0 * (traffic.effect - 1)


def limit_minutes(traffic: Traffic) -> float:
    """Time until N* errors are expected in both arms."""
    errors = limit.errors_to_roll_back(ALPHA, traffic.weight, traffic.effect)
    rate = traffic.weight * traffic.effect + 1 - traffic.weight
    return errors / (traffic.rps * traffic.p0 * rate) / 60


def forecast_minutes(cell: Cell) -> tuple[float, float]:
    """What `forecast` says of a promotion cell: (expected, fastest possible) minutes."""
    certificate = {"E0": "objective", "E1": "ratio", "either": "both"}[cell.engines[0]]
    target = Decimal(1) - Decimal(repr(cell.p_max or 0.01))
    policy = Policy(
        (Indicator("errors", target),),
        certificate=certificate,
        weights=(round(cell.traffic.weight * 10_000),),
        soak_seconds=(0.0,),
        warmup_seconds=0.0,
    )
    said = forecast.forecast(policy, cell.traffic.rps, {"errors": cell.traffic.p0})
    return said.seconds / 60, said.fastest_seconds / 60


def twin_gap(seed: int, releases: int = 40) -> float:
    """The largest difference between array and online evidence on random releases."""
    traffic = Traffic(0.005, 50, 0.2, effect=3.0, length=60)
    counts = verdict_traffic.draw(traffic, releases, verdict_traffic.generator(seed, "twin"))
    history = seeded(traffic)
    gap = 0.0
    for engine in ("E1", "E2", "E4"):
        policy = Policy(
            (Indicator("errors", Decimal("0.99")),),
            engine=engine,
            canary_replicas=2,
            stable_replicas=8,
            weights=(2000,),
        )
        arrays = path(engine, traffic, counts)
        for row in range(releases):
            online = replace(weighing.begin(policy, policy.indicators[0]), baseline=history)
            for tick in range(traffic.length):
                numbers = (one[row, tick] for one in (counts.n1, counts.k1, counts.n0, counts.k0))
                n1, k1, n0, k0 = (int(one) for one in numbers)
                one = weighing.Counts("errors", (n0, k0), (n1, k1), (), gaps=False, equal=True)
                online = weighing.weigh(policy, policy.indicators[0], online, one)
                gap = max(gap, abs(mixture.log_e(online.bad) - arrays[row, tick]))
    return gap


def decision_microseconds(engine: str, ticks: int = 1000) -> float:
    """Median time of one `next_step` with two indicators, in microseconds; "E3" has a third one."""
    latency = (Indicator("latency"),) if engine == "E3" else ()
    share = {"canary_replicas": 2, "stable_replicas": 8, "weights": (2000,)}
    alone = {"strategy": "recreate", "weights": (10_000,)}
    policy = Policy(
        (
            Indicator("errors", Decimal("0.995")),
            Indicator("slowness", Decimal("0.95"), threshold_ms=300.0),
            *latency,
        ),
        engine=engine if engine in {"E1", "E4"} else "E2",
        soak_seconds=(1e5,),
        deadline_seconds=1e6,
        **({"E4": share, "E0": alone}.get(engine, {})),
    )
    state = release.begin(
        policy, release="r", service="s", stable="a", canary="b", generation=0, at=0.0
    )
    state = replace(
        state,
        phase=Phase.STEPPING,
        at=0.0,
        desired_bp=policy.weights[0],
        clocks=Clocks(phase_at=0.0, confirmed_at=-60.0, deadline_from=0.0, fresh_at=0.0),
    )
    random, spent = np.random.default_rng(1), []
    for tick in range(1, ticks):
        seen = _observation(policy, tick, random)
        began = time.perf_counter()
        state = release.next_step(state, seen, tick).state
        spent.append(time.perf_counter() - began)
    assert state.phase is Phase.STEPPING, f"{engine}: {state.reason}"
    return float(np.median(spent)) * 1e6


def _observation(policy: Policy, tick: int, random: np.random.Generator) -> Observation:
    tallies = []
    for version, total, replicas in (
        ("a", 90 if policy.stable_replicas == 1 else 10, policy.stable_replicas),
        ("b", 10, policy.canary_replicas),
    ):
        for replica in range(replicas):
            series = Series("s", version, str(replica))
            for one in policy.indicators:
                buckets: tuple[int, ...] = ()
                if one.name == "latency":
                    buckets = tuple(int(n) for n in random.multinomial(total, [1 / 15] * 15))
                bad = 0 if buckets else int(random.binomial(total, 0.001))
                tallies.append(Tally(series, one.name, total, bad, buckets))
    return Observation(tick, float(tick), tuple(tallies))


_KINDS = {
    "rollback": rollback,
    "whole policy": whole_policy,
    "persistent": persistent,
    "promotion": promotion,
    "price": rollback,
    "latency": latency,
    "placebo": placebo,
    "peers": peers,
}
