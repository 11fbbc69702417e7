"""What is imported of everything around workloads is built again as Kubernetes takes it, and so is
the same on the paved road.
"""

import pathlib
from typing import Any

import kubernetes_schemas
import pytest
import rendered

from telford.estate import loading
from telford.intake import emission
from telford.intake.kubernetes import reading
from telford.road import found

OBSERVATORY = (
    pathlib.Path(__file__).resolve().parent.parent / "golden" / "import-observatory" / "manifests"
)
# Kubernetes' own API groups, which its schemas know.
_GROUPS = ("", "apps", "batch", "autoscaling", "policy", "storage.k8s.io", "discovery.k8s.io")
_GROUPS += ("networking.k8s.io", "rbac.authorization.k8s.io")

TELESCOPE = """
run:
  image: telescope:1
  ports: [{name: http, port: 8080, hostPort: 18080}]
  env:
    CPUS: {resource: limits.cpu, divisor: 1m}
    ZONE: {config: from-the-platform, key: zone, elsewhere: true}
  afterStart: {command: [./warm-up]}
  tty: false
  messagePolicy: FallbackToLogsOnError
  minReady: 5s
  progressDeadline: 5m
  priorityClass: high
  runtimeClass: gvisor
  dns: {servers: [192.0.2.53], policy: None, options: {ndots: "2", edns0: ""}}
  hostAliases: [{ip: 192.0.2.7, names: [archive.example.com]}]
  pullSecrets: [registry]
  security: {groups: [1001], fsGroup: 1000, fsGroupChange: OnRootMismatch}
  placement:
    nodes:
    - labels: [{key: disk, operator: In, values: [ssd]}]
    - {labels: [{key: gpu, operator: Exists}], weight: 10}
    apart: [{by: kubernetes.io/hostname, selector: {app: telescope}}]
    spread: [{by: topology.kubernetes.io/zone, skew: 2, otherwise: DoNotSchedule}]
  replicas:
    min: 2
    max: 10
    targetCpu: 60%
    targetMemory: 80%
    metrics: [{kind: external, name: queue_length, value: "100"}]
    up: {settle: 30s, steps: [{replicas: 4, every: 1m}]}
  disruption: {minAvailable: 1, evictUnready: IfHealthyBudget}
  account: {annotations: {role: star-reader}, pullSecrets: [registry]}
  grants:
  - role: reader
    permissions: [{groups: [""], resources: [configmaps], verbs: [get]}]
  - {role: view, clusterRole: true, everywhere: true, binding: telescope-views}
  monitors: [{scrapes: [{port: http, path: /metrics, every: 30s}]}]
  volumes:
  - {name: log, path: /host, type: host, source: /var/log, hostType: Directory}
  - {name: vault, path: /vault, type: driver, driver: secrets.example.com, attributes: {a: b}}
endpoints:
- name: orders
  type: LoadBalancer
  externalTraffic: Local
  allowed: [192.0.2.0/24]
  ports: [{name: http, port: 80, target: http, appProtocol: http}]
"""


def _built() -> dict[str, dict[str, Any]]:
    texts = {path.name: path.read_text("utf-8") for path in sorted(OBSERVATORY.glob("*.yaml"))}
    estate = loading.load(emission.files(reading.read(texts).documents)).estate
    objects = [item for one in estate.entities.values() for item in found.objects(one.spec)]
    return {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}


def _ours(item: dict[str, Any]) -> bool:
    return item["apiVersion"].rpartition("/")[0] in _GROUPS


@pytest.mark.parametrize("version", kubernetes_schemas.versions()[-2:])
def test_what_is_given_back_is_valid(version: str):
    judged = {title: item for title, item in _built().items() if _ours(item)}
    assert len(judged) > 30
    problems = {t: kubernetes_schemas.errors(item, version) for t, item in judged.items()}
    assert {title: errors for title, errors in problems.items() if errors} == {}


def test_what_is_declared_on_the_paved_road_is_valid():
    made = rendered.objects(rendered.service("orders", TELESCOPE))
    problems = {
        title: kubernetes_schemas.errors(item, kubernetes_schemas.versions()[-1])
        for title, item in made.items()
        if _ours(item)
    }
    assert {title: errors for title, errors in problems.items() if errors} == {}
    assert {
        *("Role/reader", "RoleBinding/reader", "ClusterRoleBinding/telescope-views"),
        *("ServiceAccount/orders", "HorizontalPodAutoscaler/orders", "PodMonitor/orders"),
    } <= made.keys()


def test_placement_on_the_paved_road_is_what_is_written():
    made = rendered.objects(rendered.service("orders", TELESCOPE))["Deployment/orders"]
    pod = made["spec"]["template"]["spec"]
    assert pod["topologySpreadConstraints"] == [
        {
            "maxSkew": 2,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
        }
    ]
    assert pod["priorityClassName"] == "high"
    assert pod["dnsConfig"]["options"] == [{"name": "ndots", "value": "2"}, {"name": "edns0"}]
    assert made["spec"]["minReadySeconds"] == 5


def test_events_scale_through_one_object_alone():
    text = """
run:
  image: orders:1
  replicas: {min: 0, max: 5, triggers: [{type: cron, metadata: {timezone: UTC}}]}
"""
    made = rendered.objects(rendered.service("orders", text))
    assert made["ScaledObject/orders"]["spec"]["scaleTargetRef"] == {"name": "orders"}
    assert not any(title.startswith("HorizontalPodAutoscaler") for title in made)
    assert "replicas" not in made["Deployment/orders"]["spec"]


ROUTE = """
hosts: [sky.example.com]
via: {via}
gateways: [gateways/public]
controller: public
rules:
- {{path: /orders, to: [{{service: orders}}]}}
- {{path: /stars, match: Exact, to: [{{service: stars, port: http}}]}}
"""


@pytest.mark.parametrize(("via", "kind"), [("ingress", "Ingress"), ("gateway", "HTTPRoute")])
def test_a_declared_route_leads_to_the_ports_of_its_services(via: str, kind: str):
    services = rendered.service("orders") + rendered.service("stars")
    route = rendered.service("sky", ROUTE.format(via=via), kind="Route", image="")
    made = rendered.objects(services + route)[f"{kind}/sky"]
    assert made["metadata"]["labels"]["app.kubernetes.io/name"] == "sky"
    if via == "ingress":
        paths = made["spec"]["rules"][0]["http"]["paths"]
        assert kubernetes_schemas.errors(made, kubernetes_schemas.versions()[-1]) == []
        ports = {p["path"]: p["backend"]["service"]["port"]["number"] for p in paths}
    else:
        rules = made["spec"]["rules"]
        ports = {
            rule["matches"][0]["path"]["value"]: rule["backendRefs"][0]["port"] for rule in rules
        }
    assert ports == {"/orders": 8080, "/stars": 8080}


def test_a_declared_secret_is_fetched_by_its_operator():
    text = """
store: aws
operator: external-secrets
provider: ClusterSecretStore/aws
keys: [{name: token, path: observatory/telescope}]
"""
    made = rendered.objects(rendered.service("sky", text, kind="Secret", image=""))
    spec = made["ExternalSecret/sky"]["spec"]
    assert spec["secretStoreRef"] == {"name": "aws", "kind": "ClusterSecretStore"}
    assert spec["data"] == [{"secretKey": "token", "remoteRef": {"key": "observatory/telescope"}}]


def test_a_declared_secret_that_others_make_is_not_built():
    made = rendered.objects(
        rendered.service("sky", "keys: [{name: token}]", kind="Secret", image="")
    )
    assert not [title for title in made if "sky" in title]


def test_storage_that_a_workload_names_and_sizes_is_claimed_by_it():
    text = """
run:
  image: orders:1
  volumes:
  - {name: own, path: /own, type: storage, source: plates, size: 20Gi}
  - {name: given, path: /given, type: storage, source: shared}
  - {name: brief, path: /brief, type: storage, size: 1Gi, ephemeral: true}
"""
    made = rendered.objects(rendered.service("orders", text))
    assert {t for t in made if t.startswith("PersistentVolumeClaim")} == {
        "PersistentVolumeClaim/plates"
    }
    volumes = made["Deployment/orders"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "given", "persistentVolumeClaim": {"claimName": "shared"}} in volumes
    [brief] = [volume for volume in volumes if volume["name"] == "brief"]
    assert brief["ephemeral"]["volumeClaimTemplate"]["spec"]["resources"] == {
        "requests": {"storage": "1Gi"}
    }


def test_a_list_that_is_shorter_than_when_it_was_imported_is_named():
    """Nobody knows which item the carried part belongs to, so it is said and not guessed."""
    route = """
road: as-found
via: gateway
rules: [{to: [{service: orders, port: 80}]}, {path: /x, to: [{service: orders, port: 80}]}]
carried:
- object: HTTPRoute/sky
  patch: {spec: {rules: [{$patch: each}, {}, {filters: [{type: RequestMirror}]}]}}
"""
    services = rendered.service("orders")
    whole = services + rendered.service("sky", route, kind="Route", image="")
    made = rendered.objects(whole)["HTTPRoute/sky"]
    assert "filters" in made["spec"]["rules"][1]
    shorter = whole.replace("{to: [{service: orders, port: 80}]}, {path", "{path")
    made = rendered.objects(shorter)["HTTPRoute/sky"]
    assert "filters" not in made["spec"]["rules"][0]
    [said] = rendered.rendering(shorter, "kubernetes").diagnostics
    assert said.code == "TEL506"
    assert said.summary.startswith("spec.rules of HTTPRoute/sky")
