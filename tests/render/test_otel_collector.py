"""Collectors: a real one accepts what it has components for, and nothing personal gets through."""

import http.server
import os
import pathlib
import re
import subprocess
from typing import Any, ClassVar

import pytest
import rendered
import watched_places

import optional
import quick_yaml as yaml

# What the collector that a package ships has; `otelcol components` says so, and a test asks it.
HAS = {
    "receivers": {"filelog"},
    "processors": {"memory_limiter", "batch"},
    "exporters": {"otlphttp"},
}
ARCHITECTURE = """\
apiVersion: telford/v1
kind: Architecture
name: a
owner: team/shop
telemetry: {metrics: "https://m.example/otlp", logs: "https://l.example/otlp", traces: "https://t.example"}
---
"""


def _otelcol(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [optional.require_tool("otelcol"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "POD_IP": "127.0.0.1"},
    )


def _made(text: str) -> dict[str, Any]:
    found = rendered.rendering(ARCHITECTURE + text, "otel-collector").artifacts()
    return {one.path.rpartition("/")[2]: yaml.safe_load(one.text) for one in found}


def _reduced(told: dict[str, Any]) -> dict[str, Any]:
    """The part of a configuration that the collector at hand has components for, as one pipeline."""
    kept: dict[str, Any] = {
        part: {key: value for key, value in told[part].items() if key.split("/")[0] in known}
        for part, known in HAS.items()
    }
    # Where it keeps how far it read is an extension, of which it has none.
    files = {key: _without(value, "storage") for key, value in kept["receivers"].items()}
    # A gateway has no receiver that this collector knows: what it has else is validated beside one.
    kept["receivers"] = files or {"filelog": {"include": ["/var/log/pods/*"]}}
    pipeline = {part: list(kept[part]) for part in HAS}
    return {**kept, "service": {"pipelines": {"logs": pipeline}}}


def _without(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name != key}


def _validate(told: dict[str, Any], folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    file = folder / "collector.yaml"
    file.write_text(yaml.safe_dump(told))
    return _otelcol("validate", f"--config={file}")


def test_the_collector_has_the_components_that_we_say_it_has():
    told = yaml.safe_load(_otelcol("components").stdout)
    for part, known in HAS.items():
        assert known <= {one["name"] for one in told[part]}


@pytest.mark.proves(
    "otel-collector",
    tool="otelcol 0.135 validate",
    shows="filelog, memory_limiter, batch and otlphttp of every place are accepted as configured",
)
def test_what_the_collector_has_components_for_is_accepted(tmp_path: pathlib.Path):
    found = {
        path: yaml.safe_load(text)
        for path, text in watched_places.files("otel-collector", "organisation").items()
    }
    assert len(found) >= 8
    wholes = {yaml.safe_dump(_reduced(told)) for told in found.values()}
    for text in sorted(wholes):
        done = _validate(yaml.safe_load(text), tmp_path)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["receivers"]["filelog"]["operators"][0].update(type="containers"),
        lambda told: told["processors"]["memory_limiter"].update(limit_percentage=180),
        lambda told: told["processors"]["batch"].update(send_batch_max_size=1),
        lambda told: told["exporters"]["otlphttp/logs"].update(compresion="zstd"),
    ],
)
def test_a_broken_configuration_is_refused(change: Any, tmp_path: pathlib.Path):
    """Or the test above would prove nothing."""
    told = _reduced(_made(rendered.service("orders"))["agent.yaml"])
    assert _validate(told, tmp_path).returncode == 0
    change(told)
    assert _validate(told, tmp_path).returncode != 0


@pytest.mark.parametrize("name", watched_places.NAMES)
def test_each_pipeline_begins_with_the_memory_limiter_and_ends_with_batches(name: str):
    for text in watched_places.files("otel-collector", name).values():
        told = yaml.safe_load(text)
        assert told["service"]["pipelines"]
        for pipeline in told["service"]["pipelines"].values():
            assert pipeline["processors"][0] == "memory_limiter"
            assert pipeline["processors"][-1] == "batch"
            for part in ("receivers", "processors", "exporters"):
                assert set(pipeline[part]) <= set(told[part])
        assert set(told["service"]["extensions"]) == set(told["extensions"])


class _Sink(http.server.BaseHTTPRequestHandler):
    """Takes what a collector sends, as it is."""

    received: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Quiet."""


@pytest.mark.proves(
    "otel-collector",
    tool="otelcol 0.135",
    shows="it reads the log of a container, knows whose it is, and sends it in batches",
)
def test_a_real_collector_reads_the_log_of_a_container_and_sends_it(tmp_path: pathlib.Path):
    told = _reduced(_made(rendered.service("orders"))["agent.yaml"])
    log = tmp_path / "prod_orders-5d4f-x_5a0c9c6e-0000-4000-8000-000000000001" / "orders" / "0.log"
    log.parent.mkdir(parents=True)
    log.write_text("2026-01-01T00:00:00.000000000Z stdout F a parcel was packed\n")
    files = told["receivers"]["filelog"]
    assert files["include"] == ["/var/log/pods/prod_*/*/*.log"]
    files["include"] = [one.replace("/var/log/pods", str(tmp_path)) for one in files["include"]]
    # A container that was there before the collector is read from its end.
    files["start_at"] = "beginning"
    sink = http.server.HTTPServer(("127.0.0.1", 0), _Sink)
    sent_to = {"endpoint": f"http://127.0.0.1:{sink.server_port}", "compression": "none"}
    told["exporters"] = {"otlphttp/logs": told["exporters"]["otlphttp/logs"] | sent_to}
    told["service"]["pipelines"]["logs"]["exporters"] = ["otlphttp/logs"]
    told["service"]["telemetry"] = {"metrics": {"level": "none"}}
    config = tmp_path / "collector.yaml"
    config.write_text(yaml.safe_dump(told))
    sink.timeout = watched_places.PATIENCE_SECONDS
    collector = subprocess.Popen(
        [optional.require_tool("otelcol"), f"--config={config}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        sink.handle_request()
    finally:
        collector.terminate()
        collector.wait(timeout=watched_places.PATIENCE_SECONDS)
        sink.server_close()
    sent = b"".join(_Sink.received)
    for text in (b"a parcel was packed", b"orders-5d4f-x", b"k8s.pod.uid", b"k8s.namespace.name"):
        assert text in sent


def test_what_has_nowhere_to_go_has_no_pipeline_and_is_said():
    logs = ARCHITECTURE.replace('metrics: "https://m.example/otlp", ', "")
    text = logs.replace(', traces: "https://t.example"', "") + rendered.service("orders")
    result = rendered.rendering(text, "otel-collector")
    (agent,) = [yaml.safe_load(one.text) for one in result.artifacts()]
    assert list(agent["service"]["pipelines"]) == ["logs"]
    (said,) = result.diagnostics
    assert (said.code, said.address) == ("TEL595", "architecture/a")
    assert said.summary.endswith("metrics, traces")
    nothing = rendered.rendering(rendered.service("orders"), "otel-collector")
    assert nothing.units == ()
    assert [d.code for d in nothing.diagnostics] == ["TEL595"]


SENSITIVE = (
    rendered.service("open", "dataClass: public\n")
    + rendered.service("inner", "dataClass: internal\n")
    + rendered.service("people", "dataClass: internal\nuses: [{datastore: persons, timeout: 1s}]\n")
    + rendered.service("health", "uses: [{datastore: records, timeout: 1s}]\n")
    + rendered.service("silent")
    + rendered.service(
        "persons", "engine: mysql\nhost: 10.1.2.3\npersonalData: true\n", kind="Datastore", image=""
    )
    + rendered.service(
        "records",
        "engine: mysql\nhost: 10.1.2.4\ndataClass: restricted\n",
        kind="Datastore",
        image="",
    )
)


class Collector:
    """Reads the transform processors' statements as their documentation says, in Python."""

    def __init__(self, agent: dict[str, Any]) -> None:
        processors = agent["processors"]
        self._class = processors["transform/class"]["log_statements"][0]["statements"]
        self._groups = processors["transform/scrub"]["log_statements"]

    def data_class(self, address: str) -> str:
        found = ""
        for statement in self._class:
            value = re.search(r'_class"\], "(\w+)"\)', statement)
            where = re.search(r'where IsMatch\(.*, "(.*)"\)$', statement)
            assert value is not None
            if where is None or re.search(_unquoted(where[1]), address):
                found = value[1]
        return found

    def log(
        self, address: str, body: str, attributes: dict[str, str]
    ) -> tuple[str, dict[str, str]]:
        """What is left of a log record."""
        mine = self.data_class(address)
        for group in self._groups:
            classes = re.findall(r'== "(\w+)"', "".join(group.get("conditions", ())))
            if "conditions" in group and mine not in classes:
                continue
            for statement in group["statements"]:
                body, attributes = self._applied(statement, body, attributes)
        return body, attributes

    @staticmethod
    def _applied(
        statement: str, body: str, attributes: dict[str, str]
    ) -> tuple[str, dict[str, str]]:
        name = statement.partition("(")[0]
        texts = [_unquoted(one) for one in re.findall(r'"((?:[^"\\]|\\.)*)"', statement)]
        if name == "delete_matching_keys":
            return body, {k: v for k, v in attributes.items() if not re.search(texts[0], k)}
        if name == "set":
            return texts[0], attributes
        pattern, instead = texts[-2:]
        # The collector reads `$$` of its file as `$`.
        instead = re.sub(r"\$\$(\d)", r"\\\1", instead)
        if name == "replace_pattern":
            return re.sub(pattern, instead, body), attributes
        assert name == "replace_all_patterns", statement
        if "IsMap" in statement:
            return body, attributes
        return body, {k: re.sub(pattern, instead, v) for k, v in attributes.items()}


def _unquoted(text: str) -> str:
    return text.replace('\\"', '"').replace("\\\\", "\\")


BODY = (
    "ada@example.com paid with 4111 1111 1111 1111 from 192.0.2.7 via DE89 3704 0044 0532 0130 00,"
    " see https://x.example/a?email=ada, token Bearer abc.def, at postgres://me:secret@db/x"
)
ATTRIBUTES = {
    "http.request.header.authorization": "Basic x",
    "url.query": "name=ada",
    "user.email": "ada@example.com",
    "client.address": "192.0.2.7",
    "db.query.text": "select * from patients where name = 'ada'",
    "http.route": "/patients/{id}",
}


def test_each_service_is_treated_as_what_it_handles():
    told = Collector(_made(SENSITIVE)["agent.yaml"])
    classes = {one: told.data_class(f"service/shop.{one}") for one in
               ("open", "inner", "people", "health", "silent")}  # fmt: skip
    assert classes == {
        "open": "public",
        "inner": "internal",
        "people": "confidential",
        "health": "restricted",
        "silent": "confidential",
    }
    # A dot is a dot: nobody gets away by a name that only looks alike.
    assert told.data_class("service/shopxopen") == "restricted"
    assert told.data_class("") == "restricted"


@pytest.mark.parametrize(
    ("service", "gone", "left"),
    [
        ("open", ["Bearer abc", "me:secret", "authorization"], ["ada@example.com", "url.query"]),
        ("inner", ["Bearer abc", "?email", "url.query"], ["ada@example.com", "user.email"]),
        (
            "people",
            ["ada@", "4111", "192.0.2.7", "DE89", "user.email", "client.address"],
            ["paid with", "db.query.text", "http.route"],
        ),
        ("health", ["paid", "patients where", "db.query.text", "ada"], ["http.route", "withheld"]),
    ],
)
def test_what_a_class_may_not_show_is_gone_and_the_rest_is_there(
    service: str, gone: list[str], left: list[str]
):
    """A reading of the statements of our own: no collector at hand has the transform processor."""
    told = Collector(_made(SENSITIVE)["agent.yaml"])
    found = repr(told.log(f"service/shop.{service}", BODY, ATTRIBUTES))
    assert [word for word in gone if word in found] == []
    assert [word for word in left if word not in found] == []


def test_traces_that_failed_or_were_slower_than_promised_are_kept():
    text = rendered.service("orders", "tier: 0\n") + rendered.objective(
        "quick", "{latency: {threshold: 250ms}}"
    )
    policies = _made(text)["gateway.yaml"]["processors"]["tail_sampling"]["policies"]
    assert [one["name"] for one in policies] == [
        "failed", "slower than the promised 250ms", "slow", "tier 0", "the rest",
    ]  # fmt: skip
    whose, slower = policies[1]["and"]["and_sub_policy"]
    assert whose["string_attribute"]["values"] == ["service/shop.orders"]
    assert slower["latency"] == {"threshold_ms": 250}
