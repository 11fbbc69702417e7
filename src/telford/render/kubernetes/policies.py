"""NetworkPolicy: nothing in or out but what the estate declares or a person confirmed.

Called by `target`.
"""

from typing import Any

from telford.road import conventions, defaults
from telford.road.openings import Opening, Openings
from telford.road.subject import Subject


def policies(subject: Subject, ways: Openings) -> list[dict[str, Any]]:
    """One policy: default deny in each direction that is known for sure, and its openings."""
    spec: dict[str, Any] = {"podSelector": {"matchLabels": subject.selector}, "policyTypes": []}
    if ways.ingress is not None:
        spec["policyTypes"].append("Ingress")
        spec["ingress"] = [_rule("from", way) for way in ways.ingress]
    if ways.egress is not None:
        spec["policyTypes"].append("Egress")
        spec["egress"] = [_dns(subject.road.network), *(_rule("to", way) for way in ways.egress)]
    if not spec["policyTypes"]:
        return []
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": subject.metadata(),
            "spec": spec,
        }
    ]


def _rule(side: str, way: Opening) -> dict[str, Any]:
    peer: dict[str, Any] = {}
    if way.namespace:
        labels = {conventions.LABEL_NAMESPACE_NAME: way.namespace}
        peer["namespaceSelector"] = {"matchLabels": labels}
    if way.pods:
        peer["podSelector"] = {"matchLabels": dict(way.pods)}
    if way.block:
        peer["ipBlock"] = {"cidr": way.block}
    rule: dict[str, Any] = {side: [peer]} if peer else {}
    if way.ports:
        rule["ports"] = [{"protocol": protocol, "port": port} for protocol, port in way.ports]
    return rule


def _dns(network: defaults.Network) -> dict[str, Any]:
    """Names must resolve before anything else can be reached."""
    return {
        "to": [
            {
                "namespaceSelector": {
                    "matchLabels": {conventions.LABEL_NAMESPACE_NAME: network.dns_namespace}
                },
                "podSelector": {"matchLabels": network.dns_labels},
            }
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }
