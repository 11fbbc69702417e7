"""The objects beside a workload as values, one function a kind. Called by `entries`.

Each takes the object's fields but `apiVersion`, `kind` and `metadata`, and the labels that select the
service's pods where the chart knows them.
"""

from collections.abc import Callable, Mapping
from typing import Any

from telford.render.helm import workloads
from telford.render.helm.taking import Taken, UnsaidError, Values, named
from telford.road import conventions

Labels = dict[str, str]
_RBAC = "rbac.authorization.k8s.io"
_ENDPOINT = {
    "type": "type",
    "sessionAffinity": "affinity",
    "externalTrafficPolicy": "externalTraffic",
    "internalTrafficPolicy": "internalTraffic",
    "publishNotReadyAddresses": "publishUnready",
    "ipFamilyPolicy": "ipPolicy",
    "ipFamilies": "ipFamilies",
    "loadBalancerClass": "loadBalancerClass",
    "loadBalancerSourceRanges": "allowed",
    "externalIPs": "externalIps",
}
_PORT = {
    "port": "port",
    "name": "name",
    "targetPort": "target",
    "protocol": "protocol",
    "nodePort": "nodePort",
    "appProtocol": "appProtocol",
}


def _account(found: Taken, selector: Labels) -> Values:
    del selector
    secrets = named(found.take("imagePullSecrets", ()), "imagePullSecrets")
    made = found.renamed({"automountServiceAccountToken": "mountToken"})
    return made | ({"pullSecrets": secrets} if secrets else {})


def _role(found: Taken, selector: Labels) -> Values:
    del selector
    return found.renamed({"rules": "rules"})


def _binding(found: Taken, selector: Labels) -> Values:
    del selector
    role = found.inside("roleRef")
    role.must("apiGroup", _RBAC)
    made = {"role": {"kind": role.take("kind"), "name": role.take("name")}}
    role.done()
    return made | found.renamed({"subjects": "subjects"})


def _config(found: Taken, selector: Labels) -> Values:
    del selector
    return found.renamed({"data": "values", "immutable": "immutable"})


def _storage(found: Taken, selector: Labels) -> Values:
    del selector
    return workloads.claim(found.inside("spec"))


def _endpoint(found: Taken, selector: Labels) -> Values:
    spec = found.inside("spec")
    made: Values = {}
    address = spec.take("clusterIP")
    if address not in (None, "None"):
        raise UnsaidError("spec.clusterIP")
    if address == "None":
        made["headless"] = True
    made |= spec.renamed(_ENDPOINT) | _selected(spec.take("selector", {}), selector)
    ports = [_all_of(item, _PORT, "spec.ports") for item in spec.take("ports", ())]
    spec.done()
    return made | ({"ports": ports} if ports else {})


def _selected(found: Labels, selector: Labels) -> Values:
    return {} if selector and found == selector else {"selector": found}


def _all_of(item: Any, names: Mapping[str, str], where: str) -> Values:
    found = Taken(item, where)
    made = found.renamed(names)
    found.done()
    return made


def _ingress(found: Taken, selector: Labels) -> Values:
    del selector
    spec = found.inside("spec")
    made = spec.renamed({"ingressClassName": "class"})
    names = {"hosts": "hosts", "secretName": "secret"}
    certificates = [_all_of(item, names, "spec.tls") for item in spec.take("tls", ())]
    default = spec.take("defaultBackend")
    rules = [_rule(item) for item in spec.take("rules", ())]
    spec.done()
    lists = {"tls": certificates, "to": _backend(default) if default else {}, "rules": rules}
    return made | {key: value for key, value in lists.items() if value}


def _rule(item: Any) -> Values:
    found = Taken(item, "spec.rules")
    http = found.inside("http")
    made = {**found.renamed({"host": "host"}), "paths": [_path(one) for one in http.take("paths")]}
    http.done()
    found.done()
    return made


def _path(item: Any) -> Values:
    found = Taken(item, "spec.rules.paths")
    made = found.renamed({"path": "path", "pathType": "match"})
    made["to"] = _backend(found.take("backend"))
    found.done()
    return made


def _backend(item: Any) -> Values:
    found = Taken(item, "backend")
    service = found.inside("service")
    port = service.inside("port")
    made = {"endpoint": service.take("name")}
    made |= port.renamed({"number": "port"}) or port.renamed({"name": "port"})
    for one in (port, service, found):
        one.done()
    return made


def _network(found: Taken, selector: Labels) -> Values:
    spec = found.inside("spec")
    pods = spec.inside("podSelector")
    if not selector or pods.take("matchLabels") != selector:
        raise UnsaidError("spec.podSelector")
    types = spec.take("policyTypes", ())
    made: Values = {}
    for kind, field, side in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        openings = spec.take(field)
        if (openings is not None) != (kind in types):
            raise UnsaidError("spec.policyTypes")
        if openings is not None:
            made[side] = [_opening(item, side) for item in openings]
    pods.done()
    spec.done()
    return made


def _opening(item: Any, side: str) -> Values:
    found = Taken(item, f"spec.{side}")
    peers = found.take(side, [{}])
    if len(peers) != 1:
        raise UnsaidError(f"spec.{side}")
    peer = Taken(peers[0], f"spec.{side}")
    block, namespace = peer.inside("ipBlock"), peer.inside("namespaceSelector")
    pods, names = peer.inside("podSelector"), namespace.inside("matchLabels")
    made = {
        "namespace": names.take(conventions.LABEL_NAMESPACE_NAME),
        "pods": pods.take("matchLabels"),
        "block": block.take("cidr"),
        "ports": found.take("ports"),
    }
    for one in (block, names, namespace, pods, peer, found):
        one.done()
    if made["block"] and (made["namespace"] or made["pods"]):
        raise UnsaidError(f"spec.{side}")
    return {key: value for key, value in made.items() if value is not None}


def _scaler(found: Taken, selector: Labels) -> Values:
    del selector
    spec = found.inside("spec")
    target = spec.inside("scaleTargetRef")
    target.must("apiVersion", "apps/v1")
    made = {"of": target.take("kind"), "named": target.take("name")}
    made |= spec.renamed({"minReplicas": "min", "maxReplicas": "max", "behavior": "behaviour"})
    targets, metrics = _metrics(spec.take("metrics", []))
    target.done()
    spec.done()
    return made | {k: v for k, v in (("targets", targets), ("metrics", metrics)) if v}


def _metrics(found: list[Any]) -> tuple[list[Values], list[Any]]:
    """Shares of what is asked for, and after them other metrics."""
    split = next((index for index, item in enumerate(found) if not _is_share(item)), len(found))
    shares = [
        {
            "resource": item["resource"]["name"],
            "percent": item["resource"]["target"]["averageUtilization"],
        }
        for item in found[:split]
    ]
    return shares, found[split:]


def _is_share(item: Any) -> bool:
    usual = {"type": "Utilization"}
    target = item.get("resource", {}).get("target", {})
    share = {key: value for key, value in target.items() if key != "averageUtilization"}
    plain = item.keys() == {"type", "resource"} and item["resource"].keys() == {"name", "target"}
    return plain and share == usual and "averageUtilization" in target


def _disruption(found: Taken, selector: Labels) -> Values:
    spec = found.inside("spec")
    selected = spec.inside("selector")
    made = spec.renamed(
        {
            "minAvailable": "minAvailable",
            "maxUnavailable": "maxUnavailable",
            "unhealthyPodEvictionPolicy": "evict",
        }
    )
    made |= _selected(selected.take("matchLabels", {}), selector)
    selected.done()
    spec.done()
    return made


# Kind and version -> the list of values that its objects are in, and what makes them.
PARTS: Mapping[tuple[str, str], tuple[str, Callable[[Taken, Labels], Values]]] = {
    ("ServiceAccount", "v1"): ("account", _account),
    ("Role", f"{_RBAC}/v1"): ("roles", _role),
    ("ClusterRole", f"{_RBAC}/v1"): ("roles", _role),
    ("RoleBinding", f"{_RBAC}/v1"): ("bindings", _binding),
    ("ClusterRoleBinding", f"{_RBAC}/v1"): ("bindings", _binding),
    ("ConfigMap", "v1"): ("configs", _config),
    ("NetworkPolicy", "networking.k8s.io/v1"): ("network", _network),
    ("PersistentVolumeClaim", "v1"): ("storage", _storage),
    ("Service", "v1"): ("endpoints", _endpoint),
    ("Ingress", "networking.k8s.io/v1"): ("ingresses", _ingress),
    ("HorizontalPodAutoscaler", "autoscaling/v2"): ("scaling", _scaler),
    ("PodDisruptionBudget", "policy/v1"): ("disruption", _disruption),
}
# Of these a service has one, so it is no list.
SINGLE = frozenset({"account", "network", "scaling", "disruption"})
