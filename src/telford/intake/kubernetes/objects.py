"""Kubernetes objects out of YAML texts: lists taken apart, what the cluster made left out, what
is no object reported. The first stage of `telford.intake.kubernetes.reading`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.intake import yamlstream
from telford.intake.kubernetes import dropping, kinds
from telford.intake.yamlstream import Source
from telford.road import patch

Key = tuple[str, str, str, str]
Path = patch.Path

# A list of lists of lists is no manifest that anybody writes.
MAX_LIST_DEPTH = 4
_OWN = "telford/"


@dataclass(frozen=True, slots=True)
class Object:
    """One object as it was found.

    `body` is what remains after dropping; `original` the whole; `dropped` maps the paths of
    dropped leaves (or of whole subtrees) to reasons. `namespace` is "" where it names none.
    """

    file: str
    source: Source
    kind: str
    api_version: str
    namespace: str
    name: str
    original: Mapping[str, Any] = field(repr=False)
    body: dict[str, Any] = field(repr=False)
    dropped: Mapping[Path, str] = field(repr=False)
    # What makes it one object: kind, namespace, name, API group.
    key: Key

    @property
    def group(self) -> str:
        """The API group: ``apps`` of ``apps/v1``; "" of ``v1``."""
        return self.key[3]

    @property
    def label(self) -> str:
        """``Kind/name``, or ``Kind/namespace/name``."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def position(self) -> Position:
        """Where it begins."""
        return Position(self.file, self.source.line, self.source.column)

    def where(self, path: Path) -> Position:
        """Where a value begins; the nearest thing around it that has a place."""
        return Position(self.file, *self.source.where(path))


@dataclass(frozen=True, slots=True)
class Found:
    """All objects in the order of the input, each of them once, and every problem."""

    objects: tuple[Object, ...]
    # Objects that a later one of the same name replaces, and what only wraps others.
    replaced: tuple[Object, ...]
    diagnostics: tuple[Diagnostic, ...]


def read(texts: Mapping[str, str]) -> Found:
    """Every object of every text, files in sorted order."""
    diagnostics: list[Diagnostic] = []
    found: list[Object] = []
    wrappers: list[Object] = []
    for file in sorted(texts):
        sources, problems = yamlstream.read(texts[file], file)
        diagnostics += map(_tolerated, problems)
        for source in sources:
            found += _objects(file, source, 0, wrappers, diagnostics)
    last = {item.key: item for item in found}
    kept = tuple(item for item in found if last[item.key] is item)
    replaced = tuple(item for item in found if last[item.key] is not item)
    diagnostics += [_repeated(item, last[item.key]) for item in replaced]
    return Found(kept, (*replaced, *wrappers), tuple(diagnostics))


def _objects(
    file: str,
    source: Source,
    depth: int,
    wrappers: list[Object],
    diagnostics: list[Diagnostic],
) -> Iterator[Object]:
    """The object that a document is, or those that a list holds."""
    value = source.value
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str) or not value["kind"]:
        diagnostics.append(_no_object(file, source, "it has no `kind`"))
        return
    if str(value.get("apiVersion")).startswith(_OWN):
        diagnostics.append(_own(file, value["kind"], source))
        return
    items = value.get("items")
    if value["kind"].endswith("List") and isinstance(items, list) and depth < MAX_LIST_DEPTH:
        wrapper = {key: item for key, item in value.items() if key != "items"}
        wrappers.append(_object(file, source.without(wrapper), _name(value)))
        for index, item in enumerate(items):
            inner = source.inside(item, "items", index)
            yield from _objects(file, inner, depth + 1, wrappers, diagnostics)
        return
    if not _name(value):
        diagnostics.append(_no_object(file, source, "it has no `metadata.name`"))
        return
    yield _object(file, source, _name(value))


def _object(file: str, source: Source, name: str) -> Object:
    value = source.value
    metadata = value.get("metadata")
    namespace = metadata.get("namespace") if isinstance(metadata, dict) else None
    api_version = value.get("apiVersion")
    version = api_version if isinstance(api_version, str) else ""
    group = version.rpartition("/")[0]
    known = kinds.known(value["kind"], group)
    # Only of a kind that is understood is it known that null means nothing.
    nulls = known and source.nulls
    body, dropped = dropping.clean(value, nulls=nulls, secrets=source.secrets)
    place = namespace if isinstance(namespace, str) else ""
    return Object(
        file=file,
        source=source,
        kind=value["kind"],
        api_version=version,
        namespace=place,
        name=name,
        original=value,
        body=body,
        dropped=dropped,
        key=(value["kind"], place, name, group),
    )


def _tolerated(problem: Diagnostic) -> Diagnostic:
    """Foreign tools live with a repeated key, so import does too."""
    repeated = problem.code == "TEL101"
    return replace(problem, severity=Severity.WARNING) if repeated else problem


def _name(value: dict[str, Any]) -> str:
    metadata = value.get("metadata")
    names = metadata if isinstance(metadata, dict) else {}
    for key in ("name", "generateName"):
        if isinstance(names.get(key), str) and names[key]:
            return str(names[key])
    return ""


def _no_object(file: str, source: Source, why: str) -> Diagnostic:
    return Diagnostic(
        "TEL600",
        Severity.WARNING,
        f"this document is no Kubernetes object: {why}; it is left out",
        position=Position(file, source.line, source.column),
        fix="give it `apiVersion`, `kind` and `metadata.name`, or leave the file out",
    )


def _own(file: str, kind: str, source: Source) -> Diagnostic:
    return Diagnostic(
        "TEL600",
        Severity.INFO,
        f"this {kind} belongs to an estate already; it is left out",
        position=Position(file, source.line, source.column),
    )


def _repeated(item: Object, last: Object) -> Diagnostic:
    return Diagnostic(
        "TEL601",
        Severity.WARNING,
        f"{item.label} is there again at {last.position}; the later one counts",
        position=item.position,
        fix="keep one of the two, or import what belongs to different clusters apart",
    )
