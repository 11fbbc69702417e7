"""The kinds of Kubernetes objects that the model has fields for. Everything else is carried whole."""

from collections.abc import Mapping

# Kind -> the API groups under which it is what its name says.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "DaemonSet": ("apps", "extensions"),
    "Job": ("batch",),
    "CronJob": ("batch",),
    "Service": ("",),
    "ConfigMap": ("",),
    "Secret": ("",),
    "ServiceAccount": ("",),
    "HorizontalPodAutoscaler": ("autoscaling",),
    "PodDisruptionBudget": ("policy",),
    "Ingress": ("networking.k8s.io",),
}
# Long-running before jobs: the order in which names are given.
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")


def known(kind: str, group: str) -> bool:
    """Whether a kind, under its API group ("" for ``v1``), is one that the model speaks of."""
    return group in _GROUPS.get(kind, ())
