"""The place on Kubernetes: `ports.Cluster`, `ports.Router` and `ports.Metrics` for one namespace.

Nothing is kept in memory that matters: what is wanted is in the cluster (`record`), what is there
is looked at anew by every call (`ground`), so any number of controllers may hold one, and the
fences decide who writes. How versions live in a cluster: docs/decisions/0018. Made by
`telford.app.cluster_place`.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telford.backends.kubernetes import applying, pods, removing, replacing, routing, running
from telford.backends.kubernetes.counting import Counting
from telford.backends.kubernetes.ground import Ground, Snapshot
from telford.backends.kubernetes.record import Record
from telford.basics.clock import Clock, SystemClock
from telford.basics.errors import PermanentError, TemporaryError
from telford.estate.observation import Reading, Series
from telford.estate.workload import (
    MIRRORED_SUFFIX,
    Ingress,
    PlaceState,
    ReplicaState,
    Split,
    Workload,
)
from telford.ports.objects import Writes

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a call may wait for the cluster, seconds; it comes back with a `TemporaryError`
    then, and goes on where it was when it is asked again.
    """

    confirm: float = routing.CONFIRM_SECONDS
    move: float = removing.MOVE_SECONDS
    surge: float = replacing.SURGE_SECONDS


class KubernetesPlace:
    """Services in one namespace of one cluster.

    `ways` maps a service to how its requests are divided (`telford.road.traffic_ways`); the others
    are divided by replica counts. Without `counting` there are no counts: `read` raises.
    """

    def __init__(
        self,
        server: Writes,
        namespace: str,
        ways: Mapping[str, str],
        clock: Clock | None = None,
        *,
        counting: Counting | None = None,
        waits: Waits | None = None,
        ingress_url: str = "",
    ) -> None:
        self._clock = clock or SystemClock()
        self._ground = Ground(server, namespace, ways, self._clock)
        chosen = waits or Waits()
        self._router = routing.Router(self._ground, chosen.confirm)
        self._applier = applying.Applier(self._ground, self._router)
        self._remover = removing.Remover(self._ground, self._router, chosen.move)
        self._replacer = replacing.Replacer(self._ground, chosen.surge)
        self._counting = counting
        self.namespace = namespace
        self.ingress_url = ingress_url

    # ---- coming and going, as `LocalPlace`

    @property
    def started_here(self) -> bool:
        """False: a cluster was there before, and stays."""
        return False

    def stop(self) -> None:
        """Nothing ends: what runs in a cluster goes on when its controller does not."""

    def close(self) -> None:
        """Close every connection; what runs goes on."""
        self._ground.server.close()
        if self._counting is not None:
            self._counting.close()

    def reach(self) -> None:
        """Ask the cluster for something small. Raises `OutsideError` where it does not answer."""
        self._ground.reach()

    def bring_up(
        self,
        workloads: Sequence[Workload],
        splits: Sequence[Split],
        ingress: Sequence[Ingress],
        limit_seconds: float = 60.0,
    ) -> None:
        """Start or adopt all, wait until all are ready, then send traffic. What already ran is as
        it was where any of it fails; what is new is left for people to look at.
        """
        for workload in workloads:
            self.apply(workload)
        for workload in workloads:
            self._wait_ready(workload, limit_seconds)
        for split in splits:
            self.route(split)
        self.expose(ingress)

    def _wait_ready(self, workload: Workload, limit_seconds: float) -> None:
        end = self._clock.monotonic() + limit_seconds
        while True:
            found = [
                one
                for one in self.state().replicas
                if (one.service, one.version) == (workload.service, workload.version)
            ]
            ready = sum(one.phase == "ready" for one in found)
            if ready >= workload.replicas:
                return
            said = "; ".join(f"{one.replica}: {one.message}" for one in found if one.message)
            problem = (
                f"{ready} of {workload.replicas} replicas of {workload.service}"
                f" {workload.version} are ready" + (f": {said}" if said else "")
            )
            if found and all(one.phase == "failed" for one in found):
                raise PermanentError(problem, fix="mend what is said, then start again")
            if self._clock.monotonic() >= end:
                raise TemporaryError(problem, fix="start again once they are")
            self._clock.sleep(_POLL_SECONDS)

    # ---- ports.Cluster

    def apply(self, workload: Workload) -> None:
        """See `ports.Cluster.apply`. Raises `RefusedError` for a version that cannot run here
        beside the one that does, `OutsideError` where the cluster cannot be asked.
        """
        self._applier.apply(workload)

    def remove(self, service: str, version: str, generation: int) -> None:
        """See `ports.Cluster.remove`; a version that all requests go to moves home meanwhile."""
        self._remover.remove(service, version, generation)

    def replace(
        self, service: str, version: str, replica: str, incarnation: str, generation: int
    ) -> None:
        """See `ports.Cluster.replace`; `incarnation` is the pod's uid."""
        self._replacer.replace(service, version, replica, incarnation, generation)

    def state(self) -> PlaceState:
        """See `ports.Cluster.state`. A split is said once it is served as it was asked for; what
        others made of it is said as it is, under the generation that it was written at.
        """
        seen = self._ground.look()
        kept = seen.records().values()
        return PlaceState(
            replicas=tuple(one for record in kept for one in _replicas(seen, record)),
            workloads=tuple(one for record in kept for one in _workloads(seen, record)),
            splits=tuple(one for record in kept for one in self._splits(seen, record)),
            ingress_url=self.ingress_url,
        )

    def _splits(self, seen: Snapshot, kept: Record) -> list[Split]:
        served, _ = self._router.served(seen, kept)
        return [served] if served is not None else []

    # ---- ports.Router

    def route(self, split: Split) -> None:
        """See `ports.Router.route`. Raises `RefusedError` for what the way of dividing cannot do."""
        self._router.route(split)

    def expose(self, ingress: Sequence[Ingress]) -> None:
        """See `ports.Router.expose`. Nothing is done: the routes from outside are objects of the
        services themselves, which the estate renders.
        """

    # ---- ports.Metrics

    def read(self) -> Reading:
        """See `ports.Metrics.read`: by pod, whose version the cluster says."""
        if self._counting is None:
            raise TemporaryError(
                "nobody counts requests here",
                fix="name the Prometheus that does: TELFORD_PROMETHEUS",
            )
        return self._counting.read(self._series())

    def _series(self) -> dict[str, Series]:
        """Pod -> series. Whoever gets copies only is counted apart."""
        seen = self._ground.look()
        found = {}
        for kept in seen.records().values():
            for one in _replicas(seen, kept):
                split = kept.split
                copies = split is not None and split.mirror.get(one.version, 0) > 0
                version = f"{one.version}{MIRRORED_SUFFIX}" if copies else one.version
                found[one.replica] = Series(one.service, version, one.replica)
        return found


def _replicas(seen: Snapshot, kept: Record) -> list[ReplicaState]:
    found: list[ReplicaState] = []
    for arm in kept.arms:
        mine = seen.pods(kept, arm)
        item = seen.running(kept, arm)
        if not arm.home:
            found += pods.states(kept.service, arm, mine, item)
            continue
        by_version: dict[str, list[Mapping[str, object]]] = {arm.version: []}
        for pod in mine:
            by_version.setdefault(running.by_pod(pod, kept, item), []).append(pod)
        for version, some in by_version.items():
            found += pods.states(kept.service, pods.as_version(arm, version), some, item)
    return found


def _workloads(seen: Snapshot, kept: Record) -> list[Workload]:
    found = [
        arm.workload for arm in kept.arms if not arm.leaving and applying.shown(seen, kept, arm)
    ]
    home = kept.at_home
    item = seen.running(kept, home) if home else None
    brought = running.foreign(item, kept) if item else ""
    if home and brought:
        # What it is made of is known to whoever put it there.
        found.append(dataclasses.replace(home.workload, version=brought, objects=()))
    return found
