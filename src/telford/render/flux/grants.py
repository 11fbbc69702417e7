"""As whom Flux applies what a team owns: an account a team, with roles that hold what is built.

A controller that impersonates cannot be made to touch anything else by a change of manifests.
Called by `target`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from telford.render import delivering
from telford.render.artifacts import Object
from telford.render.delivering import Bundle, Kind

_API = "rbac.authorization.k8s.io"


def account(team: str) -> str:
    """The name of a team's account."""
    return f"deliver-{team}"


def grants(one: Bundle, team: str, policy: dict[str, Any]) -> Iterator[Object]:
    """Roles and bindings of a bundle: one in each of its namespaces, one for the cluster if it has
    things there.
    """
    objects = [item for unit in one.units for item in unit.objects()]
    cluster, _ = delivering.kinds(objects)
    subject = [{"kind": "ServiceAccount", "name": account(team), "namespace": policy["namespace"]}]
    spaces = {item["metadata"].get("namespace", one.namespace) for item in objects}
    name = f"{one.name}-delivery"
    for namespace in sorted(spaces):
        there = [o for o in objects if o["metadata"].get("namespace", one.namespace) == namespace]
        rules = [*_rules(delivering.kinds(there)[1], policy), *_watched(policy)]
        if one.charted and namespace == one.namespace:
            # Helm keeps its releases as Secrets.
            rules.append(_rule("", ["secrets"], policy))
        yield from _bound("Role", {"name": name, "namespace": namespace}, rules, subject)
    if cluster:
        yield from _bound("ClusterRole", {"name": name}, list(_rules(cluster, policy)), subject)


def _bound(kind: str, metadata: Object, rules: list[Any], subjects: list[Any]) -> Iterator[Object]:
    reference = {"apiGroup": _API, "kind": kind, "name": metadata["name"]}
    yield {"apiVersion": f"{_API}/v1", "kind": kind, "metadata": dict(metadata), "rules": rules}
    yield {
        "apiVersion": f"{_API}/v1",
        "kind": f"{kind}Binding",
        "metadata": dict(metadata),
        "roleRef": reference,
        "subjects": subjects,
    }


def _rules(kinds: Iterable[Kind], policy: dict[str, Any]) -> Iterator[Object]:
    """One rule a group."""
    groups: dict[str, list[str]] = {}
    for group, kind in sorted(kinds):
        groups.setdefault(group, []).append(plural(kind, policy["plural"]))
    for group, names in groups.items():
        yield _rule(group, sorted(names), policy)


def _rule(group: str, names: list[str], policy: dict[str, Any]) -> Object:
    return {"apiGroups": [group], "resources": names, "verbs": policy["grants"]["verbs"]}


def _watched(policy: dict[str, Any]) -> Iterator[Object]:
    for group, resource in policy["grants"]["watched"]:
        yield {"apiGroups": [group], "resources": [resource], "verbs": policy["grants"]["read"]}


def plural(kind: str, known: dict[str, str]) -> str:
    """The resource of a kind: ``networkpolicies`` of NetworkPolicy."""
    small = kind.lower()
    if kind in known:
        return known[kind]
    if small.endswith("y") and small[-2] not in "aeiou":
        return f"{small[:-1]}ies"
    return f"{small}es" if small.endswith(("s", "x", "ch", "sh")) else f"{small}s"
