"""Where replicas run and how they resolve names, in document form. Called by
`telford.intake.kubernetes.pods`; the other way is `telford.road.found_placing`.
"""

from collections.abc import Mapping
from typing import Any

from telford.intake.kubernetes import access
from telford.intake.kubernetes.containers import Fields, renamed, some
from telford.road import spellings

_MUST = "requiredDuringSchedulingIgnoredDuringExecution"
_RATHER = "preferredDuringSchedulingIgnoredDuringExecution"


def fields(spec: Mapping[str, Any]) -> Fields:
    """What a pod's specification says of it."""
    affinity = access.mapping(spec, "affinity")
    placement = some(
        nodes=_nodes(access.mapping(affinity, "nodeAffinity")),
        together=_neighbours(access.mapping(affinity, "podAffinity")),
        apart=_neighbours(access.mapping(affinity, "podAntiAffinity")),
        spread=[_spread(item) for item in access.mappings(spec.get("topologySpreadConstraints"))],
    )
    aliases = access.mappings(spec.get("hostAliases"))
    return renamed(spec, spellings.documented(spellings.POD)) | some(
        placement=placement,
        dns=_dns(spec),
        hostAliases=[renamed(item, {"ip": "ip", "hostnames": "names"}) for item in aliases],
        pullSecrets=pull_secrets(spec),
    )


def pull_secrets(value: Mapping[str, Any]) -> list[str]:
    """The names of the Secrets by which images are fetched."""
    names = (item.get("name") for item in access.mappings(value.get("imagePullSecrets")))
    return [name for name in names if isinstance(name, str)]


def _nodes(affinity: Mapping[str, Any]) -> list[Fields]:
    must = access.mappings(access.mapping(affinity, _MUST).get("nodeSelectorTerms"))
    rather = access.mappings(affinity.get(_RATHER))
    found: list[Fields] = [{"labels": _terms(item)} for item in must]
    found += [
        {"labels": _terms(access.mapping(item, "preference")), "weight": item.get("weight")}
        for item in rather
    ]
    return [rule for rule in found if rule["labels"]]


def _terms(selector: Mapping[str, Any]) -> list[Fields]:
    names = {"key": "key", "operator": "operator", "values": "values"}
    return [renamed(item, names) for item in access.mappings(selector.get("matchExpressions"))]


def _neighbours(affinity: Mapping[str, Any]) -> list[Fields]:
    found = [_neighbour(item) for item in access.mappings(affinity.get(_MUST))]
    for item in access.mappings(affinity.get(_RATHER)):
        term = access.mapping(item, "podAffinityTerm")
        found.append(_neighbour(term) | renamed(item, {"weight": "weight"}))
    return found


def _neighbour(term: Mapping[str, Any]) -> Fields:
    selector = access.mapping(term, "labelSelector")
    labels = access.texts(selector.get("matchLabels"))
    return {"by": term.get("topologyKey")} | some(selector=labels, labels=_terms(selector))


def _spread(item: Mapping[str, Any]) -> Fields:
    names = {"topologyKey": "by", "maxSkew": "skew", "whenUnsatisfiable": "otherwise"}
    labels = access.texts(access.mapping(item, "labelSelector").get("matchLabels"))
    return renamed(item, names) | some(selector=labels)


def _dns(spec: Mapping[str, Any]) -> Fields:
    config = access.mapping(spec, "dnsConfig")
    listed = access.mappings(config.get("options"))
    options = {access.text(item.get("name")): item.get("value", "") for item in listed}
    return some(
        policy=spec.get("dnsPolicy"),
        servers=config.get("nameservers"),
        searches=config.get("searches"),
        options=options if len(options) == len(listed) else None,
    )
