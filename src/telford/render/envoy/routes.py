"""Virtual hosts: what becomes of each request, by host, then by path, method and headers.

Envoy takes the first route that matches, so the most special stand first: whole paths, expressions,
then the longest prefix, and of equal paths those that ask for more. Called by `target` and
`bootstrap`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.envoy import clusters
from telford.render.envoy.settings import of
from telford.road.ways_in import Backend, Request, Rule, WayIn

_RANK = {"Exact": 0, "RegularExpression": 1, "Prefix": 2}
# Envoy's name for each of the statuses that a redirect may have.
_REDIRECTS = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}


@dataclass(frozen=True, slots=True)
class Host:
    """One host, "" for any: the Secret of its certificate ("" without one), and its routes."""

    name: str
    certificate: str
    routes: tuple[Object, ...]


def hosts(ways: Iterable[WayIn]) -> list[Host]:
    """Every host, by name."""
    by_host: dict[str, list[WayIn]] = {}
    for way in ways:
        for host in way.hosts or ("",):
            by_host.setdefault(host, []).append(way)
    return [_host(name, by_host[name]) for name in sorted(by_host)]


def _host(name: str, ways: list[WayIn]) -> Host:
    pairs = [(way, rule, one) for way in ways for rule in way.rules for one in rule.requests]
    pairs.sort(key=lambda pair: _order(pair[2]))
    made = [item for way, rule, one in pairs for item in _routes(way, rule, one)]
    certificate = next(filter(None, (way.certificate(name) for way in ways)), "")
    return Host(name, certificate, tuple(made))


def _order(request: Request) -> tuple[int, int, int, str]:
    asked = len(request.headers) + bool(request.method)
    return _RANK[request.match], -len(request.path), -asked, request.path


def virtual_host(host: Host) -> Object:
    """A host with all of its routes."""
    return {"name": host.name or "any", "domains": domains(host), "routes": list(host.routes)}


def redirecting(host: Host) -> Object:
    """A host of which everything is sent to where it is encrypted."""
    route = {"match": {"prefix": "/"}, "redirect": {"https_redirect": True}}
    return {"name": host.name or "any", "domains": domains(host), "routes": [route]}


def domains(host: Host) -> list[str]:
    """What the host is called; a port behind it was cut off before."""
    return [host.name or "*"]


def _routes(way: WayIn, rule: Rule, request: Request) -> Iterator[Object]:
    """One, or two where a prefix is rewritten: `/a` becomes `/b`, and `/a/c` becomes `/b/c`."""
    if rule.rewrite and request.match == "Prefix" and not request.path.endswith("/"):
        ends = "" if rule.rewrite.endswith("/") else "/"
        yield _route(way, rule, request, {"path": request.path}, rule.rewrite)
        whole = {"prefix": f"{request.path}/"}
        yield _route(way, rule, request, whole, f"{rule.rewrite}{ends}")
        return
    yield _route(way, rule, request, _path(request), rule.rewrite)


def _path(request: Request) -> Object:
    """A prefix is of whole parts of a path."""
    if request.match == "Exact":
        return {"path": request.path}
    if request.match == "RegularExpression":
        return {"safe_regex": {"regex": request.path}}
    if request.path.endswith("/"):
        return {"prefix": request.path}
    return {"path_separated_prefix": request.path}


def _route(way: WayIn, rule: Rule, request: Request, path: Object, rewrite: str) -> Object:
    match = {**path, **_headers(request)}
    if rule.redirect is not None:
        return {"match": match, "redirect": _redirect(rule)}
    return {"match": match, "route": _action(way, rule, request, rewrite)}


def _headers(request: Request) -> Object:
    found = [
        {"name": item.name, "string_match": _text(item.match, item.value)}
        for item in request.headers
    ]
    if request.method:
        found.insert(0, {"name": ":method", "string_match": {"exact": request.method}})
    return {"headers": found} if found else {}


def _text(match: str, value: str) -> Object:
    return {"exact": value} if match == "Exact" else {"safe_regex": {"regex": value}}


def _redirect(rule: Rule) -> Object:
    redirect = rule.redirect
    assert redirect is not None, "only a redirect is made one"
    made: Object = {"response_code": _REDIRECTS[redirect.status]}
    if redirect.scheme is not None:
        made["scheme_redirect"] = redirect.scheme
    if redirect.host is not None:
        made["host_redirect"] = redirect.host
    if redirect.port is not None:
        made["port_redirect"] = redirect.port
    if redirect.path is not None:
        made["path_redirect"] = redirect.path
    return made


def _action(way: WayIn, rule: Rule, request: Request, rewrite: str) -> Object:
    retries = of("retries")
    policy = {"retry_on": retries["on"], "num_retries": retries["times"]}
    made = {**_led(rule.to), "timeout": _timeout(way, rule), "retry_policy": policy}
    if rewrite and request.match == "RegularExpression":
        # All of the path, whatever the expression matched of it.
        substitution = rewrite.replace("\\", "\\\\")
        made["regex_rewrite"] = {"pattern": {"regex": "^.*$"}, "substitution": substitution}
    elif rewrite:
        made["prefix_rewrite"] = rewrite
    return made


def _led(to: tuple[Backend, ...]) -> Object:
    if len(to) == 1:
        return {"cluster": clusters.name(to[0])}
    shares = [one.share if one.share is not None else 1 for one in to]
    weighted = [
        {"name": clusters.name(one), "weight": share} for one, share in zip(to, shares, strict=True)
    ]
    return {"weighted_clusters": {"clusters": weighted}}


def _timeout(way: WayIn, rule: Rule) -> str:
    """Its own; none for gRPC, whose streams may last; else what holds for all."""
    if rule.timeout:
        return manifests.decimal_seconds(rule.timeout)
    return "0s" if way.protocol == "grpc" else str(of("timeouts")["route"])
