"""`replace`: one pod anew, elsewhere where there is an elsewhere. Used by `place`.

The pod is named by its uid, so that a replica which is another one by now is left alone. Where a
PodDisruptionBudget covers it, it is evicted and not deleted. A version's only replica gets another
beside it first, and the scheduler prefers another node for that as long as the first stands.
https://kubernetes.io/docs/reference/labels-annotations-taints/#pod-deletion-cost
"""

import dataclasses

from telford.backends.kubernetes import arms, pods
from telford.backends.kubernetes.ground import Ground, Snapshot, must
from telford.backends.kubernetes.record import Arm, Record
from telford.basics.errors import RefusedError, TemporaryError
from telford.estate.workload import Workload
from telford.ports.objects import Object, Observed

SURGE_SECONDS = 30.0
_REST_SECONDS = 0.5
_COST = "controller.kubernetes.io/pod-deletion-cost"
_FIRST = "-1000"


class Replacer:
    """Replaces pods in one namespace."""

    def __init__(self, on: Ground, surge_seconds: float = SURGE_SECONDS) -> None:
        self._ground = on
        self._surge_seconds = surge_seconds

    def replace(
        self, service: str, version: str, replica: str, incarnation: str, generation: int
    ) -> None:
        """See `ports.Cluster.replace`."""

        def act() -> None:
            self._once(service, version, (replica, incarnation), generation)

        self._ground.decide(act, f"replace {replica}")

    def _once(self, service: str, version: str, which: tuple[str, str], generation: int) -> None:
        seen = self._ground.look()
        kept = seen.record(service)
        arm = kept.arm(version)
        if arm is None:
            raise RefusedError(
                f"{service} has no version {version} in this place", fix="apply it first"
            )
        wanted = kept.fenced(generation, seen.workload_generation(kept), "replacement")
        wanted = self._ground.keep(seen, wanted)
        self._ground.stamp(seen, kept.kind, [one.name for one in kept.arms], wanted.generation)
        pod = seen.get("Pod", which[0])
        if pod is not None and _is(pod, which[1]):
            others = [one for one in seen.pods(kept, arm) if one is not pod and pods.ready(one)]
            if not others and arm.workload.replicas:
                self._surge(seen, kept, arm, pod)
            self._end(seen, pod)
            seen = self._ground.look()
        # Also where the pod went before: who was to take the one more away again may have died.
        item = seen.running(kept, arm)
        if item is not None and item["spec"].get("replicas") == arm.workload.replicas + 1:
            self._scale(seen, kept, arm, arm.workload.replicas)

    def _end(self, seen: Snapshot, pod: Object) -> None:
        about = pod["metadata"]
        name, uid = str(about["name"]), str(about["uid"])
        if _has_budget(seen, pod):
            written = self._ground.server.evict(self._ground.namespace, name, uid)
        else:
            observed = Observed(uid=uid)
            resource = seen.resources["Pod"]
            written = self._ground.server.delete(resource, self._ground.namespace, name, observed)
        if written.reason not in ("missing", "changed"):
            must(written, f"Pod {name}")

    def _surge(self, seen: Snapshot, kept: Record, arm: Arm, pod: Object) -> None:
        """One more beside it, until that is ready; this one will be the first that goes."""
        self._ground.update(seen, "Pod", arms.annotated(pod, {_COST: _FIRST}))
        self._scale(seen, kept, arm, arm.workload.replicas + 1)
        end = self._ground.clock.monotonic() + self._surge_seconds
        while True:
            seen = self._ground.look()
            ready = [one for one in seen.pods(kept, arm) if pods.ready(one)]
            if any(one["metadata"]["uid"] != pod["metadata"]["uid"] for one in ready):
                return
            if self._ground.clock.monotonic() >= end:
                raise TemporaryError(f"no other replica of {arm.name} is ready yet")
            self._ground.rest(seen, "Pod", _REST_SECONDS)

    def _scale(self, seen: Snapshot, kept: Record, arm: Arm, replicas: int) -> None:
        item = seen.running(kept, arm)
        if item is None or (arm.home and seen.scaler(kept) is not None):
            return
        if arm.home:
            after = arms.annotated(item, {})
            after["spec"]["replicas"] = replicas
            self._ground.update(seen, kept.kind, after)
            return
        made = arms.guest(_at(arm.workload, kept.generation), replicas, self._ground.namespace)
        observed = {"resourceVersion": item["metadata"]["resourceVersion"]}
        self._ground.apply(seen, {**made, "metadata": {**made["metadata"], **observed}})


def _at(workload: Workload, generation: int) -> Workload:
    return dataclasses.replace(workload, generation=max(generation, workload.generation))


def _is(pod: Object, uid: str) -> bool:
    """Whether it is the very pod that was meant, and nobody ended it yet."""
    about = pod["metadata"]
    return about["uid"] == uid and not about.get("deletionTimestamp")


def _has_budget(seen: Snapshot, pod: Object) -> bool:
    labels = pod["metadata"].get("labels") or {}
    for budget in seen.of("PodDisruptionBudget"):
        chosen = (budget["spec"].get("selector") or {}).get("matchLabels") or {}
        if chosen and chosen.items() <= labels.items():
            return True
    return False
