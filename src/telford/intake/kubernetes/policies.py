"""NetworkPolicies compared with the dependencies that were read: what they forbid although it is
needed (TEL671), what they allow although nothing says it (TEL672).

Labels and namespaces are judged as Kubernetes does; ports are not, and an address block is taken to
let everything through, for nobody knows the addresses of pods. Called by
`telford.intake.kubernetes.problems`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.address import Address
from telford.intake.kubernetes import access, grouping
from telford.intake.kubernetes.dependencies import Inferred
from telford.intake.kubernetes.grouping import Group, Scene
from telford.intake.kubernetes.objects import Key, Object

# Named one by one up to here.
MAX_NAMED = 5
# The label that every namespace has with its own name.
_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class _Policy:
    """A policy, the workloads that it is about, and its rules by direction; None: not judged."""

    item: Object
    about: tuple[Group, ...]
    ingress: tuple[dict[str, Any], ...] | None
    egress: tuple[dict[str, Any], ...] | None


class Policies:
    """Every NetworkPolicy of an input."""

    def __init__(self, scene: Scene) -> None:
        self._groups = scene.groups
        self._spaces = {
            item.name: access.mapping(item.body, "metadata", "labels")
            for item, _ in scene.others
            if item.kind == "Namespace"
        }
        self._policies = [self._policy(item) for item in scene.policies]

    def forbidding(self, source: Group, target: Group) -> Object | None:
        """A policy that keeps the one from reaching the other; None where it may."""
        ways = (("ingress", "from", target, source), ("egress", "to", source, target))
        for direction, peers, about, other in ways:
            rules = [
                (policy, getattr(policy, direction))
                for policy in self._policies
                if about in policy.about and getattr(policy, direction) is not None
            ]
            allowed = any(
                self._lets(policy.item, rule, peers, other)
                for policy, found in rules
                for rule in found
            )
            if rules and not allowed:
                return rules[0][0].item
        return None

    def openings(self) -> Iterator[tuple[Object, Group, Group]]:
        """Policy, source and target of everything that a policy lets in by its labels."""
        for policy in self._policies:
            peers = [
                peer
                for rule in policy.ingress or ()
                for peer in access.mappings(rule.get("from"))
                if access.mapping(peer, "podSelector")
            ]
            for target in policy.about:
                for source in self._groups:
                    reached = any(self._is(policy.item, peer, source) for peer in peers)
                    if reached and source is not target:
                        yield policy.item, source, target

    def _policy(self, item: Object) -> _Policy:
        spec = access.mapping(item.body, "spec")
        selector = access.mapping(spec, "podSelector")
        about = tuple(
            group
            for group in self._groups
            if group.namespace == item.namespace and _selects(selector, _labels(group))
        )
        types = access.items(spec.get("policyTypes"))
        types = types or (["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
        ingress, egress = (
            tuple(access.mappings(spec.get(name))) if name.capitalize() in types else None
            for name in ("ingress", "egress")
        )
        return _Policy(item, about, ingress, egress)

    def _lets(self, policy: Object, rule: Mapping[str, Any], peers: str, other: Group) -> bool:
        listed = access.mappings(rule.get(peers))
        return not listed or any(self._is(policy, peer, other) for peer in listed)

    def _is(self, policy: Object, peer: Mapping[str, Any], group: Group) -> bool:
        if "ipBlock" in peer:
            return True
        if "namespaceSelector" in peer:
            labels = {**self._spaces.get(group.namespace, {}), _NAME: group.namespace}
            if not _selects(access.mapping(peer, "namespaceSelector"), labels):
                return False
        elif group.namespace != policy.namespace:
            return False
        return _selects(access.mapping(peer, "podSelector"), _labels(group))


def _labels(group: Group) -> dict[str, Any]:
    return grouping.pod_labels(group.workload)


def _selects(selector: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    """Whether a label selector means something with these labels; an empty one means everything."""
    wanted = access.mapping(selector, "matchLabels")
    terms = access.mappings(selector.get("matchExpressions"))
    same = all(labels.get(key) == value for key, value in wanted.items())
    return same and all(_holds(term, labels) for term in terms)


def _holds(term: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = access.text(term.get("key")), access.items(term.get("values"))
    operator = term.get("operator")
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) is (operator == "Exists")
    return (labels.get(key) in values) is (operator == "In")


def problems(
    scene: Scene, inferred: Mapping[Key, Inferred], named: Mapping[Key, Address]
) -> Iterator[Diagnostic]:
    """Where policies and dependencies disagree."""
    if not scene.policies:
        return
    policies = Policies(scene)
    yield from _forbidden(policies, scene, inferred, named)
    yield from _undeclared(policies, inferred, named)


def _forbidden(
    policies: Policies,
    scene: Scene,
    inferred: Mapping[Key, Inferred],
    named: Mapping[Key, Address],
) -> Iterator[Diagnostic]:
    groups = {group.workload.key: group for group in scene.groups}
    for key, group in groups.items():
        for target, text in inferred[key].targets.items():
            other = groups.get(target)
            policy = policies.forbidding(group, other) if other is not None else None
            if policy is None:
                continue
            yield Diagnostic(
                "TEL671",
                Severity.WARNING,
                f"{named[key]} seems to use {named[target]}, and {policy.label} forbids it",
                address=str(named[key]),
                position=policy.position,
                detail=f"The dependency is concluded from {text.origin}.",
                fix="let it through in the policy, or refuse the dependency",
            )


def _undeclared(
    policies: Policies, inferred: Mapping[Key, Inferred], named: Mapping[Key, Address]
) -> Iterator[Diagnostic]:
    found: dict[Key, tuple[Object, list[str]]] = {}
    for policy, source, target in policies.openings():
        if target.workload.key not in inferred[source.workload.key].targets:
            pair = f"{named[source.workload.key]} -> {named[target.workload.key]}"
            found.setdefault(policy.key, (policy, []))[1].append(pair)
    for policy, pairs in found.values():
        more = f" and {len(pairs) - MAX_NAMED} more" if len(pairs) > MAX_NAMED else ""
        yield Diagnostic(
            "TEL672",
            Severity.INFO,
            f"{policy.label} allows what no address in the input says: "
            f"{', '.join(pairs[:MAX_NAMED])}{more}",
            position=policy.position,
            detail="A policy is no dependency, so none is made of it.",
            fix="declare it under `uses` where it is one, or close the policy",
        )
