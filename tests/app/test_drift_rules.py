"""The rules of a real, running Prometheus beside those of the estate."""

import contextlib
import json
import pathlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from drift_clusters import desired

import optional
import quick_yaml as yaml
from telford.app import drift_rules
from telford.app.drift_wanted import Desired
from telford.backends.prometheus import Prometheus
from telford.basics.errors import PermanentError, TemporaryError, UsageError
from telford.plan import promql
from telford.plan.drift import Cause, Drift, State

Groups = list[dict[str, Any]]
WANTED = desired("shop")


def groups(wanted: Desired = WANTED) -> Groups:
    """The groups of the build, as one list."""
    texts = (unit.make() for unit in wanted.units if unit.path.endswith(".rules.yaml"))
    return [group for text in texts for group in yaml.safe_load(text)["groups"]]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def prometheus(folder: pathlib.Path, running: Groups) -> Iterator[str]:
    """A Prometheus that runs these groups; its URL."""
    program = optional.require_tool("prometheus")
    (folder / "all.rules.yaml").write_text(yaml.safe_dump({"groups": running}))
    (folder / "prometheus.yml").write_text(
        yaml.safe_dump({"global": {"evaluation_interval": "7m"}, "rule_files": ["all.rules.yaml"]})
    )
    address = f"127.0.0.1:{free_port()}"
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [program, f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
         f"--web.listen-address={address}", "--web.enable-lifecycle"],
        stdout=log, stderr=log,
    )  # fmt: skip
    try:
        _wait(f"http://{address}/-/ready", process, folder / "log")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(url).status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text())


def compared(url: str) -> Drift:
    server = Prometheus(url)
    try:
        return drift_rules.of_server(WANTED, server)
    finally:
        server.close()


def otherwise(group: dict[str, Any]) -> dict[str, Any]:
    """The same group as somebody else would write it."""
    rules = []
    for rule in group["rules"]:
        labels = dict(reversed(rule.get("labels", {}).items()))
        # Every second part lies between quotes.
        parts = rule["expr"].split('"')
        for index in range(0, len(parts), 2):
            parts[index] = (
                parts[index].replace("(", "( ").replace(",", " ,\n").replace("[5m]", "[300s]")
            )
        rules.append({**rule, "labels": labels, "expr": '"'.join(parts) + "  # the same"})
    return {**group, "rules": rules}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Drift, str]]:
    """What is found in a Prometheus in which much was changed by hand."""
    running = [otherwise(group) for group in groups()]
    mine = [g for g in running if g["name"].startswith("objective/")]
    mine[0]["rules"][0]["expr"] = "vector(1)"
    burn = next(g for g in mine for r in g["rules"] if r.get("alert") == "ErrorBudgetBurn")
    alerts = [rule for rule in burn["rules"] if rule.get("alert") == "ErrorBudgetBurn"]
    alerts[0]["for"] = "5m"
    alerts[1]["labels"] = {**alerts[1]["labels"], "severity": "nothing"}
    del alerts[1]["annotations"]["summary"]
    mine[2]["interval"] = "2m"
    lost = mine[4]
    running.remove(lost)
    recorded = next(rule for rule in mine[0]["rules"] if "record" in rule)
    address = recorded["labels"]["address"]
    old = {**recorded, "record": "objective:old:ratio"}
    mine[0]["rules"].append(old)
    running.append({"name": f"{address} in prod/eu-west-1: before", "rules": [old]})
    running.append({"name": "somebody else's", "rules": [{"record": "a:b", "expr": "1"}]})
    with prometheus(tmp_path_factory.mktemp("prometheus"), running) as url:
        drift = compared(url)
        yield drift, lost["name"]


def by_state(drift: Drift, state: State) -> list[str]:
    return [item.subject for item in drift.items if item.state is state]


@pytest.mark.proves(
    "prometheus",
    tool="a running Prometheus",
    shows="it runs the rules of an estate as they were built, and drift finds each that it does not",
)
def test_what_a_prometheus_runs_as_built_is_no_drift_however_it_is_written(tmp_path: pathlib.Path):
    with prometheus(tmp_path, [otherwise(group) for group in groups()]) as url:
        drift = compared(url)
        assert drift.items == ()
        assert drift.compared == drift.equal == sum(len(g["rules"]) for g in groups()) > 50
        assert drift.diagnostics == ()
        # What our own reading of PromQL cannot tell, the server's parser does.
        server = Prometheus(url)
        parser = drift_rules.Parser(server)
        assert not promql.same("sum(x) by ()", "sum(x)")
        assert parser.same("sum(x) by ()", "sum(x)")
        assert not parser.same("sum(x)", "sum(y)")
        assert not parser.same("sum(", "sum(")
        server.close()
        # A configuration that it refuses is told, though the rules go on as they were.
        (tmp_path / "all.rules.yaml").write_text(
            "groups: [{name: a, rules: [{record: 'b', expr: '('}]}]"
        )
        assert httpx.post(f"{url}/-/reload").status_code == 500
        later = compared(url)
        assert later.items == ()
        assert [d.code for d in later.diagnostics] == ["TEL710"]


def test_each_changed_rule_is_named_with_its_fields(found: tuple[Drift, str]):
    drift, _ = found
    different = {item.subject: item for item in drift.items if item.state is State.DIFFERENT}
    fields = [(f.path, f.cause) for item in different.values() for f in item.fields]
    assert sorted(fields) == [
        ("annotations.summary", Cause.ABSENT),
        ("expr", Cause.CHANGED),
        ("for", Cause.CHANGED),
        ("interval", Cause.CHANGED),
        ("labels.severity", Cause.CHANGED),
    ]
    assert {item.owned.team for item in different.values()} <= {"team/orders", "team/storefront"}
    assert all(item.owned.position for item in different.values())


def test_a_missing_group_is_missing_rule_by_rule(found: tuple[Drift, str]):
    drift, lost = found
    missing = by_state(drift, State.MISSING)
    assert missing
    assert all(subject.endswith(f" of {lost}") for subject in missing)


def test_only_rules_of_ours_are_extra(found: tuple[Drift, str]):
    extra = by_state(found[0], State.EXTRA)
    assert len(extra) == 2
    assert all("objective:old:ratio" in subject for subject in extra)


def test_a_rule_that_fails_is_told(tmp_path: pathlib.Path):
    """With the server's own words."""
    group = next(g for g in groups() if g["name"].startswith("objective/"))
    answer = {
        "name": group["name"],
        "interval": 300,
        "rules": [
            {"type": "recording", "name": rule["record"], "query": rule["expr"], "labels": rule["labels"],
             "health": "err", "lastError": "many-to-many matching"} for rule in group["rules"]
        ],
    }  # fmt: skip
    with serving({"/api/v1/rules": {"groups": [answer]}}) as (url, asked):
        drift = compared(url)
    failing = [item for item in drift.items if item.state is State.FAILING]
    assert len(failing) == len(group["rules"])
    assert {item.detail for item in failing} == {"many-to-many matching"}
    assert {method for method, _ in asked} == {"GET"}


Answers = dict[str, Any]


@contextlib.contextmanager
def serving(answers: Answers) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that knows these paths, and what it was asked."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            asked.append((self.command, path))
            known = answers.get(path)
            body = json.dumps({"status": "success", "data": known} if known else {}).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_is_no_prometheus_is_told():
    with serving({}) as (url, _), pytest.raises(PermanentError, match="refused /api/v1/rules"):
        compared(url)
    with pytest.raises(TemporaryError, match="cannot be reached"):
        compared(url)


@pytest.mark.parametrize(
    "url", ["prometheus:9090", "", "ftp://x", "http://", "http://[::1", "http://a:b"]
)
def test_what_is_no_url_is_a_wrong_question(url: str):
    with pytest.raises(UsageError, match="is no URL"):
        Prometheus(url)


def test_a_password_in_the_url_is_never_shown():
    server = Prometheus("http://me:hush@127.0.0.1:1")
    try:
        with pytest.raises(TemporaryError) as caught:
            server.groups()
    finally:
        server.close()
    assert "hush" not in server.name + str(caught.value)


def test_an_estate_without_rules_says_so():
    """Rather than that all is well."""
    none = Desired(WANTED.scene, ())
    with serving({"/api/v1/rules": {"groups": [{"name": "a", "rules": []}]}}) as (url, _):
        server = Prometheus(url)
        try:
            drift = drift_rules.of_server(none, server)
        finally:
            server.close()
    assert [d.code for d in drift.diagnostics] == ["TEL711"]
