"""A scene for the portal: the shop's estate, and a store filled by the real engine.

Releases are driven by `telford.deliver` over drawn counts, as the controller drives them, so what
the pages show are real rows. `Scene.tick` moves the clock and every active release by one tick.
"""

import os
import pathlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import numpy as np

import stores
from telford.app import loading
from telford.app.described import EstateWatch
from telford.basics.errors import RefusedError
from telford.deliver import hands
from telford.deliver import release as engine
from telford.deliver.gates import Gate
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import Arm, Clocks, Facts, Phase, State
from telford.deliver.waves import Wave, Waves
from telford.estate.artifact import Artifact
from telford.estate.observation import Observation, Series, Tally
from telford.estate.workload import Split, Workload
from telford.flows import orders, waves
from telford.operate import budget, promise
from telford.portal import wired
from telford.portal.context import Context, Prospect, Wanted
from telford.road import burn
from telford.store.bindings import Bound
from telford.store.commands import Command
from telford.store.database import Lease
from telford.store.ledger import Entry
from telford.store.measurements import Measurement
from telford.store.objectives import Evaluated
from telford.store.releases import Release
from telford.store.rollouts import Rollout
from telford.store.store import Store

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SHOP = pathlib.Path(os.path.relpath(REPOSITORY / "examples" / "shop" / "estate"))
PLACE = "dev"
STOREFRONT = "service/shop.storefront"
ROLLOUT = "orders-1.4.0-waves-1"
TOKEN = "a-token-for-tests-only"
RPS = 300


@dataclass
class Clock:
    """A clock that moves only when it is told to."""

    at: float

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@dataclass(frozen=True)
class Rates:
    """The true share of bad requests of one version."""

    errors: float
    slowness: float


def policy() -> Policy:
    """As the shop declares it for one machine."""
    return Policy(
        indicators=(
            Indicator("errors", Decimal("0.995")),
            Indicator("slowness", Decimal("0.99"), threshold_ms=300.0),
        ),
        weights=(1000, 5000),
        beta_shares=(0.8, 0.2),
        soak_seconds=(5.0,),
        warmup_seconds=2.0,
        deadline_seconds=600.0,
        stale_seconds=10.0,
        start_seconds=30.0,
        canary_replicas=1,
        stable_replicas=1,
    )


def workload(name: str, version: str) -> dict[str, Any]:
    """What runs, as rows hold it."""
    return orders.workload_json(Workload(name, version, 1, ("serve", "--port", "{port}")))


class Acts:
    """The use cases over the store alone: what is asked is written down."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.started: list[Wanted] = []

    def command(self, release: str, verb: str, who: str, reason: str) -> str:
        row = self.store.releases.get(release)
        assert row is not None
        hands.command(
            State.from_json(row.state), verb, who=who, reason=reason, now=self.clock.now()
        )
        key = f"command-{release}-{verb}-{self.clock.now()}"
        with self.store.writing() as writing:
            command = Command(key, release, verb, who, reason, self.clock.now())
            self.store.commands.ask(writing, command)
            self.store.audit.append(writing, who, verb, f"release/{release}", {"reason": reason})
        return key

    def prospect(self, wanted: Wanted) -> Prospect:
        if wanted.version == "1.0.0":
            return Prospect((), "storefront already runs 1.0.0")
        return Prospect((f"One replica of {wanted.version} is started in {wanted.place}.",))

    def start(self, wanted: Wanted) -> str:
        if wanted.version == "1.0.0":
            raise RefusedError("storefront already runs 1.0.0")
        self.started.append(wanted)
        return "storefront-1"

    def rollout_prospect(self, wanted: Wanted) -> Prospect:
        if wanted.service != STOREFRONT:
            raise RefusedError("the delivery names no waves", fix="say which places")
        return Prospect(("Wave 1: dev.", "Wave 2: prod/eu-west-1."))

    def rollout(self, wanted: Wanted) -> str:
        self.rollout_prospect(wanted)
        self.started.append(wanted)
        return ROLLOUT


class Artifacts:
    """What one target would write."""

    def of(self, address: str, place: str) -> Sequence[Artifact]:
        name = address.rpartition(".")[2]
        text = f"apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n"
        return (Artifact(f"{place}/{name}/deployment.yaml", text, address, "kubernetes", place),)


@dataclass
class Scene:
    """A store, a clock, a controller's lease, and the truth about each version."""

    folder: pathlib.Path
    estate: pathlib.Path = SHOP
    clock: Clock = field(default_factory=lambda: Clock(1_790_000_000.0))
    rates: dict[str, Rates] = field(default_factory=dict)
    seed: int = 7

    def __post_init__(self) -> None:
        self.store = Store(stores.fresh(self.folder / "portal.db"), self.clock)
        self.lease: Lease = self.store.leases.take(PLACE, "one", 3.0, gone=lambda _: False)
        self.random = np.random.default_rng(self.seed)
        self.acts = Acts(self.store, self.clock)
        self.watch = EstateWatch(
            lambda: loading.load_folder(self.estate),
            lambda: wired.signature(self.estate),
            self.clock,
            spawn=lambda work: work(),
        )

    def context(self, hosts: frozenset[str]) -> Context:
        return Context(
            estate=self.watch,
            store=self.store,
            acts=self.acts,
            artifacts=Artifacts(),
            clock=self.clock,
            hosts=hosts,
            token=TOKEN,
            name="shop",
            place=PLACE,
            who="person/ann",
            version="0.1.0",
        )

    # --- what a controller does ---------------------------------------------------------------

    def bind(self, service: str, version: str, release: str | None = None) -> None:
        """Make a version the stable one."""
        name = service.rpartition(".")[2]
        before = self.store.bindings.get(PLACE, service)
        generation = (before.generation if before else 0) + 1
        bound = Bound(
            place=PLACE,
            service=service,
            name=name,
            version=version,
            digest="0" * 64,
            generation=generation,
            issued=generation,
            workload=workload(name, version),
            release=release,
            since=self.clock.now(),
        )
        with self.store.writing(self.lease) as writing:
            self.store.bindings.bind(writing, bound, "controller")
            self.store.audit.append(
                writing, "controller", "bind", service, {"version": version, "place": PLACE}
            )

    def begin(
        self,
        key: str,
        version: str,
        stable: str = "1.0.0",
        who: str = "person/ann",
        declared: Policy | None = None,
    ) -> None:
        """Start a release of the storefront."""
        now = self.clock.now()
        state = engine.begin(
            declared or policy(),
            release=key,
            service="storefront",
            stable=stable,
            canary=version,
            generation=1,
            at=now,
        )
        row = Release(
            id=key,
            service=STOREFRONT,
            name="storefront",
            place=PLACE,
            from_version=stable,
            to_version=version,
            digest="c0ffee" * 10,
            phase=state.phase.value,
            policy=state.policy.to_json(),
            state=state.to_json(),
            workloads={
                "stable": workload("storefront", stable),
                "canary": workload("storefront", version),
            },
            who=who,
            reason=f"version {version}",
            tick_seconds=1.0,
            created_at=now,
        )
        with self.store.writing() as writing:
            self.store.releases.create(writing, row)
            self.store.audit.append(
                writing,
                "person/ann",
                "released",
                f"release/{key}",
                {"version": version, "place": PLACE},
            )

    def tick(self, count: int = 1) -> None:
        """So many ticks of one second."""
        for _ in range(count):
            self.clock.at += 1.0
            with self.store.writing(self.lease) as writing:
                self.store.leases.beat(writing)
            for row in self.store.releases.active(PLACE):
                self._step(row)

    def finish(self, key: str, most: int = 400) -> Release:
        """Tick until the release has ended."""
        for _ in range(most):
            row = self.store.releases.get(key)
            assert row is not None
            if not row.active:
                return row
            self.tick()
        raise AssertionError(f"{key} did not end within {most} ticks")

    def _step(self, row: Release) -> None:
        now = self.clock.now()
        before = State.from_json(row.state)
        state = engine.confirm(before, self._facts(before, now))
        step = engine.next_step(state, self._observation(state, now), now)
        final = step.state.final
        saved = replace(
            row,
            state=step.state.to_json(),
            phase=step.state.phase.value,
            generation=step.state.generation,
            tick=step.state.tick,
            active=not final,
            finished_at=now if final else None,
        )
        with self.store.writing(self.lease) as writing:
            self.store.releases.save(writing, [saved])
            if step.entry is not None:
                entry = step.entry
                line = Entry(row.id, entry.tick, now, 0, entry.phase.value, entry.to_json())
                self.store.ledger.append(writing, [line])
        if final and step.state.phase.value == "promoted":
            self.bind(row.service, row.to_version, row.id)

    def _facts(self, state: State, now: float) -> Facts:
        phase = state.phase.value
        shares = {state.canary: state.desired_bp, state.stable: 10_000 - state.desired_bp}
        weights = {version: share for version, share in shares.items() if share}
        here = Arm((("storefront-0", "101"),), running=1, wanted=1, present=True)
        return Facts(
            at=now,
            split=Split("storefront", state.generation, weights),
            canary=Arm() if phase in {"rolling-back", "planned"} else here,
            stable=Arm() if phase == "promoting" else here,
        )

    def _observation(self, state: State, now: float) -> Observation:
        tallies = []
        share = state.desired_bp / 10_000
        for version, part in ((state.canary, share), (state.stable, 1 - share)):
            total = int(self.random.binomial(RPS, part))
            rates = self.rates.get(version, Rates(0.001, 0.002))
            series = Series("storefront", version, f"{version}-0")
            for sli, rate in (("errors", rates.errors), ("slowness", rates.slowness)):
                bad = int(self.random.binomial(total, rate))
                tallies.append(Tally(series, sli, total, bad))
        return Observation(state.tick + 1, now, tuple(tallies))

    def measure(self, objective: str, service: str, target: str, bad: int, total: int) -> None:
        """Evaluate an objective from an hour of even counts."""
        sli = "slowness:300" if "latency" in objective else "errors"
        now = self.clock.now()
        found = promise.Promise(objective, service, sli, Decimal(target))
        counts = {
            name: burn.Count(Decimal(total), Decimal(bad))
            for name in promise.all_windows([found], now)
        }
        evaluation = budget.evaluate(found, counts, now)
        row = Evaluated(
            PLACE, objective, service, now, now, evaluation.state.value, evaluation.to_json()
        )
        minutes = [
            Measurement(
                PLACE,
                service,
                sli,
                60,
                now - 60 * back,
                total // 60,
                int(self.random.integers(0, 4)),
            )
            for back in range(1, 60)
        ]
        with self.store.writing(self.lease) as writing:
            self.store.objectives.record(writing, [row])
            self.store.measurements.add(writing, minutes)


WAVES = Waves(
    (Wave(("dev",)), Wave(("staging",), 600.0), Wave(("prod/eu-west-1", "prod/us-east-1"))),
    indicators=(("errors", 0.5), ("slowness", 0.5)),
)


def roll_out(scene: Scene) -> None:
    """Orders on its way through four places: finished in the first, under way in the second."""
    now = scene.clock.now()
    service = "service/shop.orders"
    phases = (Phase.PROMOTED, Phase.STEPPING, Phase.PLANNED, Phase.PLANNED)
    made = {}
    with scene.store.writing() as writing:
        for place, phase in zip(WAVES.places, phases, strict=True):
            key = f"{ROLLOUT}-{place.replace('/', '-')}"
            made[place] = key
            scene.store.releases.create(writing, _rolled(service, key, place, phase, now))
        found = Rollout(
            id=ROLLOUT,
            service=service,
            name="orders",
            to_version="1.4.0",
            digest="c0ffee" * 10,
            waves=WAVES.to_json(),
            releases=made,
            who="person/ann",
            reason="for everybody",
            created_at=now,
        )
        scene.store.rollouts.create(writing, found)


def turn_back(scene: Scene, place: str) -> None:
    """One place of the rollout begins to go back, as its own controller would have it."""
    _enter(scene, place, Phase.ROLLING_BACK)


def end(scene: Scene, place: str, phase: str) -> None:
    """The release of one place of the rollout ends in this phase."""
    _enter(scene, place, Phase(phase))


def _enter(scene: Scene, place: str, phase: Phase) -> None:
    row = scene.store.releases.get(f"{ROLLOUT}-{place.replace('/', '-')}")
    assert row is not None
    state = replace(State.from_json(row.state), phase=phase, reason="it is worse")
    saved = replace(row, state=state.to_json(), phase=phase.value, active=not state.final)
    lease = scene.store.leases.take(place, "two", 3.0, gone=lambda _: True)
    with scene.store.writing(lease) as writing:
        scene.store.releases.save(writing, [saved])


def _rolled(service: str, key: str, place: str, phase: Phase, now: float) -> Release:
    gate = Gate(waves.GATE, waves.GATE, "start", ((waves.ROLLOUT, ROLLOUT),))
    begun = engine.begin(
        replace(policy(), gates=(gate,)),
        release=key,
        service="orders",
        stable="1.0.0",
        canary="1.4.0",
        generation=1,
        at=now,
    )
    weight = 1000 if phase is Phase.STEPPING else 0
    state = replace(begun, phase=phase, desired_bp=weight, clocks=Clocks(now, now), reason="shown")
    over = phase is Phase.PROMOTED
    return Release(
        id=key,
        service=service,
        name="orders",
        place=place,
        from_version="1.0.0",
        to_version="1.4.0",
        digest="c0ffee" * 10,
        phase=phase.value,
        policy=state.policy.to_json(),
        state=state.to_json(),
        workloads={"stable": workload("orders", "1.0.0"), "canary": workload("orders", "1.4.0")},
        who="person/ann",
        reason="for everybody",
        tick_seconds=1.0,
        created_at=now,
        active=not over,
        finished_at=now if over else None,
    )


def played(folder: pathlib.Path, *, underway: bool = True) -> Scene:
    """The whole story: a good version promoted, a failing one rolled back, a third on its way."""
    scene = Scene(folder)
    scene.rates["1.2.0"] = Rates(0.033, 0.002)
    for service in ("catalogue", "orders", "recommendations", "storefront", "fulfilment"):
        scene.bind(f"service/shop.{service}", "1.0.0")
    scene.tick(5)
    scene.begin("storefront-1", "1.1.0")
    assert scene.finish("storefront-1").phase == "promoted"
    scene.tick(20)
    scene.begin("storefront-2", "1.2.0", "1.1.0")
    assert scene.finish("storefront-2").phase == "rolled-back"
    objectives = (
        ("storefront-availability", "storefront", "0.995", 40, 20_000),
        ("storefront-latency", "storefront", "0.99", 190, 20_000),
        ("orders-availability", "orders", "0.999", 30, 20_000),
    )
    for name, service, target, bad, total in objectives:
        scene.measure(f"objective/shop.{name}", f"service/shop.{service}", target, bad, total)
    if underway:
        scene.rates["1.3.0"] = Rates(0.0005, 0.009)
        scene.begin("storefront-3", "1.3.0", "1.1.0")
        scene.tick(14)
    roll_out(scene)
    return scene
