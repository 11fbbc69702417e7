"""What somebody should look at after an import, as diagnostics. Called by
`telford.intake.kubernetes.reading`. Codes: docs/guides/import.md.

No diagnostic of an import quotes the input's text: a line of it may hold a secret.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.address import Address
from telford.intake import surroundings
from telford.intake.imported import Report
from telford.intake.kubernetes import access, claiming, documents, grouping, notices, policies
from telford.intake.kubernetes.dependencies import Inferred
from telford.intake.kubernetes.documents import Written
from telford.intake.kubernetes.grouping import Scene
from telford.intake.kubernetes.objects import Key, Object, Path

# Named one by one up to here; the report has them all.
MAX_NAMED = 5
# The last word of a key: `DB_PASSWORD`, but not `TOKEN_EXPIRY`.
_SECRET = re.compile(
    r"(^|[^a-z])(password|passwd|secret|token|api[-_]?key|private[-_]?key)$", re.IGNORECASE
)


def of(
    scene: Scene,
    written: Written,
    report: Report,
    named: Mapping[Key, Address],
    inferred: Mapping[Key, Inferred],
) -> Iterator[Diagnostic]:
    """Every diagnostic of an import beyond those of reading."""
    yield from _refused(written)
    yield from _whole(scene, written, named)
    yield from _unresolved(report)
    yield from _secrets(scene, report)
    yield from _missing_configs(scene, named)
    yield from _plain_secrets(scene)
    yield from _unowned(written)
    yield from notices.of(scene, written, named)
    yield from policies.problems(scene, inferred, named)


def _refused(written: Written) -> Iterator[Diagnostic]:
    for item, refused in written.refused:
        yield Diagnostic(
            "TEL602",
            Severity.WARNING,
            f"`{refused.path}` of {item.label} cannot be a field: {refused.why}",
            address=written.homes.get(item.key, ""),
            position=item.position,
            detail="It is carried along as it was found.",
            fix="correct the manifest and import it again",
        )


def _whole(scene: Scene, written: Written, named: Mapping[Key, Address]) -> Iterator[Diagnostic]:
    """Workloads and settings that ended as opaque manifests: their meaning is lost."""
    expected = [group.workload for group in scene.groups] + scene.configs
    expected += [item for item, reason in scene.others if reason == claiming.NO_CONTAINERS]
    for item in expected:
        if item.key in written.reasons:
            yield Diagnostic(
                "TEL603",
                Severity.WARNING,
                f"{item.label} is carried whole: {written.reasons[item.key]}",
                address=str(named[item.key]),
                position=item.position,
                fix="correct the manifest and import it again",
            )


def _unresolved(report: Report) -> Iterator[Diagnostic]:
    """Addresses that look like Services, each once, with the first text that says it; those of the
    world outside are in the report alone.
    """
    counts = Counter(item.host for item in report.unresolved if not item.external)
    for item in report.unresolved:
        more = counts.pop(item.host, 0) - 1
        if more < 0:
            continue
        others = f", and in {more} more" if more else ""
        yield Diagnostic(
            "TEL604",
            Severity.INFO,
            f"{item.host} names nothing in the input; no dependency is made of it",
            address=item.source,
            position=item.position,
            detail=f"It stands in {item.origin}{others}.",
            fix="import what it names too, or declare it under `uses`",
        )


def _secrets(scene: Scene, report: Report) -> Iterator[Diagnostic]:
    """The Secrets that people keep; those that an operator or the cluster makes come by themselves."""
    kept = {item.position for item in documents.kept_secrets(scene)}
    for secret in report.secrets:
        if secret.position not in kept:
            continue
        keys = ", ".join(secret.keys[:MAX_NAMED]) or "no keys"
        yield Diagnostic(
            "TEL605",
            Severity.INFO,
            f"Secret/{secret.name} ({keys}) is known by its keys: its values never enter an estate",
            position=secret.position,
            fix="see that the place has a secret of this name before a build is applied",
        )


def _missing_configs(scene: Scene, named: Mapping[Key, Address]) -> Iterator[Diagnostic]:
    """ConfigMaps that are read and are not there: each once, with its first reader."""
    seen = {(item.namespace, item.name) for item in scene.configs}
    for group in scene.groups:
        for path, name in scene.named_in(group):
            place = group.namespace, name
            read = path[-2:] in (("configMapKeyRef", "name"), ("configMapRef", "name"))
            if read and place not in seen and not _optional(group.workload, path):
                seen.add(place)
                yield Diagnostic(
                    "TEL608",
                    Severity.INFO,
                    f"ConfigMap {name} is read and is not in the input",
                    address=str(named[group.workload.key]),
                    position=group.workload.where((*grouping.template_path(group.workload), *path)),
                    detail="The reference is kept, and says `elsewhere: true`.",
                    fix="import it too, or see that the place has it",
                )


def _optional(workload: Object, path: Path) -> bool:
    value: object = grouping.template(workload)
    for step in path[:-1]:
        value = value[step]  # type: ignore[index]
    return access.mapping(value).get("optional") is True


def _plain_secrets(scene: Scene) -> Iterator[Diagnostic]:
    """Settings whose names say that they are secrets, in ConfigMaps for everybody to read."""
    for item in scene.configs:
        data = access.mapping(item.body, "data")
        keys = [key for key, value in data.items() if value and _SECRET.search(key)]
        if keys:
            more = f" and {len(keys) - MAX_NAMED} more" if len(keys) > MAX_NAMED else ""
            yield Diagnostic(
                "TEL607",
                Severity.INFO,
                f"{item.label} seems to hold secrets in plain text: "
                f"{', '.join(keys[:MAX_NAMED])}{more}",
                position=item.where(("data", keys[0])),
                detail="It is a ConfigMap, so the values are taken over as settings.",
                fix="keep them in a Secret, and import again",
            )


def _unowned(written: Written) -> Iterator[Diagnostic]:
    if not written.unowned:
        return
    names = ", ".join(written.unowned[:MAX_NAMED])
    more = len(written.unowned) - MAX_NAMED
    rest = f" and {more} more" if more > 0 else ""
    yield Diagnostic(
        "TEL606",
        Severity.INFO,
        f"{len(written.unowned)} things belong to {surroundings.NOBODY}: {names}{rest}",
        address=surroundings.NOBODY,
        fix="import with --owner TEAM, label the workloads with `owner`, or edit `owner:`",
    )
