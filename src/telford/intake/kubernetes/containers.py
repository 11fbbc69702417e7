"""One container -> the fields of `telford.estate.kinds.running.Container`, in document form.

What has no field, or not the expected form, is left out here and carried later: nothing in this
module decides what is lost. Called by `telford.intake.kubernetes.pods`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from telford.basics import units
from telford.intake.kubernetes import access
from telford.road import spellings

Fields = dict[str, Any]

_TIMES = {
    "initialDelaySeconds": "delay",
    "periodSeconds": "every",
    "timeoutSeconds": "timeout",
    "terminationGracePeriodSeconds": "grace",
}
_COUNTS = {"failureThreshold": "failures", "successThreshold": "successes"}
_AMOUNTS = {"cpu": "cpu", "memory": "memory", "ephemeral-storage": "ephemeralStorage"}
_PROBES = {"readinessProbe": "ready", "livenessProbe": "live", "startupProbe": "startup"}


def some(**fields: Any) -> Fields:
    """The fields that have a value; None and empty collections are left out."""
    return {key: value for key, value in fields.items() if value not in (None, {}, [], "")}


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> Fields:
    """Those of the keys that are there, under new names."""
    return {new: value[old] for old, new in names.items() if old in value}


def times(value: Mapping[str, Any], names: Mapping[str, str]) -> Fields:
    """Those of the keys that count seconds, as durations under new names."""
    found = {new: duration(item) for new, item in renamed(value, names).items()}
    return {key: item for key, item in found.items() if item is not None}


def duration(value: Any) -> str | None:
    """Kubernetes' whole seconds as a duration."""
    number = access.whole(value)
    return None if number is None or number < 0 else units.duration_text(Decimal(number))


def quantity(value: Any) -> Any:
    """A quantity as text: Kubernetes takes ``1`` and ``"1"`` for the same."""
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def fields(container: Mapping[str, Any], configs: Mapping[str, str]) -> Fields:
    """The fields that every container has. `configs` maps the ConfigMaps of the namespace, by
    name, to the reference under which the estate knows them.
    """
    return some(
        image=container.get("image"),
        pull=container.get("imagePullPolicy"),
        command=container.get("command"),
        args=container.get("args"),
        workingDirectory=container.get("workingDir"),
        ports=_ports(container.get("ports")),
        env=_environment(container.get("env"), configs),
        envFrom=_sources(container.get("envFrom"), configs),
        resources=_resources(access.mapping(container, "resources")),
        health=_health(container),
        beforeStop=_hook(access.mapping(container, "lifecycle", "preStop")),
        afterStart=_hook(access.mapping(container, "lifecycle", "postStart")),
    ) | renamed(container, spellings.documented(spellings.CONTAINER))


def security(context: Mapping[str, Any]) -> Fields:
    """What a container's security context says for itself."""
    capabilities = access.mapping(context, "capabilities")
    names = ("readOnlyRootFilesystem", "allowPrivilegeEscalation", "privileged")
    return renamed(context, {name: name for name in names}) | some(
        dropCapabilities=capabilities.get("drop"), addCapabilities=capabilities.get("add")
    )


def identity(context: Mapping[str, Any]) -> Fields:
    """Which user, group and system calls: what a pod or a container may say."""
    names = ("runAsUser", "runAsGroup", "runAsNonRoot")
    return renamed(context, {name: name for name in names}) | some(
        seccomp=access.mapping(context, "seccompProfile").get("type")
    )


def _ports(value: Any) -> list[Fields]:
    ports = access.mappings(value)
    names = {
        "name": "name",
        "containerPort": "port",
        "protocol": "protocol",
        "hostPort": "hostPort",
    }
    unnamed = [port for port in ports if "name" not in port]
    taken = [port.get("name") for port in ports]
    # The model calls a single port `http` unless it is told; several need names of their own.
    telling = len(unnamed) > 1 or "http" in taken
    mapped = []
    for port in ports:
        found = renamed(port, names)
        if telling and "name" not in port:
            found = {"name": f"port-{port.get('containerPort')}", **found}
        mapped.append(found)
    return mapped


def _environment(value: Any, configs: Mapping[str, str]) -> Fields:
    """The variables; none where a name is there twice, for a mapping cannot say that."""
    variables = access.mappings(value)
    names = [access.text(variable.get("name")) for variable in variables]
    if len(set(names)) != len(names) or not all(names):
        return {}
    found = {
        name: _variable(variable, configs) for name, variable in zip(names, variables, strict=True)
    }
    return {name: meaning for name, meaning in found.items() if meaning is not None}


def _variable(variable: Mapping[str, Any], configs: Mapping[str, str]) -> Any:
    source = access.mapping(variable, "valueFrom")
    if not source:
        return variable.get("value", "") if "valueFrom" not in variable else None
    field = access.mapping(source, "fieldRef").get("fieldPath")
    if field is not None:
        return {"field": field}
    amount = access.mapping(source, "resourceFieldRef")
    if amount:
        names = {"resource": "resource", "containerName": "container", "divisor": "divisor"}
        return renamed(amount, names)
    config = access.mapping(source, "configMapKeyRef")
    if config:
        return _config(config, configs) | renamed(config, {"key": "key", "optional": "optional"})
    secret = access.mapping(source, "secretKeyRef")
    names = {"name": "secret", "key": "key", "optional": "optional"}
    return renamed(secret, names) if "name" in secret else None


def _config(reference: Mapping[str, Any], configs: Mapping[str, str]) -> Fields:
    """How the estate calls a ConfigMap; one that is not in the input is elsewhere."""
    name = access.text(reference.get("name"))
    if name in configs:
        return {"config": configs[name]}
    known = {} if reference.get("optional") is True else {"elsewhere": True}
    return {"config": reference.get("name")} | known


def _sources(value: Any, configs: Mapping[str, str]) -> list[Fields]:
    mapped = []
    for source in access.mappings(value):
        config = access.mapping(source, "configMapRef")
        secret = access.mapping(source, "secretRef")
        rest = renamed(source, {"prefix": "prefix"})
        if config:
            rest |= _config(config, configs) | renamed(config, {"optional": "optional"})
        else:
            rest |= renamed(secret, {"name": "secret", "optional": "optional"})
        mapped.append(rest)
    return mapped


def _resources(resources: Mapping[str, Any]) -> Fields:
    return some(
        requests=_amounts(access.mapping(resources, "requests")),
        limits=_amounts(access.mapping(resources, "limits")),
    )


def _amounts(amounts: Mapping[str, Any]) -> Fields:
    found = {key: quantity(value) for key, value in renamed(amounts, _AMOUNTS).items()}
    devices = {key: quantity(value) for key, value in amounts.items() if key not in _AMOUNTS}
    return found | some(devices=devices)


def _health(container: Mapping[str, Any]) -> Fields:
    found = {new: _probe(access.mapping(container, old)) for old, new in _PROBES.items()}
    return {name: probe for name, probe in found.items() if probe}


def _probe(probe: Mapping[str, Any]) -> Fields:
    way = _way(probe)
    if not way:
        return {}
    return way | times(probe, _TIMES) | renamed(probe, _COUNTS)


def _way(probe: Mapping[str, Any]) -> Fields:
    http, grpc = access.mapping(probe, "httpGet"), access.mapping(probe, "grpc")
    if http:
        headers = [
            renamed(header, {"name": "name", "value": "value"})
            for header in access.mappings(http.get("httpHeaders"))
        ]
        rest = renamed(http, {"port": "port", "scheme": "scheme"})
        return {"path": http.get("path", "/")} | rest | some(headers=headers)
    if "tcpSocket" in probe:
        return {"tcp": True} | renamed(access.mapping(probe, "tcpSocket"), {"port": "port"})
    if "grpc" in probe:
        return {"grpc": True} | renamed(grpc, {"port": "port", "service": "grpcService"})
    return some(command=access.mapping(probe, "exec").get("command"))


def _hook(hook: Mapping[str, Any]) -> Fields:
    return some(
        sleep=duration(access.mapping(hook, "sleep").get("seconds")),
        command=access.mapping(hook, "exec").get("command"),
    )
