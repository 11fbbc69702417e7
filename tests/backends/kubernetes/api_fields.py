"""Who owns which field: sets of paths, their JSON form (``FieldsV1``), and server-side apply.

Follows the documentation and the library behind the real server:
https://kubernetes.io/docs/reference/using-api/server-side-apply/
https://github.com/kubernetes-sigs/structured-merge-diff (typed/tofieldset.go, merge/update.go)

A step of a path is ``f:NAME`` (a field), ``k:{...}`` (an item by its keys) or ``v:VALUE`` (an item
of a set); a path that is in a set is owned itself, whatever lies below it.
"""

import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

from backends.kubernetes import api_schema
from backends.kubernetes.api_schema import Schema

Path = tuple[str, ...]
# Never owned by anybody.
# https://github.com/kubernetes/apimachinery/blob/master/pkg/util/managedfields/internal/stripmeta.go
STRIPPED = {
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(
        ("f:metadata", f"f:{name}")
        for name in (
            "name",
            "namespace",
            "creationTimestamp",
            "selfLink",
            "uid",
            "generation",
            "managedFields",
            "resourceVersion",
        )
    ),
}
# What the server fills in before it tells items apart.
KEY_DEFAULTS = {"protocol": "TCP"}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One manager's fields."""

    manager: str
    operation: str
    api_version: str
    time: str
    fields: frozenset[Path]
    subresource: str = ""

    @property
    def who(self) -> tuple[str, str, str, str]:
        return self.manager, self.operation, self.api_version, self.subresource

    def as_json(self) -> dict[str, Any]:
        said = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_json(self.fields),
        }
        return {**said, "subresource": self.subresource} if self.subresource else said


def to_json(paths: frozenset[Path]) -> dict[str, Any]:
    """Nested objects; ``.`` where a path with others below it is owned itself."""
    root: dict[str, Any] = {}
    for path in sorted(paths):
        node = root
        for step in path:
            node = node.setdefault(step, {})
    _mark(root, (), paths)
    return root


def _mark(node: dict[str, Any], path: Path, paths: frozenset[Path]) -> None:
    for step, below in node.items():
        _mark(below, (*path, step), paths)
    if node and path in paths:
        node["."] = {}


def owned(schema: Schema, value: Any, path: Path = ()) -> frozenset[Path]:
    """The paths that somebody who says this value owns."""
    return frozenset(_owned(schema, value, path)) - STRIPPED


def _owned(schema: Schema, value: Any, path: Path) -> Iterator[Path]:
    if not isinstance(value, dict | list) or api_schema.atomic(schema, value):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            here = (*path, f"f:{name}")
            empty = inner is None or inner == {}
            if empty or (schema and not api_schema.is_struct(schema, name)):
                yield here
            if not empty:
                yield from _owned(api_schema.field(schema, name), inner, here)
    else:
        for inner in value:
            here = (*path, step(schema, inner))
            yield here
            if isinstance(inner, dict):
                yield from _owned(api_schema.item(schema), inner, here)


def step(schema: Schema, item: Any) -> str:
    """What an item of a list is called."""
    names = api_schema.keys(schema)
    if not names:
        return f"v:{json.dumps(item)}"
    found = {n: item.get(n, KEY_DEFAULTS.get(n)) for n in names if n in item or n in KEY_DEFAULTS}
    return f"k:{json.dumps(found, sort_keys=True, separators=(',', ':'))}"


def leaves(schema: Schema, value: Any, path: Path = ()) -> dict[Path, Any]:
    """Every owned path with its value; of those that hold others, that they are there."""
    return {p: _at(schema, value, p) for p in owned(schema, value, path)}


def _at(schema: Schema, value: Any, path: Path) -> Any:
    for one in path:
        if one.startswith("f:"):
            value = value[one[2:]]
            schema = api_schema.field(schema, one[2:])
        else:
            value = next(item for item in value if step(schema, item) == one)
            schema = api_schema.item(schema)
    holds_others = isinstance(value, dict | list) and not api_schema.atomic(schema, value)
    return ... if holds_others and value else value


def merged(schema: Schema, live: Any, applied: Any) -> Any:
    """`live` with everything that `applied` says."""
    maps = isinstance(live, dict) and isinstance(applied, dict)
    if maps and not api_schema.atomic(schema, applied):
        result = dict(live)
        for name, value in applied.items():
            result[name] = merged(api_schema.field(schema, name), result.get(name), value)
        return result
    both = isinstance(live, list) and isinstance(applied, list)
    if both and not api_schema.atomic(schema, applied):
        return _merged_items(schema, live, applied)
    return copy.deepcopy(applied)


def _merged_items(schema: Schema, live: list[Any], applied: list[Any]) -> list[Any]:
    known = {step(schema, item): item for item in live}
    wanted = {step(schema, item): item for item in applied}
    result = {
        name: merged(api_schema.item(schema), known.get(name), wanted[name]) for name in wanted
    }
    rest = {name: item for name, item in known.items() if name not in wanted}
    # Items that both have keep the order of the live list.
    return [*(result[n] for n in known if n in result), *(result[n] for n in result if n not in known),
            *rest.values()]  # fmt: skip


def without(schema: Schema, value: Any, gone: frozenset[Path], path: Path = ()) -> Any:
    """A value without the paths that nobody owns any more."""
    if isinstance(value, dict) and not api_schema.atomic(schema, value):
        kept = {}
        for name, inner in value.items():
            here = (*path, f"f:{name}")
            if here in gone:
                continue
            less = without(api_schema.field(schema, name), inner, gone, here)
            if less or not inner or not any(p[: len(here)] == here for p in gone):
                kept[name] = less
        return kept
    if isinstance(value, list) and not api_schema.atomic(schema, value):
        kept_items = []
        for inner in value:
            here = (*path, step(schema, inner))
            if here not in gone:
                kept_items.append(without(api_schema.item(schema), inner, gone, here))
        return kept_items
    return value


def conflicts(
    schema: Schema, live: Any, applied: Any, who: tuple[str, str, str, str], entries: list[Entry]
) -> list[tuple[Entry, Path]]:
    """What others own and the applied object would change."""
    before = leaves(schema, live)
    found = []
    for path, value in sorted(leaves(schema, applied).items(), key=lambda pair: pair[0]):
        if path in before and before[path] == value:
            continue
        found += [
            (e, path) for e in entries if (e.manager, e.operation) != who[:2] and path in e.fields
        ]
    return found


def after_update(
    schema: Schema, before: Any, after: Any, writer: Entry, entries: list[Entry]
) -> list[Entry]:
    """The managers once `writer` has written `after` over `before`: it owns what it changed, and
    nobody owns what is gone or was changed by another.
    """
    old = leaves(schema, before) if before is not None else {}
    new = leaves(schema, after)
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    gone = old.keys() - new.keys()
    return _settled(entries, writer, frozenset(changed), frozenset(changed | gone))


def _settled(
    entries: list[Entry], writer: Entry, gained: frozenset[Path], lost: frozenset[Path]
) -> list[Entry]:
    kept = []
    mine = None
    for entry in entries:
        if entry.who == writer.who:
            mine = entry
            continue
        left = entry.fields - lost
        if left:
            kept.append(dataclasses.replace(entry, fields=left))
    held = (mine.fields - lost if mine else frozenset()) | gained
    if held:
        time = writer.time if mine is None or held != mine.fields or gained else mine.time
        kept.append(dataclasses.replace(writer, fields=held, time=time))
    return kept


def after_apply(
    schema: Schema, before: Any, after: Any, writer: Entry, entries: list[Entry]
) -> list[Entry]:
    """The managers once an object was applied (`writer.fields` is all it says): others lose what
    was changed under them; what all say alike, all own.
    """
    old = leaves(schema, before) if before is not None else {}
    new = leaves(schema, after)
    lost = {p for p, v in old.items() if p not in new or (p in writer.fields and new[p] != v)}
    kept = [e for e in entries if e.who != writer.who]
    kept = [dataclasses.replace(e, fields=e.fields - lost) for e in kept]
    mine = next((e for e in entries if e.who == writer.who), None)
    same = mine is not None and mine.fields == writer.fields and not lost and old == new
    return [*(e for e in kept if e.fields), mine if same and mine else writer]
