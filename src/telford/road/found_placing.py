"""Where as-found replicas run and how they resolve names, as Kubernetes says it.

Called by `telford.road.found_pods`, and by the Kubernetes target for what is paved: these fields
mean the same on both roads.
"""

from collections.abc import Mapping
from typing import Any

from telford.estate.kinds import placing, running
from telford.road import spellings
from telford.road.found_values import some, written


def placed(run: running.Run) -> dict[str, Any]:
    """The fields of a pod's specification that say it; nothing for what is not written."""
    names = spellings.inverse(spellings.POD)
    return written(run, names) | some(
        affinity=_affinity(run.placement),
        topologySpreadConstraints=[_spread(item) for item in run.placement.spread],
        dnsPolicy=run.dns.policy,
        dnsConfig=_dns(run.dns),
        hostAliases=[_alias(item) for item in run.host_aliases],
        imagePullSecrets=[{"name": name} for name in run.pull_secrets],
    )


def _affinity(given: placing.Placement) -> dict[str, Any]:
    return some(
        nodeAffinity=_nodes(given.nodes),
        podAffinity=_neighbours(given.together),
        podAntiAffinity=_neighbours(given.apart),
    )


def _nodes(rules: tuple[placing.NodeRule, ...]) -> dict[str, Any]:
    must = [_expressions(rule.labels) for rule in rules if rule.weight is None]
    rather = [
        {"weight": rule.weight, "preference": _expressions(rule.labels)}
        for rule in rules
        if rule.weight is not None
    ]
    return _strengths(some(nodeSelectorTerms=must), rather)


def _strengths(must: Any, rather: list[dict[str, Any]]) -> dict[str, Any]:
    return some(
        requiredDuringSchedulingIgnoredDuringExecution=must,
        preferredDuringSchedulingIgnoredDuringExecution=rather,
    )


def _expressions(terms: tuple[placing.Term, ...]) -> dict[str, Any]:
    return some(matchExpressions=[_term(term) for term in terms])


def _term(term: placing.Term) -> dict[str, Any]:
    return {"key": term.key, "operator": term.operator} | some(values=list(term.values))


def _neighbours(given: tuple[placing.Neighbour, ...]) -> dict[str, Any]:
    must = [_neighbour(item) for item in given if item.weight is None]
    rather = [
        {"weight": item.weight, "podAffinityTerm": _neighbour(item)}
        for item in given
        if item.weight is not None
    ]
    return _strengths(must, rather)


def _neighbour(item: placing.Neighbour) -> dict[str, Any]:
    return some(labelSelector=_selector(item.selector, item.labels)) | {"topologyKey": item.by}


def _selector(labels: Mapping[str, str], terms: tuple[placing.Term, ...] = ()) -> dict[str, Any]:
    return some(matchLabels=dict(labels)) | _expressions(terms)


def _spread(item: placing.Spread) -> dict[str, Any]:
    return {"maxSkew": item.skew, "topologyKey": item.by} | some(
        whenUnsatisfiable=item.otherwise, labelSelector=_selector(item.selector)
    )


def _dns(dns: placing.Dns) -> dict[str, Any]:
    options = [
        {"name": name, "value": value} if value else {"name": name}
        for name, value in dns.options.items()
    ]
    return some(nameservers=list(dns.servers), searches=list(dns.searches), options=options)


def _alias(alias: placing.HostAlias) -> dict[str, Any]:
    return {"ip": alias.ip} | some(hostnames=list(alias.names))
