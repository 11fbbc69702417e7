"""As-found scalers and budgets: HorizontalPodAutoscaler, ScaledObject, PodDisruptionBudget.

Called by `telford.road.found`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.estate.kinds import running, scaling
from telford.road import spellings
from telford.road.found_values import (
    API_VERSIONS,
    Found,
    Key,
    Object,
    head,
    named,
    percent,
    seconds,
    some,
    written,
    written_times,
)


def scalers(spec: Found, replicas: scaling.Replicas, kind: str) -> Iterator[tuple[Key, Object]]:
    """The scaler of a workload of a Kubernetes kind: by events where there are triggers."""
    if replicas.triggers:
        name = named(spec, "ScaledObject")
        made = by_events(replicas, kind, named(spec, kind))
        yield ("ScaledObject", name), head(spec, "ScaledObject", name) | {"spec": made}
    else:
        name = named(spec, "HorizontalPodAutoscaler")
        made = by_metrics(replicas, kind, named(spec, kind))
        yield (
            ("HorizontalPodAutoscaler", name),
            head(spec, "HorizontalPodAutoscaler", name) | {"spec": made},
        )


def by_metrics(replicas: scaling.Replicas, kind: str, workload: str) -> dict[str, Any]:
    """The specification of the HorizontalPodAutoscaler of a workload; the same on both roads."""
    version = some(apiVersion=API_VERSIONS.get(kind))
    return some(
        scaleTargetRef=version | {"kind": kind, "name": workload},
        **written(replicas, {"min": "minReplicas", "max": "maxReplicas"}),
        metrics=[*_shares(replicas), *map(_metric, replicas.metrics)],
        behavior=_behaviour(replicas),
    )


def _shares(replicas: scaling.Replicas) -> Iterator[dict[str, Any]]:
    """Mean use of the replicas, in percent of what they request."""
    for name, share in (("cpu", replicas.target_cpu), ("memory", replicas.target_memory)):
        if share is not None:
            target = {"type": "Utilization", "averageUtilization": percent(share)}
            yield {"type": "Resource", "resource": {"name": name, "target": target}}


def _metric(metric: scaling.Metric) -> dict[str, Any]:
    selector = some(matchLabels=dict(metric.selector))
    target = {"type": "Value" if metric.average is None else "AverageValue"} | some(
        value=metric.value, averageValue=metric.average
    )
    found = {"metric": {"name": metric.name} | some(selector=selector), "target": target}
    kind = metric.kind.capitalize()
    return {"type": kind, metric.kind: found}


def _behaviour(replicas: scaling.Replicas) -> dict[str, Any]:
    return some(scaleUp=_pace(replicas.up), scaleDown=_pace(replicas.down))


def _pace(pace: scaling.Pace | None) -> dict[str, Any]:
    if pace is None:
        return {}
    return some(
        stabilizationWindowSeconds=seconds(pace.settle),
        selectPolicy=pace.choose,
        policies=[_step(step) for step in pace.steps],
    )


def _step(step: scaling.PaceStep) -> dict[str, Any]:
    kind = "Pods" if step.share is None else "Percent"
    value = step.replicas if step.share is None else percent(step.share)
    return {"type": kind, "value": value, "periodSeconds": seconds(step.every)}


def by_events(replicas: scaling.Replicas, kind: str, workload: str) -> dict[str, Any]:
    """The specification of the ScaledObject of a workload; the same on both roads."""
    target: dict[str, Any] = {"name": workload}
    if kind != "Deployment":
        target |= some(apiVersion=API_VERSIONS.get(kind), kind=kind)
    scaler = some(horizontalPodAutoscalerConfig=some(behavior=_behaviour(replicas)))
    return {"scaleTargetRef": target, **some(advanced=scaler), **events(replicas)}


def events(replicas: scaling.Replicas) -> dict[str, Any]:
    """Bounds, times and triggers, as a ScaledObject and a ScaledJob say them."""
    times = written_times(replicas, spellings.inverse(spellings.SCALED_TIMES))
    return {
        **times,
        **some(idleReplicaCount=replicas.idle),
        "minReplicaCount": replicas.min,
        "maxReplicaCount": replicas.max,
        "triggers": [_trigger(trigger) for trigger in replicas.triggers],
    }


def _trigger(trigger: scaling.Trigger) -> dict[str, Any]:
    credentials = some(name=trigger.authentication)
    return {"type": trigger.type} | some(
        name=trigger.name, metadata=dict(trigger.metadata), authenticationRef=credentials
    )


def budget(
    spec: Found, disruption: running.Disruption, selector: Mapping[str, str]
) -> tuple[Key, Object]:
    """The budget of a workload whose replicas have the labels of `selector`."""
    name = named(spec, "PodDisruptionBudget")
    names = {
        "min_available": "minAvailable",
        "max_unavailable": "maxUnavailable",
        "evict_unready": "unhealthyPodEvictionPolicy",
    }
    own = dict(selector) if disruption.selector is None else dict(disruption.selector)
    given = written(disruption, names) | {"selector": {"matchLabels": own}}
    made = head(spec, "PodDisruptionBudget", name) | {"spec": given}
    return ("PodDisruptionBudget", name), made
