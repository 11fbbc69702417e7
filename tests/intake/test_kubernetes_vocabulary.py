"""Kubernetes YAML beyond workloads: ways in, scalers, permissions, storage, secrets, operators."""

from collections import Counter
from typing import Any

import import_cases as cases
import pytest

import quick_yaml as yaml
from telford.estate.kinds import network, registry, secret
from telford.intake.imported import Imported
from telford.intake.kubernetes import access, kinds, reading
from telford.road import found, patch

OBSERVATORY = cases.texts(cases.GOLDEN / "import-observatory" / "manifests")
# Kinds that nobody can read alone: they are there only with what owns them.
_NONE: frozenset[str] = frozenset({"StatefulSet", "DaemonSet", "CronJob", "UDPRoute"})


def _documents(imported: Imported, kind: str) -> dict[str, dict[str, Any]]:
    """The documents of a kind by name."""
    values = (document.value for document in imported.documents)
    return {value["name"]: dict(value) for value in values if value["kind"] == kind}


def _read(*texts: str) -> Imported:
    return reading.read({"a.yaml": "\n---\n".join(texts)})


def _edges(imported: Imported) -> set[tuple[str, str]]:
    def bare(address: str) -> str:
        return address.rpartition(".")[2]

    return {(bare(edge.source), bare(edge.target)) for edge in imported.report.edges}


def _codes(imported: Imported) -> Counter[str]:
    return Counter(item.code for item in imported.diagnostics)


def _workload(name: str, env: str = "", kind: str = "Deployment", more: str = "") -> str:
    return f"""
apiVersion: apps/v1
kind: {kind}
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      {more}
      containers:
      - name: {name}
        image: {name}:1
        env: [{env}]
"""


def _service(name: str, selector: str = "") -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {selector or name}}}, ports: [{{port: 80}}]}}
"""


def test_the_observatory_has_every_kind_that_is_understood() -> None:
    there = {item["kind"] for item in cases.objects(OBSERVATORY)}
    spoken_of = {*kinds.WORKLOADS, *kinds.ALONE, "Role", "ClusterRole", "NetworkPolicy"}
    assert spoken_of - there == _NONE


@pytest.fixture(scope="module")
def observatory() -> Imported:
    return reading.read(OBSERVATORY)


def test_every_leaf_of_the_observatory_has_exactly_one_fate(observatory: Imported) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for item in cases.objects(OBSERVATORY):
        expected.update((cases.label(item), path) for path in cases.dotted(item))
    fates = observatory.report.fates
    assert Counter((fate.subject, fate.path) for fate in fates) == expected


def test_nine_leaves_in_ten_of_what_is_understood_are_mapped(observatory: Imported) -> None:
    totals = observatory.report.totals()
    named = (
        "Deployment",
        "Rollout",
        "ReplicaSet",
        "Job",
        "HorizontalPodAutoscaler",
        "ScaledObject",
    )
    counts = sum((totals[kind] for kind in named), Counter[Any]())
    assert counts["mapped"] >= 0.9 * counts.total()


def test_what_is_called_mapped_comes_from_fields_alone(observatory: Imported) -> None:
    """With every patch emptied, each leaf that the report calls mapped is still given."""
    given = {
        cases.label(item): Counter(path for path, _ in cases.paths(item))
        for item in cases.bare(cases.loaded(observatory))
    }
    for fate in observatory.report.fates:
        if fate.status == "mapped":
            path = ".".join(step for step in fate.path.split(".") if not step.isdigit())
            assert given[fate.subject][path] > 0, fate


def test_no_value_of_a_secret_is_in_anything_that_is_written(observatory: Imported) -> None:
    written = repr(observatory.documents) + repr(observatory.report.as_json())
    assert "c3dvcmRmaXNo" not in written
    assert "c2VjcmV0" not in written


def test_a_plain_secret_is_known_by_its_keys_and_never_built(observatory: Imported) -> None:
    """An empty Secret of the same name would overwrite the real one."""
    value = _documents(observatory, "Secret")["registry"]
    assert value["keys"] == [{"name": ".dockerconfigjson"}]
    spec = secret.Secret.model_validate(value)
    assert found.objects(spec) == ()
    assert not found.gives_objects(spec)


def test_secrets_that_the_cluster_or_an_operator_makes_are_not_listed_twice(
    observatory: Imported,
) -> None:
    secrets = _documents(observatory, "Secret")
    assert set(secrets) == {
        *("telescope-api", "kafka", "dome", "telescope-vault", "guide-secret", "registry"),
    }
    assert secrets["telescope-api"]["operator"] == "external-secrets"


def test_a_fetched_secret_knows_its_store_where_the_input_says_it(observatory: Imported) -> None:
    secrets = _documents(observatory, "Secret")
    assert secrets["telescope-api"]["store"] == "vault"
    assert secrets["kafka"]["store"] == "external"
    assert secrets["telescope-api"]["keys"][-1] == {"name": "*", "path": "observatory/common"}


def test_dependencies_are_those_a_person_reads(observatory: Imported) -> None:
    """Addresses in variables and arguments, an operator's Service, settings in mounted files, and
    the streams by which a workload is scaled; not comments, not prose, not what is outside.
    """
    assert _edges(observatory) == {
        ("telescope", "archive"),
        ("telescope", "star-catalogue"),
        ("telescope", "old-stars"),
        ("archive", "telescope"),
        ("archive", "plates"),
        ("notifier", "sightings"),
        ("reduce", "telescope"),
    }


def test_names_of_something_outside_are_reported_as_such(observatory: Imported) -> None:
    hosts = {item.host: item.external for item in observatory.report.unresolved}
    assert hosts == {"weather.example.com": True, "legacy": True}


def test_a_stream_that_scales_a_workload_is_consumed_by_it(observatory: Imported) -> None:
    [use] = _documents(observatory, "Service")["notifier"]["uses"]
    assert (use["stream"], use["role"]) == ("sightings", "consume")
    assert use["inferred"]["from"].startswith("trigger topic of ScaledObject notifier")


def test_kinds_that_are_carried_whole_are_counted_with_their_version(
    observatory: Imported,
) -> None:
    whole = observatory.report.whole
    assert whole["Queue (queueing.example.com/v1)"] == 1
    assert whole["Service (serving.knative.dev/v1)"] == 1
    assert "Queue (rabbitmq.com/v1beta1)" not in whole


def test_what_is_open_is_said(observatory: Imported) -> None:
    codes = _codes(observatory)
    assert codes["TEL670"] == 3
    assert codes["TEL671"] == 1
    assert codes["TEL672"] == 1
    assert codes["TEL673"] == 1
    assert codes["TEL674"] == 1


def test_an_alias_of_a_service_leads_to_what_is_behind_it() -> None:
    alias = """
apiVersion: v1
kind: Service
metadata: {name: store}
spec: {type: ExternalName, externalName: orders.default.svc.cluster.local}
"""
    caller = _workload("web", "{name: STORE_URL, value: 'http://store/x'}")
    assert _edges(_read(caller, _workload("orders"), _service("orders"), alias)) == {
        ("web", "orders")
    }


def test_a_service_of_two_workloads_leads_to_both() -> None:
    both = """
apiVersion: v1
kind: Service
metadata: {name: back}
spec: {selector: {tier: back}, ports: [{port: 80}]}
"""
    labelled = [
        _workload(name).replace("labels: {app", "labels: {tier: back, app") for name in "ab"
    ]
    caller = _workload("web", "{name: BACK_URL, value: 'http://back'}")
    assert _edges(_read(caller, *labelled, both)) == {("web", "a"), ("web", "b")}


def test_a_role_that_two_bindings_grant_stays_an_object_of_its_own() -> None:
    role = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
"""
    binding = """
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: {name}}}]
"""
    workloads = [_workload(name, more=f"serviceAccountName: {name}") for name in "ab"]
    imported = _read(role, *workloads, *(binding.format(name=name) for name in "ab"))
    assert set(_documents(imported, "Manifest")) == {"role-reader"}
    grants = [d["run"]["grants"] for d in _documents(imported, "Service").values()]
    assert [grant["role"] for [grant] in grants] == ["reader", "reader"]
    assert all("permissions" not in grant for [grant] in grants)


def test_storage_that_two_workloads_share_stays_an_object_of_its_own() -> None:
    claim = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: files}
spec: {accessModes: [ReadWriteMany], resources: {requests: {storage: 1Gi}}}
"""
    volume = "volumes: [{name: files, persistentVolumeClaim: {claimName: files}}]"
    imported = _read(claim, *(_workload(name, more=volume) for name in "ab"))
    assert set(_documents(imported, "Manifest")) == {"persistentvolumeclaim-files"}


def test_a_claim_that_a_pod_sees_twice_is_given_back_once() -> None:
    claim = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: files}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
    volume = (
        "volumes: [{name: x, persistentVolumeClaim: {claimName: files}}, "
        "{name: y, persistentVolumeClaim: {claimName: files}}]"
    )
    imported = _read(claim, _workload("a", more=volume))
    assert _documents(imported, "Manifest") == {}
    built = [item["kind"] for item in cases.built(cases.loaded(imported))]
    assert built.count("PersistentVolumeClaim") == 1


def test_a_policy_that_lets_everything_in_forbids_nothing() -> None:
    policy = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: open}
spec: {podSelector: {}, ingress: [{}]}
"""
    caller = _workload("web", "{name: API_URL, value: 'http://api'}")
    imported = _read(caller, _workload("api"), _service("api"), policy)
    assert _codes(imported)["TEL671"] == 0
    closed = _read(
        caller, _workload("api"), _service("api"), policy.replace("ingress: [{}]", "ingress: []")
    )
    assert _codes(closed)["TEL671"] == 1


def test_a_policy_on_the_way_out_forbids_too() -> None:
    policy = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shut}
spec:
  podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: other}}}]}]
"""
    caller = _workload("web", "{name: API_URL, value: 'http://api'}")
    imported = _read(caller, _workload("api"), _service("api"), policy)
    [problem] = [d for d in imported.diagnostics if d.code == "TEL671"]
    assert "NetworkPolicy/shut forbids it" in problem.summary


def test_a_secret_that_nothing_makes_is_named_once() -> None:
    env = "{name: A, valueFrom: {secretKeyRef: {name: gone, key: a}}}"
    imported = _read(_workload("web", env), _workload("api", env))
    [problem] = [d for d in imported.diagnostics if d.code == "TEL609"]
    assert problem.summary.endswith(": gone")


def test_settings_of_a_program_itself_are_no_dependencies() -> None:
    config = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  web.conf: |
    server_name api;
    listen_address = api
    # upstream = http://api/
  notes.md: "see http://api/"
  used.conf: "proxy_pass http://shop/;"
"""
    volume = "volumes: [{name: s, configMap: {name: settings}}]"
    mounted = _workload("web", more=volume).replace(
        "image: web:1", "image: web:1\n        volumeMounts: [{name: s, mountPath: /etc/web}]"
    )
    others = [text for name in ("api", "shop") for text in (_workload(name), _service(name))]
    assert _edges(_read(config, mounted, *others)) == {("web", "shop")}
    # A volume that no container sees says nothing.
    assert _edges(_read(config, _workload("web", more=volume), *others)) == set()


def test_an_edit_of_a_route_changes_that_field_and_nothing_else(observatory: Imported) -> None:
    value = _documents(observatory, "Route")["sky"]
    before = found.objects(network.Route.model_validate(value))[0]
    value["rules"][0]["to"][0]["weight"] = 70
    after = found.objects(network.Route.model_validate(value))[0]
    changed = dict(patch.leaves(after)).items() ^ dict(patch.leaves(before)).items()
    path = ("spec", "rules", 0, "backendRefs", 0, "weight")
    assert changed == {(path, 70), (path, 90)}


@pytest.mark.parametrize(
    ("document", "path", "wanted"),
    [
        (("Stream", "sightings", "partitions", 24), ("spec", "partitions"), 24),
        (("Stream", "sightings", "retention", "1d"), ("spec", "config", "retention.ms"), 86400000),
        (("Stream", "plates", "durable", False), ("spec", "durable"), False),
        (("Datastore", "star-catalogue", "size", "80Gi"), ("spec", "storage", "size"), "80Gi"),
        (("Datastore", "old-stars", "replication", 3), ("spec", "numberOfInstances"), 3),
        (("Secret", "telescope-api", "refresh", "5m"), ("spec", "refreshInterval"), "5m"),
    ],
)
def test_an_edited_field_is_what_is_built(
    observatory: Imported, document: tuple[str, str, str, Any], path: tuple[str, ...], wanted: Any
) -> None:
    kind, name, field, value = document
    edited = {**_documents(observatory, kind)[name], field: value}
    [built] = found.objects(registry.BY_NAME[kind].model_validate(edited))
    assert access.mapping(built, *path[:-1])[path[-1]] == wanted


def test_replicas_that_something_makes_are_no_services(observatory: Imported) -> None:
    """`kubectl get pods` shows them; their ReplicaSet makes them again."""
    assert "dome-x7k2" not in _documents(observatory, "Service")
    assert _documents(observatory, "Manifest")["pod-dome-x7k2"]["reason"]


def test_a_route_to_nothing_is_kept_whole_and_given_back() -> None:
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: lost}
spec: {rules: [{backendRefs: [{name: nowhere, port: 80}]}]}
"""
    imported = _read(route)
    assert _codes(imported)["TEL670"] == 1
    assert cases.built(cases.loaded(imported)) == [yaml.safe_load(route)]


def test_two_rules_for_one_host_stay_two() -> None:
    ingress = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, labels: {app: web}}
spec:
  rules:
  - host: a.example.com
    http: {paths: [{path: /x, pathType: Exact, backend: {service: {name: web, port: {number: 80}}}}]}
  - host: a.example.com
    http: {paths: [{path: /y, pathType: Exact, backend: {service: {name: web, port: {number: 80}}}}]}
"""
    imported = _read(_workload("web"), _service("web"), ingress)
    assert imported.report.totals()["Ingress"]["carried"] == 0
    built = {item["kind"]: item for item in cases.built(cases.loaded(imported))}
    assert built["Ingress"] == yaml.safe_load(ingress)
