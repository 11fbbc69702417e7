"""Probes: as the estate says, or the road's own. Called by `pods`."""

import copy
from typing import Any

from telford.basics import units
from telford.estate.kinds import running, structure
from telford.road.subject import Subject

_KEYS = ("readinessProbe", "livenessProbe", "startupProbe")


def main(subject: Subject) -> dict[str, Any]:
    """The probes of the main container, under their Kubernetes keys."""
    own = given(subject.run.health, subject)
    road = _road(subject)
    if "readinessProbe" in own and "startupProbe" in road:
        # It is up once it is ready in the way that it says itself.
        road["startupProbe"] = asked_alike(own["readinessProbe"], road["startupProbe"])
    found = {**road, **own}
    return {key: found[key] for key in _KEYS if key in found}


_WAYS = ("httpGet", "tcpSocket", "grpc", "exec")


def asked_alike(own: dict[str, Any], probe: dict[str, Any]) -> dict[str, Any]:
    """A probe with its own timing that asks what another asks."""
    timing = {key: value for key, value in probe.items() if key not in _WAYS}
    return {key: copy.deepcopy(own[key]) for key in _WAYS if key in own} | timing


def given(health: running.Health, subject: Subject) -> dict[str, Any]:
    """Probes as written."""
    checks = zip(_KEYS, (health.ready, health.live, health.startup), strict=True)
    return {key: probe(check, subject) for key, check in checks if check is not None}


def probe(check: running.Check, subject: Subject) -> dict[str, Any]:
    """One probe as written; what is not written is Kubernetes' own default."""
    timing = {
        "initialDelaySeconds": _seconds(check.delay),
        "periodSeconds": _seconds(check.every),
        "timeoutSeconds": _seconds(check.timeout),
        "successThreshold": check.successes,
        "failureThreshold": check.failures,
    }
    return _way(check, subject) | {key: value for key, value in timing.items() if value is not None}


def _seconds(text: str | None) -> int | None:
    """Whole seconds, at least 1: Kubernetes knows no shorter ones."""
    return None if text is None else max(1, round(units.seconds(text)))


def _way(check: running.Check, subject: Subject) -> dict[str, Any]:
    if check.command:
        return {"exec": {"command": list(check.command)}}
    port = check.port if check.port is not None else _first(subject)
    if check.tcp:
        return {"tcpSocket": {"port": port}}
    if check.grpc:
        service = {"service": check.grpc_service} if check.grpc_service is not None else {}
        return {"grpc": {"port": _number(port, subject), **service}}
    return {"httpGet": _http(check, port)}


def _http(check: running.Check, port: int | str) -> dict[str, Any]:
    got: dict[str, Any] = {"path": check.path, "port": port}
    if check.scheme != "HTTP":
        got["scheme"] = check.scheme
    if check.headers:
        got["httpHeaders"] = [{"name": h.name, "value": h.value} for h in check.headers]
    return got


def _first(subject: Subject) -> int | str:
    """The first port by name; a workload without one is asked on the road's http port."""
    return subject.ports[0].name if subject.ports else subject.road.ports["http"]


def _number(port: int | str, subject: Subject) -> int:
    """A gRPC probe takes a number only."""
    if isinstance(port, int):
        return port
    return next((p.port for p in subject.ports if p.name == port), subject.road.ports["grpc"])


def _road(subject: Subject) -> dict[str, Any]:
    """The road's probes: for what answers http or grpc; a worker is asked nothing. A data store
    takes part once it accepts connections, and is never restarted by us: it may be mending itself.
    """
    spec = subject.spec
    if not subject.ports or subject.kind in ("Job", "CronJob"):
        return {}
    if not isinstance(spec, structure.Service):
        ready = _timed({"tcpSocket": {"port": subject.ports[0].name}}, subject)
        return {"readinessProbe": ready["readinessProbe"]}
    if spec.type == "grpc":
        return _timed({"grpc": {"port": subject.ports[0].port}}, subject)
    if spec.type in ("http", "function"):
        path = subject.road.health.path
        return _timed({"httpGet": {"path": path, "port": subject.ports[0].name}}, subject)
    return {}


def _timed(way: dict[str, Any], subject: Subject) -> dict[str, Any]:
    health = subject.road.health
    return {
        "readinessProbe": way
        | {
            "periodSeconds": health.every_seconds,
            "timeoutSeconds": health.timeout_seconds,
            "failureThreshold": health.ready_failures,
        },
        "livenessProbe": {
            "tcpSocket": {"port": subject.ports[0].name},
            "periodSeconds": health.live_every_seconds,
            "timeoutSeconds": health.timeout_seconds,
            "failureThreshold": health.live_failures,
        },
        "startupProbe": way
        | {
            "periodSeconds": health.start_every_seconds,
            "timeoutSeconds": health.timeout_seconds,
            "failureThreshold": health.start_failures,
        },
    }
