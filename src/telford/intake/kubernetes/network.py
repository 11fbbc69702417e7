"""Services, Ingresses and budgets -> endpoints, routes and disruption, in document form.
Called by `telford.intake.kubernetes.workloads`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.intake.kubernetes import access
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.intake.kubernetes.objects import Object
from telford.road import spellings

_PORT = {
    "name": "name",
    "port": "port",
    "targetPort": "target",
    "protocol": "protocol",
    "nodePort": "nodePort",
    "appProtocol": "appProtocol",
}


def endpoint(service: Object, labels: dict[str, str], selector: Mapping[str, str]) -> Fields:
    """A Service; `labels` and `selector` are what it has unless it is written otherwise."""
    metadata = access.mapping(service.body, "metadata")
    spec = access.mapping(service.body, "spec")
    own = access.texts(metadata.get("labels", {}))
    selected = access.texts(spec.get("selector"))
    kind = "Headless" if spec.get("clusterIP") == "None" else spec.get("type")
    return (
        {"name": service.name}
        | some(type=kind)
        | {"ports": [renamed(port, _PORT) for port in access.mappings(spec.get("ports"))]}
        | ({} if own is None or own == labels else {"labels": own})
        | some(annotations=access.texts(metadata.get("annotations")))
        | ({} if selected is None or selected == selector else {"selector": selected})
        | renamed(spec, spellings.documented(spellings.SERVICE))
        | renamed(spec, spellings.documented(spellings.SERVICE_LISTS))
    )


def routes(ingress: Object, service: str) -> list[Fields]:
    """The routes of an Ingress whose rules all lead to this service."""
    found = []
    for rule, path, apart in paths(ingress):
        target = access.mapping(path, "backend", "service")
        port = access.mapping(target, "port")
        name, called = target.get("name"), ingress.name
        found.append(
            some(
                host=rule.get("host"),
                path=path.get("path"),
                match=path.get("pathType"),
                port=port.get("number", port.get("name")),
                endpoint=name if name != service else None,
                ingress=called if called != service else None,
                apart=apart or None,
            )
        )
    return found


def paths(ingress: Object) -> Iterator[tuple[dict[str, Any], dict[str, Any], bool]]:
    """Each path of an Ingress with its rule, and whether a rule begins with it that is for the same
    host as the one before.
    """
    before: Any = ()
    for rule in access.mappings(access.mapping(ingress.body, "spec").get("rules")):
        apart = rule.get("host") == before
        for path in access.mappings(access.mapping(rule, "http").get("paths")):
            yield rule, path, apart
            apart, before = False, rule.get("host")


def ingress_settings(ingress: Object, service: str, labels: dict[str, str]) -> Fields:
    """What an Ingress says beside its rules; nothing where it says nothing more."""
    metadata = access.mapping(ingress.body, "metadata")
    spec = access.mapping(ingress.body, "spec")
    own = access.texts(metadata.get("labels", {}))
    certificates = [
        renamed(item, {"hosts": "hosts", "secretName": "secret"})
        for item in access.mappings(spec.get("tls"))
    ]
    found = some(
        controller=spec.get("ingressClassName"),
        annotations=access.texts(metadata.get("annotations")),
        tls=certificates,
    )
    if own is not None and own != labels:
        found = {"labels": own, **found}
    if found and ingress.name != service:
        found = {"name": ingress.name, **found}
    return found


def disruption(budget: Object | None, selector: Mapping[str, Any]) -> Fields:
    """How much may be away at once."""
    if budget is None:
        return {}
    spec = access.mapping(budget.body, "spec")
    own = access.texts(access.mapping(spec, "selector").get("matchLabels"))
    names = {
        "minAvailable": "minAvailable",
        "maxUnavailable": "maxUnavailable",
        "unhealthyPodEvictionPolicy": "evictUnready",
    }
    return renamed(spec, names) | some(selector=own if own != selector else None)
