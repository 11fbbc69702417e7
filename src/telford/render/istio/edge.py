"""Gateway and VirtualService: how requests from outside come in, where Istio serves them.

Called by `target`.
"""

from collections.abc import Iterable, Iterator

from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.istio import routing
from telford.render.istio.settings import settings
from telford.render.scene import Scene
from telford.road import meshing
from telford.road.ways_in import Backend, Request, Rule, WayIn

_MATCH = {"Prefix": "prefix", "Exact": "exact", "RegularExpression": "regex"}
_ANY = "*"


def namespace(scene: Scene) -> str:
    """Where Istio's gateway runs."""
    return scene.realisation().defaults.network.mesh_gateway_namespace


def gateway(scene: Scene, ways: Iterable[WayIn]) -> Iterator[Object]:
    """One Gateway for the place, with a server for each host."""
    hosts: dict[str, str] = {}
    for way in ways:
        for host in way.hosts or ("",):
            hosts[host or _ANY] = hosts.get(host or _ANY) or way.certificate(host)
    if not hosts:
        return
    servers = [item for host in sorted(hosts) for item in _servers(host, hosts[host])]
    yield {
        "apiVersion": routing.API,
        "kind": "Gateway",
        "metadata": manifests.place_metadata(scene, scene.binding.namespace, namespace(scene)),
        "spec": {"selector": settings().gateway_selector, "servers": servers},
    }


def _servers(host: str, secret: str) -> Iterator[Object]:
    """What is unencrypted is redirected where there is a certificate."""
    name = "any" if host == _ANY else host.replace("*", "any").replace(".", "-")
    http = {"number": 80, "name": f"http-{name}", "protocol": "HTTP"}
    if not secret:
        yield {"port": http, "hosts": [host]}
        return
    yield {"port": http, "hosts": [host], "tls": {"httpsRedirect": True}}
    https = {"number": 443, "name": f"https-{name}", "protocol": "HTTPS"}
    tls = {"mode": "SIMPLE", "credentialName": secret, "minProtocolVersion": "TLSV1_2"}
    yield {"port": https, "hosts": [host], "tls": tls}


def certificates(ways: Iterable[WayIn]) -> list[str]:
    """The Secrets of every certificate that the gateway needs."""
    found = {way.certificate(host) for way in ways for host in way.hosts or ("",)}
    return sorted(filter(None, found))


def virtual_service(scene: Scene, way: WayIn) -> Object:
    """Where the requests of one way in are led."""
    gateways = [f"{namespace(scene)}/{scene.binding.namespace}"]
    rules = [made for rule in way.rules for made in _rules(scene, rule)]
    hosts = list(way.hosts) or [_ANY]
    return {
        "apiVersion": routing.API,
        "kind": "VirtualService",
        "metadata": manifests.metadata(scene, way.owner, f"{way.name}-from-outside"),
        "spec": {"hosts": hosts, "gateways": gateways, "http": rules},
    }


def _rules(scene: Scene, rule: Rule) -> Iterator[Object]:
    """One, or two where a prefix is rewritten: `/a` becomes `/b`, and `/a/c` becomes `/b/c`."""
    if not rule.rewrite:
        yield _rule(scene, rule, [item for one in rule.requests for item in _matches(one)], "")
        return
    for request in rule.requests:
        for match in _matches(request):
            ends = match.get("uri", {}).get("prefix", "").endswith("/")
            path = rule.rewrite if not ends or rule.rewrite.endswith("/") else f"{rule.rewrite}/"
            yield _rule(scene, rule, [match], path)


def _rule(scene: Scene, rule: Rule, matches: list[Object], rewrite: str) -> Object:
    made: Object = {"name": rule.name} if rule.name else {}
    made["match"] = matches
    if rule.redirect is not None:
        return {**made, "redirect": _redirect(rule)}
    if rewrite:
        made["rewrite"] = {"uri": rewrite}
    if rule.timeout:
        made["timeout"] = manifests.duration(rule.timeout)
    told = settings()
    made["retries"] = {"attempts": told.attempts, "retryOn": told.untouched}
    return {**made, "route": list(_destinations(scene, rule.to))}


def _matches(request: Request) -> Iterator[Object]:
    """A prefix is of whole parts of a path, as everywhere in an estate; Istio's is of letters."""
    ways = [{_MATCH[request.match]: request.path}]
    if request.match == "Prefix" and not request.path.endswith("/"):
        ways = [{"exact": request.path}, {"prefix": f"{request.path}/"}]
    for uri in ways:
        made: Object = {"uri": uri}
        if request.method:
            made["method"] = {"exact": request.method}
        if request.headers:
            made["headers"] = {
                item.name.lower(): {"exact" if item.match == "Exact" else "regex": item.value}
                for item in request.headers
            }
        yield made


def _redirect(rule: Rule) -> Object:
    redirect = rule.redirect
    assert redirect is not None, "only a redirect is made one"
    made: Object = {}
    if redirect.path is not None:
        made["uri"] = redirect.path
    if redirect.host is not None:
        made["authority"] = redirect.host
    if redirect.scheme is not None:
        made["scheme"] = redirect.scheme
    if redirect.port is not None:
        made["port"] = redirect.port
    return {**made, "redirectCode": redirect.status}


def _destinations(scene: Scene, to: tuple[Backend, ...]) -> Iterator[Object]:
    """One backend may be in the middle of a release; several have shares of their own."""
    if len(to) == 1:
        host = meshing.full_name(to[0].service, to[0].namespace)
        meshed = scene.runs(to[0].address) and scene.choice("mesh", to[0].address) == "istio"
        if meshed:
            yield from routing.destinations(scene.subject(to[0].address), host, to[0].port)
        else:
            yield {"destination": {"host": host, "port": {"number": to[0].port}}}
        return
    shares = [one.share if one.share is not None else 1 for one in to]
    for one, share in zip(to, shares, strict=True):
        host = meshing.full_name(one.service, one.namespace)
        named = {"host": host, "port": {"number": one.port}}
        yield {"destination": named, "weight": share}
