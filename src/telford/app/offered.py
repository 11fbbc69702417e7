"""What changed in the documents that contracts name, between two revisions: the contract's own
entity says the same file name, and the file says something else. Called by `telford.app.diff`.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from telford.analysis.contracts import comparing
from telford.backends.files import Texts
from telford.basics.diagnostics import Position
from telford.estate.comparing import FieldChange
from telford.estate.diff import CHANGED, Change, Diff
from telford.estate.kinds.contracts import Contract, ContractVersion
from telford.estate.model import Entity

# Named one by one; the rest is counted.
_MAX_NAMED = 3


def with_documents(found: Diff, before: Texts, after: Texts) -> Diff:
    """The changes with those of the documents of contracts that both estates have."""
    old_texts, new_texts = _all(before), _all(after)
    changes = {change.address: change for change in found.changes}
    for entity in found.new.of_kind("Contract"):
        address = str(entity.address)
        was = found.old.entities.get(address)
        if was is None:
            continue
        fields = tuple(_fields(was, entity, old_texts, new_texts, found.places))
        if fields:
            known = changes.get(address) or _change(was, entity)
            changes[address] = replace(known, fields=(*known.fields, *fields))
    return replace(found, changes=tuple(changes[address] for address in sorted(changes)))


def _all(texts: Texts) -> Mapping[str, str | None]:
    return {**texts.texts, **texts.attached}


def _change(old: Entity, new: Entity) -> Change:
    address = str(new.address)
    return Change(address, "Contract", CHANGED, address, _where(old), _where(new))


def _where(entity: Entity) -> Position:
    name = entity.node.values.get("name", entity.node)
    return Position(entity.file, name.line, name.column)


def _fields(
    old: Entity,
    new: Entity,
    old_texts: Mapping[str, str | None],
    new_texts: Mapping[str, str | None],
    places: tuple[str, ...],
) -> Iterator[FieldChange]:
    """A change for each version whose document is not what it was."""
    spec, was = new.spec, old.spec
    assert isinstance(spec, Contract)
    assert isinstance(was, Contract)
    versions = {version.version: version for version in was.versions}
    for version in spec.versions:
        before = _path(old, versions.get(version.version))
        after = _path(new, version)
        first, second = old_texts.get(before), new_texts.get(after)
        if first is None or second is None or first == second:
            continue
        one = comparing.read(first, was.type, before)
        other = comparing.read(second, spec.type, after)
        said = _said(one, other, spec)
        if said:
            yield FieldChange(
                f"versions[{version.version}].file",
                "promise",
                "as it was",
                said,
                Position(before, 1, 1),
                Position(after, 1, 1),
                ("base", "base"),
                places,
            )


def _path(entity: Entity, version: ContractVersion | None) -> str:
    """Where the document of a version lies; "" where it has none."""
    if version is None or version.file is None:
        return ""
    return os.path.normpath(PurePosixPath(entity.file).parent / version.file)


def _said(one: comparing.Document, other: comparing.Document, spec: Contract) -> str:
    """What a sentence says of the difference; "" where both mean the same."""
    if other.problem and not one.problem:
        return f"it cannot be read any more: {other.problem}"
    if one.value == other.value:
        return ""
    breaking = [
        change
        for change in comparing.changes(one, other, spec.compatibility)
        if change.level == "breaking"
    ]
    if not breaking:
        return "it changed, and breaks nobody"
    named = "; ".join(f"{c.operation} {c.summary}".strip() for c in breaking[:_MAX_NAMED])
    more = f"; and {len(breaking) - _MAX_NAMED} more" if len(breaking) > _MAX_NAMED else ""
    return f"it breaks callers: {named}{more}"
