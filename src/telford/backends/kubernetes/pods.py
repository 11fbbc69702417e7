"""Pods as replicas, with what is wrong with them in words. Pure; used by `place`.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from telford.backends.kubernetes.record import Arm
from telford.estate.workload import ReplicaState
from telford.ports.objects import Object
from telford.road import conventions

# What no waiting mends.
_HOPELESS = {
    "InvalidImageName": "its image has no valid name",
    "ErrImageNeverPull": "its image is not on the node, and may not be pulled",
    "CreateContainerConfigError": "a Config or Secret that it reads is not there",
    "RunContainerError": "its container cannot be run",
}
_PULLING = {"ErrImagePull", "ImagePullBackOff"}
_CRASHING = "CrashLoopBackOff"
# As the local place: what ended so often and was never ready does not come up.
CRASHES = 3


def states(
    service: str, arm: Arm, pods: Iterable[Object], item: Object | None
) -> list[ReplicaState]:
    """The replicas of one arm; those that could not even be made are named after it."""
    late = overdue(item) if item else ""
    found = [_state(service, arm.version, pod, late) for pod in pods]
    made = [one for one in found if one.phase != "stopping"]
    why = _not_made(item) if item else ""
    if why and not made and not arm.leaving:
        phase = "failed" if late else "starting"
        missing = f"{arm.name}-missing"
        found.append(ReplicaState(service, arm.version, missing, phase, 0, 0, 0, why))
    return found


def ready(pod: Object) -> bool:
    """Whether requests are sent to it."""
    return not _leaving(pod) and _condition(pod, "Ready").get("status") == "True"


def overdue(item: Object) -> str:
    """Why a workload object's rollout is given up; "" while it goes on.

    https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment
    """
    said = _condition(item, "Progressing")
    if said.get("reason") != "ProgressDeadlineExceeded":
        return ""
    limit = item["spec"].get("progressDeadlineSeconds", 600)
    return f"it made no progress for {limit} s"


def settled(item: Object, replicas: int) -> bool:
    """Whether every pod of a workload object is of its present template, and ready."""
    status = item.get("status") or {}
    current = int(status.get("observedGeneration", 0)) >= int(item["metadata"]["generation"])
    wanted = max(replicas, int(item["spec"].get("replicas", 1)))
    total = status.get("replicas", 0)
    counts = (status.get("updatedReplicas", 0), status.get("readyReplicas", 0))
    return current and total <= wanted and all(int(one) >= wanted for one in counts)


def _state(service: str, version: str, pod: Object, late: str) -> ReplicaState:
    about = pod["metadata"]
    phase, message = _phase(pod)
    if late and phase in ("starting", "backing-off"):
        phase, message = "failed", f"{late}: {message}" if message else late
    return ReplicaState(
        service=service,
        version=version,
        replica=str(about["name"]),
        phase=phase,
        port=0,
        pid=0,
        restarts=_restarts(pod),
        message=message,
        incarnation=str(about["uid"]),
    )


def _phase(pod: Object) -> tuple[str, str]:
    if _leaving(pod):
        return "stopping", ""
    if ready(pod):
        return "ready", ""
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Failed", "Succeeded"):
        return "failed", str(pod["status"].get("message") or f"its pod has {phase.lower()}")
    for waiting in _waiting(pod):
        if told := _told(pod, waiting):
            return told
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return "starting", f"no node takes it: {scheduled.get('message', 'unschedulable')}"
    if phase == "Running":
        return "starting", "it is not ready yet"
    return "starting", ""


def _told(pod: Object, waiting: Mapping[str, Any]) -> tuple[str, str] | None:
    reason, said = str(waiting.get("reason", "")), str(waiting.get("message", ""))
    detail = f": {said}" if said else ""
    if reason in _HOPELESS:
        return "failed", f"{_HOPELESS[reason]}{detail}"
    if reason in _PULLING:
        return "backing-off", f"its image cannot be pulled{detail}"
    if reason == _CRASHING:
        times = _restarts(pod)
        phase = "failed" if times >= CRASHES else "backing-off"
        return phase, f"it ended {times} times and is not ready{detail}"
    return None


def _waiting(pod: Object) -> Iterator[Mapping[str, Any]]:
    status = pod.get("status") or {}
    for key in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(key) or ():
            waiting = (one.get("state") or {}).get("waiting")
            if waiting:
                yield waiting


def _restarts(pod: Object) -> int:
    said = (pod.get("status") or {}).get("containerStatuses") or ()
    return sum(int(one.get("restartCount", 0)) for one in said)


def _leaving(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def _not_made(item: Object) -> str:
    """Why a workload object has no pods, in the server's words (a quota, an admission)."""
    said = _condition(item, "ReplicaFailure")
    if said.get("status") != "True":
        return overdue(item)
    return f"its pods may not be made: {said.get('message', said.get('reason', ''))}"


def _condition(item: Object, kind: str) -> Mapping[str, Any]:
    for one in (item.get("status") or {}).get("conditions") or ():
        if one.get("type") == kind:
            return dict(one)
    return {}


def noted(item: Object) -> str:
    """The version that an object, a template or a pod says of itself; "" where none is said."""
    notes = (item.get("metadata") or {}).get("annotations") or {}
    return str(notes.get(conventions.ANNOTATION_VERSION, ""))


def as_version(arm: Arm, version: str) -> Arm:
    """An arm as far as it runs one version: the home has pods of two while it moves."""
    return dataclasses.replace(arm, version=version)
