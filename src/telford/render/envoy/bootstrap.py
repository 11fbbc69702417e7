"""The whole of a proxy's configuration: listeners, clusters, admin, and what it may take at most.

Called by `target`.
"""

from telford.render.artifacts import Object
from telford.render.envoy import routes
from telford.render.envoy.settings import of, typed

_MANAGER = "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
# Nobody but its own user may ask the admin.
_PRIVATE = 0o600
# What a line of the access log says of a request; %...% are Envoy's.
# https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
_LOGGED = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "host": "%REQ(:AUTHORITY)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "received_bytes": "%BYTES_RECEIVED%",
    "sent_bytes": "%BYTES_SENT%",
    "duration_ms": "%DURATION%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "upstream": "%UPSTREAM_HOST%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "client": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
}


def config(hosts: list[routes.Host], clusters: list[Object]) -> Object:
    """The configuration that leads requests to some hosts to some clusters."""
    return {
        "admin": {"address": {"pipe": {"path": of("paths")["admin_socket"], "mode": _PRIVATE}}},
        "static_resources": {"listeners": _listeners(hosts), "clusters": clusters},
        "overload_manager": _overload(),
    }


def _listeners(hosts: list[routes.Host]) -> list[Object]:
    open_ones = [routes.redirecting(h) if h.certificate else routes.virtual_host(h) for h in hosts]
    plain = [{"filters": [_manager("http", open_ones, secure=False)]}]
    made = [_listener("http", of("listeners")["http_port"], {"filter_chains": plain})]
    secure = [host for host in hosts if host.certificate]
    if secure:
        inspector = {
            "name": "envoy.filters.listener.tls_inspector",
            "typed_config": typed("extensions.filters.listener.tls_inspector.v3.TlsInspector"),
        }
        chains = [_chain(name, secure) for name in sorted({host.certificate for host in secure})]
        rest: Object = {"listener_filters": [inspector], "filter_chains": chains}
        made.append(_listener("https", of("listeners")["https_port"], rest))
    return made


def _listener(name: str, port: int, rest: Object) -> Object:
    told = of("listeners")
    address = {"socket_address": {"address": told["address"], "port_value": port}}
    limit = told["buffer_bytes"]
    return {"name": name, "address": address, "per_connection_buffer_limit_bytes": limit, **rest}


def _chain(certificate: str, hosts: list[routes.Host]) -> Object:
    """What is encrypted with one certificate; any host's is for whatever no other is for."""
    own = [host for host in hosts if host.certificate == certificate]
    names = [host.name for host in own]
    match: Object = {} if "" in names else {"filter_chain_match": {"server_names": names}}
    virtual = [routes.virtual_host(host) for host in own]
    return {
        **match,
        "transport_socket": _tls(certificate),
        "filters": [_manager(f"https-{certificate}", virtual, secure=True)],
    }


def _tls(certificate: str) -> Object:
    folder = f"{of('paths')['certificates']}/{certificate}"
    pair = {
        "certificate_chain": {"filename": f"{folder}/tls.crt"},
        "private_key": {"filename": f"{folder}/tls.key"},
    }
    common = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "tls_certificates": [pair],
    }
    kind = "extensions.transport_sockets.tls.v3.DownstreamTlsContext"
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(kind, common_tls_context=common),
    }


def _manager(prefix: str, hosts: list[Object], *, secure: bool) -> Object:
    """How requests are read: strictly, because anybody may have sent them."""
    times, streams = of("timeouts"), of("streams")
    windows = {
        "max_concurrent_streams": streams["concurrent"],
        "initial_stream_window_size": streams["stream_window_bytes"],
        "initial_connection_window_size": streams["connection_window_bytes"],
    }
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": typed(
            _MANAGER,
            stat_prefix=prefix,
            use_remote_address=True,
            normalize_path=True,
            merge_slashes=True,
            path_with_escaped_slashes_action="UNESCAPE_AND_REDIRECT",
            strip_any_host_port=True,
            common_http_protocol_options={
                "idle_timeout": times["idle"],
                "headers_with_underscores_action": "REJECT_REQUEST",
            },
            http2_protocol_options=windows,
            stream_idle_timeout=times["stream_idle"],
            request_timeout=times["request"],
            access_log=[_access_log()],
            route_config={
                "name": prefix,
                "virtual_hosts": hosts,
                "response_headers_to_add": _security(secure=secure),
                "validate_clusters": True,
            },
            http_filters=[
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": typed("extensions.filters.http.router.v3.Router"),
                }
            ],
        ),
    }


def _access_log() -> Object:
    kind = "extensions.access_loggers.stream.v3.StdoutAccessLog"
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": typed(kind, log_format={"json_format": dict(_LOGGED)}),
    }


def _security(*, secure: bool) -> list[Object]:
    """What browsers are told, unless the service says it itself."""
    headers = {"x-content-type-options": "nosniff"}
    if secure:
        headers["strict-transport-security"] = of("security")["strict_transport"]
    return [
        {"header": {"key": key, "value": value}, "append_action": "ADD_IF_ABSENT"}
        for key, value in headers.items()
    ]


def _overload() -> Object:
    """It refuses requests before it runs out of memory, and connections before it runs out of
    files.
    """
    told = of("overload")
    heap = typed(
        "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
        max_heap_size_bytes=told["heap_bytes"],
    )
    kind = "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    connections = typed(kind, max_active_downstream_connections=told["connections"])
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {"name": "envoy.resource_monitors.fixed_heap", "typed_config": heap},
            {
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": connections,
            },
        ],
        "actions": [
            _action("shrink_heap", told["shrink_at"]),
            _action("stop_accepting_requests", told["refuse_at"]),
        ],
    }


def _action(name: str, at: float) -> Object:
    trigger = {"name": "envoy.resource_monitors.fixed_heap", "threshold": {"value": at}}
    return {"name": f"envoy.overload_actions.{name}", "triggers": [trigger]}
