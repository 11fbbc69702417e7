"""Environment variables of a container, and where their values come from. Called by `pods`."""

from typing import Any

from telford.estate.kinds import running
from telford.road.found_values import written
from telford.road.subject import Subject


def object_name(reference: str) -> str:
    """The Kubernetes name behind a reference: ``shop.settings`` is the object ``settings``."""
    return reference.rpartition(".")[2]


def variables(container: running.Container) -> list[dict[str, Any]]:
    """In written order: a value may speak of one above it."""
    return [_variable(name, value) for name, value in container.env.items()]


def road_variables(subject: Subject) -> list[dict[str, Any]]:
    """PORT, where the port is the road's and nobody else says it."""
    if subject.assumed_port and "PORT" not in subject.run.env:
        return [{"name": "PORT", "value": str(subject.ports[0].port)}]
    return []


def _variable(name: str, value: str | running.EnvironmentReference) -> dict[str, Any]:
    if isinstance(value, str):
        return {"name": name, "value": value}
    if value.field is not None:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": value.field}}}
    if value.resource is not None:
        names = {"resource": "resource", "container": "containerName", "divisor": "divisor"}
        return {"name": name, "valueFrom": {"resourceFieldRef": written(value, names)}}
    kind = "configMapKeyRef" if value.config is not None else "secretKeyRef"
    reference = value.config if value.config is not None else value.secret
    source: dict[str, Any] = {"name": object_name(reference or ""), "key": value.key or name}
    if value.optional:
        source["optional"] = True
    return {"name": name, "valueFrom": {kind: source}}


def sources(container: running.Container) -> list[dict[str, Any]]:
    """Whole Configs and Secrets as variables."""
    return [_source(source) for source in container.env_from]


def _source(source: running.EnvironmentSource) -> dict[str, Any]:
    kind = "configMapRef" if source.config is not None else "secretRef"
    named: dict[str, Any] = {"name": object_name(source.config or source.secret or "")}
    if source.optional:
        named["optional"] = True
    prefix = {"prefix": source.prefix} if source.prefix else {}
    return {**prefix, kind: named}


def configs(run: running.Run) -> tuple[str, ...]:
    """Every Config that a workload's containers read, as it is referred to."""
    names = [v.source or v.name for v in run.volumes if v.type == "config"]
    for container in (run, *run.sidecars, *run.initialise):
        values = container.env.values()
        names += [
            v.config for v in values if not isinstance(v, str) and v.config and not v.elsewhere
        ]
        names += [s.config for s in container.env_from if s.config and not s.elsewhere]
    return tuple(dict.fromkeys(names))
