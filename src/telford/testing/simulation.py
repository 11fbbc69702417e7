"""A world in memory around one real controller and one real store: time, traffic, people, kills.

`Simulation` is what tests of flows drive: it moves the clock, lets requests flow, ticks the
controller and lets orders be carried out. `restart` throws away everything but the store's file,
the place and the pretended disk of the orders, as SIGKILL does.
"""

import dataclasses
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from telford import ports
from telford.app import release as starting
from telford.deliver import forecast
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.estate.workload import Split, Workload
from telford.flows import boundaries as edges
from telford.flows import orders, watching
from telford.flows.carrying import Carrier, Outside
from telford.flows.controller import Controller, Pace, Report
from telford.operate.promise import Promise
from telford.ports.data import DataChanges
from telford.store.bindings import Bound
from telford.store.commands import Command
from telford.store.database import Lease, Writing
from telford.store.releases import Release
from telford.store.store import Store
from telford.testing.clock import FakeClock
from telford.testing.orders import FakeOrders, Kept
from telford.testing.place import Behaviour, FakePlace, a_workload

PLACE = "local"
STABLE, CANARY = "1.0.0", "1.1.0"

QUICK = Policy(
    indicators=(Indicator("errors", Decimal("0.95")),),
    weights=(1000, 5000),
    soak_seconds=(3.0,),
    warmup_seconds=1.0,
    deadline_seconds=120.0,
    stale_seconds=10.0,
    start_seconds=10.0,
    stable_replicas=2,
)
"""A policy that decides within seconds at a hundred requests a second."""


@dataclass(slots=True)
class Simulation:
    """See the module. `url` is the store's; `rate` requests a second to each service, messages to
    each of `workers`, which are divided over `partitions` if there are any. Every service has so
    many `replicas`; `segment` is the share of requests that a split's matches name.
    """

    url: str
    behaviours: Mapping[tuple[str, str], Behaviour] = field(default_factory=dict)
    site: str = PLACE
    services: tuple[str, ...] = ("orders",)
    workers: tuple[str, ...] = ()
    replicas: int = 2
    partitions: int = 0
    segment: float = 0.0
    rate: float = 100.0
    tick_seconds: float = 1.0
    seed: int = 1
    promises: tuple[Promise, ...] = ()
    # The share of orders that are left for a later step, each time: slow threads, a busy machine.
    idling: float = 0.0
    boundaries: edges.Boundaries = field(default_factory=edges.Quiet)
    hooks: ports.Hooks | None = None
    # What changes data; it outlives a kill, as a data store does.
    data: DataChanges | None = None
    clock: FakeClock = field(init=False)
    place: FakePlace = field(init=False)
    store: Store = field(init=False)
    controller: Controller = field(init=False)
    engine: FakeOrders = field(init=False)
    reports: list[Report] = field(default_factory=list)
    _disk: dict[str, Kept] = field(default_factory=dict)
    _starts: int = 0
    _chance: random.Random = field(default_factory=random.Random)
    _lease: Lease = field(init=False)

    def __post_init__(self) -> None:
        self._chance.seed(self.seed)
        self.clock = FakeClock()
        rates = dict.fromkeys(self._names, self.rate)
        self.place = FakePlace(self.clock, self.behaviours, rates, self.seed)
        self.place.segment = self.segment
        if self.partitions:
            self.place.partitions = dict.fromkeys(self.workers, self.partitions)
        self._boot()
        with self.store.writing(self._lease) as writing:
            for service in self._names:
                self._bring_up(writing, service)

    @property
    def _names(self) -> tuple[str, ...]:
        return (*self.services, *self.workers)

    def release(self, policy: Policy = QUICK, service: str = "orders", key: str = "r1") -> Release:
        """Create a release of a service; the next tick takes it up."""
        return self.release_all(policy, {service: key})[0]

    def release_all(self, policy: Policy, keys: Mapping[str, str]) -> list[Release]:
        """Create a release of each of these services (service -> the release's id)."""
        looked_ahead = forecast.forecast(policy, self.rate, {})
        stored = {one.service: one for one in self.store.bindings.of(self.site)}
        with self.store.writing() as writing:
            return [
                self._create(writing, stored[address(service)], policy, looked_ahead, key)
                for service, key in keys.items()
            ]

    def ask(self, verb: str, release: str = "r1", reason: str = "") -> None:
        """A person asks."""
        key = f"{release}-{verb}-{self.clock.now()}"
        command = Command(key, release, verb, "bob", reason, self.clock.now())
        with self.store.writing() as writing:
            self.store.commands.ask(writing, command)

    def step(self) -> Report:
        """One tick's time: traffic, the controller's tick, the orders carried out."""
        self.clock.advance(self.tick_seconds)
        self.place.flow(self.tick_seconds)
        report = self.controller.tick()
        self.reports.append(report)
        self.engine.work(lambda: self._chance.random() < self.idling)
        return report

    def until(self, phase: str, limit: int = 300, release: str = "r1") -> Release:
        """Step until a release is in `phase`; at most `limit` steps."""
        for _ in range(limit):
            row = self.row(release)
            if row.phase == phase:
                return row
            self.step()
        raise AssertionError(f"{release} is {self.row(release).phase}, not {phase}")

    def run(self, limit: int = 300) -> Release:
        """Step until no release is active."""
        for _ in range(limit):
            if not self.store.releases.revisions(self.site):
                return self.row()
            self.step()
        raise AssertionError(f"still active: {self.store.releases.revisions(self.site)}")

    def idle(self) -> bool:
        """Whether no order is left to be carried out."""
        return all(kept.status.phase != "pending" for kept in self._disk.values())

    def row(self, release: str = "r1") -> Release:
        """The row as the store has it."""
        found = self.store.releases.get(release)
        assert found is not None
        return found

    def weights(self, service: str = "orders") -> dict[str, int]:
        """What the data plane serves."""
        return dict(self.place.splits[service].weights)

    def restart(self, boundaries: edges.Boundaries | None = None) -> None:
        """A kill and a new start: only the file, the place and the orders' disk are left."""
        self.store.close()
        self.boundaries = boundaries or edges.Quiet()
        self._boot()

    @property
    def controller_lease(self) -> Lease:
        """What the controller holds, to write rows under."""
        return self._lease

    def _workload(self, service: str, version: str) -> Workload:
        found = a_workload(service, version, replicas=self.replicas)
        return dataclasses.replace(found, listens=service not in self.workers)

    def _create(
        self,
        writing: Writing,
        stored: Bound,
        policy: Policy,
        looked_ahead: forecast.Forecast,
        key: str,
    ) -> Release:
        prepared = starting.Prepared(
            service=stored.service,
            name=stored.name,
            place=self.site,
            digest="0" * 64,
            policy=policy,
            tick_seconds=self.tick_seconds,
            stable=orders.workload(stored.workload),
            canary=self._workload(stored.name, CANARY),
            traffic=starting.Traffic(self.rate, {}),
            forecast=looked_ahead,
        )
        generation = self.store.bindings.issue(writing, self.site, stored.service)
        at = self.clock.now()
        row = starting.planned(prepared, key, generation, who="ann", reason="", at=at)
        self.store.releases.create(writing, row)
        return row

    def _boot(self) -> None:
        self._starts += 1
        self.store = Store(self.url, self.clock, own_clock=True)
        outside = Outside(self.place, self.place, self.place, self.hooks, self.data)
        self.engine = FakeOrders(Carrier(outside, self.clock, self.boundaries), self._disk)
        pairs = [(address(service), service) for service in self._names]
        holder = f"controller {self._starts}"
        self._lease = self.store.leases.take(self.site, holder, 10.0, gone=lambda other: True)
        self.controller = Controller(
            self.store,
            outside,
            self.engine,
            self._lease,
            self.clock,
            watch=watching.watch(pairs, self.promises),
            pace=Pace(tick=self.tick_seconds, retry=2 * self.tick_seconds),
            boundaries=self.boundaries,
        )

    def _bring_up(self, writing: Writing, service: str) -> None:
        workload = self._workload(service, STABLE)
        self.place.apply(workload)
        if workload.listens:
            self.place.route(Split(service, 1, {STABLE: FULL_WEIGHT}))
        bound = Bound(
            place=self.site,
            service=address(service),
            name=service,
            version=STABLE,
            digest="0" * 64,
            generation=1,
            issued=1,
            workload=orders.workload_json(workload),
            release=None,
            since=self.clock.now(),
        )
        self.store.bindings.bind(writing, bound, "ann")


def address(service: str) -> str:
    """The canonical address of a simulated service."""
    return f"service/shop.{service}"
