"""HorizontalPodAutoscaler and PodDisruptionBudget. Called by `target`."""

from decimal import ROUND_CEILING
from typing import Any

from telford.basics import units
from telford.estate.kinds import running
from telford.road import found_access, found_scaling, found_values
from telford.road.subject import Subject


def scalers(subject: Subject) -> list[dict[str, Any]]:
    """A scaler where replicas have two bounds."""
    replicas = subject.replicas
    if not isinstance(replicas, running.Replicas):
        return []
    if replicas.triggers:
        made = found_scaling.by_events(replicas, subject.kind, subject.name)
        return [_object(subject, "ScaledObject", made)]
    bounds: dict[str, int | str] = {"min": max(replicas.min, 1), "max": max(replicas.max, 1)}
    if not (replicas.target_cpu or replicas.target_memory or replicas.metrics):
        bounds["target_cpu"] = subject.road.target_cpu
    made = found_scaling.by_metrics(replicas.model_copy(update=bounds), subject.kind, subject.name)
    return [_object(subject, "HorizontalPodAutoscaler", made)]


def monitors(subject: Subject) -> list[dict[str, Any]]:
    """Who reads its metrics, where the estate says so."""
    labels = {**subject.labels, **(subject.endpoints[0].labels or {} if subject.endpoints else {})}
    made = []
    for (_, name), item in found_access.monitors(
        subject.spec, subject.run, subject.selector, labels
    ):
        metadata = subject.metadata(name)
        metadata["labels"] = {**item["metadata"].get("labels", {}), **subject.labels}
        made.append({**item, "metadata": metadata})
    return made


def _object(subject: Subject, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    version = {"apiVersion": found_values.API_VERSIONS[kind], "kind": kind}
    return {**version, "metadata": subject.metadata(), "spec": spec}


def disruption_budgets(subject: Subject) -> list[dict[str, Any]]:
    """As written; else one replica may be away, where there are at least two."""
    given = subject.run.disruption
    if subject.replicas is None or (given is None and subject.least < 2):
        return []
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": subject.metadata(),
            "spec": {
                **_bound(given or running.Disruption(), subject),
                "unhealthyPodEvictionPolicy": _eviction(given) or subject.road.disruption_eviction,
                "selector": {"matchLabels": subject.selector},
            },
        }
    ]


def _eviction(given: running.Disruption | None) -> str | None:
    return given.evict_unready if given is not None else None


def _bound(given: running.Disruption, subject: Subject) -> dict[str, Any]:
    if given.min_available is not None:
        return {"minAvailable": _amount(given.min_available)}
    if given.max_unavailable is not None:
        return {"maxUnavailable": _amount(given.max_unavailable)}
    return {"maxUnavailable": subject.road.disruption_max_unavailable}


def _amount(value: int | str) -> int | str:
    """Kubernetes takes whole percentages only: rounded up."""
    if isinstance(value, int):
        return value
    whole = (units.ratio(value) * 100).to_integral_value(rounding=ROUND_CEILING)
    return f"{int(whole)}%"
