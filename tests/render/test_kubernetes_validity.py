"""What the Kubernetes target gives is valid, restricted, and the same every time."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Iterable

import kubernetes_schemas
import pod_security
import pytest
import rendered
import yaml

import optional
from telford.app import importing
from telford.estate import loading, overlays
from telford.intake.imported import Options
from telford.render import registry

# Every field of the format that this target reads, at least once.
EVERYTHING = (
    rendered.service(
        "orders",
        """type: http
tier: 1
description: on
labels: {cost-centre: c-17, "not a label": "two words"}
annotations: {note: "yes"}
run:
  image: shop/orders:1.0.0
  pull: IfNotPresent
  command: [python, -m, orders]
  args: ["--port", "8080", "1_000", "12:30:45"]
  workingDirectory: /srv
  ports: [{name: http, port: 8080}, {name: dns, port: 5353, protocol: UDP}]
  replicas: {min: 2, max: 8, targetCpu: 65%}
  env:
    A: "on"
    B: "0123"
    C: {config: settings, key: level}
    D: {secret: passwords, optional: true}
    E: {field: status.podIP}
  envFrom: [{config: settings}, {secret: passwords, prefix: P_, optional: true}]
  resources: {requests: {cpu: 250m}, limits: {memory: 1Gi, ephemeralStorage: 2Gi}}
  health:
    ready: {path: /ready, headers: [{name: Host, value: x}], every: 5s}
    live: {tcp: true, port: http, delay: 3s}
    startup: {command: [test, -f, /tmp/started], failures: 9, successes: 1, timeout: 300ms}
  volumes:
    - {name: files, path: /etc/files, type: config, source: settings, items: {level: level.txt}, mode: 288}
    - {name: keys, path: /etc/keys, type: secret, source: passwords, optional: true}
    - {name: data, path: /data, type: storage, size: 5Gi, storageClass: fast, subPath: x}
    - {name: cache, path: /cache, medium: Memory, size: 64Mi}
  mounts: [{volume: cache, path: /tmp/cache}]
  beforeStop: {sleep: 5s}
  disruption: {minAvailable: 50%}
  security: {runAsUser: 1000, fsGroup: 2000, addCapabilities: [NET_BIND_SERVICE]}
  rollout: {surge: 50%, unavailable: 1}
  history: 5
  stop: 45s
  nodeSelector: {disk: ssd}
  tolerations: [{key: spot, operator: Exists, effect: NoSchedule}]
  podLabels: {track: stable}
  podAnnotations: {scrape: "true"}
  sidecars: [{name: proxy, image: "shop/proxy:1"}]
  initialise: [{name: migrate, image: "shop/migrate:1", command: [migrate]}]
uses:
  - {service: catalogue, timeout: 300ms}
  - {datastore: main}
  - {datastore: outside}
  - {stream: events, role: publish}
endpoints:
  - {name: orders, ports: [{name: http, port: 80, target: http}]}
  - {name: orders-lb, type: LoadBalancer, ports: [{port: 443, target: http}, {port: 444, target: 8080}]}
  - {name: orders-all, type: Headless, ports: [{port: 8080}]}
  - {name: orders-node, type: NodePort, ports: [{port: 8080, target: http, nodePort: 30080}]}
routes: [{host: shop.example.com, path: /orders}, {path: /o, port: 80, match: Exact}]
in:
  prod: {run: {replicas: {min: 3, max: 30}}}
""",
    )
    + rendered.service("catalogue", "type: grpc\n")
    + rendered.service("emails", "type: worker\n")
    + rendered.service("lambda", "type: function\n")
    + rendered.service("agent", "run: {image: shop/agent:1, workload: DaemonSet}\n")
    + rendered.service("migrate", "type: job\nrun: {image: shop/m:1, batch: {retries: 1}}\n")
    + rendered.service(
        "report",
        "type: cron\nrun: {image: shop/r:1, schedule: '0 3 * * *', batch: {timeZone: Europe/Rome}}\n",
    )
    + rendered.service(
        "main",
        "engine: postgres\nrun:\n  image: postgres:16\n  replicas: 2\n"
        "  volumes: [{name: data, path: /var/lib/postgresql, type: storage, size: 10Gi}]\n",
        kind="Datastore",
    )
    + rendered.service("outside", "engine: mysql\nhost: 10.1.2.3\n", kind="Datastore", image="")
    + rendered.service("events", "engine: kafka\n", kind="Stream", image="")
    + rendered.service("settings", 'values: {level: info, "yes": "no"}\n', kind="Config", image="")
)


@pytest.mark.parametrize("version", kubernetes_schemas.versions())
@pytest.mark.parametrize("place", ["dev", "prod"])
def test_every_object_is_valid_in_every_supported_version(version: str, place: str):
    found = rendered.objects(EVERYTHING, place)
    assert len(found) > 35
    problems = {t: kubernetes_schemas.errors(item, version) for t, item in found.items()}
    assert {title: errors for title, errors in problems.items() if errors} == {}


def test_the_schemas_refuse_an_unknown_field():
    """Or the test above would prove nothing."""
    item = rendered.objects(rendered.service("orders"))["Deployment/orders"]
    item["spec"]["template"]["spec"]["contianers"] = []
    assert kubernetes_schemas.errors(item, "1.33")


@pytest.mark.parametrize("place", ["dev", "prod"])
def test_every_pod_meets_the_restricted_standard(place: str):
    pods = {t: pod_security.pod_of(item) for t, item in rendered.objects(EVERYTHING, place).items()}
    found = {title: pod_security.violations(pod) for title, pod in pods.items() if pod is not None}
    assert len(found) == 8
    assert {title: said for title, said in found.items() if said} == {}


def test_a_lowered_guard_is_seen_by_the_check_of_the_standard():
    text = rendered.service(
        "orders",
        "run: {image: x, security: {privileged: true, runAsNonRoot: false, dropCapabilities: []}}\n",
    )
    pod = pod_security.pod_of(rendered.objects(text)["Deployment/orders"])
    assert pod is not None
    assert set(pod_security.violations(pod)) == {
        "main: privileged",
        "main: may run as root",
        "main: keeps capabilities",
    }


SCRIPT = """
import sys, hashlib
sys.path.insert(0, sys.argv[1])
import rendered, test_kubernetes_validity
from telford.render import registry
for target in registry.TARGETS:
    for artifact in rendered.rendering(test_kubernetes_validity.EVERYTHING, target.name).artifacts():
        print(artifact.path, hashlib.sha256(artifact.text.encode()).hexdigest())
"""


def test_every_byte_is_the_same_under_any_hash_seed():
    folder = str(pathlib.Path(__file__).parent)
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT, folder],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) > 8


@pytest.mark.parametrize(
    ("folder", "least"),
    [("online-boutique/release", 30), ("bank-of-anthos/kubernetes-manifests", 20)],
)
def test_a_real_system_comes_back_from_import_as_it_was(
    folder: str, least: int, tmp_path: pathlib.Path
):
    """Imported, built: the same objects, and valid ones."""
    source = optional.real_estates() / folder
    expected = _objects(p.read_text(encoding="utf-8") for p in sorted(source.rglob("*.yaml")))
    assert len(expected) >= least
    answer = importing.run([source], tmp_path, Options(), dry_run=True)
    loaded = loading.load(answer.files)
    assert [d for d in loaded.diagnostics if d.severity == "error"] == []
    place = overlays.places(loaded.estate)[-1]
    result = registry.BY_NAME["kubernetes"].render(overlays.bind(loaded.estate, place))
    built = _objects(artifact.text for artifact in result.artifacts())
    assert built == expected
    own = {
        t: item for t, item in built.items() if not t.startswith(("networking.istio", "gateway"))
    }
    assert len(own) >= least
    problems = {title: kubernetes_schemas.errors(item, "1.33") for title, item in own.items()}
    assert {title: errors for title, errors in problems.items() if errors} == {}


def _objects(texts: Iterable[str]) -> dict[str, dict]:
    found = {}
    for text in texts:
        for item in yaml.load_all(text, yaml.CSafeLoader):
            if item is not None:
                found[f"{item['apiVersion']} {item['kind']}/{item['metadata']['name']}"] = item
    return found
