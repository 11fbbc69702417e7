"""`apply`: a version comes to be, or has another size. Used by `place`.

The order is always the same: the record (the fence), the generation on what is there already, what
the pods need, and what runs last. Something new is made without replicas first and gets them once
the record is seen to be the last one still, so that a controller which was overtaken in between
leaves nothing that does anything.
"""

import dataclasses
import math

from telford.backends.kubernetes import arms, pods, running
from telford.backends.kubernetes.ground import ChangedError, Ground, Snapshot
from telford.backends.kubernetes.record import Arm, Made, Record
from telford.backends.kubernetes.routing import Router
from telford.basics.errors import RefusedError
from telford.estate.workload import Workload
from telford.ports.objects import Object
from telford.road import conventions


class Applier:
    """Makes the cluster run what is wanted of a version."""

    def __init__(self, ground: Ground, router: Router) -> None:
        self._ground = ground
        self._router = router

    def apply(self, workload: Workload) -> None:
        """See `ports.Cluster.apply`."""
        arms.main(workload)
        before: list[int] = []
        self._ground.decide(lambda: self._once(workload, before), f"apply {workload.service}")

    def _once(self, workload: Workload, before_it: list[int]) -> None:
        """`before_it` is the generation that the first look found; later ones find our own."""
        seen = self._ground.look()
        kept = seen.record(workload.service)
        arm = kept.arm(workload.version)
        if arm and arm.workload == workload and shown(seen, kept, arm):
            return
        wanted, arm = placed(seen, kept, workload)
        before_it[:] = before_it or [kept.generation]
        _refuse_others(seen, kept, arm, before_it[0])
        wanted = wanted.fenced(
            workload.generation, seen.workload_generation(kept), "workload"
        ).with_arm(arm)
        if not workload.replicas and kept.weight(workload.version):
            raise RefusedError(
                f"version {workload.version} of {workload.service} carries traffic",
                fix="route it elsewhere before it is stopped",
            )
        before = kept.arm(workload.version)
        wanted = self._ground.keep(seen, self._with_made(wanted, arm))
        names = [one.name for one in wanted.arms]
        self._ground.stamp(seen, wanted.kind, names, wanted.generation)
        self._router.fence(seen, wanted)
        if arm.home:
            self._at_home(seen, wanted, arm, before)
        else:
            self._beside(seen, wanted, arm)

    def _beside(self, seen: Snapshot, kept: Record, arm: Arm) -> None:
        """A guest. The common Service is narrowed to the home before the first pod is there."""
        for item in arms.needed_before(arm.workload):
            if self._missing(item):
                self._make(seen, kept, self._owned(item, arm))
        self._router.lead(seen, kept)
        service = arms.guest_service(arm.workload, self._ground.namespace)
        if service is not None:
            there = seen.get("Service", arm.name) or self._make(seen, kept, service)
            self._ground.apply(seen, _as_observed(service, there))
        replicas = capacity(seen, kept, arm.workload.replicas)
        self._run(seen, kept, arms.guest(arm.workload, replicas, self._ground.namespace))

    def _at_home(self, seen: Snapshot, kept: Record, arm: Arm, before: Arm | None) -> None:
        there = seen.running(kept, arm)
        if there is None:
            for item in arms.others(arm.workload):
                self._ground.apply(seen, self._placed(item))
            self._run(seen, kept, self._placed(arms.home(arm.workload, None)))
            return
        same = before is None or before.workload.objects == arm.workload.objects
        changed = not same or running.at_home(there, kept) != arm.version
        item = arms.home(arm.workload, there) if changed else dict(there)
        notes = {
            conventions.ANNOTATION_VERSION: arm.version,
            **arms.generation(kept.generation),
        }
        item = arms.annotated(item, notes)
        if seen.scaler(kept) is None:
            live = int(there["spec"].get("replicas", 1))
            # What is adopted is not made smaller: whoever made it larger had a reason.
            least = live if before is None else 0
            item["spec"]["replicas"] = max(arm.workload.replicas, least)
        self._ground.update(seen, kept.kind, item)

    def _run(self, seen: Snapshot, kept: Record, item: Object) -> None:
        """Make a workload object, or give it what it shall be."""
        kind, name = str(item["kind"]), str(item["metadata"]["name"])
        there = seen.get(kind, name)
        if there is None:
            inert = {**item, "spec": {**item["spec"], "replicas": 0}}
            there = self._make(seen, kept, inert)
        self._ground.apply(seen, _as_observed(item, there))

    def _make(self, seen: Snapshot, kept: Record, item: Object) -> Object:
        """Make something new, and take it back where another controller has moved on meanwhile:
        nothing could be observed that it was decided on. Raises `ChangedError` then.
        """
        kind, name = str(item["kind"]), str(item["metadata"]["name"])
        made = self._ground.create(seen, kind, item)
        if not self._ground.is_kept(seen, kept):
            self._ground.delete(seen, kind, made)
            raise ChangedError(f"{name}: another controller has moved on")
        return made

    def _with_made(self, kept: Record, arm: Arm) -> Record:
        """Remember, before it is done, what will be made for a guest and must go with it."""
        if arm.home or any(one.version == arm.version for one in kept.made):
            return kept
        made = [
            Made(
                str(one["apiVersion"]), str(one["kind"]), str(one["metadata"]["name"]), arm.version
            )
            for one in arms.needed_before(arm.workload)
            if self._missing(one)
        ]
        return dataclasses.replace(kept, made=(*kept.made, *made))

    def _missing(self, item: Object) -> bool:
        resource = self._ground.resource(str(item["apiVersion"]), str(item["kind"]))
        name = str(item["metadata"]["name"])
        listing = self._ground.server.get(resource, self._ground.namespace, name)
        return not listing.items and not listing.refused

    def _owned(self, item: Object, arm: Arm) -> Object:
        """Something that a guest brought, marked as its own."""
        return arms.annotated(self._placed(item), arms.generation(arm.workload.generation))

    def _placed(self, item: Object) -> dict[str, object]:
        return {**item, "metadata": {**item["metadata"], "namespace": self._ground.namespace}}


def placed(seen: Snapshot, kept: Record, workload: Workload) -> tuple[Record, Arm]:
    """Where a version goes: where it is already; home, where nobody is or the same is running
    (adopted); else beside the home. Raises `RefusedError` where that cannot be.
    """
    known = kept.arm(workload.version) or _returning(kept, workload)
    if known is not None:
        return kept, dataclasses.replace(known, workload=workload, leaving=False)
    running = arms.main(workload)
    name = str(running["metadata"]["name"])
    if kept.at_home is None:
        there = seen.get(str(running["kind"]), name)
        home = dataclasses.replace(kept, kind=str(running["kind"]), home=name)
        if there is None:
            home = dataclasses.replace(home, ours=True, adopted=workload.version)
        elif arms.images(there) == arms.images(running):
            home = dataclasses.replace(home, ours=False, adopted=workload.version)
        else:
            raise _other(workload, there)
        return home, Arm(workload.version, name, workload, home=True)
    _refuse_apart(seen, kept, workload)
    guest = arms.guest(workload, 0, "")
    return kept, Arm(workload.version, str(guest["metadata"]["name"]), workload)


def shown(seen: Snapshot, kept: Record, arm: Arm) -> bool:
    """Whether the cluster was told what is wanted of an arm."""
    item = seen.running(kept, arm)
    if item is None or arms.seen_generation(item) < arm.workload.generation:
        return False
    if arm.home and (pods.noted(item), running.at_home(item, kept)) != (arm.version,) * 2:
        return False
    scaled = arm.home and seen.scaler(kept) is not None
    return scaled or int(item["spec"].get("replicas", 1)) >= arm.workload.replicas


def capacity(seen: Snapshot, kept: Record, replicas: int) -> int:
    """A guest's replicas: as many as are asked for, and in the same proportion more where a scaler
    has made the home larger than was known; never more than the scaler's own most.
    """
    scaler, home = seen.scaler(kept), kept.at_home
    item = seen.running(kept, home) if home else None
    if scaler is None or item is None or home is None or not home.workload.replicas:
        return replicas
    grown = int(item["spec"].get("replicas", 1)) / home.workload.replicas
    most = int(scaler["spec"]["maxReplicas"])
    return max(replicas, min(math.ceil(replicas * max(grown, 1.0)), most))


def _as_observed(item: Object, there: Object) -> Object:
    """What is applied to the very object that was looked at."""
    about = there["metadata"]
    observed = {"uid": about["uid"], "resourceVersion": about["resourceVersion"]}
    return {**item, "metadata": {**item["metadata"], **observed}}


def _returning(kept: Record, workload: Workload) -> Arm | None:
    """A version that was about to leave and is wanted again, where it still runs."""
    for one in kept.arms:
        if one.version == workload.version and one.leaving:
            if one.home and kept.whole != workload.version:
                return None
            return one
    return None


def _other(workload: Workload, there: Object) -> RefusedError:
    runs = ", ".join(arms.images(there))
    return RefusedError(
        f"{workload.service} runs {runs} here, which is not version {workload.version}",
        fix=f"begin with the version that runs, then: telford release {workload.service}",
    )


def _refuse_others(seen: Snapshot, kept: Record, arm: Arm, generation: int) -> None:
    """What Git says of the home is put right where that was decided anew (a quarantined version came
    back), and not because an old wish is asked for again.
    """
    there = seen.running(kept, arm) if arm.home and kept.at_home else None
    if there is None or arm.workload.generation > generation or not arms.gitops(there):
        return
    if running.at_home(there, kept) != arm.version:
        raise _other(arm.workload, there)


def _refuse_apart(seen: Snapshot, kept: Record, workload: Workload) -> None:
    """A second version needs pods at home that can be told from its own."""
    home = kept.at_home
    item = seen.running(kept, home) if home else None
    if item is None or not workload.listens or arms.tracked(item):
        return
    label = f"{conventions.LABEL_TRACK}: stable"
    raise RefusedError(
        f"the pods of {kept.home} carry no label {label}, so requests to them cannot be told"
        " from those to another version",
        fix=f"build {workload.service} with its Delivery and apply that once",
    )
