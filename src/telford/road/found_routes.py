"""As-found ways in: the Ingresses of a service, and Routes as Ingress or Gateway API objects.

Called by `telford.road.found`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from telford.estate.kinds import network, structure
from telford.road.found_values import Key, Object, head, named, object_name, some, written

_KINDS = {
    "http": "HTTPRoute",
    "grpc": "GRPCRoute",
    "tls": "TLSRoute",
    "tcp": "TCPRoute",
    "udp": "UDPRoute",
}
_MATCH = {"Prefix": "PathPrefix", "Exact": "Exact", "RegularExpression": "RegularExpression"}


def kind(spec: network.Route) -> str:
    """The Kubernetes kind of a Route."""
    return "Ingress" if spec.via == "ingress" else _KINDS[spec.protocol]


def route(spec: network.Route) -> tuple[Key, Object]:
    """The object of a Route."""
    made_of = kind(spec)
    name = named(spec, made_of)
    made = head(spec, made_of, name, own=True)
    made["spec"] = _ingress(spec) if spec.via == "ingress" else _gateway(spec)
    return (made_of, name), made


def _ingress(spec: network.Route) -> dict[str, Any]:
    default = [rule for rule in spec.rules if _leads_everything(rule)]
    rest = [rule for rule in spec.rules if not _leads_everything(rule)]
    return some(
        ingressClassName=spec.controller,
        tls=certificates(spec.tls),
        defaultBackend=_backend(default[0]) if default else None,
        rules=_rules((rule, _path(rule)) for rule in rest),
    )


def _leads_everything(rule: network.Rule) -> bool:
    return not {"host", "path", "match"} & rule.model_fields_set


def _path(rule: network.Rule) -> dict[str, Any]:
    return written(rule, {"path": "path", "match": "pathType"}) | some(backend=_backend(rule))


def _backend(rule: network.Rule) -> dict[str, Any]:
    return _service(_object(rule.to[0]), rule.to[0].port) if rule.to else {}


def _object(to: network.Destination) -> str:
    return to.endpoint or object_name(to.service)


def _service(name: str, port: int | str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"number" if isinstance(port, int) else "name": port}
    return {"service": {"name": name} | some(port=found if port is not None else None)}


def _rules(
    paths: Iterable[tuple[network.Rule | structure.RouteRule, dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Neighbouring paths of one host share a rule, unless they are said to stand apart."""
    made: list[dict[str, Any]] = []
    for rule, path in paths:
        if not made or made[-1].get("host") != rule.host or rule.apart:
            made.append(some(host=rule.host) | {"http": {"paths": []}})
        made[-1]["http"]["paths"].append(path)
    return made


def certificates(given: Iterable[structure.Certificate]) -> list[dict[str, Any]]:
    """Certificates as an Ingress says them."""
    return [some(hosts=list(item.hosts), secretName=item.secret) for item in given]


def _gateway(spec: network.Route) -> dict[str, Any]:
    return some(
        parentRefs=[_parent(text) for text in spec.gateways],
        hostnames=list(spec.hosts),
        rules=[_rule(spec, rule) for rule in spec.rules],
    )


def _parent(text: str) -> dict[str, Any]:
    """``NAMESPACE/NAME#listener``, the first and the last only where they are said."""
    place, _, section = text.partition("#")
    namespace, _, name = place.rpartition("/")
    return {"name": name} | some(namespace=namespace or None, sectionName=section or None)


def _rule(spec: network.Route, rule: network.Rule) -> dict[str, Any]:
    http = spec.protocol in ("http", "grpc")
    own = _match(spec, rule)
    methods = [own | {"method": method} for method in rule.methods] or [own]
    matches = methods + [_match(spec, match) for match in rule.alternatives]
    timeout = some(request=rule.timeout)
    return some(
        name=rule.name,
        matches=[match for match in matches if match] if http else None,
        filters=_filters(rule),
        backendRefs=[_destination(to) for to in rule.to],
        timeouts=timeout,
    )


def _match(spec: network.Route, match: network.Match | network.Rule) -> dict[str, Any]:
    headers = [written(item, {"match": "type"}) | {"name": item.name, "value": item.value}
               for item in match.headers]  # fmt: skip
    if spec.protocol == "grpc":
        return some(method=_call(match), headers=headers)
    kind_of_path = _MATCH.get(match.match) if "match" in match.model_fields_set else None
    value = match.path if "path" in match.model_fields_set else None
    path = some(type=kind_of_path, value=value)
    return some(path=path, headers=headers, method=getattr(match, "method", None))


def _call(match: network.Match | network.Rule) -> dict[str, Any]:
    """``/package.Service/Method``, or the service alone, as gRPC paths are."""
    if "path" not in match.model_fields_set:
        return {}
    service, _, method = match.path.removeprefix("/").partition("/")
    return some(service=service or None, method=method or None)


def _filters(rule: network.Rule) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if rule.redirect is not None:
        found.append({"type": "RequestRedirect", "requestRedirect": _redirect(rule.redirect)})
    if rule.rewrite is not None:
        path = {"type": "ReplacePrefixMatch", "replacePrefixMatch": rule.rewrite}
        found.append({"type": "URLRewrite", "urlRewrite": {"path": path}})
    return found


def _redirect(redirect: network.Redirect) -> dict[str, Any]:
    names = {"scheme": "scheme", "host": "hostname", "port": "port", "status": "statusCode"}
    path = {"type": "ReplaceFullPath", "replaceFullPath": redirect.path}
    return written(redirect, names) | some(path=path if redirect.path is not None else None)


def _destination(to: network.Destination) -> dict[str, Any]:
    return {"name": _object(to)} | some(port=to.port, weight=to.weight)


def ingresses(spec: structure.Service) -> Iterator[tuple[Key, Object]]:
    """One Ingress for each name that a service's routes give, its rules in their order."""
    groups: dict[str, list[structure.RouteRule]] = {}
    for rule in spec.routes:
        groups.setdefault(rule.ingress or spec.name, []).append(rule)
    settings = {item.name or spec.name: item for item in spec.ingresses}
    for name, rules in groups.items():
        made = head(spec, "Ingress", name)
        made["spec"] = {"rules": _rules((rule, _own_path(spec, rule)) for rule in rules)}
        if name in settings:
            _configure(made, settings[name])
        yield ("Ingress", name), made


def _own_path(spec: structure.Service, rule: structure.RouteRule) -> dict[str, Any]:
    backend = _service(rule.endpoint or spec.name, rule.port)
    return written(rule, {"path": "path", "match": "pathType"}) | {"backend": backend}


def _configure(made: Object, settings: structure.Ingress) -> None:
    """Add what an Ingress says beside its rules."""
    if settings.labels is not None:
        made["metadata"].pop("labels", None)
        made["metadata"] |= some(labels=dict(settings.labels))
    made["metadata"] |= some(annotations=dict(settings.annotations))
    tls = certificates(settings.tls)
    made["spec"] = some(ingressClassName=settings.controller, tls=tls) | made["spec"]
