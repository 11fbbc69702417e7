"""The tables that say what a resource of a provider is here: TOML beside the readers of each
language. Read once, by `telford.intake.cloud.meaning`.

An entry has a `kind` of the estate, or a `role`: `part` (belongs to the thing that the value at
`of` refers to), `link` (a dependency from one thing to another), `through` (nothing by itself, but
who refers to it depends on what it refers to). Every entry has a `source`: the page that documents
the names it uses.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from telford.basics import resources
from telford.intake.cloud import tree
from telford.intake.cloud.tree import Path


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute that a field of the estate says.

    `to` is the dotted field; `source` the path of the attribute (`from`: dotted, or a list of
    steps); `convert` (`as`) the name of a function of `telford.intake.cloud.converting`, or
    `reference` (the name of the thing that it refers to), `pairs`, `ports`, `secrets` (structures)
    or `presence` (that it is there at all, which `also` speaks of). `values` maps values that mean
    something else here (others are then not understood); `also` are fields that it says besides.
    Where a `required` one says nothing, the resource means nothing here.
    """

    to: str
    source: Path
    convert: str = "as-is"
    values: Mapping[str, Any] = field(default_factory=dict)
    also: Mapping[str, Any] = field(default_factory=dict)
    required: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A dependency that a resource makes between two others."""

    source: Path
    target: Path
    use: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one type of resource is here."""

    type: str
    kind: str
    role: str
    source: str
    names: tuple[Path, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    # What it is where no attribute says otherwise.
    default: Mapping[str, Any] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()
    # Where the attribute names its labels.
    labels: Path | None = None
    # The values whose references are dependencies; all of them where a `through` says nothing.
    uses: tuple[Path, ...] = ()
    of: Path | None = None
    link: Link | None = None
    # A field that counts the parts of this type that a thing has.
    counts: str = ""
    # Where a thing names what defines it (the task definition of a service).
    joins: tuple[Path, ...] = ()
    # What its kind says by itself.
    said: tuple[Path, ...] = ()


@cache
def load(
    package: str, *files: str, under: str = "", beside: tuple[str, ...] = ()
) -> Mapping[str, Entry]:
    """Every entry of some tables of a package, by type.

    The attributes of a resource stand under the key `under` where it is given, but for those of
    `beside`.
    """
    entries: dict[str, Entry] = {}
    for file in files:
        for name, value in resources.toml(package, file).items():
            entry = _entry(name, value)
            entries[name] = _under(entry, under, beside) if under else entry
    return entries


def _under(entry: Entry, under: str, beside: tuple[str, ...]) -> Entry:
    """The entry with its paths under a key."""

    def below(path: Path) -> Path:
        return path if path[0] in beside else (under, *path)

    link = entry.link
    return replace(
        entry,
        names=tuple(map(below, entry.names)),
        fields=tuple(replace(one, source=below(one.source)) for one in entry.fields),
        labels=below(entry.labels) if entry.labels else None,
        uses=tuple(map(below, entry.uses)),
        of=below(entry.of) if entry.of else None,
        link=replace(link, source=below(link.source), target=below(link.target)) if link else None,
        joins=tuple(map(below, entry.joins)),
        said=(("Type",),),
    )


def _entry(name: str, value: Mapping[str, Any]) -> Entry:
    unknown = value.keys() - _KEYS
    if unknown:
        raise ValueError(f"{name}: unknown keys {sorted(unknown)}")
    link = value.get("link")
    return Entry(
        type=name,
        kind=value.get("kind", ""),
        role=value.get("role", "thing" if "kind" in value else "opaque"),
        source=value["source"],
        names=tuple(map(tree.steps, value.get("name", ()))),
        fixed=_cased(value.get("fixed", {})),
        default=_cased(value.get("default", {})),
        fields=tuple(map(_field, value.get("fields", ()))),
        labels=tree.steps(value["labels"]) if "labels" in value else None,
        uses=tuple(map(tree.steps, value.get("uses", ()))),
        of=tree.steps(value["of"]) if "of" in value else None,
        link=Link(tree.steps(link["from"]), tree.steps(link["to"]), link.get("use", {}))
        if link
        else None,
        counts=value.get("counts", ""),
        joins=tuple(map(tree.steps, value.get("joins", ()))),
    )


_KEYS = frozenset(
    {
        *("kind", "role", "source", "name", "fixed", "fields", "labels", "uses", "of", "link"),
        *("counts", "joins", "default"),
    }
)


def _cased(value: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel(key): item for key, item in value.items()}


def _camel(dotted: str) -> str:
    """A dotted field as documents write it: ``sqs.maxReceives`` of ``sqs.max_receives``."""
    return _UNDERSCORE.sub(lambda match: match[1].upper(), dotted)


_UNDERSCORE = re.compile(r"_([a-z])")


def _field(value: Mapping[str, Any]) -> Field:
    source = value["from"]
    return Field(
        to=_camel(value["to"]),
        source=tree.steps(source) if isinstance(source, str) else tuple(source),
        convert=value.get("as", "as-is"),
        values=value.get("values", {}),
        also=_cased(value.get("also", {})),
        required=value.get("required", False),
    )
