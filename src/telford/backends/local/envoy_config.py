"""Envoy's configuration as plain values: the one place that knows Envoy's field names.

Pure. One cluster a version, endpoints by EDS; one route configuration a service, for its own
loopback listener (how other services reach it), and one for the ingress; both divide by the same
weighted clusters. Requests are counted by the access log's stats sink: every request adds one to
exactly one counter, labelled with service, version, replica, status, response flags and latency
bucket, so any reading is consistent and no bucket is rounded (docs/decisions/0007-requests-are-counted-once.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.backends.local.settings import Settings
from telford.estate.workload import Ingress, Split

Plain = dict[str, Any]

_TYPES = "type.googleapis.com/envoy."
NAMESPACE = "telford"  # of metadata and of stats
INGRESS = "ingress"
COUNTER = "requests"

# A request that could not even connect is safe to send to another replica; two tries are enough
# where a dead replica leaves the endpoints within milliseconds.
_RETRIES = 2

# TCP on loopback connects in microseconds; a full accept queue is the only reason to wait.
_CONNECT_TIMEOUT = "1s"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one replica listens; a draining one finishes what it has and gets nothing new."""

    replica: str
    port: int
    draining: bool = False


def cluster_name(service: str, version: str) -> str:
    """The cluster of one version; ``/`` is in no name."""
    return f"{service}/{version}"


def route_name(service: str) -> str:
    """The route configuration of one service's own listener."""
    return f"service/{service}"


def route_file(name: str) -> str:
    """The file of a route configuration, relative to the run folder."""
    return f"xds/rds/{name.replace('/', '@')}.json"


def endpoint_file(service: str, version: str) -> str:
    """The file of a version's endpoints, relative to the run folder."""
    return f"xds/eds/{service}@{version}.json"


CLUSTER_FILE = "xds/cds.json"
LISTENER_FILE = "xds/lds.json"


def bootstrap(place: str) -> Plain:
    """The start configuration; paths are relative to the run folder, Envoy's working folder."""
    return {
        "node": {"id": place, "cluster": NAMESPACE},
        "admin": {"address": {"pipe": {"path": "admin.sock", "mode": 0o600}}},
        "dynamic_resources": {
            "lds_config": _source(LISTENER_FILE),
            "cds_config": _source(CLUSTER_FILE),
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": _typed(
                        "extensions.resource_monitors.downstream_connections.v3"
                        ".DownstreamConnectionsConfig",
                        max_active_downstream_connections=20_000,
                    ),
                }
            ]
        },
    }


def cluster(service: str, version: str) -> Plain:
    """One version of one service. Round robin: replicas get equal traffic, however slow."""
    return _typed(
        "config.cluster.v3.Cluster",
        name=cluster_name(service, version),
        type="EDS",
        connect_timeout=_CONNECT_TIMEOUT,
        lb_policy="ROUND_ROBIN",
        common_lb_config={"healthy_panic_threshold": {"value": 0}},
        circuit_breakers={"thresholds": [_limits("DEFAULT"), _limits("HIGH")]},
        metadata={"filter_metadata": {NAMESPACE: {"service": service, "version": version}}},
        eds_cluster_config={"eds_config": _source(endpoint_file(service, version))},
    )


def _limits(priority: str) -> Plain:
    # Envoy's default of 1,024 would turn a burst of slow requests into errors of its own making.
    most = 100_000
    return {
        "priority": priority,
        "max_connections": most,
        "max_pending_requests": most,
        "max_requests": most,
        "max_retries": 1_000,
    }


def assignment(service: str, version: str, endpoints: Sequence[Endpoint]) -> Plain:
    """The endpoints of one version."""
    return _typed(
        "config.endpoint.v3.ClusterLoadAssignment",
        cluster_name=cluster_name(service, version),
        endpoints=[{"lb_endpoints": [_endpoint(item) for item in endpoints]}],
    )


def _endpoint(endpoint: Endpoint) -> Plain:
    return {
        "health_status": "DRAINING" if endpoint.draining else "HEALTHY",
        "endpoint": {"address": _loopback(endpoint.port)},
        "metadata": {"filter_metadata": {NAMESPACE: {"replica": endpoint.replica}}},
    }


def service_routes(service: str, split: Split | None, settings: Settings) -> Plain:
    """All requests that arrive at a service's own listener."""
    return _routes(route_name(service), [_route("/", service, split, settings)])


def ingress_routes(
    routes: Sequence[Ingress], splits: Mapping[str, Split], settings: Settings
) -> Plain:
    """Requests from outside: the longest prefix first, for Envoy takes the first that matches."""
    longest_first = sorted(routes, key=lambda route: (-len(route.prefix), route.prefix))
    return _routes(
        INGRESS,
        [
            _route(item.prefix, item.service, splits.get(item.service), settings)
            for item in longest_first
        ],
    )


def _routes(name: str, routes: list[Plain]) -> Plain:
    return _typed(
        "config.route.v3.RouteConfiguration",
        name=name,
        validate_clusters=True,
        virtual_hosts=[{"name": name, "domains": ["*"], "routes": routes}],
    )


def _route(prefix: str, service: str, split: Split | None, settings: Settings) -> Plain:
    shares = (
        {version: weight for version, weight in split.weights.items() if weight} if split else {}
    )
    route: Plain = {"match": {"prefix": prefix}}
    if split is None or not shares:
        text = f"telford: {service} has no version with traffic yet\n"
        return {**route, "direct_response": {"status": 503, "body": {"inline_string": text}}}
    # Numbers in metadata are doubles in Envoy; text keeps a generation exact.
    mark = {"service": service, "generation": str(split.generation)}
    return {
        **route,
        "metadata": {"filter_metadata": {NAMESPACE: mark}},
        "route": {
            "weighted_clusters": {
                "clusters": [
                    {"name": cluster_name(service, version), "weight": weight}
                    for version, weight in sorted(shares.items())
                ]
            },
            "timeout": f"{settings.request_timeout_seconds:g}s",
            "retry_policy": _retry_policy(),
        },
    }


def _retry_policy() -> Plain:
    previous_hosts = _typed("extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate")
    return {
        "retry_on": "connect-failure,refused-stream,reset-before-request",
        "num_retries": _RETRIES,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.025s"},
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": previous_hosts}
        ],
        "host_selection_retry_max_attempts": 5,
    }


def listener(name: str, port: int, settings: Settings) -> Plain:
    """A loopback listener and the routes of the same name. Its text never changes after it was made: changing it would make Envoy
    build its counters anew.
    """
    manager = _typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        rds={"route_config_name": name, "config_source": _source(route_file(name))},
        access_log=_access_logs(settings.bounds_ms),
        generate_request_id=False,
        http_filters=[
            {
                "name": "envoy.filters.http.router",
                "typed_config": _typed("extensions.filters.http.router.v3.Router"),
            }
        ],
    )
    manager_filter = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": manager,
    }
    return _typed(
        "config.listener.v3.Listener",
        name=name,
        address=_loopback(port),
        # With SO_REUSEPORT two places could share one port and neither would be told.
        enable_reuse_port=False,
        traffic_direction="INBOUND" if name == INGRESS else "OUTBOUND",
        filter_chains=[{"filters": [manager_filter]}],
    )


def _access_logs(bounds: Sequence[int]) -> list[Plain]:
    """One counting log per latency bucket; their filters exclude one another."""
    logs = []
    for low, high in zip((0, *bounds), (*bounds, None), strict=True):
        sink = _typed(
            "extensions.access_loggers.stats.v3.Config",
            stats_scope={"prefix": NAMESPACE},
            counters=[{"stat": {"name": COUNTER, "tags": _tags(high)}, "value_fixed": 1}],
        )
        entry = {"name": "envoy.access_loggers.stats", "typed_config": sink}
        condition = _between(low, high)
        logs.append({**entry, "filter": condition} if condition else entry)
    return logs


def _tags(bound: int | None) -> list[Plain]:
    formats = {
        "service": f"%METADATA(CLUSTER:{NAMESPACE}:service)%",
        "version": f"%METADATA(CLUSTER:{NAMESPACE}:version)%",
        "replica": f"%METADATA(UPSTREAM_HOST:{NAMESPACE}:replica)%",
        "code": "%RESPONSE_CODE%",
        "flags": "%RESPONSE_FLAGS%",
        "le": "inf" if bound is None else str(bound),
    }
    return [{"name": name, "value_format": value} for name, value in formats.items()]


def _between(low: int, high: int | None) -> Plain | None:
    """Durations (whole milliseconds, cut off) of at least `low` and below `high`."""
    filters = []
    if low:
        filters.append(_duration("GE", low))
    if high is not None:
        filters.append(_duration("LE", high - 1))
    if len(filters) == 2:
        return {"and_filter": {"filters": filters}}
    return filters[0] if filters else None


def _duration(operator: str, milliseconds: int) -> Plain:
    value = {"default_value": milliseconds, "runtime_key": f"{NAMESPACE}.no_such_key"}
    return {"duration_filter": {"comparison": {"op": operator, "value": value}}}


def _source(path: str) -> Plain:
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


def _loopback(port: int) -> Plain:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _typed(type_name: str, /, **fields: object) -> Plain:
    return {"@type": f"{_TYPES}{type_name}", **fields}
