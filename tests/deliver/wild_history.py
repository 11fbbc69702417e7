"""A release under everything that goes wrong around it: kills, gaps, resets, lost series, people.

`play` drives one release as the controller does, through real cumulative counters and the row's own
JSON, and returns its ledger. Each history follows from its seed alone.
"""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np
from simulated_release import Place

from telford.basics.errors import RefusedError
from telford.deliver import hands, owing, release
from telford.deliver.policy import Indicator, Policy, replica_share
from telford.deliver.state import Entry, Phase, ReplaceReplica, State
from telford.estate.observation import Counters, Reading, Series
from telford.estate.workload import Match, PlaceState, ReplicaState
from telford.flows import counting

BOUNDS = (50.0, 100.0, 300.0, 1000.0, math.inf)
OTHER_BOUNDS = (100.0, 300.0, math.inf)
ERRORS = Indicator("errors", Decimal("0.9"), history_requests=900, history_bad=20)
SLOWNESS = Indicator("slowness", Decimal("0.8"), threshold_ms=300.0)
LATENCY = Indicator("latency")
BASE = Policy(
    (SLOWNESS, ERRORS, LATENCY),
    weights=(2000, 6000),
    soak_seconds=(3.0,),
    warmup_seconds=1.5,
    deadline_seconds=60.0,
    stale_seconds=12.0,
    start_seconds=20.0,
    canary_replicas=2,
    stable_replicas=3,
)
COMPARED = (SLOWNESS, ERRORS)
TESTER = Match("", "yes", header="x-tester")
E4 = replace(BASE, engine="E4", alpha=0.05)
POLICIES = {
    "E2": BASE,
    "E2 often": replace(BASE, warmup_seconds=0.3, canary_replicas=1, stable_replicas=2),
    "E1, ratio": replace(BASE, engine="E1", certificate="ratio", tolerable_ratio=3.0),
    "E1, both": replace(BASE, engine="E1", rollback_ratio=1.2, certificate="both"),
    "E4": replace(E4, weights=(round(10_000 * replica_share(BASE)),)),
    "E4, baseline, placebo": replace(E4, weights=(2000, 3000), baseline=True, placebo_alpha=0.01),
    "placebo": replace(BASE, placebo_alpha=0.2, certificate="both"),
    "baseline": replace(BASE, baseline=True, weights=(2000, 4000)),
    "exposure": replace(BASE, exposure_share=0.3),
    "exposure, baseline": replace(BASE, exposure_share=0.3, baseline=True, weights=(4000,)),
    "rolling": replace(BASE, strategy="rolling", weights=(3000, 7000)),
    "mirror": replace(BASE, strategy="mirror", weights=(5000,)),
    "ab": replace(BASE, strategy="ab", weights=(0,), matches=(TESTER,)),
    "sticky": replace(BASE, sticky="visitor"),
    "blue-green": replace(
        BASE, indicators=COMPARED, strategy="blue-green", weights=(0, 10_000), matches=(TESTER,)
    ),
    "preview judged": replace(
        BASE,
        indicators=COMPARED,
        strategy="blue-green",
        weights=(0, 10_000),
        matches=(TESTER,),
        judge_preview=True,
    ),
    "recreate": replace(BASE, indicators=COMPARED, strategy="recreate", weights=(10_000,)),
    "emergency": replace(BASE, skip_analysis=True),
    "no warm-up": replace(BASE, warmup_seconds=0.0, on_deadline="promote"),
}
# (what happens, how often a tick).
TROUBLES = (
    ("kill", 0.06),
    ("absence", 0.06),
    ("blindness", 0.06),
    ("unreachable", 0.04),
    ("data_plane_restart", 0.02),
    ("replica_restart", 0.05),
    ("lost_series", 0.06),
    ("other_bounds", 0.01),
    ("late_orders", 0.1),
    ("old_reading", 0.03),
    ("person", 0.02),
)


class History:
    """See the module. `bad` are the true shares of bad and of slow requests by version."""

    def __init__(self, policy: Policy, seed: int, calm: float = 1.0, canary: str = "v2") -> None:
        self.policy, self.calm, self.canary = policy, calm, canary
        self.chance, self.random = random.Random(seed), np.random.default_rng(seed)
        self.now, self.tick_seconds = 1_763_800_000.25 + seed, self.chance.choice([0.1, 1.0, 1.0])
        self.rate = self.chance.choice([20, 200, 2000]) / self.tick_seconds
        self.bad = {canary: self.chance.choice([0.01, 0.01, 0.05, 0.3])}
        self.bad["v1"] = self.chance.choice([0.0, 0.01, 0.05])
        # Whether the canary's first replica is on a bad host, until it is replaced.
        self.sick = self.chance.random() < 0.25
        # Whether the data plane divides otherwise than asked, and the stable replicas differ.
        self.skewed, self.unlike = self.chance.random() < 0.15, self.chance.random() < 0.15
        self.place, self.created = Place(policy), self.now
        self.state = release.begin(
            policy,
            release="r1",
            service="orders",
            stable="v1",
            canary=canary,
            generation=7,
            at=self.now,
        )
        self.counts: dict[Series, tuple[int, int, dict[float, int]]] = {}
        self.bounds: dict[Series, tuple[float, ...]] = {}
        self.before: Reading | None = None
        self.entries: list[Entry] = []
        self.here: set[str] = set()

    def play(self, ticks: int) -> None:
        """So many ticks, or to the end."""
        for _ in range(ticks):
            self.here = {
                what for what, often in TROUBLES if self.chance.random() < often * self.calm
            }
            self._world()
            self._tick()
            if self.state.final:
                return

    # --- the world ----------------------------------------------------------------------------

    def _world(self) -> None:
        seconds = self.tick_seconds * self.chance.uniform(0.9, 1.3)
        if "absence" in self.here:  # Nobody ticks: killed, and the next one takes a while.
            seconds += self.tick_seconds * self.chance.uniform(1, 8)
        self.now += seconds
        if "data_plane_restart" in self.here:
            self.counts.clear()
        if "replica_restart" in self.here and self.counts:
            one = self.chance.choice(sorted(self.counts))
            del self.counts[one]
        if "other_bounds" in self.here and self.counts:
            one = self.chance.choice(sorted(self.counts))
            self.bounds[one] = self.chance.choice([BOUNDS, OTHER_BOUNDS])
            del self.counts[one]
        for version, requests in self._divided(int(self.random.poisson(self.rate * seconds))):
            self._serve(version, requests)

    def _divided(self, requests: int) -> Iterator[tuple[str, int]]:
        split = self.place.split
        tested = int(self.random.binomial(requests, 0.2)) if split.matches else 0
        yield self.canary, tested
        left, parts = requests - tested, list(split.weights.items())
        shares = [weight / 10_000 for _, weight in parts]
        if self.skewed and len(shares) > 1:
            shares = [1 - shares[-1] / 2 if len(shares) == 2 else 0.5, *shares[1:]]
            shares[1:] = [one * (1 - shares[0]) / sum(shares[1:]) for one in shares[1:]]
        drawn = self.random.multinomial(left, shares)
        yield from (
            (version, int(number)) for (version, _), number in zip(parts, drawn, strict=True)
        )
        if split.mirror:
            copied = split.mirror[self.canary] / 10_000
            yield self.canary + "-mirrored", int(self.random.binomial(left, copied))

    def _serve(self, version: str, requests: int) -> None:
        arm = {"v1": "stable", "v1-baseline": "baseline"}.get(version, "canary")
        replicas = self.place.wanted.get(arm, 0)
        if not replicas or not requests:
            return
        rate = self.bad[version.removesuffix("-baseline").removesuffix("-mirrored")]
        each = self.random.multinomial(requests, [1 / replicas] * replicas)
        for number, mine in enumerate(each):
            if mine:
                name = str(number)
                ill = self.sick and (version, name, self.place.incarnations.get("0")) == (
                    self.canary,
                    "0",
                    0,
                )
                ill |= self.unlike and (version, name) == ("v1", "0")
                self._count(Series("orders", version, name), int(mine), 0.5 if ill else rate)

    def _count(self, series: Series, requests: int, rate: float) -> None:
        bounds = self.bounds.get(series, BOUNDS)
        zeros = (0, 0, dict.fromkeys(bounds, 0))
        total, errors, buckets = self.counts.get(series, zeros)
        slow = int(self.random.binomial(requests, rate))
        quick = self.random.multinomial(
            requests - slow, [1 / (len(bounds) - 2)] * (len(bounds) - 2)
        )
        each = (
            [*(int(one) for one in quick), 0, slow]
            if len(bounds) > 3
            else [requests - slow, 0, slow]
        )
        summed = np.cumsum(each).tolist()
        grown = {bound: buckets[bound] + more for bound, more in zip(bounds, summed, strict=True)}
        more = int(self.random.binomial(requests, rate))
        self.counts[series] = total + requests, errors + more, grown

    def _reading(self) -> Reading | None:
        if "blindness" in self.here:
            return None
        lost = {one for one in self.counts if self.chance.random() < 0.3}
        if "lost_series" not in self.here:
            lost = set()
        at = self.now
        if "old_reading" in self.here and self.before is not None:
            at = max(self.before.at, self.now - self.chance.choice([0.5, 1.0, 3.0]))
        return Reading(
            at,
            {
                series: Counters(total, errors, dict(buckets))
                for series, (total, errors, buckets) in self.counts.items()
                if series not in lost
            },
        )

    def _seen(self) -> PlaceState | None:
        if "unreachable" in self.here:
            return None
        facts = self.place.facts(self.now)
        versions = {"stable": "v1", "baseline": "v1-baseline", "canary": self.canary}
        return PlaceState(
            tuple(
                ReplicaState("orders", version, replica, "ready", 1, 1, 0)
                for arm, version in versions.items()
                for replica, _ in getattr(facts, arm).ready
            ),
            (),
            (self.place.split,),
            "",
        )

    # --- the controller -----------------------------------------------------------------------

    def _tick(self) -> None:
        seen, reading = self._seen(), self._reading()
        if "kill" in self.here:
            self.state = State.from_json(json.loads(json.dumps(self.state.to_json())))
            if self.before is not None:
                plain = json.loads(json.dumps(counting.to_json(self.before)))
                self.before = counting.from_json("orders", plain)
        if seen is not None:
            self.state = release.confirm(self.state, self.place.facts(self.now))
        if "person" in self.here:
            self._obey(self.chance.choice(hands.VERBS))
        elif self.state.phase in {Phase.HELD, Phase.PAUSED} and self.chance.random() < 0.2:
            self._obey("resume")
        self._step(seen, reading)
        if seen is not None and "late_orders" not in self.here:
            for effect in owing.owed(self.state, self.place.facts(self.now)):
                self.place.obey(effect)
                if isinstance(effect, ReplaceReplica):
                    self.counts.pop(effect.series, None)

    def _obey(self, verb: str) -> None:
        try:
            self.state = hands.command(self.state, verb, who="ann", reason="", now=self.now).state
        except RefusedError:
            return

    def _step(self, seen: PlaceState | None, reading: Reading | None) -> None:
        """As `flows.advancing` does it."""
        at = self.now if reading is None else reading.at
        number = math.floor((at - self.created) / self.tick_seconds)
        if number <= self.state.tick or self.state.final:
            return
        observation = None
        if reading is not None:
            observation = counting.difference(
                self.before, reading, number, "orders", self.policy.indicators
            )
        left = {"errors": self.chance.choice([50.0, 5000.0])}
        step = release.next_step(self.state, observation, self.now, budget_left=left)
        self.state = step.state
        if reading is not None:
            self.before = counting.merged(self.before, reading, seen)
        assert step.entry is not None
        entry = step.entry
        if "kill" in self.here:
            entry = Entry.from_json(json.loads(json.dumps(entry.to_json())))
        self.entries.append(entry)


def play(name: str, seed: int, ticks: int = 80, calm: float = 1.0) -> History:
    """One history of one of `POLICIES`; `calm` below 1 makes trouble rarer."""
    history = History(POLICIES[name], seed, calm)
    history.play(ticks)
    return history
