"""A place and its traffic in a few lines: drives a release through the real functions, seeded."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from telford.deliver import owing, release
from telford.deliver.gates import GateView
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import (
    Arm,
    Entry,
    Facts,
    Remove,
    ReplaceReplica,
    Route,
    Scale,
    State,
)
from telford.estate.observation import Observation, Series, Tally
from telford.estate.workload import Split

ERRORS = Indicator("errors", Decimal("0.99"))
SLOWNESS = Indicator("slowness", Decimal("0.95"), threshold_ms=300.0)


def begin(policy: Policy) -> State:
    return release.begin(
        policy, release="r1", service="orders", stable="v1", canary="v2", generation=7, at=0.0
    )


class Place:
    """Obeys every effect at once; replicas are named 0, 1, ... and count their incarnations."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.split = Split("orders", 7, {"v1": 10_000})
        self.wanted: dict[str, int] = {"stable": policy.stable_replicas}
        self.partitions: dict[str, str | None] = {}
        self.incarnations: dict[str, int] = {}

    @property
    def weight(self) -> int:
        return self.split.weights.get("v2", 0)

    def obey(self, effect: object) -> None:
        if isinstance(effect, Route):
            assert effect.generation == effect.split.generation >= self.split.generation
            self.split = effect.split
        elif isinstance(effect, Scale):
            self.wanted[effect.arm] = effect.replicas
            self.partitions[effect.arm] = effect.partitions
            if effect.arm == "canary":
                names = [str(number) for number in range(effect.replicas)]
                self.incarnations = {name: self.incarnations.get(name, 0) for name in names}
        elif isinstance(effect, ReplaceReplica):
            self.incarnations[effect.series.replica] += 1
        elif isinstance(effect, Remove):
            version = {"stable": "v1", "canary": "v2", "baseline": "v1-baseline"}[effect.arm]
            routed = self.policy.sharing == "traffic"
            assert not (routed and self.split.weights.get(version, 0)), "a version with requests"
            self.wanted.pop(effect.arm, None)
            if effect.arm == "canary":
                self.incarnations = {}

    def facts(self, at: float) -> Facts:
        return Facts(
            at, self.split, *(self._arm(name) for name in ("canary", "stable", "baseline"))
        )

    def _arm(self, name: str) -> Arm:
        count = self.wanted.get(name)
        ready = tuple((str(number), "0") for number in range(count or 0))
        if name == "canary":
            ready = tuple((one, str(n)) for one, n in sorted(self.incarnations.items()))
        return Arm(ready, len(ready), count, count is not None, self.partitions.get(name))


Rates = Callable[[str, str, int, Place], float]
"""(indicator, version, replica number, place) -> the true share of bad requests."""


@dataclass
class Run:
    """A simulated release: its end, its ledger, and every state it went through."""

    end: State
    entries: list[Entry]
    states: list[State]


def simulate(
    policy: Policy,
    rates: Rates,
    *,
    seed: int,
    rps: int = 100,
    ticks: int = 600,
    gaps: float = 0.0,
    traffic: "Callable[..., Observation] | None" = None,
    gates: "Callable[[int], tuple[GateView, ...]] | None" = None,
) -> Run:
    """Ticks of one second; each reading is lost with probability `gaps`."""
    random = np.random.default_rng(seed)
    place, state = Place(policy), begin(policy)
    entries: list[Entry] = []
    states: list[State] = [state]
    for tick in range(1, ticks + 1):
        observation = (traffic or _traffic)(policy, rates, place, random, rps, tick)
        if random.random() < gaps:
            observation = None
        state = release.confirm(state, place.facts(float(tick)))
        views = gates(tick) if gates else None
        step = release.next_step(state, observation, float(tick), views)
        state = step.state
        states.append(state)
        if step.entry is not None:
            entries.append(step.entry)
        for effect in owing.owed(state, place.facts(float(tick))):
            place.obey(effect)
        if state.final:
            break
    return Run(state, entries, states)


def _traffic(
    policy: Policy,
    rates: Rates,
    place: Place,
    random: np.random.Generator,
    rps: int,
    tick: int,
) -> Observation:
    requests = int(random.poisson(rps))
    canary = int(random.binomial(requests, place.weight / 10_000))
    tallies = []
    for version, total, replicas in (
        ("v1", requests - canary, policy.stable_replicas),
        ("v2", canary, policy.canary_replicas),
    ):
        split = random.multinomial(total, [1 / replicas] * replicas)
        for number, count in enumerate(split):
            for indicator in policy.indicators:
                rate = rates(indicator.name, version, number, place)
                bad = int(random.binomial(count, rate))
                series = Series("orders", version, str(number))
                tallies.append(Tally(series, indicator.name, int(count), bad))
    return Observation(tick, float(tick), tuple(tallies))


def same(canary: float, stable: float) -> Rates:
    """Fixed rates of both versions, for every indicator and replica."""
    return lambda indicator, version, replica, place: canary if version == "v2" else stable
