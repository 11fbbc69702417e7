"""Scalers -> `run.replicas`, in document form: by mean use, by other metrics, by events (KEDA).

Called by `telford.intake.kubernetes.workloads`; the other way is `telford.road.found_scaling`.
"""

from collections.abc import Mapping
from typing import Any

from telford.intake.kubernetes import access
from telford.intake.kubernetes.containers import Fields, duration, renamed, some, times
from telford.intake.kubernetes.objects import Object
from telford.road import spellings

# https://keda.sh/docs/latest/reference/scaledobject-spec/
_KEDA_MIN, _KEDA_MAX = 0, 100


def replicas(scaler: Object) -> Fields:
    """The bounds of a scaler, and what it follows between them."""
    spec = access.mapping(scaler.body, "spec")
    by_events = scaler.kind in ("ScaledObject", "ScaledJob")
    return _by_events(spec) if by_events else _by_metrics(spec)


def _by_metrics(spec: Mapping[str, Any]) -> Fields:
    listed = access.mappings(spec.get("metrics"))
    shares = {name: share for name, share in map(_share, listed) if share is not None}
    metrics = [found for found in map(_metric, listed) if found]
    bounds = {"minReplicas": "min", "maxReplicas": "max"}
    return (
        renamed(spec, bounds)
        | some(targetCpu=shares.get("cpu"), targetMemory=shares.get("memory"), metrics=metrics)
        | _behaviour(access.mapping(spec, "behavior"))
    )


def _share(metric: Mapping[str, Any]) -> tuple[str, str | None]:
    resource = access.mapping(metric, "resource")
    target = access.mapping(resource, "target")
    share = access.whole(target.get("averageUtilization"))
    if target.get("type") != "Utilization" or share is None:
        return "", None
    return access.text(resource.get("name")), f"{share}%"


def _metric(metric: Mapping[str, Any]) -> Fields:
    """A metric of the pods or of something outside; nothing for other kinds."""
    kind = access.text(metric.get("type")).lower()
    if kind not in ("pods", "external"):
        return {}
    found = access.mapping(metric, kind)
    target = access.mapping(found, "target")
    name = access.mapping(found, "metric")
    average = target.get("averageValue")
    return {"kind": kind, "name": name.get("name")} | some(
        value=_amount(target.get("value")),
        average=_amount(average),
        selector=access.texts(access.mapping(name, "selector").get("matchLabels")),
    )


def _amount(value: Any) -> str | None:
    return None if value is None else str(value)


def _behaviour(behaviour: Mapping[str, Any]) -> Fields:
    return some(
        up=_pace(access.mapping(behaviour, "scaleUp")),
        down=_pace(access.mapping(behaviour, "scaleDown")),
    )


def _pace(pace: Mapping[str, Any]) -> Fields:
    return some(
        settle=duration(pace.get("stabilizationWindowSeconds")),
        steps=[_step(item) for item in access.mappings(pace.get("policies"))],
        choose=pace.get("selectPolicy"),
    )


def _step(policy: Mapping[str, Any]) -> Fields:
    value = policy.get("value")
    size = {"replicas": value} if policy.get("type") == "Pods" else {"share": f"{value}%"}
    return size | {"every": duration(policy.get("periodSeconds"))}


def _by_events(spec: Mapping[str, Any]) -> Fields:
    bounds = {
        "min": spec.get("minReplicaCount", _KEDA_MIN),
        "max": spec.get("maxReplicaCount", _KEDA_MAX),
    }
    config = access.mapping(spec, "advanced", "horizontalPodAutoscalerConfig")
    return (
        bounds
        | some(triggers=[_trigger(item) for item in access.mappings(spec.get("triggers"))])
        | _behaviour(access.mapping(config, "behavior"))
        | times(spec, spellings.documented(spellings.SCALED_TIMES))
        | renamed(spec, {"idleReplicaCount": "idle"})
    )


def _trigger(trigger: Mapping[str, Any]) -> Fields:
    credentials = access.mapping(trigger, "authenticationRef")
    return renamed(trigger, {"type": "type", "name": "name"}) | some(
        metadata=access.texts(trigger.get("metadata")), authentication=credentials.get("name")
    )
