"""Generated systems: whatever valid manifests say is mapped or carried, and given back."""

from collections import Counter
from typing import Any

import import_cases as cases
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telford.basics.diagnostics import Severity
from telford.intake.kubernetes import reading
from telford.road import patch

_NAMES = st.sampled_from(["web", "api", "store", "mail"])
_WORDS = st.sampled_from(["a", "b c", "true", "12", "", "http://api:80", "api", "ü"])
_LABELS = st.dictionaries(st.sampled_from(["app", "track", "team"]), _WORDS, max_size=2)
_PORTS = st.integers(1, 65_535)
_SECONDS = st.integers(0, 100_000)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


def _named(items: st.SearchStrategy[Any], key: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=3, unique_by=lambda item: item[key])


_PROBES = st.one_of(
    st.fixed_dictionaries(
        {"httpGet": st.fixed_dictionaries({"port": _PORTS}, optional={"path": _WORDS})}
    ),
    st.fixed_dictionaries({"tcpSocket": st.fixed_dictionaries({"port": _PORTS})}),
    st.fixed_dictionaries({"grpc": st.fixed_dictionaries({"port": _PORTS})}),
    st.fixed_dictionaries(
        {"exec": st.fixed_dictionaries({"command": st.lists(_WORDS, min_size=1)})},
        optional={"periodSeconds": _SECONDS, "terminationGracePeriodSeconds": _SECONDS},
    ),
)
_VARIABLES = st.one_of(
    st.fixed_dictionaries({"name": st.sampled_from("ABCD"), "value": _WORDS}),
    st.fixed_dictionaries(
        {
            "name": st.sampled_from("ABCD"),
            "valueFrom": st.sampled_from(
                [
                    {"configMapKeyRef": {"name": "settings", "key": "k"}},
                    {"configMapKeyRef": {"name": "elsewhere", "key": "k"}},
                    {"secretKeyRef": {"name": "s", "key": "k", "optional": True}},
                    {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}},
                    {"resourceFieldRef": {"resource": "limits.cpu"}},
                ]
            ),
        }
    ),
)
_AMOUNTS = _some(cpu=st.sampled_from(["100m", "2"]), memory=st.just("1Gi"), gpu=st.just("1"))
_CONTEXTS = _some(
    runAsUser=st.integers(0, 2**31),
    runAsNonRoot=st.booleans(),
    privileged=st.booleans(),
    capabilities=_some(drop=st.just(["ALL"]), add=st.just(["NET_ADMIN"])),
    seccompProfile=st.just({"type": "RuntimeDefault"}),
    procMount=st.just("Default"),
)
_CONTAINERS = st.fixed_dictionaries(
    {"name": _NAMES, "image": st.sampled_from(["web:1", "postgres:16", "redis"])},
    optional={
        "command": st.lists(_WORDS, min_size=1, max_size=3),
        "args": st.lists(_WORDS, min_size=1, max_size=3),
        "env": _named(_VARIABLES, "name"),
        "envFrom": st.lists(
            st.sampled_from([{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "s"}}]),
            max_size=2,
        ),
        "ports": _named(
            st.fixed_dictionaries(
                {"containerPort": _PORTS},
                optional={"protocol": st.just("TCP"), "hostPort": _PORTS},
            ),
            "containerPort",
        ),
        "resources": _some(requests=_AMOUNTS, limits=_AMOUNTS),
        "readinessProbe": _PROBES,
        "livenessProbe": _PROBES,
        "securityContext": _CONTEXTS,
        "volumeMounts": _named(
            st.fixed_dictionaries(
                {"name": st.sampled_from("vwx"), "mountPath": st.sampled_from(["/a", "/b", "/c"])},
                optional={"readOnly": st.booleans(), "subPath": st.just("s")},
            ),
            "mountPath",
        ),
        "tty": st.booleans(),
    },
)
_VOLUMES = st.one_of(
    st.fixed_dictionaries(
        {"name": st.sampled_from("vwx"), "emptyDir": _some(medium=st.just("Memory"))}
    ),
    st.fixed_dictionaries(
        {"name": st.sampled_from("vwx"), "hostPath": st.just({"path": "/", "type": "Directory"})}
    ),
    st.fixed_dictionaries(
        {
            "name": st.sampled_from("vwx"),
            "secret": st.sampled_from(
                [
                    {"secretName": "s"},
                    {"secretName": "s", "items": [{"key": "k", "path": "p", "mode": 256}]},
                ]
            ),
        }
    ),
)
_PODS = st.fixed_dictionaries(
    {"containers": _named(_CONTAINERS, "name").filter(bool)},
    optional={
        "initContainers": _named(_CONTAINERS, "name"),
        "volumes": _named(_VOLUMES, "name"),
        "securityContext": _CONTEXTS,
        "serviceAccountName": st.just("account"),
        "terminationGracePeriodSeconds": _SECONDS,
        "restartPolicy": st.just("Always"),
        "tolerations": st.just([{"key": "k", "operator": "Exists"}]),
        "affinity": st.just({"nodeAffinity": {}}),
        "hostNetwork": st.booleans(),
    },
)


@st.composite
def _workloads(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"]))
    labels = draw(_LABELS)
    template = {"metadata": {"labels": labels}, "spec": draw(_PODS)}
    metadata = {"name": draw(_NAMES)} | draw(_some(labels=st.just(labels) | _LABELS))
    spec: dict[str, Any] = {"template": template}
    if kind == "CronJob":
        spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": spec}}
    elif kind != "Job":
        spec = {"selector": {"matchLabels": labels}, **spec}
        spec |= draw(_some(replicas=st.integers(0, 9), minReadySeconds=_SECONDS))
    version = "batch/v1" if kind in ("CronJob", "Job") else "apps/v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


_SERVICES = st.fixed_dictionaries(
    {
        "apiVersion": st.just("v1"),
        "kind": st.just("Service"),
        "metadata": st.fixed_dictionaries({"name": _NAMES}, optional={"labels": _LABELS}),
        "spec": st.fixed_dictionaries(
            {"selector": _LABELS, "ports": st.just([{"port": 80}])},
            optional={"type": st.just("ClusterIP"), "sessionAffinity": st.just("None")},
        ),
    }
)
_CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"k": "v", "API_URL": "http://api:80"},
}
_SYSTEMS = st.lists(
    _workloads() | _SERVICES,
    max_size=5,
    unique_by=lambda item: (item["kind"], item["metadata"]["name"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(_SYSTEMS)
def test_valid_manifests_are_mapped_or_carried_and_given_back(system: list[dict[str, Any]]) -> None:
    """Every leaf has one fate, the estate has no error, and each object comes back exactly."""
    objects = [*system, _CONFIG]
    imported = reading.read({"a.yaml": yaml.safe_dump_all(objects)})
    expected = Counter((cases.label(item), path) for item in objects for path in cases.dotted(item))
    assert Counter((fate.subject, fate.path) for fate in imported.report.fates) == expected
    assert {fate.status for fate in imported.report.fates} <= {"mapped", "carried"}
    assert [d for d in imported.diagnostics if d.severity is Severity.ERROR] == []
    estate = cases.loaded(imported)
    assert cases.errors(estate) == []
    built = {(item["kind"], item["metadata"]["name"]): item for item in cases.built(estate)}
    assert len(built) == len(objects)
    for item in objects:
        assert patch.same(built[item["kind"], item["metadata"]["name"]], item)
