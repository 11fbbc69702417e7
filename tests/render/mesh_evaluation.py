"""What network policies, Istio and Linkerd let through, worked out from their objects alone.

Each evaluator reads the objects as its system does and knows nothing of the estate; the tests
compare what they say. Small on purpose: it covers the fields that the targets write, and fails on
others.
"""

from dataclasses import dataclass
from typing import Any

from telford.estate.model import Binding
from telford.render import registry

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod of a workload: what policies see of it."""

    address: str
    namespace: str
    labels: frozenset[tuple[str, str]]
    account: str
    ports: tuple[int, ...]


def objects(binding: Binding, mesh: str) -> list[Object]:
    """What the Kubernetes target and a mesh make of a place, built together."""
    scene = registry.scene(binding, ["kubernetes", mesh])
    return [
        item
        for target in ("kubernetes", mesh)
        for unit in registry.BY_NAME[target].in_place(scene).units
        for item in unit.objects()
    ]


def pods(made: list[Object]) -> list[Pod]:
    """One pod of each workload."""
    found = []
    for item in made:
        if item["kind"] not in ("Deployment", "StatefulSet"):
            continue
        template = item["spec"]["template"]
        ports = [
            port["containerPort"]
            for container in template["spec"]["containers"]
            for port in container.get("ports", [])
        ]
        found.append(
            Pod(
                item["metadata"]["annotations"]["telford.dev/address"],
                item["metadata"]["namespace"],
                frozenset(template["metadata"]["labels"].items()),
                template["spec"]["serviceAccountName"],
                tuple(ports),
            )
        )
    return found


def _of_kind(made: list[Object], kind: str) -> list[Object]:
    return [item for item in made if item["kind"] == kind]


def _selects(selector: Object, pod: Pod) -> bool:
    assert set(selector) <= {"matchLabels"}
    return set(selector.get("matchLabels", {}).items()) <= pod.labels


def _covering(made: list[Object], kind: str, pod: Pod, key: str) -> list[Object]:
    """The policies of a kind that select a pod of their own namespace."""
    return [
        item
        for item in _of_kind(made, kind)
        if item["metadata"]["namespace"] == pod.namespace and _selects(item["spec"][key], pod)
    ]


# Network policies.


def _peer(peer: Object, own: str, other: Pod) -> bool:
    assert set(peer) <= {"podSelector", "namespaceSelector", "ipBlock"}
    if "ipBlock" in peer:
        return False
    wanted = peer.get("namespaceSelector", {}).get("matchLabels")
    namespace = wanted["kubernetes.io/metadata.name"] if wanted else own
    return namespace == other.namespace and _selects(peer.get("podSelector", {}), other)


def _lets(rules: list[Object], side: str, own: str, other: Pod, port: int) -> bool:
    return any(
        (side not in rule or any(_peer(peer, own, other) for peer in rule[side]))
        and ("ports" not in rule or {"protocol": "TCP", "port": port} in rule["ports"])
        for rule in rules
    )


def network_into(made: list[Object], client: Pod, server: Pod, port: int) -> bool:
    """Whether network policies let a client into a server's port."""
    policies = [
        item["spec"]
        for item in _covering(made, "NetworkPolicy", server, "podSelector")
        if "Ingress" in item["spec"]["policyTypes"]
    ]
    return not policies or any(
        _lets(spec.get("ingress", []), "from", server.namespace, client, port) for spec in policies
    )


def network_out_of(made: list[Object], client: Pod, server: Pod, port: int) -> bool:
    """Whether network policies let a client out to a server's port."""
    policies = [
        item["spec"]
        for item in _covering(made, "NetworkPolicy", client, "podSelector")
        if "Egress" in item["spec"]["policyTypes"]
    ]
    return not policies or any(
        _lets(spec.get("egress", []), "to", client.namespace, server, port) for spec in policies
    )


# Istio.


def _source(source: Object, client: Pod) -> bool:
    assert set(source) <= {"principals", "namespaces"}
    principal = f"cluster.local/ns/{client.namespace}/sa/{client.account}"
    return principal in source.get("principals", [principal]) and client.namespace in source.get(
        "namespaces", [client.namespace]
    )


def istio_into(made: list[Object], client: Pod, server: Pod, port: int) -> bool:
    """Whether Istio lets a client, who proves its identity, into a server's port."""
    policies = [
        item["spec"]
        for item in _covering(made, "AuthorizationPolicy", server, "selector")
        if item["apiVersion"].startswith("security.istio.io/")
    ]
    assert all(spec["action"] == "ALLOW" for spec in policies)
    return not policies or any(
        ("from" not in rule or any(_source(one["source"], client) for one in rule["from"]))
        and any(str(port) in one["operation"]["ports"] for one in rule["to"])
        for spec in policies
        for rule in spec.get("rules", [])
    )


def istio_out_of(made: list[Object], client: Pod, host: str) -> bool:
    """Whether a client's proxy knows a host, or lets through what it does not know."""
    sidecars = [
        item["spec"]
        for item in _of_kind(made, "Sidecar")
        if item["metadata"]["namespace"] == client.namespace
        and set(item["spec"]["workloadSelector"]["labels"].items()) <= client.labels
    ]
    if not sidecars:
        return True
    assert len(sidecars) == 1
    hosts = [one for egress in sidecars[0]["egress"] for one in egress["hosts"]]
    return sidecars[0]["outboundTrafficPolicy"]["mode"] == "ALLOW_ANY" or host in hosts


# Linkerd.


def linkerd_into(made: list[Object], client: Pod, server: Pod, port: int) -> bool:
    """Whether Linkerd lets a client, who proves its identity, into a server's port."""
    servers = [
        item
        for item in _covering(made, "Server", server, "podSelector")
        if item["spec"]["port"] == port
    ]
    if not servers:
        return True
    assert all(item["spec"]["accessPolicy"] == "deny" for item in servers)
    names = {item["metadata"]["name"] for item in servers}
    return any(
        all(
            _proves(made, reference, server.namespace, client)
            for reference in item["spec"]["requiredAuthenticationRefs"]
        )
        for item in _of_kind(made, "AuthorizationPolicy")
        if item["apiVersion"].startswith("policy.linkerd.io/")
        and item["metadata"]["namespace"] == server.namespace
        and item["spec"]["targetRef"]["name"] in names
    )


def _proves(made: list[Object], reference: Object, namespace: str, client: Pod) -> bool:
    (found,) = [
        item
        for item in _of_kind(made, reference["kind"])
        if item["metadata"]["name"] == reference["name"]
        and item["metadata"]["namespace"] == namespace
    ]
    if reference["kind"] == "NetworkAuthentication":
        assert found["spec"]["networks"] == [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]
        return True
    suffix = f"{client.namespace}.serviceaccount.identity.linkerd.cluster.local"
    return bool({f"{client.account}.{suffix}", f"*.{suffix}"} & set(found["spec"]["identities"]))
