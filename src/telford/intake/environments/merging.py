"""The imports of several environments -> one estate: a base with overlays that hold only the
differences, and a report that still counts every field of every input.

What is not there in an environment is ``in: {staging: null}``; equal overlays of several
environments share a key. Each environment of the merged estate is what its own import said, but
for three things that are said once: whose something is, which engine a data store has (what a thing
is stays the same in every place), and where an inferred dependency was first seen.
Called by `telford.app.importing`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from telford.basics.diagnostics import Diagnostic, Severity, ordered
from telford.estate import documents as estate_documents
from telford.estate import layers
from telford.estate.kinds import base, registry
from telford.intake.environments import stages
from telford.intake.environments.layering import CannotSayError, Layering
from telford.intake.environments.stages import Stage
from telford.intake.imported import Document, Fates, Imported, Report
from telford.road import patch

# Who and where, not what runs in a place: there is one of each for all environments.
_EVERYWHERE = layers.EVERYWHERE | {
    kind.__name__ for family in ("people", "places") for kind in registry.FAMILIES[family]
}
_UNKNOWN = Stage("", 0)

Value = dict[str, Any]


@dataclass(slots=True)
class _Thing:
    """One address: what each environment that has it says."""

    versions: dict[str, Document] = field(default_factory=dict)

    @property
    def first(self) -> Document:
        """What the first environment says."""
        return next(iter(self.versions.values()))

    @property
    def label(self) -> str:
        """``service/shop.orders``, for people."""
        value = self.first.value
        system = f"{value['system']}." if value.get("system") else ""
        return f"{str(value['kind']).lower()}/{system}{value['name']}"


def merge(inputs: Mapping[str, Imported], known: Mapping[str, Stage] | None = None) -> Imported:
    """One estate of the imports of several environments, by name, in the order in which a change
    travels: where as many say one thing as another, the first of them counts.

    `known` says what an environment is whose name does not (`stages.stage_of`). Each input must
    have been read with `Options.environment` as its name, and with file names that no other has.
    """
    merger = _Merger(tuple(inputs), known or {})
    diagnostics = [item for imported in inputs.values() for item in imported.diagnostics]
    documents = tuple(merger.documents(inputs))
    report = _report([imported.report for imported in inputs.values()])
    ownership = tuple(dict.fromkeys(one for item in inputs.values() for one in item.ownership))
    everything = ordered([*diagnostics, *merger.diagnostics])
    return Imported(documents, report, everything, ownership)


class _Merger:
    """The environments, and what is found out on the way."""

    def __init__(self, environments: tuple[str, ...], known: Mapping[str, Stage]) -> None:
        self.diagnostics: list[Diagnostic] = []
        self._environments = environments
        self._known = known

    def documents(self, inputs: Mapping[str, Imported]) -> Iterator[Document]:
        """The documents of the merged estate, in the order in which they are first met."""
        things: dict[tuple[str, ...], _Thing] = {}
        own: dict[str, Document] = {}
        for environment, imported in inputs.items():
            for document in imported.documents:
                value = document.value
                if value["kind"] == "Environment" and value["name"] == environment:
                    own[environment] = document
                    continue
                key = value["kind"], value.get("system", ""), value["name"]
                things.setdefault(key, _Thing()).versions[environment] = document
        for thing in things.values():
            yield self._merged(thing)
        self._namesakes(things)
        for rank, environment in enumerate(self._environments):
            yield self._environment(environment, rank, own.get(environment))

    def _merged(self, thing: _Thing) -> Document:
        origins = tuple(o for version in thing.versions.values() for o in version.origins)
        first = thing.first
        if first.value["kind"] in _EVERYWHERE:
            versions = [dict(version.value) for version in thing.versions.values()]
            self._identity(thing, versions)
            return replace(first, value=_union(versions), origins=origins)
        value = self._layered(thing)
        return Document(first.file, value, origins, first.marks)

    def _layered(self, thing: _Thing) -> Value:
        """The base of a thing with its overlays."""
        kind = registry.BY_NAME[thing.first.value["kind"]]
        versions = dict(zip(thing.versions, self._aligned(thing, kind), strict=True))
        layering = Layering(kind, thing.first.value.get("system", ""))
        listed = list(versions.values())
        for candidate in _bases(layering, kind, listed):
            try:
                overlays = {
                    name: layering.overlay(candidate, version) for name, version in versions.items()
                }
            except CannotSayError:
                continue
            return _with_overlays(candidate, self._shared(overlays))
        self.diagnostics.append(self._inexpressible(thing))
        return listed[0]

    def _aligned(self, thing: _Thing, kind: type[base.Kind]) -> list[Value]:
        """The versions with what they may not differ in made the same: identity, and where a
        dependency was seen.
        """
        versions = [dict(version.value) for version in thing.versions.values()]
        if len(versions) > 1:
            self._identity(thing, versions, kind.identity)
            _seen_once(versions)
        return versions

    def _identity(
        self, thing: _Thing, versions: list[Value], keys: Iterable[str] = ("owner",)
    ) -> None:
        """Give all versions what most of them say they are; say where they differ."""
        for key in keys:
            counts = Counter(version.get(key) for version in versions)
            if len(counts) < 2:
                continue
            # The first of several that are as frequent: a Counter keeps the order.
            chosen = counts.most_common(1)[0][0]
            said = (f"{v.get(key)} in {e}" for e, v in zip(thing.versions, versions, strict=True))
            self.diagnostics.append(self._differs(thing, key, ", ".join(said), chosen))
            for version in versions:
                if chosen is None:
                    version.pop(key, None)
                else:
                    version[key] = chosen

    def _shared(self, overlays: Mapping[str, Value]) -> Value:
        """The ``in:`` block: equal overlays under one key, null for where the thing is not."""
        groups: list[tuple[list[str], Value | None]] = []
        for environment in self._environments:
            overlay = overlays.get(environment)
            if overlay == {}:
                continue
            group = next((names for names, item in groups if patch.same(item, overlay)), None)
            if group is None:
                groups.append(([environment], overlay))
            else:
                group.append(environment)
        return {", ".join(names): overlay for names, overlay in groups}

    def _environment(self, name: str, rank: int, own: Document | None) -> Document:
        """An environment with its place in the order; `own` is what its import says of it."""
        stage = self._known.get(name) or stages.stage_of(name) or _UNKNOWN
        value: Value = {"apiVersion": base.API_VERSION, "kind": "Environment", "name": name}
        value["order"] = stage.order if self._in_order() else rank
        if stage.production:
            value["production"] = True
        said = dict(own.value) if own is not None else {}
        return Document(
            "environments.yaml", value | {k: v for k, v in said.items() if k not in value}
        )

    def _in_order(self) -> bool:
        """Whether the names say the order, and it is the one in which they were given."""
        listed = [self._known.get(name) or stages.stage_of(name) for name in self._environments]
        orders = [stage.order for stage in listed if stage is not None]
        return len(orders) == len(listed) and orders == sorted(set(orders))

    def _namesakes(self, things: Mapping[tuple[str, ...], _Thing]) -> None:
        """Report what is a service in one environment and a data store in another."""
        for key, thing in things.items():
            other = things.get(("Datastore", *key[1:])) if key[0] == "Service" else None
            if other is None:
                continue
            self.diagnostics.append(
                Diagnostic(
                    "TEL610",
                    Severity.INFO,
                    f"{key[2]} is a service in {', '.join(thing.versions)} and a data store in"
                    f" {', '.join(other.versions)}; they are two things",
                    address=thing.label,
                    position=next(iter(thing.first.origins), None),
                    fix="keep one of the two documents, if they are one thing",
                )
            )

    def _differs(self, thing: _Thing, key: str, said: str, chosen: object) -> Diagnostic:
        return Diagnostic(
            "TEL611",
            Severity.WARNING,
            f"the {key} of {thing.label} differs: {said}; it is {chosen} in the estate",
            address=thing.label,
            position=next(iter(thing.first.origins), None),
            detail="What a thing is, and whose, stays the same in every place.",
            fix=f"edit `{key}` where another is right, or give the two different names",
        )

    def _inexpressible(self, thing: _Thing) -> Diagnostic:
        return Diagnostic(
            "TEL612",
            Severity.ERROR,
            f"{thing.label} differs between environments in a way that no overlay can say",
            address=thing.label,
            position=next(iter(thing.first.origins), None),
            fix="import one environment at a time, or give the thing another name in one of them",
        )


def _bases(
    layering: Layering, kind: type[base.Kind], versions: list[Value]
) -> Iterator[Mapping[str, Any]]:
    """What may be the base, best first: what most say, where that is valid; else one of them."""
    common = versions[0] if len(versions) == 1 else layering.base(versions)
    if len(versions) == 1 or _valid(kind, common):
        yield common
    if len(versions) > 1:
        yield from versions


def _valid(kind: type[base.Kind], value: Mapping[str, Any]) -> bool:
    try:
        kind.model_validate(value)
    except ValidationError:
        return False
    return True


def _union(versions: Iterable[Value]) -> Value:
    """What any version says; where several do, what the first says."""
    said: Value = {}
    for version in versions:
        said.update({key: value for key, value in version.items() if key not in said})
    return said


def _with_overlays(value: Mapping[str, Any], overlays: Value) -> Value:
    return {**value, estate_documents.OVERLAYS: overlays} if overlays else dict(value)


def _seen_once(versions: list[Value]) -> None:
    """Let all versions say where a dependency was seen as the first that has it does."""
    seen: dict[tuple[tuple[str, str], ...], Any] = {}
    for version in versions:
        if "uses" in version:
            version["uses"] = [_as_seen(use, seen) for use in version["uses"]]


def _as_seen(use: Value, seen: dict[tuple[tuple[str, str], ...], Any]) -> Value:
    if "inferred" not in use:
        return use
    rest = tuple(sorted((key, str(item)) for key, item in use.items() if key != "inferred"))
    return {**use, "inferred": seen.setdefault(rest, use["inferred"])}


def _report(reports: list[Report]) -> Report:
    """All reports as one; a dependency that several environments have is one dependency."""
    edges = {
        (edge.source, edge.target): edge for report in reversed(reports) for edge in report.edges
    }
    first = dict.fromkeys((edge.source, edge.target) for report in reports for edge in report.edges)
    objects: Counter[str] = Counter()
    comments: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    for report in reports:
        objects.update(report.objects)
        whole.update(report.whole)
        comments.update(report.comments)
    return Report(
        fates=Fates.joined(report.fates for report in reports),
        edges=tuple(edges[key] for key in first),
        unresolved=tuple(item for report in reports for item in report.unresolved),
        secrets=tuple(item for report in reports for item in report.secrets),
        objects=objects,
        comments=comments,
        whole=whole,
    )
