"""What several objects have in common: the part of a layer that those above it need not repeat.

A value that more than half of them have is common; the others say what they have instead, or that
they have none. Mappings, and lists whose items have names, are looked at part by part. Called by
`target`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from telford.render.artifacts import Object
from telford.road import conventions, patch

# List field -> the key that tells its items apart, for kustomize and for us alike: the merge keys
# of Kubernetes' OpenAPI document (`x-kubernetes-patch-merge-key`) that are a single one.
NAMED: Mapping[str, str] = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
}
# What says where an object is: common only where it is the same everywhere, or overlays would take
# away what they never had.
_OF_A_PLACE = frozenset({"namespace", conventions.LABEL_ENVIRONMENT, conventions.LABEL_REGION})
_ABSENT = object()


def shared(objects: Sequence[Object]) -> Object:
    """The common part of some forms of one object."""
    found: Object = _mapping(objects)
    return found


def _mapping(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found = {}
    for key in dict.fromkeys(key for value in values for key in value):
        agreed = _value(key, [value.get(key, _ABSENT) for value in values])
        if agreed is not _ABSENT:
            found[key] = agreed
    return found


def _value(key: str, values: Sequence[Any]) -> Any:
    """The common value under a key, or `_ABSENT`."""
    first = values[0]
    if all(patch.same(first, value) for value in values[1:]):
        return first
    there = [value for value in values if value is not _ABSENT]
    if key in _OF_A_PLACE or len(there) * 2 <= len(values):
        return _ABSENT
    if all(isinstance(value, dict) for value in there):
        return _mapping(there) or _ABSENT
    if key in NAMED and alike(key, there):
        columns = zip(*there, strict=True)
        return [_mapping(column) for column in columns]
    return _majority(values)


def alike(key: str, lists: Sequence[Any]) -> bool:
    """Whether lists have items of the same names in the same order, no name twice."""
    names = [names_of(key, items) for items in lists]
    return names[0] is not None and all(one == names[0] for one in names)


def names_of(key: str, items: Any) -> list[Any] | None:
    """The names of a list's items; None where they do not tell them apart."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    names = [item.get(NAMED[key]) for item in items]
    return names if None not in names and len(set(names)) == len(names) else None


def _majority(values: Iterable[Any]) -> Any:
    every = list(values)
    for value in every:
        if sum(_equal(value, other) for other in every) * 2 > len(every):
            return value
    return _ABSENT


def _equal(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return patch.same(one, other)
