"""Envoy's configuration as plain values: the one place that knows Envoy's field names.

Pure. One cluster a version, endpoints by EDS; one route configuration a service, for its own
loopback listener (how other services reach it), and one for the ingress; both have the same routes:
matches first, then the weighted clusters. Requests are counted by the access log's stats sink: every
request adds one to exactly one counter, labelled with service, version, replica, status, response
flags and latency bucket, so any reading is consistent and no bucket is rounded
(docs/decisions/0007-requests-are-counted-once.md).

A copied (mirrored) request goes through Envoy's own internal listener, so that it is counted in the
very same way, under a name of its own, and never as an answered request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.backends.local.settings import Settings
from telford.estate.workload import BASELINE_SUFFIX, Ingress, Match, Split

Plain = dict[str, Any]

_TYPES = "type.googleapis.com/envoy."
NAMESPACE = "telford"  # of metadata and of stats
_NO_KEY = f"{NAMESPACE}.no_such_key"  # Envoy's runtime is not used; some fields must name a key
INGRESS = "ingress"
COUNTER = "requests"
MIRRORED = "mirrored"  # counts copies

# The internal listener of copies, its cluster, and the header that says where a copy goes: the name
# of the version's cluster. A service sees it too, and may leave out what must not happen twice.
MIRROR = "mirror"
MIRROR_HEADER = "x-telford-mirror"

# A visitor without the cookie is given this as its value; Envoy makes one where there is none.
_VISITOR = "x-request-id"

# A copy ends by its own limit before the sender's, so that a timeout is counted as one.
_MIRROR_PATIENCE = 0.95

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


def bootstrap(place: str, settings: Settings) -> Plain:
    """The start configuration; paths are relative to the run folder, Envoy's working folder."""
    return {
        "node": {"id": place, "cluster": NAMESPACE},
        "admin": {"address": {"pipe": {"path": "admin.sock", "mode": 0o600}}},
        "bootstrap_extensions": [
            {
                "name": "envoy.bootstrap.internal_listener",
                "typed_config": _typed(
                    "extensions.bootstrap.internal_listener.v3.InternalListener"
                ),
            }
        ],
        "static_resources": {
            "listeners": [_mirror_listener(settings)],
            "clusters": [_mirror_cluster()],
        },
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
    return _routes(route_name(service), _service("/", service, split, settings))


def ingress_routes(
    routes: Sequence[Ingress], splits: Mapping[str, Split], settings: Settings
) -> Plain:
    """Requests from outside: the longest prefix first, for Envoy takes the first that matches."""
    longest_first = sorted(routes, key=lambda route: (-len(route.prefix), route.prefix))
    return _routes(
        INGRESS,
        [
            route
            for item in longest_first
            for route in _service(item.prefix, item.service, splits.get(item.service), settings)
        ],
    )


def _routes(name: str, routes: list[Plain]) -> Plain:
    return _typed(
        "config.route.v3.RouteConfiguration",
        name=name,
        validate_clusters=True,
        virtual_hosts=[_host(name, routes)],
    )


def _service(prefix: str, service: str, split: Split | None, settings: Settings) -> list[Plain]:
    """The routes of one service: matches, then visitors who have the cookie, then everybody."""
    if split is None or not any(split.weights.values()):
        text = f"telford: {service} has no version with traffic yet\n"
        body = {"status": 503, "body": {"inline_string": text}}
        return [{"match": {"prefix": prefix}, "direct_response": body}]
    # Numbers in metadata are doubles in Envoy; text keeps a generation exact.
    mark = {"service": service, "generation": str(split.generation)}
    common: Plain = {"metadata": {"filter_metadata": {NAMESPACE: mark}}}
    found = [_matched(one, prefix, split.service, settings) for one in split.matches]
    if split.sticky:
        found.append(_known_visitor(prefix, split, settings))
        found.append(_new_visitor(prefix, split, settings))
    else:
        found.append({"match": {"prefix": prefix}, "route": _weighted(split, settings)})
    return [{**common, **route} for route in found]


def _matched(one: Match, prefix: str, service: str, settings: Settings) -> Plain:
    named = {"name": one.header or one.cookie, "string_match": {"exact": one.value}}
    return {
        "match": {"prefix": prefix, "headers" if one.header else "cookies": [named]},
        "route": {"cluster": cluster_name(service, one.version), **_patience(settings)},
    }


def _known_visitor(prefix: str, split: Split, settings: Settings) -> Plain:
    """The cookie's hash decides, so the same visitor stays while the weights let them."""
    anything = {"name": split.sticky, "string_match": {"safe_regex": {"regex": ".+"}}}
    by_cookie = [{"cookie": {"name": split.sticky}}]
    return {
        "match": {"prefix": prefix, "cookies": [anything]},
        "route": {**_weighted(split, settings, by_hash=True), "hash_policy": by_cookie},
    }


def _new_visitor(prefix: str, split: Split, settings: Settings) -> Plain:
    """The request's id decides, and becomes the cookie: header and cookie have the same hash."""
    value = f"{split.sticky}=%REQ({_VISITOR})%; Path=/; HttpOnly; SameSite=Lax"
    cookie = {
        "header": {"key": "set-cookie", "value": value},
        "append_action": "APPEND_IF_EXISTS_OR_ADD",
    }
    by_id = [{"header": {"header_name": _VISITOR}}]
    return {
        "match": {"prefix": prefix},
        "route": {**_weighted(split, settings, by_hash=True), "hash_policy": by_id},
        "response_headers_to_add": [cookie],
    }


def _weighted(split: Split, settings: Settings, *, by_hash: bool = False) -> Plain:
    clusters: Plain = {
        "clusters": [
            {"name": cluster_name(split.service, version), "weight": split.weights[version]}
            for version in _in_order(split.weights)
        ]
    }
    if by_hash:
        clusters["use_hash_policy"] = True
    route = {"weighted_clusters": clusters, **_patience(settings)}
    mirrors = [
        _mirror(split.service, version, share)
        for version, share in sorted(split.mirror.items())
        if share
    ]
    return {**route, "request_mirror_policies": mirrors} if mirrors else route


def _in_order(weights: Mapping[str, int]) -> list[str]:
    """Versions with weight, as they share the range of hashes.

    The version that has a baseline beside it comes between the new one and the baseline: both grow
    into it, and neither takes visitors from the other. The order of two others does not matter.
    """

    def rank(version: str) -> int:
        if version.endswith(BASELINE_SUFFIX):
            return 2
        return 1 if f"{version}{BASELINE_SUFFIX}" in weights else 0

    return sorted((name for name, share in weights.items() if share), key=lambda v: (rank(v), v))


def _mirror(service: str, version: str, share: int) -> Plain:
    """Copies of a share of the requests; the answers go nowhere, the host header stays."""
    target = {
        "header": {"key": MIRROR_HEADER, "value": cluster_name(service, version)},
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }
    return {
        "cluster": MIRROR,
        "runtime_fraction": {
            "default_value": {"numerator": share, "denominator": "TEN_THOUSAND"},
            "runtime_key": _NO_KEY,
        },
        "disable_shadow_host_suffix_append": True,
        "request_headers_mutations": [{"append": target}],
    }


def _patience(settings: Settings) -> Plain:
    return {
        "timeout": f"{settings.request_timeout_seconds:g}s",
        "retry_policy": _retry_policy(),
    }


def _mirror_cluster() -> Plain:
    """The way of copies into Envoy's own listener."""
    inside = {"address": {"envoy_internal_address": {"server_listener_name": MIRROR}}}
    return {
        "name": MIRROR,
        "type": "STATIC",
        "connect_timeout": _CONNECT_TIMEOUT,
        "circuit_breakers": {"thresholds": [_limits("DEFAULT"), _limits("HIGH")]},
        "load_assignment": {
            "cluster_name": MIRROR,
            "endpoints": [{"lb_endpoints": [{"endpoint": inside}]}],
        },
    }


def _mirror_listener(settings: Settings) -> Plain:
    """Where copies are sent on and counted; the header names the cluster."""
    patience = _patience(settings)
    patience["timeout"] = f"{settings.request_timeout_seconds * _MIRROR_PATIENCE:g}s"
    route = {"match": {"prefix": "/"}, "route": {"cluster_header": MIRROR_HEADER, **patience}}
    routes = {"name": MIRROR, "virtual_hosts": [_host(MIRROR, [route])]}
    logs = _access_logs(MIRRORED, settings.bounds_ms)
    return {
        "name": MIRROR,
        "internal_listener": {},
        "filter_chains": [{"filters": [_manager(MIRROR, logs, route_config=routes)]}],
    }


def _host(name: str, routes: list[Plain]) -> Plain:
    return {"name": name, "domains": ["*"], "routes": routes}


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
    rds = {"route_config_name": name, "config_source": _source(route_file(name))}
    return _typed(
        "config.listener.v3.Listener",
        name=name,
        address=_loopback(port),
        # With SO_REUSEPORT two places could share one port and neither would be told.
        enable_reuse_port=False,
        traffic_direction="INBOUND" if name == INGRESS else "OUTBOUND",
        filter_chains=[
            {"filters": [_manager(name, _access_logs(COUNTER, settings.bounds_ms), rds=rds)]}
        ],
    )


def _manager(name: str, logs: list[Plain], **routes: Plain) -> Plain:
    router = _typed("extensions.filters.http.router.v3.Router")
    manager = _typed(
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=name,
        access_log=logs,
        http_filters=[{"name": "envoy.filters.http.router", "typed_config": router}],
        **routes,
    )
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}


def _access_logs(counter: str, bounds: Sequence[int]) -> list[Plain]:
    """One counting log per latency bucket; their filters exclude one another."""
    logs = []
    for low, high in zip((0, *bounds), (*bounds, None), strict=True):
        sink = _typed(
            "extensions.access_loggers.stats.v3.Config",
            stats_scope={"prefix": NAMESPACE},
            counters=[{"stat": {"name": counter, "tags": _tags(high)}, "value_fixed": 1}],
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
    value = {"default_value": milliseconds, "runtime_key": _NO_KEY}
    return {"duration_filter": {"comparison": {"op": operator, "value": value}}}


def _source(path: str) -> Plain:
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


def _loopback(port: int) -> Plain:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _typed(type_name: str, /, **fields: object) -> Plain:
    return {"@type": f"{_TYPES}{type_name}", **fields}
