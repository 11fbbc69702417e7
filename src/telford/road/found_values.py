"""Small turns from model values to Kubernetes values, and the head that every as-found object has.

Called by the modules of `telford.road.found`.
"""

from collections.abc import Mapping
from typing import Any

from telford.basics import units
from telford.estate.kinds import base, network, secret, structure

API_VERSIONS: Mapping[str, str] = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "Pod": "v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "Service": "v1",
    "ConfigMap": "v1",
    "ServiceAccount": "v1",
    "PersistentVolumeClaim": "v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "ScaledObject": "keda.sh/v1alpha1",
    "ScaledJob": "keda.sh/v1alpha1",
    "PodDisruptionBudget": "policy/v1",
    "Ingress": "networking.k8s.io/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "GRPCRoute": "gateway.networking.k8s.io/v1",
    "TLSRoute": "gateway.networking.k8s.io/v1alpha2",
    "TCPRoute": "gateway.networking.k8s.io/v1alpha2",
    "UDPRoute": "gateway.networking.k8s.io/v1alpha2",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ClusterRole": "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding": "rbac.authorization.k8s.io/v1",
    "PodMonitor": "monitoring.coreos.com/v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "ExternalSecret": "external-secrets.io/v1",
    "SealedSecret": "bitnami.com/v1alpha1",
    "SecretProviderClass": "secrets-store.csi.x-k8s.io/v1",
    "VaultStaticSecret": "secrets.hashicorp.com/v1beta1",
    "KafkaTopic": "kafka.strimzi.io/v1beta2",
    "Queue": "rabbitmq.com/v1beta1",
    "Stream": "jetstream.nats.io/v1beta2",
    "Cluster": "postgresql.cnpg.io/v1",
    "postgresql": "acid.zalan.do/v1",
}
# Objects of a whole cluster have no namespace.
_CLUSTER_WIDE = frozenset({"ClusterRole", "ClusterRoleBinding"})
# Objects that take the document's annotations; the others have their own or none.
_ANNOTATED = frozenset(
    {
        *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Pod", "Job", "CronJob"),
        *("Rollout", "ScaledJob", "ConfigMap"),
    }
)

Object = dict[str, Any]
Key = tuple[str, str]


# What every kind that gives Kubernetes objects is.
Found = (
    structure.Service
    | structure.Datastore
    | structure.Stream
    | structure.Config
    | network.Route
    | secret.Secret
)


def written(model: base.Model, names: Mapping[str, str]) -> dict[str, Any]:
    """Those of the fields that the document writes and does not leave empty, under new names."""
    return {
        name: getattr(model, field)
        for field, name in names.items()
        if field in model.model_fields_set and getattr(model, field) is not None
    }


def written_lists(model: base.Model, names: Mapping[str, str]) -> dict[str, Any]:
    """The same of fields that are lists."""
    return {name: list(value) for name, value in written(model, names).items()}


def written_times(model: base.Model, names: Mapping[str, str]) -> dict[str, Any]:
    """The same of durations, in seconds."""
    return {name: seconds(value) for name, value in written(model, names).items()}


def some(**fields: Any) -> dict[str, Any]:
    """The fields that have a value: None, and empty collections, are left out."""
    return {key: value for key, value in fields.items() if value not in (None, {}, [], ())}


def seconds(text: str | None) -> int | float | None:
    """A duration as Kubernetes counts it."""
    if text is None:
        return None
    exact = units.seconds(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def object_name(reference: str) -> str:
    """The name of the Kubernetes object that a reference means: without its system."""
    return reference.rpartition(".")[2]


def named(spec: Found, kind: str) -> str:
    """What its object of a kind is called: as the first carried entry of the kind says."""
    for entry in spec.carried:
        found, _, name = entry.object.partition("/")
        if found == kind and name:
            return name
    return spec.name


def head(
    spec: Found, kind: str, name: str, labels: Mapping[str, str] | None = None, *, own: bool = False
) -> Object:
    """`apiVersion`, `kind` and `metadata`; `labels` instead of the document's where they are given.
    `own` says that the document is about this object alone, so its annotations are the object's.
    """
    version = some(apiVersion=API_VERSIONS.get(kind))
    metadata = some(
        name=name,
        namespace=None if kind in _CLUSTER_WIDE else spec.namespace,
        labels=dict(spec.labels if labels is None else labels),
        annotations=dict(spec.annotations) if own or kind in _ANNOTATED else None,
    )
    return version | {"kind": kind, "metadata": metadata}


def percent(share: str) -> int | float:
    """``60%`` as Kubernetes counts it."""
    number = float(share.rstrip("% "))
    return int(number) if number.is_integer() else number
