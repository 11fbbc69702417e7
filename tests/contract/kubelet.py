"""What a bare API server lacks, as far as releases see it: a controller of Deployments, a kubelet, a
scheduler without limits, and a controller of Gateway API. In a thread, with hands of its own.

How pods come up is in their images' tags: ``broken`` is never ready, ``missing`` cannot be pulled,
``slow`` takes a second. It is no Kubernetes: it makes what Telford reads, in the order in which a
real cluster would.
"""

import contextlib
import dataclasses
import hashlib
import json
import threading
import time
from typing import Any

from kubelet_hands import Hands

from telford.basics.errors import TelfordError
from telford.ports.objects import Resource

POD = Resource("", "v1", "Pod", "pods", namespaced=True)
SERVICE = Resource("", "v1", "Service", "services", namespaced=True)
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments", namespaced=True)
ROUTE = Resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", namespaced=True)
HASH = "pod-template-hash"
_COST = "controller.kubernetes.io/pod-deletion-cost"
_PAUSE = 0.03


@dataclasses.dataclass
class Kubelet:
    """`with Kubelet(hands, namespace):` keeps a namespace alive until the end of the block.

    `quota` is the most pods there may be; `accepts` is what the gateway says of routes.
    """

    hands: Hands
    namespace: str
    ready_seconds: float = 0.05
    quota: int = 100
    accepts: bool = True
    routes: bool = True
    # The pods that ever were ready, by uid, and how they ended: for questions about capacity.
    log: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    _born: dict[str, float] = dataclasses.field(default_factory=dict)
    _late: dict[str, float] = dataclasses.field(default_factory=dict)
    _number: int = 0
    _quiet: object = None

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Kubelet":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)
        self.hands.close()

    def _run(self) -> None:
        while not self._stop.wait(_PAUSE):
            version = self.hands.version()
            if version is not None and version == self._quiet:
                continue
            # Somebody else wrote in between, or the test made the server fail: next time.
            with contextlib.suppress(TelfordError, KeyError):
                if self.work():
                    self._quiet = version

    def work(self) -> bool:
        """One look, and everything that follows from it. Whether there is nothing to wait for."""
        pods = self.hands.list(POD)
        deployments = self.hands.list(DEPLOYMENT)
        known = {one["metadata"]["uid"] for one in deployments}
        for pod in pods:
            owner = (pod["metadata"].get("ownerReferences") or [{}])[0].get("uid")
            if owner not in known:
                self._end(pod)
        for item in deployments:
            uid = item["metadata"]["uid"]
            mine = [p for p in pods if p["metadata"]["ownerReferences"][0]["uid"] == uid]
            self._deployment(item, mine, len(pods))
        if self.routes:
            services = {one["metadata"]["name"] for one in self.hands.list(SERVICE)}
            for route in self.hands.list(ROUTE):
                self._route(route, services)
        late = {one["metadata"]["generation"] for one in deployments if _unready(one)}
        return not late and all(map(_is_ready, pods))

    # --- Deployments -----------------------------------------------------------------------------

    def _deployment(self, item: dict[str, Any], pods: list[dict[str, Any]], total: int) -> None:
        template = item["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()[:10]
        wanted = item["spec"].get("replicas", 1)
        current = [p for p in pods if p["metadata"]["labels"].get(HASH) == digest]
        old = [p for p in pods if p not in current]
        failure = ""
        for _ in range(wanted - len(current)):
            if total >= self.quota:
                failure = (
                    "exceeded quota: telford, requested: pods=1, used: pods=4, limited: pods=4"
                )
                break
            self._make(item, template, digest)
            total += 1
        for pod in sorted(current, key=_leaves_first)[: max(len(current) - wanted, 0)]:
            self._end(pod)
        for pod in current:
            self._ready(pod)
        serving = sum(map(_is_ready, [*current, *old]))
        for pod in old:
            if not _is_ready(pod) or serving > wanted:
                serving -= _is_ready(pod)
                self._end(pod)
        self._say(item, current, len(current) + len(old), wanted, failure)

    def _make(self, item: dict[str, Any], template: dict[str, Any], digest: str) -> None:
        self._number += 1
        about = item["metadata"]
        meta = template.get("metadata") or {}
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": about["name"]}
        pod = {
            "metadata": {
                "name": f"{about['name']}-{digest[:6]}-{self._number}",
                "namespace": self.namespace,
                "labels": {**(meta.get("labels") or {}), HASH: digest},
                "annotations": dict(meta.get("annotations") or {}),
                "ownerReferences": [{**owner, "uid": about["uid"], "controller": True}],
            },
            "spec": template["spec"],
        }
        uid = self.hands.create(POD, pod)
        if uid:
            self._born[uid] = time.monotonic()

    def _ready(self, pod: dict[str, Any]) -> None:
        if _is_ready(pod):
            return
        image = pod["spec"]["containers"][0]["image"]
        age = time.monotonic() - self._born.setdefault(pod["metadata"]["uid"], time.monotonic())
        if "missing" in image:
            waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
            self._status(POD, pod, _waiting(waiting, 0))
        elif "broken" in image:
            waiting = {
                "reason": "CrashLoopBackOff",
                "message": "back-off restarting failed container",
            }
            self._status(POD, pod, _waiting(waiting, 3))
        elif age >= (1.0 if "slow" in image else self.ready_seconds):
            self.log.append(("ready", pod["metadata"]["name"]))
            state = {"ready": True, "restartCount": 0, "name": "app", "state": {"running": {}}}
            conditions = [{"type": "Ready", "status": "True"}]
            status = {"phase": "Running", "conditions": conditions, "containerStatuses": [state]}
            self._status(POD, pod, status)

    def _end(self, pod: dict[str, Any]) -> None:
        self.log.append(("ended", pod["metadata"]["name"]))
        self.hands.delete(POD, pod)

    def _say(
        self, item: dict[str, Any], current: list[dict[str, Any]], total: int, wanted: int, why: str
    ) -> None:
        ready = sum(map(_is_ready, current))
        about = item["metadata"]
        key = f"{about['uid']}/{about['generation']}"
        since = self._late.setdefault(key, time.monotonic())
        limit = item["spec"].get("progressDeadlineSeconds", 600)
        late = ready < wanted and time.monotonic() - since > limit
        progress = {"type": "Progressing", "status": "False" if late else "True"}
        progress["reason"] = "ProgressDeadlineExceeded" if late else "NewReplicaSetAvailable"
        conditions = [progress]
        if why:
            failed = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
            conditions.append({**failed, "message": why})
        self._status(
            DEPLOYMENT,
            item,
            {
                "observedGeneration": about["generation"],
                "replicas": total,
                "updatedReplicas": len(current),
                "readyReplicas": ready,
                "availableReplicas": ready,
                "conditions": conditions,
            },
        )

    # --- Gateway API -----------------------------------------------------------------------------

    def _route(self, route: dict[str, Any], services: set[str]) -> None:
        named = {r["name"] for rule in route["spec"]["rules"] for r in rule.get("backendRefs", ())}
        missing = named - services
        generation = route["metadata"]["generation"]
        accepted = {"type": "Accepted", "status": "True" if self.accepts else "False"}
        accepted["message"] = "" if self.accepts else "the listener allows no such route"
        resolved = {"type": "ResolvedRefs", "status": "False" if missing else "True"}
        resolved["message"] = f"no Service {', '.join(sorted(missing))}" if missing else ""
        conditions = [
            {**one, "observedGeneration": generation, "reason": "x"} for one in (accepted, resolved)
        ]
        self._status(ROUTE, route, {"parents": [{"conditions": conditions}]})

    def _status(self, resource: Resource, item: dict[str, Any], status: dict[str, Any]) -> None:
        if item.get("status") == status:
            return
        item["status"] = status
        self.hands.status(resource, item)


def _unready(item: dict[str, Any]) -> bool:
    status = item.get("status") or {}
    return status.get("readyReplicas", 0) < item["spec"].get("replicas", 1)


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _waiting(why: dict[str, str], restarts: int) -> dict[str, Any]:
    state = {"name": "app", "ready": False, "restartCount": restarts, "state": {"waiting": why}}
    return {"phase": "Pending", "containerStatuses": [state]}


def _leaves_first(pod: dict[str, Any]) -> tuple[bool, int]:
    """https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/#pod-deletion-cost"""
    cost = (pod["metadata"].get("annotations") or {}).get(_COST, "0")
    return _is_ready(pod), int(cost)
