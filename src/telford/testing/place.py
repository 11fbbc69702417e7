"""A place in memory: versions with replicas, splits behind generations, traffic by the second.

It implements `ports.Cluster`, `ports.Router` and `ports.Metrics` with the manners of the real ones:
stale generations are refused, a version with traffic is not removed, series appear when they are
first used, copies of requests are counted under a name of their own. `flow` lets time pass:
requests arrive and are divided by the split that is served; messages wait for a worker's replicas.
"""

import dataclasses
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from telford.basics import clock as clocks
from telford.basics.errors import RefusedError, TemporaryError
from telford.deliver.policy import FULL_WEIGHT
from telford.estate.observation import Counters, Reading, Series
from telford.estate.workload import (
    BASELINE_SUFFIX,
    MIRRORED_SUFFIX,
    PARTITIONS_VARIABLE,
    Ingress,
    PlaceState,
    ReplicaState,
    Split,
    Workload,
)

SLOW_MS = 300.0
_BOUNDS = (SLOW_MS, float("inf"))
# Whoever has a cookie that keeps them with one version.
_VISITORS = 1000


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a version behaves: shares of bad and of slow requests; the seconds it takes to get ready
    (None: never). `sick` is the share that its first replica answers badly until it is replaced.
    """

    bad: float = 0.0
    slow: float = 0.0
    ready_seconds: float | None = 0.0
    sick: float = 0.0


@dataclass(slots=True)
class _Replica:
    service: str
    version: str
    name: str
    pid: int
    ready_at: float | None
    sick: bool = False
    # As it was shown last: a place of a thousand services is looked at again and again.
    shown: ReplicaState | None = None


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    errors: int = 0
    fast: int = 0


@dataclass(slots=True)
class FakePlace:
    """See the module. `calls` lists what was done, for tests to read; `lost` counts requests that
    met no ready replica. `down` and `blind` make the cluster and the counters unreachable.

    `rates` are requests a second, of a worker messages; `segment` is the share of requests that
    carry whatever a split matches. `partitions` names workers whose messages are divided over so
    many partitions; `queued` are messages that nobody takes yet, and `doubled` counts those of a
    partition that two versions read at once.
    """

    clock: clocks.Clock
    behaviours: Mapping[tuple[str, str], Behaviour] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    seed: int = 1
    down: bool = False
    blind: bool = False
    refuses: str = ""
    segment: float = 0.0
    partitions: Mapping[str, int] = field(default_factory=dict)
    lost: int = 0
    served: int = 0
    queued: int = 0
    doubled: int = 0
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    workloads: dict[tuple[str, str], Workload] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    _replicas: dict[str, list[_Replica]] = field(default_factory=dict)
    _fences: dict[tuple[str, str], int] = field(default_factory=dict)
    _counts: dict[Series, _Counts] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)
    _pid: int = 100
    _debt: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random.seed(self.seed)

    @property
    def replicas(self) -> list[_Replica]:
        """Those of all services."""
        return [one for mine in self._replicas.values() for one in mine]

    # --- ports.Cluster ------------------------------------------------------------------------

    def apply(self, workload: Workload) -> None:
        """See `ports.Cluster.apply`."""
        self._reachable("apply")
        key = (workload.service, workload.version)
        if self.workloads.get(key) == workload:
            return
        self._fence("workload", workload.service, workload.generation)
        self.calls.append(("apply", workload.service, f"{workload.version}x{workload.replicas}"))
        before = self.workloads.get(key)
        self.workloads[key] = workload
        if before is not None and _program(before) != _program(workload):
            self._restart(workload)
        self._scale(workload)

    def remove(self, service: str, version: str, generation: int) -> None:
        """See `ports.Cluster.remove`."""
        self._reachable("remove")
        if (service, version) not in self.workloads:
            self._saw("workload", service, generation)
            return
        self._fence("workload", service, generation)
        split = self.splits.get(service)
        if split is not None and version in _reached(split):
            raise RefusedError(f"version {version} of {service} carries traffic")
        self.calls.append(("remove", service, version))
        del self.workloads[service, version]
        self._replicas[service] = [one for one in self._of(service) if one.version != version]

    def replace(
        self, service: str, version: str, replica: str, incarnation: str, generation: int
    ) -> None:
        """See `ports.Cluster.replace`."""
        self._reachable("replace")
        self._fence("workload", service, generation)
        for one in self._of(service, version):
            if (one.name, str(one.pid)) == (replica, incarnation):
                self.calls.append(("replace", service, replica))
                one.pid, one.ready_at = self._next_pid(), self._ready_at(service, version)
                one.sick = False

    def state(self) -> PlaceState:
        """See `ports.Cluster.state`."""
        self._reachable("state")
        return PlaceState(
            replicas=tuple(self._replica_state(one) for one in self.replicas),
            workloads=tuple(self.workloads.values()),
            splits=tuple(self.splits.values()),
            ingress_url="http://127.0.0.1:0",
        )

    # --- ports.Router -------------------------------------------------------------------------

    def route(self, split: Split) -> None:
        """See `ports.Router.route`."""
        self._reachable("route")
        if self.splits.get(split.service) == split:
            return
        self._fence("split", split.service, split.generation)
        if sum(split.weights.values()) != FULL_WEIGHT:
            raise RefusedError(f"the weights of {split.service} do not sum to {FULL_WEIGHT}")
        for version in _reached(split):
            if (split.service, version) not in self.workloads:
                raise RefusedError(f"{split.service} has no version {version}")
        weights = "/".join(f"{name}={weight}" for name, weight in split.weights.items())
        self.calls.append(("route", split.service, weights))
        self.splits[split.service] = split

    def expose(self, ingress: Sequence[Ingress]) -> None:
        """See `ports.Router.expose`."""
        self._reachable("expose")

    # --- ports.Metrics ------------------------------------------------------------------------

    def read(self) -> Reading:
        """See `ports.Metrics.read`."""
        if self.blind:
            raise TemporaryError("the counters cannot be read")
        return Reading(
            self.clock.now(),
            {
                series: Counters(
                    count.requests,
                    count.errors,
                    dict(zip(_BOUNDS, (count.fast, count.requests), strict=True)),
                )
                for series, count in self._counts.items()
            },
        )

    # --- the world ----------------------------------------------------------------------------

    def vanish(self) -> None:
        """Every replica is gone, and nobody was asked."""
        self._replicas.clear()

    def flow(self, seconds: float) -> None:
        """Traffic of that long, served by the splits as they are; the clock is not moved."""
        for service, rate in self.rates.items():
            due = rate * seconds + self._debt.get(service, 0.0)
            self._debt[service] = due - int(due)
            split = self.splits.get(service)
            if split is None:
                self._messages(service, int(due))
            else:
                self._requests(split, int(due))

    def _requests(self, split: Split, number: int) -> None:
        weights = list(split.weights.values())
        chosen = self._random.choices(list(split.weights), weights, k=number)
        for drawn in chosen:
            version = drawn
            if split.sticky:
                version = _home(split, self._random.randrange(_VISITORS))
            if split.matches and self._random.random() < self.segment:
                version = split.matches[0].version
            self._request(split.service, version)
            for copied, share in split.mirror.items():
                if self._random.random() * FULL_WEIGHT < share:
                    self._copy(split.service, copied)

    def _messages(self, service: str, number: int) -> None:
        """Workers take what waits: any ready replica, or one of those that have its partition."""
        waiting, self.queued = self.queued + number, 0
        workers = [one for one in self._of(service) if self._is_ready(one)]
        every = self.partitions.get(service, 0)
        for _ in range(waiting):
            able = workers
            if every:
                mine = self._random.randrange(every)
                able = [one for one in workers if mine in self._partitions_of(one, every)]
                self.doubled += len({one.version for one in able}) > 1
            if able:
                self._answer(self._random.choice(able))
            else:
                self.queued += 1

    def _partitions_of(self, replica: _Replica, every: int) -> range:
        told = self.workloads[replica.service, replica.version].env.get(PARTITIONS_VARIABLE)
        if told is None:
            return range(every)
        first, _, last = told.partition("-")
        return range(int(first), int(last) + 1) if last else range(0)

    def reset_counters(self) -> None:
        """What a data plane does that was started anew."""
        self._counts.clear()

    def _request(self, service: str, version: str) -> None:
        ready = self._ready(service, version)
        if not ready:
            self.lost += 1
            return
        self.served += 1
        self._answer(self._random.choice(ready))

    def _copy(self, service: str, version: str) -> None:
        """Nobody waits for the answer to a copy, so none is lost."""
        ready = self._ready(service, version)
        if ready:
            self._answer(self._random.choice(ready), MIRRORED_SUFFIX)

    def _of(self, service: str, version: str = "") -> list[_Replica]:
        """A service's replicas, or those of one version of it."""
        mine = self._replicas.setdefault(service, [])
        return [one for one in mine if one.version == version] if version else mine

    def _ready(self, service: str, version: str) -> list[_Replica]:
        return [one for one in self._of(service, version) if self._is_ready(one)]

    def _answer(self, replica: _Replica, suffix: str = "") -> None:
        behaviour = self._behaviour(replica.service, replica.version)
        bad = behaviour.bad + (behaviour.sick if replica.sick else 0.0)
        series = Series(replica.service, replica.version + suffix, replica.name)
        count = self._counts.setdefault(series, _Counts())
        count.requests += 1
        count.errors += self._random.random() < bad
        count.fast += self._random.random() >= behaviour.slow

    def _behaviour(self, service: str, version: str) -> Behaviour:
        plain = version.removesuffix(BASELINE_SUFFIX)
        return self.behaviours.get((service, plain), Behaviour())

    def _restart(self, workload: Workload) -> None:
        """Another program: every replica begins anew."""
        for one in self._of(workload.service, workload.version):
            one.pid = self._next_pid()
            one.ready_at = self._ready_at(workload.service, workload.version)

    def _scale(self, workload: Workload) -> None:
        every = self._of(workload.service)
        mine = self._of(workload.service, workload.version)
        for one in mine[workload.replicas :]:
            every.remove(one)
        for number in range(len(mine), workload.replicas):
            ready_at = self._ready_at(workload.service, workload.version)
            name = f"{workload.version}-{number}"
            found = _Replica(workload.service, workload.version, name, self._next_pid(), ready_at)
            found.sick = number == 0
            every.append(found)

    def _ready_at(self, service: str, version: str) -> float | None:
        wait = self._behaviour(service, version).ready_seconds
        return None if wait is None else self.clock.now() + wait

    def _is_ready(self, replica: _Replica) -> bool:
        return replica.ready_at is not None and replica.ready_at <= self.clock.now()

    def _replica_state(self, one: _Replica) -> ReplicaState:
        phase = "ready" if self._is_ready(one) else "starting"
        if one.shown is None or (one.shown.phase, one.shown.pid) != (phase, one.pid):
            one.shown = ReplicaState(one.service, one.version, one.name, phase, 1, one.pid, 0)
        return one.shown

    def _next_pid(self) -> int:
        self._pid += 1
        return self._pid

    def _fence(self, what: str, service: str, generation: int) -> None:
        highest = self._fences.get((what, service), 0)
        if generation < highest:
            raise RefusedError(f"stale {what} of {service}: {generation} after {highest}")
        self._fences[what, service] = generation

    def _saw(self, what: str, service: str, generation: int) -> None:
        self._fences[what, service] = max(generation, self._fences.get((what, service), 0))

    def _reachable(self, call: str) -> None:
        if self.down:
            raise TemporaryError("the place cannot be reached")
        if call == self.refuses:
            raise TemporaryError(f"the place cannot {call} now")


def _program(workload: Workload) -> Workload:
    return dataclasses.replace(workload, generation=0, replicas=0)


def _reached(split: Split) -> set[str]:
    """The versions that anything of a split reaches."""
    weighed = {version for version, weight in split.weights.items() if weight}
    return weighed | {one.version for one in split.matches} | set(split.mirror)


def _home(split: Split, visitor: int) -> str:
    """A visitor's version: the newest one's visitors keep it while its weight grows."""
    at = visitor * FULL_WEIGHT / _VISITORS
    for version in reversed(list(split.weights)):
        if at < split.weights[version]:
            return version
        at -= split.weights[version]
    return next(iter(split.weights))


def a_workload(service: str, version: str, *, generation: int = 1, replicas: int = 2) -> Workload:
    """A workload that a fake place runs."""
    command = ("serve", service, version)
    return dataclasses.replace(Workload(service, version, generation, command), replicas=replicas)
