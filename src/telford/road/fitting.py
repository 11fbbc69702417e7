"""Whether a patch that people wrote fits what it is merged over: what it names is there, is of the same
form, and stays the same object.

A patch that import made fits by construction (`telford.road.patch`); one that an organisation writes
meets objects that change under it. Called by `telford.render.patching`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.road import patch

# Lists of which a new item must have these keys to mean anything.
_WHOLE = {"containers": "image", "initContainers": "image"}
# What says which object it is: with another one it would be another object.
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"))


@dataclass(frozen=True, slots=True)
class Misfit:
    """Something in a patch that does not fit: where, what is wrong there, why it matters, and how to
    mend it.
    """

    where: str
    what: str
    why: str
    fix: str


def misfits(item: Mapping[str, Any], merge: Mapping[str, Any]) -> Iterator[Misfit]:
    """Everything in a patch that does not fit an object, or a file's mapping."""
    for path in patch.misfits(item, merge):
        yield Misfit(
            ".".join(map(str, path)),
            "is changed item by item, and has other items now",
            "Its items have no names, so nobody knows which of them is meant.",
            "write the list whole, beginning with `$patch: replace`, or count its items again",
        )
    for where in _strangers(item, merge):
        yield Misfit(
            where,
            "is changed, and there is none of that name",
            "It would be added with nothing but what the patch says of it, or is gone already.",
            "name one that there is (`telford build` writes them), or write the new one whole",
        )
    for where in _clashes(item, merge):
        yield Misfit(
            where,
            "would become something of another form",
            "Whatever reads it expects a mapping, a list or a single value, as it is now.",
            "write what there is with its keys, or take it away with null",
        )
    for where in _renamings(item, merge):
        yield Misfit(
            where,
            "says which object it is, and would change",
            "It would be another object, and nothing that refers to this one would find it.",
            "patch what the object says; its name and place come from the estate",
        )


def _strangers(item: Any, merge: Any, path: str = "") -> Iterator[str]:
    """Items of lists that a patch changes or deletes by name, and that are not there (any more)."""
    if not isinstance(merge, dict):
        return
    known = item if isinstance(item, dict) else {}
    for field, value in merge.items():
        here = _joined(path, field)
        if isinstance(value, list):
            yield from _strangers_of_list(field, known.get(field), value, here)
        else:
            yield from _strangers(known.get(field), value, here)


def _strangers_of_list(field: str, there: Any, merge: list[Any], path: str) -> Iterator[str]:
    known = [one for one in there if isinstance(one, dict)] if isinstance(there, list) else []
    for one in merge:
        naming = _naming(field, one)
        if naming is None:
            continue
        here = f"{path}[{one[naming]}]"
        found = next((old for old in known if old.get(naming) == one[naming]), None)
        if found is not None:
            yield from _strangers(found, one, here)
        elif one.get(patch.DIRECTIVE) == "delete" or _WHOLE.get(field, naming) not in one:
            yield here


def _naming(field: str, item: Any) -> str | None:
    """The key that names an item of a list."""
    if not isinstance(item, dict):
        return None
    return next((name for name in patch.KEYS.get(field, ()) if name in item), None)


def _clashes(item: Any, merge: Any, path: str = "") -> Iterator[str]:
    """Where a mapping, a list or a single value would become one of the others."""
    if not isinstance(merge, dict) or not isinstance(item, dict):
        return
    for field, value in merge.items():
        known = item.get(field)
        if known is None or value is None or field.startswith(patch.ORDER):
            continue
        if _form(known) is not _form(value):
            yield _joined(path, field)
        else:
            yield from _clashes(known, value, _joined(path, field))


def _form(value: Any) -> type:
    return type(value) if isinstance(value, dict | list) else str


def _renamings(item: Mapping[str, Any], merge: Mapping[str, Any]) -> Iterator[str]:
    """What says which Kubernetes object it is, and would not say so any more."""
    if "apiVersion" not in item or "kind" not in item:
        return
    merged = patch.merge(item, merge)
    for path in _IDENTITY:
        if _at(item, path) != _at(merged, path):
            yield ".".join(path)


def _at(item: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        item = item.get(step) if isinstance(item, dict) else None
    return item


def _joined(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field
