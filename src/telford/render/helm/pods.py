"""A workload's pods as values. Called by `workloads`."""

from typing import Any

from telford.render.artifacts import Object
from telford.render.helm.taking import Taken, UnsaidError, Values, named
from telford.road import conventions

# Field of a pod's specification -> its name as a value. The chart has the same table (`_pod.tpl`).
_POD = {
    "serviceAccountName": "runsAs",
    "automountServiceAccountToken": "mountToken",
    "enableServiceLinks": "serviceLinks",
    "restartPolicy": "restart",
    "terminationGracePeriodSeconds": "stopSeconds",
    "nodeSelector": "nodeSelector",
    "tolerations": "tolerations",
    "securityContext": "podSecurity",
    "volumes": "volumes",
    "affinity": "affinity",
    "priorityClassName": "priorityClass",
    "preemptionPolicy": "preemption",
    "runtimeClassName": "runtimeClass",
    "schedulerName": "scheduler",
    "hostNetwork": "hostNetwork",
    "hostPID": "hostProcesses",
    "hostIPC": "hostMemory",
    "shareProcessNamespace": "shareProcesses",
    "hostname": "hostname",
    "subdomain": "subdomain",
    "dnsPolicy": "dnsPolicy",
    "dnsConfig": "dns",
    "hostAliases": "hostAliases",
}
_CONTAINER = {
    "image": "image",
    "imagePullPolicy": "pull",
    "command": "command",
    "args": "args",
    "workingDir": "workingDirectory",
    "resources": "resources",
    "readinessProbe": "ready",
    "livenessProbe": "live",
    "startupProbe": "startup",
    "lifecycle": "lifecycle",
    "tty": "tty",
    "stdin": "stdin",
    "terminationMessagePath": "messagePath",
    "terminationMessagePolicy": "messagePolicy",
    "securityContext": "security",
    "volumeMounts": "mounts",
    "restartPolicy": "restart",
}
_PORT = {"name": "name", "containerPort": "port", "protocol": "protocol", "hostPort": "hostPort"}


def template(
    found: Taken, labels: dict[str, str], selector: dict[str, str], address: str
) -> Values:
    """The values of a pod template. `labels` are those that the chart gives it by itself, none where
    it gives none; `selector` those that select it; `address` is "" where it says none.
    """
    metadata, spec = found.inside("metadata"), found.inside("spec")
    found.done()
    own = _beyond(metadata.take("labels", {}), labels)
    notes = dict(metadata.take("annotations", {}))
    if address and notes.pop(conventions.ANNOTATION_ADDRESS, None) != address:
        raise UnsaidError("the address of the pods")
    digest = notes.pop(conventions.ANNOTATION_CONFIG, "") if address else ""
    made = {
        "podName": metadata.take("name"),
        "podLabels": own,
        "podAnnotations": notes,
        "configDigest": digest,
    }
    metadata.done()
    return {key: value for key, value in made.items() if value} | _pod(spec, selector)


def _beyond(found: dict[str, str], given: dict[str, str]) -> dict[str, str]:
    """The labels beside those that are given. Raises `UnsaidError` where one of these differs."""
    if any(found.get(key) != value for key, value in given.items()):
        raise UnsaidError("the labels of the pods")
    return {key: value for key, value in found.items() if key not in given}


def _pod(spec: Taken, selector: dict[str, str]) -> Values:
    made = spec.renamed(_POD)
    spread = spec.take("topologySpreadConstraints")
    if spread is not None:
        keys = _spread(spread, selector)
        made |= {"spread": keys} if keys else {"topologySpread": spread}
    secrets = named(spec.take("imagePullSecrets", ()), "imagePullSecrets")
    first = [container(item) for item in spec.take("initContainers", ())]
    made |= {"pullSecrets": secrets} if secrets else {}
    made |= {"initialise": first} if first else {}
    made["containers"] = [container(item) for item in spec.take("containers", ())]
    spec.done()
    return made


def _spread(found: list[Object], selector: dict[str, str]) -> list[str]:
    """The keys that replicas are spread over, where all is as the road says it; else none."""
    keys = [str(item.get("topologyKey")) for item in found]
    usual = [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": selector},
        }
        for key in keys
    ]
    return keys if usual == found else []


def container(item: Any) -> Values:
    """The values of one container."""
    found = Taken(item, "container")
    made = {"name": found.take("name"), **found.renamed(_CONTAINER)}
    lists = {
        "ports": [_port(one) for one in found.take("ports", ())],
        "env": [_variable(one) for one in found.take("env", ())],
        "envFrom": [_variables(one) for one in found.take("envFrom", ())],
    }
    found.done()
    return made | {key: value for key, value in lists.items() if value}


def _port(item: Any) -> Values:
    found = Taken(item, "container.ports")
    made = found.renamed(_PORT)
    found.done()
    return made


def _variable(item: Any) -> Values:
    found = Taken(item, "container.env")
    made = found.renamed({"name": "name", "value": "value"})
    source = found.inside("valueFrom")
    found.done()
    for kind, name in (("configMapKeyRef", "config"), ("secretKeyRef", "secret")):
        reference = source.take(kind)
        if reference is not None:
            made |= _reference(reference, name, {"key": "key", "optional": "optional"})
    field, amount = source.inside("fieldRef"), source.inside("resourceFieldRef")
    made |= field.renamed({"fieldPath": "field"})
    made |= amount.renamed(
        {"resource": "resource", "containerName": "container", "divisor": "divisor"}
    )
    for one in (field, amount, source):
        one.done()
    return made


def _variables(item: Any) -> Values:
    found = Taken(item, "container.envFrom")
    made = found.renamed({"prefix": "prefix"})
    for kind, name in (("configMapRef", "config"), ("secretRef", "secret")):
        reference = found.take(kind)
        if reference is not None:
            made |= _reference(reference, name, {"optional": "optional"})
    found.done()
    return made


def _reference(item: Any, name: str, more: dict[str, str]) -> Values:
    found = Taken(item, "container.reference")
    made = {name: found.take("name"), **found.renamed(more)}
    found.done()
    return made
