"""The kinds of Kubernetes objects that the model has fields for. Everything else is carried whole."""

from collections.abc import Mapping

_GATEWAY = ("gateway.networking.k8s.io",)
_RBAC = ("rbac.authorization.k8s.io",)
_PROMETHEUS = ("monitoring.coreos.com",)
# Kind -> the API groups under which it is what its name says.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    # What runs.
    "Deployment": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "DaemonSet": ("apps", "extensions"),
    "ReplicaSet": ("apps", "extensions"),
    "Pod": ("",),
    "Job": ("batch",),
    "CronJob": ("batch",),
    "Rollout": ("argoproj.io",),
    "ScaledJob": ("keda.sh",),
    # What belongs to it.
    "Service": ("",),
    "ServiceAccount": ("",),
    "PersistentVolumeClaim": ("",),
    "HorizontalPodAutoscaler": ("autoscaling",),
    "ScaledObject": ("keda.sh",),
    "PodDisruptionBudget": ("policy",),
    "NetworkPolicy": ("networking.k8s.io",),
    "Role": _RBAC,
    "RoleBinding": _RBAC,
    "ClusterRole": _RBAC,
    "ClusterRoleBinding": _RBAC,
    "PodMonitor": _PROMETHEUS,
    "ServiceMonitor": _PROMETHEUS,
    # Settings and secrets.
    "ConfigMap": ("",),
    "Secret": ("",),
    "ExternalSecret": ("external-secrets.io",),
    "SealedSecret": ("bitnami.com",),
    "SecretProviderClass": ("secrets-store.csi.x-k8s.io",),
    "VaultStaticSecret": ("secrets.hashicorp.com",),
    # Ways in.
    "Ingress": ("networking.k8s.io",),
    "HTTPRoute": _GATEWAY,
    "GRPCRoute": _GATEWAY,
    "TLSRoute": _GATEWAY,
    "TCPRoute": _GATEWAY,
    "UDPRoute": _GATEWAY,
    # What an operator makes of one object.
    "KafkaTopic": ("kafka.strimzi.io",),
    "Queue": ("rabbitmq.com",),
    "Stream": ("jetstream.nats.io",),
    "Cluster": ("postgresql.cnpg.io",),
    "postgresql": ("acid.zalan.do",),
}
# Long-running before jobs: the order in which names are given.
WORKLOADS = (
    *("Deployment", "StatefulSet", "DaemonSet", "Rollout", "ReplicaSet", "Pod"),
    *("CronJob", "Job", "ScaledJob"),
)
# What runs to its end: nothing calls it.
JOBS = ("Job", "CronJob", "ScaledJob")
# What may be scaled.
SCALED = ("Deployment", "StatefulSet", "ReplicaSet", "Rollout")
ROUTES = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute")
# Kind of object -> the kind of document that one of them is alone.
ALONE: Mapping[str, str] = {
    **dict.fromkeys((*ROUTES, "Ingress"), "Route"),
    **dict.fromkeys(("ExternalSecret", "SealedSecret"), "Secret"),
    **dict.fromkeys(("SecretProviderClass", "VaultStaticSecret"), "Secret"),
    **dict.fromkeys(("KafkaTopic", "Queue", "Stream"), "Stream"),
    **dict.fromkeys(("Cluster", "postgresql"), "Datastore"),
}


def known(kind: str, group: str) -> bool:
    """Whether a kind, under its API group ("" for ``v1``), is one that the model speaks of."""
    return group in _GROUPS.get(kind, ())
