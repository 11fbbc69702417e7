"""Clusters: where requests are led, how their health is known, and how much they may take.

Called by `target`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from telford.estate.kinds import structure
from telford.render.artifacts import Object
from telford.render.envoy.settings import of, typed
from telford.render.scene import Scene
from telford.road import meshing
from telford.road.subject import Subject
from telford.road.ways_in import Backend


def name(to: Backend) -> str:
    """The name of a backend's cluster: ``orders.shop.80``."""
    return f"{to.service}.{to.namespace}.{to.port}"


def clusters(scene: Scene, backends: Iterable[Backend]) -> Iterator[Object]:
    """One for each backend."""
    for to in backends:
        yield _cluster(scene.subject(to.address), to)


def _cluster(about: Subject, to: Backend) -> Object:
    host = meshing.full_name(to.service, to.namespace)
    address = {"socket_address": {"address": host, "port_value": to.port}}
    made: Object = {
        "name": name(to),
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": of("timeouts")["connect"],
        "per_connection_buffer_limit_bytes": of("clusters")["buffer_bytes"],
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {
            "cluster_name": name(to),
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "health_checks": [_health(about, to)],
        "outlier_detection": _outliers(),
        "circuit_breakers": {"thresholds": [_limits()]},
    }
    if _grpc(about):
        version: Object = {"explicit_http_config": {"http2_protocol_options": {}}}
        kind = "extensions.upstreams.http.v3.HttpProtocolOptions"
        made["typed_extension_protocol_options"] = {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(kind, **version)
        }
    return made


def _grpc(about: Subject) -> bool:
    return isinstance(about.spec, structure.Service) and about.spec.type == "grpc"


def _health(about: Subject, to: Backend) -> Object:
    told = of("health")
    return {
        "timeout": told["timeout"],
        "interval": told["every"],
        "unhealthy_threshold": told["unhealthy"],
        "healthy_threshold": told["healthy"],
        **_question(about, to),
    }


def _question(about: Subject, to: Backend) -> dict[str, Any]:
    """What readiness asks, where it asks the port that requests are led to; else whether the port
    accepts.
    """
    ready = about.run.health.ready
    same = ready is None or ready.port is None or _asks(about, ready.port, to)
    if _grpc(about) and same and (ready is None or ready.grpc):
        service = ready.grpc_service if ready is not None else None
        return {"grpc_health_check": {"service_name": service} if service else {}}
    if ready is not None and ready.path is not None and same:
        return {"http_health_check": {"path": ready.path}}
    if ready is None and not _grpc(about):
        return {"http_health_check": {"path": about.road.health.path}}
    return {"tcp_health_check": {}}


def _asks(about: Subject, port: int | str, to: Backend) -> bool:
    numbers = {item.port for item in about.ports if port in (item.name, item.port)}
    return to.process is not None and to.process[1] in numbers


def _outliers() -> Object:
    told = of("outliers")
    return {
        "consecutive_5xx": told["consecutive_errors"],
        "interval": told["interval"],
        "base_ejection_time": told["ejection"],
        "max_ejection_percent": told["max_percent"],
    }


def _limits() -> Object:
    told = of("clusters")
    return {
        "max_connections": told["connections"],
        "max_pending_requests": told["pending"],
        "max_requests": told["requests"],
        "max_retries": told["retries"],
    }
