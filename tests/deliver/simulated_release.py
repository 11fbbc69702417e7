"""A place and its traffic in a few lines: drives a release through the real functions, seeded."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from telford.deliver import release
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import (
    Entry,
    Facts,
    ReplaceReplica,
    SetWeight,
    StartCanary,
    State,
    StopCanary,
    StopStable,
)
from telford.estate.observation import Observation, Series, Tally

ERRORS = Indicator("errors", Decimal("0.99"))
SLOWNESS = Indicator("slowness", Decimal("0.95"), threshold_ms=300.0)


def begin(policy: Policy) -> State:
    return release.begin(
        policy, release="r1", service="orders", stable="v1", canary="v2", generation=7, at=0.0
    )


@dataclass
class Place:
    """Obeys every effect at once; replicas are named 0, 1, ... and count their incarnations."""

    policy: Policy
    weight: int = 0
    generation: int = 7
    incarnations: dict[str, int] = field(default_factory=dict)
    stable_running: int = 1

    def obey(self, effect: object) -> None:
        if isinstance(effect, SetWeight):
            assert effect.generation >= self.generation
            self.weight, self.generation = effect.canary_bp, effect.generation
        elif isinstance(effect, StartCanary):
            for number in range(self.policy.canary_replicas):
                self.incarnations.setdefault(str(number), 0)
        elif isinstance(effect, ReplaceReplica):
            self.incarnations[effect.series.replica] += 1
        elif isinstance(effect, StopCanary):
            assert self.weight == 0
            self.incarnations.clear()
        elif isinstance(effect, StopStable):
            assert self.weight == 10_000
            self.stable_running = 0

    def facts(self, at: float) -> Facts:
        ready = tuple((name, str(count)) for name, count in sorted(self.incarnations.items()))
        return Facts(at, self.weight, self.generation, ready, len(ready), self.stable_running)


Rates = Callable[[str, str, int, Place], float]
"""(indicator, version, replica number, place) -> the true share of bad requests."""


@dataclass
class Run:
    """A simulated release: its end, its ledger, and every state it went through."""

    end: State
    entries: list[Entry]
    states: list[State]


def simulate(
    policy: Policy, rates: Rates, *, seed: int, rps: int = 100, ticks: int = 600, gaps: float = 0.0
) -> Run:
    """Ticks of one second; each reading is lost with probability `gaps`."""
    random = np.random.default_rng(seed)
    place, state = Place(policy), begin(policy)
    entries: list[Entry] = []
    states: list[State] = [state]
    for tick in range(1, ticks + 1):
        observation = _traffic(policy, rates, place, random, rps, tick)
        if random.random() < gaps:
            observation = None
        state = release.confirm(state, place.facts(float(tick)))
        step = release.next_step(state, observation, float(tick))
        state = step.state
        states.append(state)
        if step.entry is not None:
            entries.append(step.entry)
        for effect in step.effects:
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
