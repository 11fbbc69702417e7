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
# A policy that lets more pairs than these through says nothing about any one of them.
MAX_PAIRS = 1000
# The label that every namespace has with its own name.
_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class _Policy:
    """A policy, the workloads that it is about, and its rules by direction; None: not judged."""

    item: Object
    about: tuple[Group, ...]
    ingress: tuple[dict[str, Any], ...] | None
    egress: tuple[dict[str, Any], ...] | None


class _Pods:
    """Which workloads a selector means, found by label and not by looking at each."""

    def __init__(self, scene: Scene) -> None:
        self.labels = {
            group.workload.key: grouping.pod_labels(group.workload) for group in scene.groups
        }
        self._all = scene.groups
        self._by_namespace: dict[str, list[Group]] = {}
        self._by_label: dict[tuple[str, str], list[Group]] = {}
        for group in scene.groups:
            self._by_namespace.setdefault(group.namespace, []).append(group)
            for label, value in self.labels[group.workload.key].items():
                self._by_label.setdefault((label, str(value)), []).append(group)

    def selected(self, selector: Mapping[str, Any], namespace: str | None) -> list[Group]:
        """The workloads of a namespace, or of all, that a selector means."""
        wanted = access.mapping(selector, "matchLabels").items()
        lists = [self._by_label.get((label, str(value)), []) for label, value in wanted]
        if namespace is not None:
            lists.append(self._by_namespace.get(namespace, []))
        candidates = min(lists, key=len) if lists else self._all
        return [
            group
            for group in candidates
            if namespace in (None, group.namespace)
            and _selects(selector, self.labels[group.workload.key])
        ]


class Policies:
    """Every NetworkPolicy of an input."""

    def __init__(self, scene: Scene) -> None:
        self._pods = _Pods(scene)
        self._spaces = {
            item.name: access.mapping(item.body, "metadata", "labels")
            for item, _ in scene.others
            if item.kind == "Namespace"
        }
        self._policies = [self._policy(item) for item in scene.policies]
        self._about: dict[Key, list[_Policy]] = {}
        for policy in self._policies:
            for group in policy.about:
                self._about.setdefault(group.workload.key, []).append(policy)

    def forbidding(self, source: Group, target: Group) -> Object | None:
        """A policy that keeps the one from reaching the other; None where it may."""
        ways = (("ingress", "from", target, source), ("egress", "to", source, target))
        for direction, peers, about, other in ways:
            rules = [
                (policy, getattr(policy, direction))
                for policy in self._about.get(about.workload.key, [])
                if getattr(policy, direction) is not None
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
            sources = {
                group.workload.key: group
                for rule in policy.ingress or ()
                for peer in access.mappings(rule.get("from"))
                if access.mapping(peer, "podSelector")
                for group in self._peers(policy.item, peer)
            }
            if len(policy.about) * len(sources) > MAX_PAIRS:
                continue
            for target in policy.about:
                for source in sources.values():
                    if source is not target:
                        yield policy.item, source, target

    def _policy(self, item: Object) -> _Policy:
        spec = access.mapping(item.body, "spec")
        about = self._pods.selected(access.mapping(spec, "podSelector"), item.namespace)
        types = access.items(spec.get("policyTypes"))
        types = types or (["Ingress", "Egress"] if "egress" in spec else ["Ingress"])
        ingress, egress = (
            tuple(access.mappings(spec.get(name))) if name.capitalize() in types else None
            for name in ("ingress", "egress")
        )
        return _Policy(item, tuple(about), ingress, egress)

    def _lets(self, policy: Object, rule: Mapping[str, Any], peers: str, other: Group) -> bool:
        listed = access.mappings(rule.get(peers))
        return not listed or any(self._is(policy, peer, other) for peer in listed)

    def _peers(self, policy: Object, peer: Mapping[str, Any]) -> list[Group]:
        """The workloads that a peer of a policy means by their labels."""
        space = None if "namespaceSelector" in peer else policy.namespace
        found = self._pods.selected(access.mapping(peer, "podSelector"), space)
        return [group for group in found if self._in_space(policy, peer, group)]

    def _is(self, policy: Object, peer: Mapping[str, Any], group: Group) -> bool:
        if "ipBlock" in peer:
            return True
        labels = self._pods.labels[group.workload.key]
        selected = _selects(access.mapping(peer, "podSelector"), labels)
        return selected and self._in_space(policy, peer, group)

    def _in_space(self, policy: Object, peer: Mapping[str, Any], group: Group) -> bool:
        if "namespaceSelector" not in peer:
            return group.namespace == policy.namespace
        labels = {**self._spaces.get(group.namespace, {}), _NAME: group.namespace}
        return _selects(access.mapping(peer, "namespaceSelector"), labels)


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
