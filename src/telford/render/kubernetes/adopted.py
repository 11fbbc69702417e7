"""What something as-found adopted of the road, added to the objects that were found.

Each capability says values at paths; a value is added where nothing is there, and never replaces
anything. So adopting one changes exactly what it adds, and what the organisation wrote stays. The
values are those of paved workloads, from the same builders. Called by `target` and, to tell before
what would contradict, by `telford.app.adopt`.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from telford.estate.kinds import running
from telford.estate.model import Binding, Bound
from telford.render.kubernetes import (
    accounts,
    availability,
    containers,
    pods,
    policies,
    probes,
    volumes,
    workloads,
)
from telford.road import capabilities, conventions
from telford.road.openings import Openings
from telford.road.realisation import Realisation
from telford.road.subject import Runs, Subject, subject

Object = dict[str, Any]
# Keys, and ``key=name`` for the item of a list that is called so.
Path = tuple[str, ...]

_WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"})


@dataclass(frozen=True, slots=True)
class Addition:
    """A value for a path of one object that was found (``Deployment/cart``)."""

    object: str
    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class Found:
    """The objects of one as-found workload, and the workload among them, as the road sees it."""

    objects: tuple[Object, ...]
    workload: Object
    about: Subject
    ways: Openings

    @property
    def pod(self) -> Path:
        """Where the pod template is."""
        inside = ("spec", "jobTemplate") if self.workload["kind"] == "CronJob" else ()
        return (*inside, "spec", "template")

    @property
    def template(self) -> Object:
        """The pod template."""
        found: Object = at(self.workload, self.pod) or {}
        return found

    @property
    def containers(self) -> list[Object]:
        """The containers of a replica, those that run first left out."""
        return list(self.template.get("spec", {}).get("containers", ()))

    def say(self, path: Path, value: Any) -> Addition:
        """A value for the workload."""
        return Addition(title(self.workload), path, value)

    def has(self, kind: str) -> bool:
        """Whether there is an object of a kind."""
        return any(item["kind"] == kind for item in self.objects)


def title(item: Object) -> str:
    """``Deployment/cart``."""
    return f"{item['kind']}/{item.get('metadata', {}).get('name', '')}"


def found(
    binding: Binding,
    address: str,
    bound: Bound,
    objects: Sequence[Object],
    ways: Callable[[Subject], Openings],
    held: Realisation,
) -> Found | None:
    """An as-found workload as the road sees it; None where nothing of it runs.

    The selector and the replicas are those that were found: the road's own names and numbers mean
    nothing here. What it adopted is as `held` says.
    """
    workload = next((item for item in objects if item.get("kind") in _WORKLOADS), None)
    if workload is None:
        return None
    about = subject(binding, address, bound, held)
    spec: Runs = about.spec
    template = at(workload, _pod_path(workload["kind"])) or {}
    labels = template.get("metadata", {}).get("labels", {})
    selector = at(workload, ("spec", "selector", "matchLabels")) or labels
    about = replace(about, kind=workload["kind"], selector=dict(selector))
    given = about.run.replicas
    if given is None and "replicas" not in spec.adopted and about.replicas is not None:
        about = replace(about, replicas=1)
    return Found(tuple(objects), workload, about, ways(about))


def _pod_path(kind: str) -> Path:
    return (
        ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
    )


def at(item: Any, path: Path) -> Any:
    """What is at a path of an object, None where nothing is."""
    for step in path:
        key, equals, name = step.partition("=")
        if equals and isinstance(item, list):
            item = next(
                (one for one in item if isinstance(one, dict) and one.get(key) == name), None
            )
        else:
            item = item.get(step) if isinstance(item, dict) else None
    return item


def objects(subject: Found) -> tuple[Object, ...]:
    """Everything that was found, with what was adopted added to it."""
    made = [copy.deepcopy(item) for item in subject.objects]
    by_title = {title(item): item for item in made}
    for name in dict.fromkeys(subject.about.spec.adopted):
        for addition in additions(subject, name):
            _add(by_title[addition.object], addition.path, addition.value)
        made += new_objects(subject, name)
    return tuple(made)


def _add(item: Any, path: Path, value: Any) -> None:
    """Put a value where nothing is; lists on the way are made as their items are named."""
    for index, step in enumerate(path):
        key, equals, name = step.partition("=")
        last = index == len(path) - 1
        if equals and isinstance(item, list):
            known = at(item, (step,))
            if known is None:
                known = copy.deepcopy(value) if last else {key: name}
                item.append(known)
            item = known
        elif last:
            item.setdefault(step, copy.deepcopy(value))
        else:
            following = path[index + 1].partition("=")[1]
            item = item.setdefault(step, [] if following else {})


def additions(subject: Found, name: str) -> Iterator[Addition]:
    """What a capability says of objects that were found, whether something is there or not."""
    fits = name in _ADDITIONS and _fits(subject, name)
    return _ADDITIONS[name](subject) if fits else iter(())


def _fits(subject: Found, name: str) -> bool:
    """Whether a capability is for this kind of workload; a document may name others."""
    kind = subject.workload["kind"]
    return any(one.name == name and kind in one.kinds for one in capabilities.every())


def new_objects(subject: Found, name: str) -> list[Object]:
    """The objects that a capability makes."""
    fits = name in _OBJECTS and _fits(subject, name)
    made = _OBJECTS[name](subject) if fits else []
    return [_beside(subject, item) for item in made]


def _beside(subject: Found, item: Object) -> Object:
    """A new object in the namespace in which the workload was found, if that was said."""
    metadata = dict(item["metadata"])
    metadata.pop("namespace", None)
    namespace = subject.workload.get("metadata", {}).get("namespace")
    if namespace:
        metadata = {"name": metadata.pop("name"), "namespace": namespace, **metadata}
    return {**item, "metadata": metadata}


def _labels(subject: Found) -> Iterator[Addition]:
    about = subject.about
    for item in subject.objects:
        for key, value in about.labels.items():
            yield Addition(title(item), ("metadata", "labels", key), value)
        for key in (conventions.ANNOTATION_ADDRESS, conventions.ANNOTATION_OWNER):
            if key in about.annotations:
                where = ("metadata", "annotations", key)
                yield Addition(title(item), where, about.annotations[key])
    for key, value in about.labels.items():
        yield subject.say((*subject.pod, "metadata", "labels", key), value)
    address = (*subject.pod, "metadata", "annotations", conventions.ANNOTATION_ADDRESS)
    yield subject.say(address, about.address)


def _probes(subject: Found) -> Iterator[Addition]:
    """Probes of the road for the main container, on a port that it has."""
    about = subject.about
    if not about.run.ports or not subject.containers:
        return
    main = subject.containers[0]
    named = {port.get("name") for port in main.get("ports", ())}
    where = (*subject.pod, "spec", "containers", f"name={main['name']}")
    asked = replace(about, run=about.run.model_copy(update={"health": running.Health()}))
    own = main.get("readinessProbe", {})
    for key, probe in probes.main(asked).items():
        made = _numbered(probe, about, named)
        if key == "startupProbe" and own:
            # It is up once it is ready in the way that it says itself.
            made = probes.asked_alike(own, made)
        yield subject.say((*where, key), made)


def _numbered(probe: Object, about: Subject, named: set[str]) -> Object:
    """The probe with a port's number where the container does not name the port."""
    numbers = {port.name: port.port for port in about.ports}
    made = copy.deepcopy(probe)
    for way in ("httpGet", "tcpSocket"):
        port = made.get(way, {}).get("port")
        if isinstance(port, str) and port not in named:
            made[way]["port"] = numbers.get(port, port)
    return made


def _resources(subject: Found) -> Iterator[Addition]:
    """The road's requests and memory limit; what a container says itself decides about the rest."""
    run = subject.about.run
    given = {run.container or subject.about.name: run.resources}
    given |= {sidecar.name: sidecar.resources for sidecar in run.sidecars}
    for container in subject.containers:
        where = (*subject.pod, "spec", "containers", f"name={container['name']}", "resources")
        made = containers.resources(
            given.get(container["name"], running.Resources()), subject.about.road
        )
        for key in ("cpu", "memory"):
            yield subject.say((*where, "requests", key), made["requests"][key])
        yield subject.say((*where, "limits", "memory"), made["limits"]["memory"])


def _security(subject: Found) -> Iterator[Addition]:
    where = (*subject.pod, "spec")
    restricted = pods.restricted(subject.about.road.security)
    for key, value in restricted.items():
        yield subject.say((*where, "securityContext", key), value)
    spec = subject.template.get("spec", {})
    for kind in ("initContainers", "containers"):
        for container in spec.get(kind, ()):
            own = (*where, kind, f"name={container['name']}")
            made = containers.security_context(
                running.Security(), None, subject.about.road.security
            )
            for key, value in made.items():
                yield subject.say((*own, "securityContext", key), value)
            yield from _scratch(subject, container, own)
    if volumes.needs_scratch(subject.about):
        size = subject.about.road.scratch_size
        scratch = {"name": volumes.SCRATCH_NAME, "emptyDir": {"sizeLimit": size}}
        yield subject.say((*where, "volumes", f"name={volumes.SCRATCH_NAME}"), scratch)


def _scratch(subject: Found, container: Object, own: Path) -> Iterator[Addition]:
    """Somewhere to write, for a container whose root becomes read-only."""
    writable = container.get("securityContext", {}).get("readOnlyRootFilesystem") is False
    if not writable and volumes.needs_scratch(subject.about):
        path = subject.about.road.scratch_path
        mount = {"name": volumes.SCRATCH_NAME, "mountPath": path}
        yield subject.say((*own, "volumeMounts", f"mountPath={path}"), mount)


def _account(subject: Found) -> Iterator[Addition]:
    where = (*subject.pod, "spec")
    yield subject.say((*where, "serviceAccountName"), subject.about.account)
    yield subject.say((*where, "automountServiceAccountToken"), False)


def _own_account(subject: Found) -> list[Object]:
    taken = at(subject.template, ("spec", "serviceAccountName")) or subject.about.account
    if taken != subject.about.name or subject.has("ServiceAccount"):
        return []
    return accounts.accounts(subject.about)


def _spread(subject: Found) -> Iterator[Addition]:
    if subject.about.least > 1:
        where = (*subject.pod, "spec", "topologySpreadConstraints")
        yield subject.say(where, pods.spread(subject.about))


def _disruption(subject: Found) -> list[Object]:
    if subject.has("PodDisruptionBudget"):
        return []
    return availability.disruption_budgets(subject.about)


def _rollout(subject: Found) -> Iterator[Addition]:
    yield subject.say(("spec", "revisionHistoryLimit"), subject.about.road.revision_history)
    strategy = at(subject.workload, ("spec", "strategy")) or {}
    if subject.workload["kind"] == "Deployment" and strategy.get("type") != "Recreate":
        made = workloads.strategy(running.Rollout(), subject.about.road)
        yield subject.say(("spec", "strategy", "type"), made["type"])
        for key, value in made["rollingUpdate"].items():
            yield subject.say(("spec", "strategy", "rollingUpdate", key), value)


def _replicas(subject: Found) -> Iterator[Addition]:
    if isinstance(subject.about.replicas, int) and not subject.has("HorizontalPodAutoscaler"):
        yield subject.say(("spec", "replicas"), subject.about.replicas)


def _jobs(subject: Found) -> Iterator[Addition]:
    road = subject.about.road.jobs
    inside: Path = ("spec",)
    if subject.workload["kind"] == "CronJob":
        inside = ("spec", "jobTemplate", "spec")
        yield subject.say(("spec", "concurrencyPolicy"), road.concurrency)
    yield subject.say((*inside, "backoffLimit"), road.backoff)
    yield subject.say((*inside, "ttlSecondsAfterFinished"), road.ttl_seconds)


def _policies(subject: Found) -> list[Object]:
    return policies.policies(subject.about, subject.ways)


# One function a capability, for what it adds to objects and for the objects it makes.
_ADDITIONS: Mapping[str, Callable[[Found], Iterator[Addition]]] = {
    "labels": _labels,
    "probes": _probes,
    "resources": _resources,
    "security": _security,
    "account": _account,
    "spread": _spread,
    "rollout": _rollout,
    "replicas": _replicas,
    "jobs": _jobs,
}
_OBJECTS: Mapping[str, Callable[[Found], list[Object]]] = {
    "account": _own_account,
    "network": _policies,
    "disruption": _disruption,
}
