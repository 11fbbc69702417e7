"""What an import of everything around workloads found, for somebody to look at: secrets that nobody
makes, routes that lead nowhere, generated rules, kinds that are carried whole.

Called by `telford.intake.kubernetes.problems`. Codes: docs/guides/import.md.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.address import Address
from telford.intake.kubernetes import access, claiming, grouping, kinds, secrets
from telford.intake.kubernetes.documents import Written
from telford.intake.kubernetes.grouping import Group, Scene
from telford.intake.kubernetes.objects import Key, Object, Path

# Named one by one up to here; the report has them all.
MAX_NAMED = 5
# Labels and names that the generators of rules leave: https://sloth.dev, https://pyrra.dev
_SLOTH = ("sloth_id", "sloth_slo", "sloth_severity")
_PYRRA = "pyrra.dev"


def of(scene: Scene, written: Written, named: Mapping[Key, Address]) -> Iterator[Diagnostic]:
    """All of them."""
    yield from _secrets(scene, named)
    yield from _routes(scene, written, named)
    yield from _generated(scene)
    yield from _whole(scene)


def whole(scene: Scene) -> Counter[str]:
    """The kinds that no field speaks of, as ``Kind (apiVersion)``, with how many of each."""
    return Counter(
        f"{item.kind} ({item.api_version or 'no version'})"
        for item, reason in scene.others
        if reason == claiming.UNKNOWN
    )


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"


def _secrets(scene: Scene, named: Mapping[Key, Address]) -> Iterator[Diagnostic]:
    """Secrets that workloads need and that nothing in the input makes, in one diagnostic."""
    made = _made(scene)
    missing: dict[tuple[str, str], Group] = {}
    for group in scene.groups:
        for path, name in scene.named_in(group):
            place = group.namespace, name
            if _names_a_secret(path) and place not in made:
                missing.setdefault(place, group)
    if missing:
        first = next(iter(missing.values()))
        yield Diagnostic(
            "TEL609",
            Severity.INFO,
            f"{len(missing)} Secrets are read and nothing in the input makes them: "
            f"{_named([name for _, name in missing])}",
            address=str(named[first.workload.key]),
            position=first.workload.position,
            fix="see that the place has them, or import what makes them",
        )


def _names_a_secret(path: Path) -> bool:
    ends = path[-2:] in (("secretKeyRef", "name"), ("secretRef", "name"), ("secret", "secretName"))
    return ends or (len(path) > 2 and path[-3] == "imagePullSecrets" and path[-1] == "name")


def _made(scene: Scene) -> set[tuple[str, str]]:
    found = {(item.namespace, item.name) for item in scene.secrets}
    for item in scene.alone:
        if kinds.ALONE[item.kind] == "Secret":
            found.add((item.namespace, secrets.target(item)))
        for other in access.mappings(access.mapping(item.body, "spec").get("secretObjects")):
            found.add((item.namespace, access.text(other.get("secretName"))))
    for item, _ in scene.others:
        if item.kind == "Certificate":
            name = access.text(access.mapping(item.body, "spec").get("secretName"))
            found.add((item.namespace, name))
    return found


def _routes(scene: Scene, written: Written, named: Mapping[Key, Address]) -> Iterator[Diagnostic]:
    """Ways in that end nowhere in the input."""
    for item in scene.alone:
        if kinds.ALONE[item.kind] == "Route" and item.key in written.reasons:
            yield _route(item, written.reasons[item.key], written.homes[item.key])
    for group in scene.groups:
        for item in group.ingresses:
            for name in sorted(filter(None, grouping.backends(item))):
                if (item.namespace, name) not in scene.behind:
                    why = f"it leads to Service {name}, which is not in the input"
                    address = str(named[group.workload.key])
                    yield _route(item, why, address, "kept with what it leads to else")


def _route(item: Object, why: str, address: str, kept: str = "carried whole") -> Diagnostic:
    return Diagnostic(
        "TEL670",
        Severity.INFO,
        f"{item.label} is not understood in full: {why}",
        address=address,
        position=item.position,
        detail=f"It is {kept}, so that a build gives it back.",
        fix="import what it leads to too",
    )


def _generated(scene: Scene) -> Iterator[Diagnostic]:
    """Rules that a tool made of objectives: the objectives are what people keep."""
    for item, _ in scene.others:
        if item.kind != "PrometheusRule":
            continue
        rules = [
            rule
            for one in access.mappings(access.mapping(item.body, "spec").get("groups"))
            for rule in access.mappings(one.get("rules"))
        ]
        made = [rule for rule in rules if _is_generated(item, rule)]
        if made:
            yield Diagnostic(
                "TEL673",
                Severity.INFO,
                f"{len(made)} of {len(rules)} rules of {item.label} were generated from objectives",
                position=item.position,
                detail="They are carried along as they were found.",
                fix="import the objectives that Sloth or Pyrra made them of, and drop the rules",
            )


def _is_generated(item: Object, rule: Mapping[str, Any]) -> bool:
    labels = access.mapping(rule, "labels")
    own = access.mapping(item.body, "metadata", "labels")
    sloth = any(name in labels for name in _SLOTH)
    return sloth or any(_PYRRA in name for name in (*labels, *own) if isinstance(name, str))


def _whole(scene: Scene) -> Iterator[Diagnostic]:
    counts = whole(scene)
    if counts:
        names = [f"{count} {kind}" for kind, count in counts.most_common()]
        yield Diagnostic(
            "TEL674",
            Severity.INFO,
            f"{counts.total()} objects of {len(counts)} kinds are carried whole: {_named(names)}",
            detail="No field of the model speaks of these kinds; a build gives them back.",
        )
