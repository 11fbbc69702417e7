"""Every key of a compose service: what a field says is said, the rest is carried or dropped."""

from typing import Any

import compose_cases as cases
import pytest

from telford.estate import loading
from telford.intake import emission
from telford.intake.compose import shapes
from telford.road import found as road


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        ("command: run --fast 'two words'", "args", ["run", "--fast", "two words"]),
        ("command: [run, 8000, true]", "args", ["run", "8000", "true"]),
        ("entrypoint: /bin/start -x", "command", ["/bin/start", "-x"]),
        ("working_dir: /srv", "workingDirectory", "/srv"),
        ("pull_policy: missing", "pull", "IfNotPresent"),
        ("pull_policy: always", "pull", "Always"),
        ("restart: no", "restart", "Never"),
        ("restart: unless-stopped", "restart", "Always"),
        ("restart: on-failure:3", "restart", "OnFailure"),
        ("stop_grace_period: 1m30s", "stop", "90s"),
        ("pre_stop: [{command: ./drain --now}]", "beforeStop", {"command": ["./drain", "--now"]}),
        ("user: 1000:1001", "security", {"runAsUser": 1000, "runAsGroup": 1001}),
        ("user: root", "security", {"runAsUser": 0}),
        ("privileged: true", "security", {"privileged": True}),
        ("read_only: true", "security", {"readOnlyRootFilesystem": True}),
        ("cap_drop: [all]", "security", {"dropCapabilities": ["ALL"]}),
        (
            "security_opt: ['no-new-privileges:true', 'seccomp:unconfined']",
            "security",
            {"allowPrivilegeEscalation": False, "seccomp": "Unconfined"},
        ),
        ("build: ./app", "build", {"context": "app"}),
        (
            "build: {context: ., dockerfile: D, target: t, args: {A: 1}}",
            "build",
            {"context": ".", "dockerfile": "D", "target": "t", "args": {"A": "1"}},
        ),
        ("scale: 3", "replicas", 3),
        ("deploy: {replicas: 2}", "replicas", 2),
        ("deploy: {mode: global}", "workload", "DaemonSet"),
        ("deploy: {restart_policy: {condition: on-failure}}", "restart", "OnFailure"),
        (
            "deploy: {resources: {limits: {cpus: '0.50', memory: 50M}, reservations: {cpus: 0.25}}}",
            "resources",
            {"limits": {"cpu": "0.50", "memory": "50Mi"}, "requests": {"cpu": "0.25"}},
        ),
        ("mem_limit: 1.5g", "resources", {"limits": {"memory": "1610612736"}}),
        ("mem_reservation: 1024", "resources", {"requests": {"memory": "1024"}}),
        ("cpus: 2", "resources", {"limits": {"cpu": "2"}}),
        (
            "deploy: {placement: {constraints: [node.labels.disk == ssd]}}",
            "nodeSelector",
            {"disk": "ssd"},
        ),
        (
            "deploy: {update_config: {parallelism: 2, order: start-first}}",
            "rollout",
            {"strategy": "RollingUpdate", "surge": 2, "unavailable": 0},
        ),
        (
            "healthcheck: {test: [CMD, curl, x], interval: 10s, timeout: 1s, retries: 3}",
            "health",
            {
                "ready": {
                    "command": ["curl", "x"],
                    "every": "10s",
                    "timeout": "1s",
                    "failures": 3,
                }
            },
        ),
        (
            "healthcheck: {test: [CMD-SHELL, a || b], start_period: 1m}",
            "health",
            {"ready": {"command": ["/bin/sh", "-c", "a || b"], "delay": "1m"}},
        ),
        (
            "healthcheck: {test: a | b}",
            "health",
            {"ready": {"command": ["/bin/sh", "-c", "a | b"]}},
        ),
        ("environment: {A: 1.50, B: true, C: x}", "env", {"A": "1.5", "B": "true", "C": "x"}),
        ("environment: [A=b=c, B=]", "env", {"A": "b=c", "B": ""}),
    ],
)
def test_a_key_becomes_a_field(given: str, field: str, expected: Any) -> None:
    run = cases.run(given)
    assert run[field] == expected
    assert type(run[field]) is type(expected)


def _volumes(text: str) -> list[dict[str, Any]]:
    return list(cases.run(text).get("volumes", []))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("volumes: [data:/var/lib]", {"name": "data", "type": "storage", "source": "data"}),
        ("volumes: ['data:/var/lib:ro']", {"type": "storage", "readOnly": True}),
        ("volumes: [./src:/var/lib]", {"name": "var-lib", "type": "host", "source": "./src"}),
        ("volumes: ['~/x:/var/lib:rw']", {"type": "host", "source": "~/x"}),
        ("volumes: ['C:\\data:/var/lib']", {"type": "host", "source": "C:\\data"}),
        ("volumes: [/var/lib]", {"name": "var-lib"}),
        (
            "volumes: [{type: bind, source: ./x, target: /var/lib, read_only: true}]",
            {"type": "host", "source": "./x", "readOnly": True},
        ),
        (
            "volumes: [{type: volume, source: d, target: /var/lib, volume: {subpath: p}}]",
            {"type": "storage", "source": "d", "subPath": "p"},
        ),
        (
            "volumes: [{type: tmpfs, target: /var/lib, tmpfs: {size: 64m}}]",
            {"medium": "Memory", "size": "64Mi"},
        ),
        ("tmpfs: /var/lib", {"medium": "Memory"}),
        ("tmpfs: ['/var/lib:size=1g']", {"medium": "Memory", "size": "1Gi"}),
    ],
)
def test_a_volume_becomes_a_field(given: str, expected: dict[str, Any]) -> None:
    (volume,) = _volumes(given)
    assert volume["path"] == "/var/lib"
    assert {key: volume.get(key) for key in expected} == expected


def test_one_volume_seen_twice_is_a_mount() -> None:
    run = cases.run("volumes: [data:/a, 'data:/b:ro']")
    assert [volume["path"] for volume in run["volumes"]] == ["/a"]
    assert run["mounts"] == [{"volume": "data", "path": "/b", "readOnly": True}]


def test_secrets_and_configs_are_files_and_references() -> None:
    texts = {
        "compose.yaml": """
services:
  web:
    image: web
    secrets: [plain, {source: long, target: other, mode: 0400, uid: "5"}]
    configs: [inline, {source: given, target: /etc/g, mode: 0o440}, outside]
secrets:
  plain: {file: ./plain.txt}
  long: {external: true, name: real}
  variable: {environment: SOME_SECRET}
configs:
  inline: {content: "a: 1"}
  given: {file: given.conf}
  outside: {external: true}
""",
        "given.conf": "b=2\npassword=sesame\n",
    }
    found = cases.imported(texts)
    volumes = {v["name"]: v for v in cases.documents(found, "Service")["web"]["run"]["volumes"]}
    assert volumes["plain"]["path"] == "/run/secrets/plain"
    assert volumes["plain"]["type"] == "secret"
    assert volumes["long"]["path"] == "/run/secrets/other"
    assert volumes["long"]["mode"] == 0o400
    assert volumes["inline"]["path"] == "/inline"
    assert volumes["given"]["mode"] == 0o440
    configs = cases.documents(found, "Config")
    assert configs["inline"]["values"] == {"inline": "a: 1"}
    assert configs["given"]["values"]["given"].startswith("b=2\n")
    assert "outside" not in configs
    assert set(cases.documents(found, "Secret")) == {"plain", "real", "variable"}
    assert [secret.name for secret in found.report.secrets] == ["plain", "long", "variable"]
    assert cases.problems(found) == []
    assert cases.accounted(found) == cases.written({"compose.yaml": texts["compose.yaml"]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3000", [(3000, None, "TCP")]),
        ("3000-3002", [(3000, None, "TCP"), (3001, None, "TCP"), (3002, None, "TCP")]),
        ("8000:80", [(80, 8000, "TCP")]),
        ("9090-9091:8080-8081", [(8080, 9090, "TCP"), (8081, 9091, "TCP")]),
        ("8000-9000:80", [(80, None, "TCP")]),
        ("127.0.0.1:8001:8002", [(8002, 8001, "TCP")]),
        ("127.0.0.1::80", [(80, None, "TCP")]),
        ("[::1]:6001:6000", [(6000, 6001, "TCP")]),
        ("::1:6000:6001", [(6001, 6000, "TCP")]),
        ("6060:6060/udp", [(6060, 6060, "UDP")]),
    ],
)
def test_short_ports(text: str, expected: list[tuple[int, int | None, str]]) -> None:
    found = shapes.ports(text)
    assert found is not None
    assert [(port.target, port.published, port.protocol) for port in found] == expected


@pytest.mark.parametrize(
    "text", ["", "x", "0", "70000", "5-3", "1-65535", "80:81:82:83", "1-2:1-3", "80/icmp", "a:80"]
)
def test_what_is_no_port(text: str) -> None:
    assert shapes.ports(text) is None


def test_ports_are_of_the_process_and_endpoints() -> None:
    value = cases.service(
        """
services:
  web:
    image: web
    hostname: www
    ports:
    - "8080:80"
    - target: 9000
      published: "9001"
      host_ip: 127.0.0.1
      name: admin
      app_protocol: http
      mode: host
    - "53:53/udp"
    expose: ["7000"]
    networks:
      default: {aliases: [shop]}
"""
    )
    assert value["run"]["ports"] == [
        {"name": "port-80", "port": 80},
        {"name": "admin", "port": 9000},
        {"name": "port-53-udp", "port": 53, "protocol": "UDP"},
        {"name": "port-7000", "port": 7000},
    ]
    endpoints = {item["name"]: item for item in value["endpoints"]}
    assert set(endpoints) == {"web", "www", "shop", "web-published"}
    assert endpoints["www"]["ports"] == value["run"]["ports"]
    assert endpoints["web-published"] == {
        "name": "web-published",
        "type": "LoadBalancer",
        "ports": [
            {"name": "port-8080", "port": 8080, "target": 80},
            {"name": "port-9001", "port": 9001, "target": 9000},
            {"name": "port-53-udp", "port": 53, "protocol": "UDP"},
        ],
    }
    assert value["x-compose"]["ports"] == [{"target": 9000, "host_ip": "127.0.0.1", "mode": "host"}]


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("image: web", "worker"),
        ("image: web\nports: ['80']", "http"),
        ("image: web\nexpose: ['80']", "http"),
        ("image: web\nrestart: 'no'", "job"),
        ("image: web\nrestart: 'no'\nports: ['80']", "http"),
        ("image: web\ndeploy: {mode: replicated-job}", "job"),
        ("image: web\nports: [{target: 80, app_protocol: grpc}]", "grpc"),
        ("image: web\nhealthcheck: {test: curl http://localhost:8080/}", "http"),
    ],
)
def test_what_a_service_is(given: str, kind: str) -> None:
    indented = "".join(f"    {line}\n" for line in given.splitlines())
    assert cases.service(f"services:\n  web:\n{indented}")["type"] == kind


@pytest.mark.parametrize(
    ("given", "engine", "version"),
    [
        ("image: postgres:16-alpine", "postgres", "16"),
        ("image: bitnami/mariadb:10.6.4-focal", "mysql", "10.6.4"),
        ("image: redis", "redis", None),
        ("image: shop/data:1\nenvironment: {MYSQL_DATABASE: x}", "mysql", None),
    ],
)
def test_images_and_settings_tell_data_stores(given: str, engine: str, version: str | None) -> None:
    indented = "".join(f"    {line}\n" for line in given.splitlines())
    value = cases.service(f"services:\n  shop-db:\n{indented}", "shop-db")
    assert value["kind"] == "Datastore"
    assert (value["engine"], value.get("version")) == (engine, version)


def test_what_no_field_says_is_carried_as_it_was_found() -> None:
    text = """
services:
  web:
    image: web
    init: true
    stop_signal: SIGINT
    ulimits: {nofile: {soft: 1, hard: 2}}
    devices: ["/dev/a:/dev/b"]
    logging: {driver: syslog, options: {token: sesame, tag: x}}
    gpus: all
    develop: {watch: [{action: sync, path: .}]}
    x-own: {a: 1}
    deploy: {resources: {limits: {pids: 5}}}
    platform: linux/amd64
"""
    found = cases.imported(text)
    value = cases.documents(found, "Service")["web"]
    kept = value["x-compose"]
    assert kept["init"] is True
    assert kept["ulimits"] == {"nofile": {"soft": 1, "hard": 2}}
    assert kept["deploy"] == {"resources": {"limits": {"pids": 5}}}
    assert kept["logging"] == {"driver": "syslog", "options": {"token": "${SECRET}", "tag": "x"}}
    fates = cases.fates(found)
    assert fates["services.web.stop_signal"] == ("carried", "no field of the model says it")
    assert fates["services.web.x-own.a"][0] == "dropped"
    assert fates["services.web.logging.options.token"][0] == "dropped"
    assert "sesame" not in repr(found)
    assert cases.problems(found) == []


def test_what_is_built_of_it_finds_its_replicas() -> None:
    """By the labels that compose itself gives to containers."""
    found = cases.imported(
        "name: shop\nservices:\n  web_1: {image: web, ports: ['80']}\n  db: {image: postgres}\n"
    )
    estate = loading.load(emission.files(found.documents)).estate
    specs = [entity.spec for entity in estate.entities.values()]
    built = [item for spec in specs for item in road.objects(spec)]
    kinds = {(item["kind"], item["metadata"]["name"]): item for item in built}
    assert set(kinds) == {("Deployment", "web-1"), ("Service", "web-1"), ("StatefulSet", "db")}
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web_1"}
    assert kinds["Service", "web-1"]["spec"]["selector"] == labels
    spec = kinds["Deployment", "web-1"]["spec"]
    assert spec["selector"] == {"matchLabels": labels}
    assert spec["template"]["metadata"]["labels"] == labels


def test_profiles_owners_and_labels_are_annotations() -> None:
    found = cases.imported(
        """
name: shop
services:
  web:
    image: web
    profiles: [debug, tools]
    labels: {owner: Team Payments, com.example.text: "any `text`"}
"""
    )
    web = cases.documents(found, "Service")["web"]
    assert web["annotations"]["telford.dev/profiles"] == "debug,tools"
    assert web["annotations"]["com.example.text"] == "any `text`"
    assert web["owner"] == "team/team-payments"
    assert web["system"] == "shop"
    assert set(cases.documents(found, "Team")) == {"team-payments", "unassigned"}


def test_systems_are_called_as_projects_are() -> None:
    one = "services:\n  web:\n    image: web\n"
    texts = {
        "compose.yaml": one,
        "named/compose.yaml": f"name: Given_Name\n{one}",
        "variable/compose.yaml": one,
        "variable/.env": "COMPOSE_PROJECT_NAME=from-env\n",
        "a/app/compose.yaml": one,
        "b/app/compose.yaml": one,
    }
    found = cases.imported(texts, fallback="root")
    assert set(cases.documents(found, "System")) == {
        *("root", "given-name", "from-env", "app", "b-app"),
    }
    joined = cases.imported(texts, system="all")
    assert set(cases.documents(joined, "System")) == {"all"}
    assert len(cases.documents(joined, "Service")) == 5
    assert cases.problems(joined) == []
