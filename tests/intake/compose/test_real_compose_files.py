"""Compose files of real public systems: what is found in them is what a person reads in them."""

import copy
import pathlib
from collections import Counter
from typing import Any

import compose_cases as cases

from telford.intake import emission
from telford.intake.compose import accounting, documents, network
from telford.intake.imported import Imported, Options, Status
from telford.intake.kubernetes import reading as kubernetes

# Folder, then: services and data stores, dependencies, leaves mapped, carried, dropped.
AWESOME = """
    angular 1 0 5 0 0
    apache-php 1 0 4 0 0
    aspnet-mssql 2 0 11 0 1
    django 1 0 3 0 0
    elasticsearch-logstash-kibana 3 2 30 1 0
    fastapi 1 0 6 0 0
    flask 1 0 3 1 0
    flask-redis 2 1 7 1 0
    gitea-postgres 2 1 16 0 2
    minecraft 1 0 5 0 0
    nextcloud-postgres 2 1 15 0 2
    nextcloud-redis-mariadb 3 2 20 6 3
    nginx-aspnet-mysql 3 2 22 0 0
    nginx-flask-mongo 3 2 12 1 0
    nginx-flask-mysql 3 2 26 6 0
    nginx-golang 2 1 9 0 0
    nginx-golang-mysql 3 2 26 0 0
    nginx-golang-postgres 3 2 25 1 0
    nginx-nodejs-redis 4 2 14 0 0
    nginx-wsgi-flask 2 1 21 0 0
    pihole-cloudflared-DoH 2 1 30 2 1
    plex 1 0 4 2 0
    portainer 1 0 8 0 0
    postgresql-pgadmin 2 0 13 0 0
    prometheus-grafana 2 0 14 0 1
    react-express-mongodb 3 2 19 7 0
    react-express-mysql 3 2 34 6 0
    react-java-mysql 3 2 30 6 0
    react-nginx 1 0 3 0 0
    react-rust-postgres 3 1 21 6 2
    sparkjava 1 0 2 0 0
    sparkjava-mysql 2 0 13 0 0
    spring-postgres 2 0 14 1 0
    traefik-golang 2 1 9 0 0
    vuejs 1 0 5 0 0
    wasmedge-kafka-mysql 3 2 22 2 2
    wasmedge-mysql-nginx 3 1 9 2 2
    wireguard 1 0 18 1 1
    wordpress-mysql 2 1 15 0 3
"""
# Passwords that the files hold in plain text.
PASSWORDS = ("example_123", "mysecretpassword", "whalehello", "somewordpress", "foobar")

# Read by hand: `depends_on`, and addresses in environment variables.
RETAIL = """
    ui -> catalog cart orders checkout
    catalog -> catalog-db opensearch
    cart -> carts-db
    checkout -> checkout-redis orders
    orders -> orders-db rabbitmq
"""
TRACING = """
    ui catalog cart checkout orders -> otel-collector
    otel-collector -> jaeger
"""
APP = tuple(
    f"src/app/{name}"
    for name in ("docker-compose.yml", "compose.override.yaml", "docker-compose.tracing.yml")
)
SOCKS = ("docker-compose.yml", "docker-compose.logging.yml", "docker-compose.monitoring.yml")


def _edges(text: str) -> set[tuple[str, str]]:
    found = set()
    for line in text.strip().splitlines():
        sources, _, targets = line.partition(" -> ")
        found |= {(one, other) for one in sources.split() for other in targets.split()}
    return found


def _awesome(estates: pathlib.Path) -> dict[str, dict[str, str]]:
    folders = sorted(path for path in (estates / "awesome-compose").iterdir() if path.is_dir())
    return {folder.name: cases.folder(folder) for folder in folders}


def _compose(texts: dict[str, str], found: Imported) -> dict[str, str]:
    """The compose files that an import read."""
    return {file: texts[file] for file in {fate.file for fate in found.report.fates}}


def test_every_file_of_awesome_compose_has_its_own_report(estates: pathlib.Path) -> None:
    """One line a file, as in the table above; the whole estate of each passes `telford check`."""
    lines = []
    for name, texts in _awesome(estates).items():
        found = cases.imported(texts, fallback=name)
        services = {**cases.documents(found, "Service"), **cases.documents(found, "Datastore")}
        counts = Counter(fate.status for fate in found.report.fates)
        numbers = [len(services), _uses(services), *(counts[status] for status in Status)]
        lines.append(" ".join([name, *map(str, numbers)]))
        assert cases.accounted(found) == cases.written(_compose(texts, found)), name
        assert cases.problems(found) == [], name
    assert len(lines) == 39
    assert lines == [line.strip() for line in AWESOME.strip().splitlines()]


def _uses(services: dict[str, Any]) -> int:
    return sum(len(value.get("uses", ())) for value in services.values())


def test_a_folder_of_projects_is_one_import_with_a_system_each(estates: pathlib.Path) -> None:
    found = cases.imported(cases.folder(estates / "awesome-compose"))
    assert len(cases.documents(found, "System")) == 39
    assert cases.problems(found) == []


def test_nine_service_leaves_in_ten_are_understood(estates: pathlib.Path) -> None:
    """Over all files, those named that compose reads only where they are named."""
    retail = cases.folder(estates / "retail-store")
    socks = cases.folder(estates / "sock-shop" / "deploy" / "docker-compose")
    everything = {
        "awesome-compose": cases.imported(cases.folder(estates / "awesome-compose")),
        "retail-store": cases.imported(retail, named=APP),
        "sock-shop": cases.imported(socks, named=SOCKS),
    }
    total: Counter[Any] = Counter()
    shares = {}
    for name, found in everything.items():
        counts = found.report.totals()["services"]
        shares[name] = counts[Status.MAPPED] / counts.total()
        total += counts
    assert total[Status.MAPPED] >= 0.9 * total.total(), shares


def test_what_is_called_mapped_changes_a_document_when_it_changes(estates: pathlib.Path) -> None:
    """Every leaf that the report calls mapped is changed in turn: what is carried beside left out,
    the documents must change too.
    """
    excused = {network.COMMON, documents.CONTRADICTION, accounting.BEYOND}
    tried = 0
    for name, texts in _awesome(estates).items():
        (file,) = [path for path in texts if "compose" in path]
        before = cases.imported(texts, fallback=name)
        plain = _said(before)
        value = cases.parsed(texts[file])
        for fate in before.report.fates:
            kind, _, subject = fate.subject.partition("/")
            if fate.status is not Status.MAPPED or kind != "services" or fate.reason in excused:
                continue
            changed = copy.deepcopy(value)
            _change(changed["services"][subject], fate.path.split("."))
            after = cases.imported({**texts, file: cases.dumped(changed)}, fallback=name)
            assert _said(after) != plain, (name, fate)
            tried += 1
    assert tried > 400


def _said(found: Imported) -> list[Any]:
    """What documents say with fields."""
    return [
        {key: value for key, value in document.value.items() if key != documents.CARRIED}
        for document in found.documents
    ]


def _change(holder: Any, path: list[str]) -> None:
    """Change the leaf at a dotted path whose keys may have dots in them."""
    if isinstance(holder, list):
        key: Any = int(path[0])
        rest = path[1:]
    else:
        length = next(n for n in range(len(path), 0, -1) if ".".join(path[:n]) in holder)
        key, rest = ".".join(path[:length]), path[length:]
    if rest:
        _change(holder[key], rest)
        return
    value = holder[key]
    number = isinstance(value, int) and not isinstance(value, bool)
    holder[key] = value + 1 if number else not value if isinstance(value, bool) else f"x{value}"


def test_no_password_of_the_files_is_in_the_estate(estates: pathlib.Path) -> None:
    for name in ("awesome-compose", "sock-shop"):
        texts = cases.folder(estates / name)
        assert any(word in text for text in texts.values() for word in PASSWORDS)
        named = tuple(path for path in texts if "docker-compose." in path)
        found = cases.imported(texts, named=named)
        everything = repr((found.documents, found.report, found.diagnostics))
        everything += "".join(emission.files(found.documents).values())
        for word in PASSWORDS:
            assert word not in everything


def test_includes_and_overrides_of_the_retail_store(estates: pathlib.Path) -> None:
    """The five included projects are one, the override is laid over them, and the ports that it
    empties are gone; the dependencies are those a person reads.
    """
    texts = cases.folder(estates / "retail-store")
    found = cases.imported(texts)
    assert set(cases.edges(found)) == _edges(RETAIL)
    assert cases.problems(found) == []
    assert cases.accounted(found) == cases.written(_compose(texts, found))
    services = cases.documents(found, "Service")
    assert set(services) == {"ui", "catalog", "cart", "checkout", "orders", "rabbitmq"}
    engines = {n: d["engine"] for n, d in cases.documents(found, "Datastore").items()}
    assert engines == {
        "catalog-db": "mysql",
        "carts-db": "dynamodb",
        "checkout-redis": "redis",
        "orders-db": "postgres",
        "opensearch": "opensearch",
    }
    assert [n for n, d in services.items() if "ports" in d["run"]] == ["ui"]
    assert services["catalog"]["run"]["build"]["context"] == "src/catalog"
    assert {d["system"] for d in services.values()} == {"app"}


def test_includes_are_asked_for_when_one_file_is_named(estates: pathlib.Path) -> None:
    texts = cases.folder(estates / "retail-store")
    whole = cases.imported(texts)
    named = cases.imported(texts, named=APP[:2])
    assert named.documents == whole.documents
    assert cases.codes(named)["TEL621"] == 0


def test_an_include_outside_of_the_folder_is_reported(estates: pathlib.Path) -> None:
    """Only the folder of the app is imported: its includes lie beside it."""
    found = cases.imported(cases.folder(estates / "retail-store" / "src" / "app"))
    assert cases.codes(found)["TEL621"] == 5
    first = next(item for item in found.diagnostics if item.code == "TEL621")
    assert "../ui/docker-compose.yml is not read because it leaves the folder" in first.summary
    assert str(first.position) == "docker-compose.yml:18:5"


def test_a_named_third_file_adds_its_services(estates: pathlib.Path) -> None:
    texts = cases.folder(estates / "retail-store")
    found = cases.imported(texts, named=APP)
    assert set(cases.edges(found)) == _edges(RETAIL) | _edges(TRACING)
    unnamed = [d for d in cases.imported(texts).diagnostics if d.code == "TEL622"]
    assert [str(d.position) for d in unnamed] == ["src/app/docker-compose.tracing.yml"]


def test_dependencies_say_their_file_and_line(estates: pathlib.Path) -> None:
    texts = cases.folder(estates / "retail-store")
    found = cases.imported(texts, named=APP)
    inferred = {edge: origin for edge, origin in cases.edges(found).items() if origin}
    assert len(inferred) == len(found.report.edges) == 7
    for (_, target), origin in inferred.items():
        file, _, line = origin.rpartition(" in ")[2].rpartition(":")
        assert target in texts[file].splitlines()[int(line) - 1]


# The same shop, as compose and as Kubernetes YAML of the same commit. What differs, and why.
ONLY_COMPOSE = {
    "edge-router": "Kubernetes publishes the front end itself",
    "user-sim": "the load test is a manifest of its own there",
}
ONLY_KUBERNETES = {"session-db": "compose keeps sessions in the front end"}
IMAGES = {
    "carts-db": ("mongo:3.4", "mongo"),
    "orders-db": ("mongo:3.4", "mongo"),
    "rabbitmq": ("rabbitmq:3.6.8", "rabbitmq:3.6.8-management"),
    "user": ("weaveworksdemos/user:0.4.4", "weaveworksdemos/user:0.4.7"),
    "user-db": ("weaveworksdemos/user-db:0.4.0", "weaveworksdemos/user-db:0.3.0"),
}


def test_the_sock_shop_is_the_same_from_compose_and_from_kubernetes(
    estates: pathlib.Path,
) -> None:
    shop = estates / "sock-shop" / "deploy"
    compose = cases.imported(cases.folder(shop / "docker-compose"), fallback="sock-shop")
    manifests = cases.folder(shop / "kubernetes")
    other = kubernetes.read(manifests, Options(fallback="sock-shop"))
    ours, theirs = _running(compose), _running(other)
    assert ours.keys() - theirs.keys() == ONLY_COMPOSE.keys()
    assert theirs.keys() - ours.keys() == ONLY_KUBERNETES.keys()
    both = sorted(ours.keys() & theirs.keys())
    assert len(both) == 13
    differing = {
        name: (ours[name]["run"]["image"], theirs[name]["run"]["image"])
        for name in both
        if ours[name]["run"]["image"] != theirs[name]["run"]["image"]
    }
    assert differing == IMAGES
    assert [n for n in both if ours[n]["kind"] != theirs[n]["kind"]] == []
    # Neither names more: the images know each other by names that are built into them.
    assert set(cases.edges(compose)) == set(cases.edges(other)) == {("user", "user-db")}


def _running(found: Imported) -> dict[str, Any]:
    return {**cases.documents(found, "Service"), **cases.documents(found, "Datastore")}


def test_importing_twice_gives_the_same(estates: pathlib.Path) -> None:
    texts = cases.folder(estates / "retail-store")
    assert cases.imported(texts, named=APP) == cases.imported(texts, named=APP)
