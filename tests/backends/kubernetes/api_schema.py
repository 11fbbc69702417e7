"""What Kubernetes' own schemas say of a kind: which lists are maps, sets or atomic, which maps are
atomic (`x-kubernetes-*`), and how kinds are named in paths. Of a kind without a schema (a custom
resource) every map is granular and every list atomic, as the API server holds it.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
"""

import dataclasses
import importlib.resources
import json
import pathlib
from functools import cache
from typing import Any

Schema = dict[str, Any]
VERSION = "1.34"
FOLDER = pathlib.Path(
    str(importlib.resources.files("kubernetes_validate") / "kubernetes-json-schema")
)
UNTYPED: Schema = {}

VERBS = ("create", "delete", "get", "list", "patch", "update", "watch")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind that the server serves."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    short: str = ""

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        return self.api_version.rpartition("/")[2]


SCALED = ("status", "scale")
# https://kubernetes.io/docs/reference/kubernetes-api/
KINDS = (
    Kind("v1", "ConfigMap", "configmaps", short="cm"),
    Kind("v1", "Event", "events"),
    Kind("v1", "Namespace", "namespaces", namespaced=False, subresources=("status",), short="ns"),
    Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims", subresources=("status",)),
    Kind("v1", "Pod", "pods", subresources=("status",), short="po"),
    Kind("v1", "Secret", "secrets"),
    Kind("v1", "Service", "services", subresources=("status",), short="svc"),
    Kind("v1", "ServiceAccount", "serviceaccounts"),
    Kind("apps/v1", "DaemonSet", "daemonsets", subresources=("status",), short="ds"),
    Kind("apps/v1", "Deployment", "deployments", subresources=SCALED, short="deploy"),
    Kind("apps/v1", "StatefulSet", "statefulsets", subresources=SCALED, short="sts"),
    Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", short="hpa"),
    Kind("batch/v1", "CronJob", "cronjobs", subresources=("status",)),
    Kind("batch/v1", "Job", "jobs", subresources=("status",)),
    Kind("networking.k8s.io/v1", "Ingress", "ingresses", subresources=("status",)),
    Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
    Kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", subresources=("status",)),
    Kind("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", namespaced=False),
    Kind("rbac.authorization.k8s.io/v1", "Role", "roles"),
    Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
)


@cache
def _definitions() -> Schema:
    text = (FOLDER / f"v{VERSION}.0-local" / "_definitions.json").read_text(encoding="utf-8")
    return json.loads(text)["$defs"]


@cache
def _by_kind() -> dict[tuple[str, str], Schema]:
    found = {}
    for schema in _definitions().values():
        for known in schema.get("x-kubernetes-group-version-kind") or ():
            group = f"{known['group']}/" if known["group"] else ""
            found[f"{group}{known['version']}", known["kind"]] = schema
    return found


def of(api_version: str, kind: str) -> Schema:
    """The schema of a kind, `UNTYPED` where there is none."""
    return _by_kind().get((api_version, kind), UNTYPED)


def resolved(schema: Schema) -> Schema:
    """What a reference stands for, with what is said beside it."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target = resolved(_definitions()[reference.rpartition("/")[2]])
    return {**target, **{k: v for k, v in schema.items() if k.startswith("x-")}}


def is_struct(schema: Schema, name: str) -> bool:
    """Whether a key is a field that the schema names, and no key of a map."""
    return name in schema.get("properties", {})


def field(schema: Schema, name: str) -> Schema:
    """The schema of a field or of a map's value."""
    if name in schema.get("properties", {}):
        return resolved(schema["properties"][name])
    more = schema.get("additionalProperties")
    return resolved(more) if isinstance(more, dict) else UNTYPED


def item(schema: Schema) -> Schema:
    """The schema of a list's items."""
    return resolved(schema.get("items", UNTYPED))


def atomic(schema: Schema, value: Any) -> bool:
    """Whether a value is owned as a whole."""
    if isinstance(value, dict):
        return schema.get("x-kubernetes-map-type") == "atomic"
    if isinstance(value, list):
        return schema.get("x-kubernetes-list-type", "atomic") == "atomic"
    return True


def keys(schema: Schema) -> tuple[str, ...]:
    """The keys of a list of type map."""
    return tuple(schema.get("x-kubernetes-list-map-keys") or ())
