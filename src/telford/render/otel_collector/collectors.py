"""The configurations of a place's collectors. Called by `target`.

Two layers. An **agent** on each machine receives, reads logs, says what everything belongs to,
and takes out what may not leave. Traces go on to **gateways**, each trace to the same one, which sees
it whole and decides whether it is kept. In each pipeline the memory limiter comes first and batches
come last, as their documentation asks for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from telford.render.otel_collector import sampling, scrubbing, settings
from telford.road import architecture, conventions

Object = dict[str, Any]

_HERE = "${env:POD_IP}"
_LIMIT, _BATCH, _WHOSE, _WHERE = "memory_limiter", "batch", "k8sattributes", "resource/place"
_CLASS, _SCRUB, _TAIL = "transform/class", "transform/scrub", "tail_sampling"
# What everything passes on a machine, in this order.
_STEPS = [_LIMIT, _WHOSE, _WHERE, _CLASS, _SCRUB, _BATCH]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the collectors of a place have to know of it.

    `classes` is class of data -> workloads, `promised` threshold -> services, `place` attribute of
    the place -> value.
    """

    namespaces: tuple[str, ...]
    gateways: str
    place: Mapping[str, str]
    classes: Mapping[str, tuple[str, ...]]
    promised: Mapping[str, tuple[str, ...]]
    tiers: tuple[int, ...]
    to: architecture.Telemetry


def agent(facts: Facts) -> Object:
    """On each machine."""
    exporters: Object = {}
    pipelines: Object = {}
    if facts.to.metrics:
        exporters["otlphttp/metrics"] = _sent(facts.to.metrics)
        pipelines["metrics"] = _pipeline(["otlp"], _STEPS, ["otlphttp/metrics"])
    if facts.to.logs:
        exporters["otlphttp/logs"] = _sent(facts.to.logs)
        pipelines["logs"] = _pipeline(["otlp", "filelog"], _STEPS, ["otlphttp/logs"])
    if facts.to.traces:
        exporters["loadbalancing"] = _balanced(facts)
        pipelines["traces"] = _pipeline(["otlp"], _STEPS, ["loadbalancing"])
    logs = {"filelog": _logs(facts.namespaces)} if facts.to.logs else {}
    return {
        "receivers": {"otlp": _otlp(), **logs},
        "processors": {
            _LIMIT: settings.table()["memory"],
            _WHOSE: _owners(),
            _WHERE: _place(facts.place),
            _CLASS: scrubbing.classified(facts.classes),
            _SCRUB: scrubbing.scrubbed(),
            _BATCH: settings.table()["batch"],
        },
        "exporters": exporters,
        **_service(pipelines, storage=bool(logs)),
    }


def gateway(facts: Facts) -> Object:
    """Sees whole traces."""
    steps = [_LIMIT, _TAIL, _BATCH]
    return {
        "receivers": {"otlp": _otlp()},
        "processors": {
            _LIMIT: settings.table()["memory"],
            _TAIL: sampling.tail(facts.promised, facts.tiers),
            _BATCH: settings.table()["batch"],
        },
        "exporters": {"otlphttp/traces": _sent(facts.to.traces)},
        **_service({"traces": _pipeline(["otlp"], steps, ["otlphttp/traces"])}, storage=False),
    }


def _pipeline(receivers: list[str], processors: list[str], exporters: list[str]) -> Object:
    return {
        "receivers": receivers,
        "processors": list(processors),
        "exporters": exporters,
    }


def _service(pipelines: Object, *, storage: bool) -> Object:
    kept = {"file_storage": {"directory": "/var/lib/otelcol"}} if storage else {}
    extensions = {"health_check": {"endpoint": f"{_HERE}:13133"}, **kept}
    return {
        "extensions": extensions,
        "service": {"extensions": list(extensions), "pipelines": pipelines},
    }


def _otlp() -> Object:
    """On the pod's own address: the default is for the machine itself alone."""
    return {
        "protocols": {
            "grpc": {"endpoint": f"{_HERE}:4317"},
            "http": {"endpoint": f"{_HERE}:4318"},
        }
    }


def _sent(url: str) -> Object:
    return {"endpoint": url, "compression": "zstd", "retry_on_failure": {"enabled": True}}


def _balanced(facts: Facts) -> Object:
    """All spans of a trace to one gateway: of half a trace nobody knows whether it failed."""
    return {
        "routing_key": "traceID",
        "protocol": {"otlp": {"tls": {"insecure": True}}},
        "resolver": {"k8s": {"service": facts.gateways}},
    }


def _logs(namespaces: Iterable[str]) -> Object:
    """What containers of the place write. What was read last is kept, so none is lost or doubled."""
    return {
        "include": [f"/var/log/pods/{namespace}_*/*/*.log" for namespace in namespaces],
        "start_at": "end",
        "include_file_path": True,
        "include_file_name": False,
        "storage": "file_storage",
        "retry_on_failure": {"enabled": True},
        "operators": [{"type": "container", "id": "container"}],
    }


def _owners() -> Object:
    """What a pod's labels and annotations say of whatever comes from it."""
    return {
        "auth_type": "serviceAccount",
        "filter": {"node_from_env_var": "NODE_NAME"},
        "extract": {
            "metadata": [
                "k8s.namespace.name",
                "k8s.pod.name",
                "k8s.pod.uid",
                "k8s.node.name",
                "k8s.container.name",
                "container.image.name",
                "container.image.tag",
            ],
            "labels": [
                _taken("service.name", conventions.LABEL_NAME),
                _taken("service.namespace", conventions.LABEL_PART_OF),
                _taken("service.version", conventions.LABEL_VERSION),
                _taken(conventions.ATTRIBUTE_TIER, conventions.LABEL_TIER),
            ],
            "annotations": [
                _taken(conventions.ATTRIBUTE_ADDRESS, conventions.ANNOTATION_ADDRESS),
            ],
        },
        "pod_association": [
            {"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
            {"sources": [{"from": "connection"}]},
        ],
    }


def _taken(name: str, key: str) -> dict[str, str]:
    return {"tag_name": name, "key": key, "from": "pod"}


def _place(place: Mapping[str, str]) -> Object:
    attributes = [{"key": key, "value": value, "action": "upsert"} for key, value in place.items()]
    return {"attributes": attributes}
