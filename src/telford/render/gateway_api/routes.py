"""HTTPRoute and GRPCRoute of one way in, and the grants they need. Called by `target`."""

from collections.abc import Iterator
from typing import Any

from telford.estate.kinds import network
from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.gateway_api import gateways
from telford.render.scene import Scene
from telford.road.ways_in import Backend, Request, Rule, WayIn

_MATCH = {"Prefix": "PathPrefix", "Exact": "Exact", "RegularExpression": "RegularExpression"}
_KINDS = {"http": "HTTPRoute", "grpc": "GRPCRoute"}
# https://gateway-api.sigs.k8s.io/reference/spec/#httproutespec
_RULES = 16
# A redirect to what is encrypted is for good.
_MOVED = 301


def objects(scene: Scene, planned: gateways.Plan, way: WayIn) -> Iterator[Object]:
    """The routes of a way in; none where the standard channel has no kind for its protocol."""
    kind = _KINDS.get(way.protocol)
    if kind is None:
        return
    doors = [planned.doors[host] for host in way.hosts or ("",)]
    secure = [door for door in doors if door.secure]
    for number, rules in enumerate(_portions(way)):
        name = way.name if number == 0 else f"{way.name}-part-{number + 1}"
        parents = [_parent(planned, door, "https" if door.secure else "http") for door in doors]
        yield _route(scene, way, kind, name, {"parentRefs": parents, **_spec(way, kind, rules)})
    if secure:
        yield _redirecting(scene, planned, way, secure)
    yield from _grants(scene, way, kind)


def _portions(way: WayIn) -> Iterator[tuple[Rule, ...]]:
    """Its rules, as many at a time as one route may have."""
    for start in range(0, len(way.rules), _RULES):
        yield way.rules[start : start + _RULES]


def _route(scene: Scene, way: WayIn, kind: str, name: str, spec: Object) -> Object:
    return {
        "apiVersion": gateways.API,
        "kind": kind,
        "metadata": manifests.metadata(scene, way.owner, name),
        "spec": spec,
    }


def _parent(planned: gateways.Plan, door: gateways.Door, protocol: str) -> Object:
    listener = door.listener(protocol)
    return {"name": door.gateway, "namespace": planned.namespace, "sectionName": listener}


def _spec(way: WayIn, kind: str, rules: tuple[Rule, ...]) -> Object:
    hosts: Object = {"hostnames": list(way.hosts)} if way.hosts else {}
    make = _http_rule if kind == "HTTPRoute" else _grpc_rule
    return {**hosts, "rules": [make(way, rule) for rule in rules]}


def _redirecting(
    scene: Scene, planned: gateways.Plan, way: WayIn, doors: list[gateways.Door]
) -> Object:
    """What comes unencrypted to a host with a certificate is sent to where it is not."""
    redirect = {"scheme": "https", "statusCode": _MOVED}
    spec = {
        "parentRefs": [_parent(planned, door, "http") for door in doors],
        **({"hostnames": [door.host for door in doors]} if doors[0].host else {}),
        "rules": [{"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]}],
    }
    return _route(scene, way, "HTTPRoute", f"{way.name}-to-https", spec)


def _http_rule(way: WayIn, rule: Rule) -> Object:
    made: Object = {"matches": [_http_match(request) for request in rule.requests]}
    filters = list(_filters(rule))
    if filters:
        made["filters"] = filters
    if rule.to:
        made["backendRefs"] = [_backend(way, to) for to in rule.to]
    if rule.timeout:
        made["timeouts"] = {"request": manifests.duration(rule.timeout)}
    return made


def _http_match(request: Request) -> Object:
    made: Object = {"path": {"type": _MATCH[request.match], "value": request.path}}
    if request.headers:
        made["headers"] = [_header(item) for item in request.headers]
    if request.method:
        made["method"] = request.method
    return made


def _header(header: network.HeaderMatch) -> Object:
    return {"type": header.match, "name": header.name, "value": header.value}


def _filters(rule: Rule) -> Iterator[Object]:
    if rule.redirect is not None:
        yield {"type": "RequestRedirect", "requestRedirect": _redirect(rule.redirect)}
    if rule.rewrite:
        yield {"type": "URLRewrite", "urlRewrite": {"path": _rewritten(rule, rule.rewrite)}}


def _rewritten(rule: Rule, path: str) -> Object:
    """The part of a path that was matched becomes another, or the whole path does."""
    if all(request.match == "Prefix" for request in rule.requests):
        return {"type": "ReplacePrefixMatch", "replacePrefixMatch": path}
    return {"type": "ReplaceFullPath", "replaceFullPath": path}


def _redirect(redirect: network.Redirect) -> Object:
    made: Object = {}
    if redirect.scheme is not None:
        made["scheme"] = redirect.scheme
    if redirect.host is not None:
        made["hostname"] = redirect.host
    if redirect.path is not None:
        made["path"] = {"type": "ReplaceFullPath", "replaceFullPath": redirect.path}
    if redirect.port is not None:
        made["port"] = redirect.port
    return {**made, "statusCode": redirect.status}


def _grpc_rule(way: WayIn, rule: Rule) -> Object:
    made: Object = {}
    matches = [match for request in rule.requests if (match := _grpc_match(request))]
    if matches:
        made["matches"] = matches
    return {**made, "backendRefs": [_backend(way, to) for to in rule.to]}


def _grpc_match(request: Request) -> Object:
    """``/package.Service/Method``, or the service alone, as gRPC paths are."""
    service, _, method = request.path.strip("/").partition("/")
    made: dict[str, Any] = {}
    if service:
        made["method"] = {"service": service, **({"method": method} if method else {})}
    if request.headers:
        made["headers"] = [_header(item) for item in request.headers]
    return made


def _backend(way: WayIn, to: Backend) -> Object:
    elsewhere = {"namespace": to.namespace} if to.namespace != way.namespace else {}
    share = {"weight": to.share} if to.share is not None else {}
    return {"name": to.service, **elsewhere, "port": to.port, **share}


def _grants(scene: Scene, way: WayIn, kind: str) -> Iterator[Object]:
    """For each other namespace that it leads to: that it may."""
    backends = (to for rule in way.rules for to in rule.to if to.namespace != way.namespace)
    services: dict[str, set[str]] = {}
    for to in backends:
        services.setdefault(to.namespace, set()).add(to.service)
    for namespace, names in sorted(services.items()):
        name = f"{way.namespace}-{way.name}"
        yield {
            "apiVersion": gateways.GRANT_API,
            "kind": "ReferenceGrant",
            "metadata": manifests.metadata(scene, way.owner, name, namespace),
            "spec": {
                "from": [{"group": gateways.GROUP, "kind": kind, "namespace": way.namespace}],
                "to": [{"group": "", "kind": "Service", "name": item} for item in sorted(names)],
            },
        }
