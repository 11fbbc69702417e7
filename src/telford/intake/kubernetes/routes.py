"""Ingresses that lead to several services, and Gateway API routes -> `Route`, in document form.

Called by `telford.intake.kubernetes.alone`; the other way is `telford.road.found_routes`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from telford.intake.kubernetes import access, network
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.intake.kubernetes.objects import Object

_PROTOCOLS = {"GRPCRoute": "grpc", "TLSRoute": "tls", "TCPRoute": "tcp", "UDPRoute": "udp"}
_MATCH = {"PathPrefix": "Prefix"}
# (namespace, name of a Service) -> how a Route names what is behind it. Raises Elsewhere.
Find = Callable[[str, str], Fields]


class ElsewhereError(Exception):
    """A rule leads to something that no Route can name; the message says why."""


def fields(item: Object, find: Find) -> Fields:
    """The fields of a Route. Raises ElsewhereError where it leads to what is no service here."""
    spec = access.mapping(item.body, "spec")
    if item.kind == "Ingress":
        return _ingress(item, spec, find)
    rules = [_rule(item, rule, find) for rule in access.mappings(spec.get("rules"))]
    protocol = _PROTOCOLS.get(item.kind)
    return {"via": "gateway", **some(protocol=protocol)} | some(
        hosts=spec.get("hostnames"),
        rules=rules,
        gateways=[_parent(parent) for parent in access.mappings(spec.get("parentRefs"))],
    )


def certificates(spec: Mapping[str, Any]) -> list[Fields]:
    """The certificates of an Ingress."""
    names = {"hosts": "hosts", "secretName": "secret"}
    return [renamed(item, names) for item in access.mappings(spec.get("tls"))]


def _ingress(item: Object, spec: Mapping[str, Any], find: Find) -> Fields:
    rules = []
    if "defaultBackend" in spec:
        rules.append({"to": [_backend(item, spec.get("defaultBackend"), find)]})
    for rule, path, apart in network.paths(item):
        where = renamed(path, {"path": "path", "pathType": "match"}) | some(apart=apart or None)
        to = _backend(item, path.get("backend"), find)
        rules.append(renamed(rule, {"host": "host"}) | where | {"to": [to]})
    return some(rules=rules, controller=spec.get("ingressClassName"), tls=certificates(spec))


def _backend(item: Object, backend: Any, find: Find) -> Fields:
    service = access.mapping(backend, "service")
    name = access.text(service.get("name"))
    if not name:
        raise ElsewhereError("a rule of it leads to something else than a Service")
    port = access.mapping(service, "port")
    return find(item.namespace, name) | some(port=port.get("number", port.get("name")))


def _parent(parent: Mapping[str, Any]) -> str:
    namespace, section = parent.get("namespace"), parent.get("sectionName")
    before = f"{namespace}/" if namespace else ""
    after = f"#{section}" if section else ""
    return f"{before}{parent.get('name')}{after}"


def _rule(item: Object, rule: Mapping[str, Any], find: Find) -> Fields:
    matches = access.mappings(rule.get("matches"))
    found = renamed(rule, {"name": "name"}) | _matches(item.kind, matches)
    for one in access.mappings(rule.get("filters")):
        found |= _filter(one)
    references = access.mappings(rule.get("backendRefs"))
    return found | some(
        to=[_destination(item, reference, find) for reference in references],
        timeout=access.mapping(rule, "timeouts").get("request"),
    )


def _matches(kind: str, matches: list[dict[str, Any]]) -> Fields:
    """The first match with its method, or all of them where they differ in nothing but that."""
    if not matches:
        return {}
    found = [_match(kind, match) for match in matches]
    methods = [match.pop("method", None) for match in found]
    if all(methods) and all(match == found[0] for match in found):
        return found[0] | {"methods": methods}
    rest = [
        match | some(method=method) for match, method in zip(found[1:], methods[1:], strict=True)
    ]
    return found[0] | some(methods=[methods[0]] if methods[0] else None, alternatives=rest)


def _match(kind: str, match: Mapping[str, Any]) -> Fields:
    headers = [
        renamed(header, {"name": "name", "value": "value", "type": "match"})
        for header in access.mappings(match.get("headers"))
    ]
    if kind == "GRPCRoute":
        call = access.mapping(match, "method")
        parts = [access.text(call.get(part)) for part in ("service", "method")]
        called = "/" + "/".join(part for part in parts if part)
        return some(path=called if parts[0] else None, headers=headers)
    path = access.mapping(match, "path")
    kind_of_path = access.text(path.get("type"))
    return some(
        path=path.get("value"),
        match=_MATCH.get(kind_of_path, kind_of_path),
        headers=headers,
        method=match.get("method"),
    )


def _filter(one: Mapping[str, Any]) -> Fields:
    if one.get("type") == "RequestRedirect":
        redirect = access.mapping(one, "requestRedirect")
        names = {"scheme": "scheme", "hostname": "host", "port": "port", "statusCode": "status"}
        path = access.mapping(redirect, "path").get("replaceFullPath")
        return {"redirect": renamed(redirect, names) | some(path=path)}
    path = access.mapping(one, "urlRewrite", "path")
    return some(rewrite=path.get("replacePrefixMatch"))


def _destination(item: Object, reference: Mapping[str, Any], find: Find) -> Fields:
    name = access.text(reference.get("name"))
    if reference.get("kind", "Service") != "Service" or not name:
        raise ElsewhereError("a rule of it leads to something else than a Service")
    namespace = access.text(reference.get("namespace")) or item.namespace
    found = find(namespace, name)
    return found | renamed(reference, {"port": "port", "weight": "weight"})
