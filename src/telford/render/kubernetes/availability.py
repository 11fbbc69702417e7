"""HorizontalPodAutoscaler and PodDisruptionBudget. Called by `target`."""

from decimal import ROUND_CEILING
from typing import Any

from telford.basics import units
from telford.estate.kinds import running
from telford.render.kubernetes.subject import Subject
from telford.road import defaults


def scalers(subject: Subject) -> list[dict[str, Any]]:
    """A scaler where replicas have two bounds."""
    replicas = subject.replicas
    if not isinstance(replicas, running.Replicas):
        return []
    use = units.ratio(replicas.target_cpu or defaults.defaults().target_cpu) * 100
    target = {"type": "Utilization", "averageUtilization": max(1, round(use))}
    return [
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": subject.metadata(),
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1",
                    "kind": subject.kind,
                    "name": subject.name,
                },
                "minReplicas": max(replicas.min, 1),
                "maxReplicas": max(replicas.max, 1),
                "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
            },
        }
    ]


def disruption_budgets(subject: Subject) -> list[dict[str, Any]]:
    """As written; else one replica may be away, where there are at least two."""
    given = subject.run.disruption
    if subject.replicas is None or (given is None and subject.least < 2):
        return []
    road = defaults.defaults()
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": subject.metadata(),
            "spec": {
                **_bound(given or running.Disruption()),
                "unhealthyPodEvictionPolicy": road.disruption_eviction,
                "selector": {"matchLabels": subject.selector},
            },
        }
    ]


def _bound(given: running.Disruption) -> dict[str, Any]:
    if given.min_available is not None:
        return {"minAvailable": _amount(given.min_available)}
    if given.max_unavailable is not None:
        return {"maxUnavailable": _amount(given.max_unavailable)}
    return {"maxUnavailable": defaults.defaults().disruption_max_unavailable}


def _amount(value: int | str) -> int | str:
    """Kubernetes takes whole percentages only: rounded up."""
    if isinstance(value, int):
        return value
    whole = (units.ratio(value) * 100).to_integral_value(rounding=ROUND_CEILING)
    return f"{int(whole)}%"
