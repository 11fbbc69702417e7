"""Start an estate on this machine, or adopt what already runs: place, services, controller.

`raise_up` is a visible list of steps; whatever fails, everything it had started is stopped and the
reason is raised. `arrange` is the pure part: what to apply, route and bind, from what the estate
says, what the store remembers and what the place runs. Called by `telford up` and `telford demo`.
"""

import contextlib
import dataclasses
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from telford import ports
from telford.app import (
    beside,
    cluster_place,
    controlling,
    gitops,
    objectives,
    places,
    release,
    standing_by,
    wiring,
    workloads,
)
from telford.backends.kubernetes.place import KubernetesPlace
from telford.backends.local import settings as local_settings
from telford.backends.local.place import LocalPlace
from telford.basics import clock as clocks
from telford.basics.errors import RefusedError, TelfordError, TemporaryError
from telford.deliver.policy import FULL_WEIGHT
from telford.estate import overlays
from telford.estate.model import Binding, Estate
from telford.estate.model import Bound as EstateBound
from telford.estate.place import Place
from telford.estate.workload import Ingress, PlaceState, Split, Workload
from telford.flows import boundaries, orders
from telford.flows.carrying import Outside
from telford.flows.controller import Controller, Pace, Report
from telford.operate import promise
from telford.operate.promise import Promise
from telford.store.bindings import Bound
from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store

READY_SECONDS = 60.0
STOP_SECONDS = 10.0
THREAD = "telford-controller"
choose = places.choose


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be started: the estate in one place, on which ingress port (0: a free one).

    `hooks` asks for gates what lies outside; None asks nobody. With `cluster` the services run
    there and not on this machine.
    """

    estate: Estate
    place: Place
    local: workloads.Local
    who: str
    port: int = 0
    pace: Pace = field(default_factory=Pace)
    hooks: ports.Hooks | None = None
    cluster: cluster_place.Cluster | None = None


@dataclass(frozen=True, slots=True)
class Arranged:
    """What `up` will do: workloads to apply in order, splits to route, routes from outside,
    bindings to write, old versions to remove afterwards, and sentences for people.
    """

    apply: tuple[Workload, ...]
    splits: tuple[Split, ...]
    ingress: tuple[Ingress, ...]
    bind: tuple[Bound, ...]
    remove: tuple[tuple[str, str, int], ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class Running:
    """An estate that runs, with its controller in a thread. `failed` is set where that ended by
    itself, and holds why.
    """

    store: Store
    place: LocalPlace | KubernetesPlace
    binding: Binding
    notes: tuple[str, ...]
    ended: threading.Event
    failed: list[BaseException]
    _controlling: controlling.Controlling
    _thread: threading.Thread
    _stop: threading.Event
    _beside: tuple[gitops.Keeping, ...] = ()

    def stop(self) -> None:
        """End the controller; everything else goes on as it is."""
        self._stop.set()
        for one in self._beside:
            one.stop()
        self._thread.join(STOP_SECONDS)
        self._controlling.close()
        self.store.close()
        if isinstance(self.place, KubernetesPlace):
            self.place.close()

    def keep_beside(self, needed: beside.Beside, report: Callable[[Report], None]) -> None:
        """Begin what goes on beside the controller, where the estate asks for it."""
        clock = needed.clock
        self._beside = beside.start(
            needed, lambda said: report(Report(clock.now(), problems=(said,)))
        )

    def stop_all(self) -> None:
        """End the controller, then the services and the data plane, in order."""
        self.stop()
        self.place.stop()


def raise_up(
    request: Request,
    kept: wiring.Files,
    clock: clocks.Clock,
    report: Callable[[Report], None],
    edges: boundaries.Boundaries | None = None,
) -> Running:
    """Start or adopt. Raises what keeps it from running, having stopped what it had started."""
    binding = overlays.bind(request.estate, request.place)
    services = cluster_place.services(binding, on_cluster=request.cluster is not None)
    if request.cluster is not None:
        local = cluster_place.on_cluster(request.local, binding)
        request = dataclasses.replace(request, local=local)
    promises = objectives.promises(binding)
    with contextlib.ExitStack() as undo:
        store = wiring.open_store(kept, clock)
        undo.callback(store.close)
        clock = store.clock
        lease = _lease(request, store)
        undo.callback(store.leases.give_back, lease)
        place = _place(request, kept, binding, promises, clock)
        if place.started_here:
            undo.callback(place.stop)
        if isinstance(place, KubernetesPlace):
            undo.callback(place.close)
        arranged = _bring_up(request, store, lease, place, services)
        watch, pace = controlling.watch(services, promises), request.pace
        found = controlling.control(
            kept, store, lease, place, watch=watch, pace=pace, edges=edges, hooks=request.hooks
        )
        undo.pop_all()
    running = _run(store, place, binding, arranged, found, report)
    running.keep_beside(_beside(request, kept, running, lease), report)
    return running


def _lease(request: Request, store: Store) -> Lease:
    """The right to control the place. Raises `RefusedError` that says who has it, and the way out."""
    place = str(request.place)
    try:
        return controlling.take_lease(store, place, request.pace)
    except RefusedError as refused:
        raise standing_by.occupied(store, place, refused) from refused


def arrange(
    services: Sequence[EstateBound],
    bounds: Mapping[str, Bound],
    releases: Mapping[str, Release],
    state: PlaceState,
    request: Request,
    now: float,
    images: Mapping[str, str] | None = None,
) -> Arranged:
    """What to do for every service. Pure. `bounds` and `releases` (active ones) by address, as are
    `images`: those that were released, where the estate's image does not say them.
    """
    apply: list[Workload] = []
    splits: list[Split] = []
    bind: list[Bound] = []
    remove: list[tuple[str, str, int]] = []
    notes: list[str] = []
    for service in services:
        address = str(service.entity.address)
        bound, underway = bounds.get(address), releases.get(address)
        routed = next((one for one in state.splits if one.service == service.spec.name), None)
        if underway is not None and routed is not None:
            notes.append(f"{address}: release {underway.id} goes on")
            continue
        image = (images or {}).get(address, "")
        wanted, new = _wanted(service, bound, underway, state, request, image)
        if wanted not in state.workloads:
            apply.append(wanted)
        whole = {wanted.version: FULL_WEIGHT}
        if wanted.listens and (routed is None or routed.weights != whole):
            highest = max(wanted.generation, bound.issued if bound else 0)
            splits.append(Split(wanted.service, highest, whole))
        if underway is None:
            if new:
                bind.append(_bound(service, wanted, bound, request, now))
            remove += _leftovers(wanted, state)
        notes += _drift(service, wanted)
    return Arranged(
        apply=tuple(apply),
        splits=tuple(splits),
        ingress=workloads.ingress(tuple(services)),
        bind=tuple(bind),
        remove=tuple(remove),
        notes=tuple(notes),
    )


def _wanted(
    service: EstateBound,
    bound: Bound | None,
    underway: Release | None,
    state: PlaceState,
    request: Request,
    image: str,
) -> tuple[Workload, bool]:
    """The stable workload, and whether it is another one than is bound.

    What runs already under another generation is left as it is; what was bound before and is the
    same starts again under the generation that was given out last.
    """
    if underway is not None:
        stable = orders.workload(underway.workloads["stable"])
        return dataclasses.replace(stable, generation=underway.generation), False
    version = workloads.version_of(service)
    if bound is not None and workloads.listens(service):
        version = bound.version
    issued = bound.issued if bound else 0
    named = image if bound is not None and bound.version == version else ""
    wanted = workloads.workload(service, version, issued, request.local, named)
    for found in state.workloads:
        if dataclasses.replace(found, generation=issued) == wanted:
            return found, bound is None
    if bound is not None:
        before = orders.workload(bound.workload)
        if dataclasses.replace(before, generation=issued) == wanted:
            return wanted, False
    return dataclasses.replace(wanted, generation=issued + 1), True


def _images(store: Store, bounds: Mapping[str, Bound]) -> dict[str, str]:
    """The images that releases named by their digest: what is stable stays that very image."""
    found = {}
    for address, bound in bounds.items():
        version = store.versions.get(address, bound.digest)
        if version is not None and "@" in version.image:
            found[address] = version.image
    return found


def _bound(
    service: EstateBound, wanted: Workload, before: Bound | None, request: Request, now: float
) -> Bound:
    same = before is not None and before.version == wanted.version
    return Bound(
        place=str(request.place),
        service=str(service.entity.address),
        name=wanted.service,
        version=wanted.version,
        digest=before.digest if same and before else release.digest(service, wanted.version),
        generation=wanted.generation,
        issued=wanted.generation,
        workload=orders.workload_json(wanted),
        release=before.release if same and before else None,
        since=before.since if same and before else now,
    )


def _leftovers(wanted: Workload, state: PlaceState) -> list[tuple[str, str, int]]:
    return [
        (one.service, one.version, wanted.generation)
        for one in state.workloads
        if one.service == wanted.service and one.version != wanted.version
    ]


def _drift(service: EstateBound, wanted: Workload) -> list[str]:
    described = workloads.version_of(service)
    if described == wanted.version:
        return []
    address = service.entity.address
    note = f"{address}: {wanted.version} is the stable version here, the estate says {described}"
    return [f"{note}; to move: telford release {wanted.service}"]


def _place(
    request: Request,
    kept: wiring.Files,
    binding: Binding,
    promises: Sequence[Promise],
    clock: clocks.Clock,
) -> LocalPlace | KubernetesPlace:
    """Adopt the place as it runs, or start it with a bucket bound at every threshold."""
    if request.cluster is not None:
        return cluster_place.connect(request.cluster, binding, clock)
    root = kept.place(str(request.place))
    try:
        place = LocalPlace.connect(root, clock)
    except TemporaryError:
        chosen = local_settings.Settings(ingress_port=request.port, bounds_ms=bounds(promises))
        return LocalPlace.start(root, chosen, clock)
    if request.port and not place.ingress_url.endswith(f":{request.port}"):
        raise RefusedError(
            f"{request.place} already runs at {place.ingress_url}",
            fix="stop it first: telford down",
        )
    return place


def bounds(promises: Sequence[Promise]) -> tuple[int, ...]:
    """The histogram's bounds: the usual ladder, and every objective's threshold (whole ms)."""
    thresholds = {promise.threshold_ms(one.sli) for one in promises}
    named = {round(value) for value in thresholds if value is not None and value >= 1}
    return tuple(sorted(named | set(local_settings.DEFAULT_BOUNDS_MS)))


def _bring_up(
    request: Request,
    store: Store,
    lease: Lease,
    place: LocalPlace | KubernetesPlace,
    services: Sequence[EstateBound],
) -> Arranged:
    """Services, routes and bindings; a new version that fails takes nothing else with it."""
    name = str(request.place)
    known = {one.service: one for one in store.bindings.of(name)}
    underway = {one.service: one for one in store.releases.active(name)}
    with store.writing(lease) as writing:
        now = writing.at
    images = _images(store, known)
    arranged = arrange(services, known, underway, place.state(), request, now, images)
    place.bring_up(arranged.apply, arranged.splits, arranged.ingress, READY_SECONDS)
    with store.writing(lease) as writing:
        store.leases.beat(writing)
        for one in arranged.bind:
            store.bindings.bind(writing, one, request.who)
        store.audit.append(writing, request.who, "started", f"place/{name}")
    for service, version, generation in arranged.remove:
        place.remove(service, version, generation)
    return arranged


def _beside(request: Request, kept: wiring.Files, running: Running, lease: Lease) -> beside.Beside:
    outside = Outside(running.place, running.place, running.place)
    return beside.Beside(
        estate=request.estate,
        place=request.place,
        local=request.local,
        store=running.store,
        lease=lease,
        outside=outside,
        state=kept.state,
        clock=running.store.clock,
        # Argo CD and Flux apply to clusters, never to a machine of one's own.
        cluster=isinstance(running.place, KubernetesPlace),
    )


def _run(
    store: Store,
    place: LocalPlace | KubernetesPlace,
    binding: Binding,
    arranged: Arranged,
    found: controlling.Controlling,
    report: Callable[[Report], None],
) -> Running:
    stop, ended = threading.Event(), threading.Event()
    failed: list[BaseException] = []
    thread = threading.Thread(
        target=_loop,
        args=(found.controller, stop, ended, failed, report),
        name=THREAD,
        daemon=True,
    )
    running = Running(store, place, binding, arranged.notes, ended, failed, found, thread, stop)
    thread.start()
    return running


def _loop(
    controller: Controller,
    stop: threading.Event,
    ended: threading.Event,
    failed: list[BaseException],
    report: Callable[[Report], None],
) -> None:
    try:
        controller.run(stop.wait, report)
    except TelfordError as error:
        failed.append(error)
    except Exception as error:  # noqa: BLE001 - a bug in a thread must reach whoever waits
        failed.append(error)
    finally:
        ended.set()
