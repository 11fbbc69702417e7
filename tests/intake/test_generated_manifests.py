"""Generated systems: whatever valid manifests say is mapped or carried, and given back."""

from collections import Counter
from typing import Any

import import_cases as cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import quick_yaml as yaml
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
_TERMS = st.lists(
    st.sampled_from(
        [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "In", "values": ["x"]}]
    ),
    min_size=1,
    max_size=2,
)
_NEAR = st.fixed_dictionaries(
    {"topologyKey": st.just("zone")},
    optional={
        "labelSelector": _some(matchLabels=_LABELS, matchExpressions=_TERMS),
        "namespaces": st.just(["x"]),
    },
)
_MUST = "requiredDuringSchedulingIgnoredDuringExecution"
_RATHER = "preferredDuringSchedulingIgnoredDuringExecution"
_WEIGHED = st.fixed_dictionaries({"weight": st.integers(1, 100), "podAffinityTerm": _NEAR})
_AFFINITIES = _some(
    nodeAffinity=_some(
        **{
            _MUST: st.fixed_dictionaries(
                {"nodeSelectorTerms": st.lists(_some(matchExpressions=_TERMS), max_size=2)}
            )
        }
    ),
    podAntiAffinity=_some(**{_MUST: st.lists(_NEAR, max_size=2)}),
    podAffinity=_some(**{_RATHER: st.lists(_WEIGHED, max_size=2)}),
)
_DNS = _some(
    nameservers=st.just(["192.0.2.1"]),
    options=st.lists(
        st.sampled_from([{"name": "a"}, {"name": "a", "value": "1"}, {"name": "b", "value": ""}]),
        max_size=2,
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
        "affinity": _AFFINITIES,
        "dnsConfig": _DNS,
        "dnsPolicy": st.sampled_from(["None", "Default", "Odd"]),
        "priorityClassName": _WORDS,
        "imagePullSecrets": st.lists(_some(name=_WORDS), max_size=2),
        "topologySpreadConstraints": st.lists(
            _some(maxSkew=st.integers(0, 2), topologyKey=_WORDS, minDomains=st.just(1)), max_size=2
        ),
        "hostNetwork": st.booleans(),
    },
)


_VERSIONS = {
    **dict.fromkeys(["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"], "apps/v1"),
    **dict.fromkeys(["CronJob", "Job"], "batch/v1"),
    "Rollout": "argoproj.io/v1alpha1",
}


@st.composite
def _workloads(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([*_VERSIONS, "Pod"]))
    labels = draw(_LABELS)
    template = {"metadata": {"labels": labels}, "spec": draw(_PODS)}
    metadata = {"name": draw(_NAMES)} | draw(_some(labels=st.just(labels) | _LABELS))
    spec: dict[str, Any] = {"template": template}
    if kind == "CronJob":
        spec = {"schedule": "0 0 * * *", "jobTemplate": {"spec": spec}}
    elif kind != "Job":
        spec = {"selector": {"matchLabels": labels}, **spec}
        spec |= draw(_some(replicas=st.integers(0, 9), minReadySeconds=_SECONDS))
    if kind == "Pod":
        metadata["labels"] = labels
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "spec": template["spec"]}
    return {"apiVersion": _VERSIONS[kind], "kind": kind, "metadata": metadata, "spec": spec}


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


def _objects(
    version: str, kind: str, more: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[dict[str, Any]]:
    metadata = st.fixed_dictionaries({"name": _NAMES}, optional={"labels": _LABELS})
    head = {"apiVersion": st.just(version), "kind": st.just(kind), "metadata": metadata}
    return st.fixed_dictionaries({**head, **more})


_BACKENDS = st.lists(
    st.fixed_dictionaries(
        {"name": _NAMES, "port": _PORTS},
        optional={"weight": st.integers(0, 3), "group": st.just("")},
    ),
    max_size=2,
)
_MATCHES = _some(
    path=_some(type=st.sampled_from(["Exact", "PathPrefix"]), value=_WORDS),
    method=st.sampled_from(["GET", "POST"]),
    headers=st.just([{"name": "x", "value": "1"}]),
    queryParams=st.just([{"name": "q", "value": "1"}]),
)
_RULES = _some(
    matches=st.lists(_MATCHES, max_size=3),
    backendRefs=_BACKENDS,
    filters=st.lists(
        st.sampled_from(
            [
                {"type": "RequestRedirect", "requestRedirect": {"statusCode": 301}},
                {"type": "RequestHeaderModifier", "requestHeaderModifier": {}},
            ]
        ),
        max_size=2,
    ),
)
_AROUND = st.one_of(
    _objects(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        {"spec": _some(rules=st.lists(_RULES, max_size=2), hostnames=st.just(["a.example.com"]))},
    ),
    _objects(
        "keda.sh/v1alpha1",
        "ScaledObject",
        {
            "spec": st.fixed_dictionaries(
                {"scaleTargetRef": st.fixed_dictionaries({"name": _NAMES})},
                optional={
                    "triggers": st.lists(_some(type=_WORDS, metadata=_LABELS), max_size=2),
                    "maxReplicaCount": st.integers(0, 9),
                    "cooldownPeriod": _SECONDS,
                },
            )
        },
    ),
    _objects(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        {
            "roleRef": st.fixed_dictionaries({"kind": st.just("Role"), "name": _NAMES}),
            "subjects": st.just([{"kind": "ServiceAccount", "name": "account"}]),
        },
    ),
    _objects(
        "rbac.authorization.k8s.io/v1",
        "Role",
        {"rules": st.lists(_some(verbs=st.just(["get"]), resources=st.just(["x"])), max_size=2)},
    ),
    _objects(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        {
            "spec": st.fixed_dictionaries(
                {"selector": _some(matchLabels=_LABELS)},
                optional={
                    "podMetricsEndpoints": st.lists(_some(port=_WORDS, a=_WORDS), max_size=2)
                },
            )
        },
    ),
    _objects(
        "external-secrets.io/v1",
        "ExternalSecret",
        {
            "spec": _some(
                refreshInterval=_WORDS,
                target=_some(name=_NAMES, template=_some(data=_LABELS)),
                data=st.lists(_some(secretKey=_WORDS, remoteRef=_some(key=_WORDS)), max_size=2),
                dataFrom=st.lists(_some(extract=_some(key=_WORDS), find=st.just({})), max_size=2),
            )
        },
    ),
    _objects(
        "kafka.strimzi.io/v1beta2",
        "KafkaTopic",
        {
            "spec": _some(
                partitions=st.integers(0, 3),
                config=_some(
                    **{
                        "retention.ms": st.sampled_from([-1, 0, 1, 1500, "86400000", "x"]),
                        "cleanup.policy": _WORDS,
                        "max.message.bytes": st.sampled_from([1, "2"]),
                    }
                ),
            )
        },
    ),
)
_CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings"},
    "data": {"k": "v", "API_URL": "http://api:80"},
}
_SYSTEMS = st.lists(
    _workloads() | _SERVICES | _AROUND,
    max_size=6,
    unique_by=lambda item: (item["kind"], item["metadata"]["name"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
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
