"""What a layer adds to many objects alike, as one patch with a selector instead of one an object:
the namespace, and the labels that name environment and region. Called by `target`.

`namespace:` and `labels:` of a kustomization touch every object, also what was found and must stay
as it is; a selector by the label of what is on the road does not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telford.render.artifacts import Object
from telford.render.kustomize.differences import Path, pointer
from telford.road import conventions

_NAME = conventions.LABEL_NAME
_LABELS = (conventions.LABEL_ENVIRONMENT, conventions.LABEL_REGION)
_PODS: tuple[Path, ...] = (
    ("spec", "template", "metadata", "labels"),
    ("spec", "jobTemplate", "spec", "template", "metadata", "labels"),
)
_PATHS: tuple[Path, ...] = (
    ("metadata", "namespace"),
    *(("metadata", "labels", label) for label in _LABELS),
    *((*where, label) for where in _PODS for label in _LABELS),
)
# Fewer objects than these say it themselves.
_MANY = 2

Operations = tuple[tuple[Path, str], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Operations for all objects of some kinds that are on the road, but for those of some names
    (by their label).
    """

    kinds: tuple[str, ...]
    without: tuple[str, ...]
    operations: Operations

    def selects(self, item: Object) -> bool:
        """Whether kustomize would apply it to an object."""
        labels = item.get("metadata", {}).get("labels", {})
        managed = labels.get(conventions.LABEL_MANAGED_BY) == conventions.MANAGER
        other = labels.get(_NAME) not in self.without
        return managed and item.get("kind") in self.kinds and other

    def apply(self, item: Object) -> Object:
        """The object with it, the given one unchanged."""
        for path, value in self.operations:
            item = _with(item, path, value)
        return item

    def as_patch(self) -> dict[str, Any]:
        """As a kustomization writes it."""
        selector = f"{conventions.LABEL_MANAGED_BY}={conventions.MANAGER}"
        if self.without:
            selector += f",{_NAME} notin ({','.join(self.without)})"
        kinds = self.kinds[0] if len(self.kinds) == 1 else f"({'|'.join(self.kinds)})"
        return {
            "target": {"kind": kinds, "labelSelector": selector},
            "operations": [
                {"op": "add", "path": pointer(path), "value": value}
                for path, value in self.operations
            ],
        }


def _with(item: Any, path: Path, value: str) -> Any:
    if not path:
        return value
    inside = item.get(path[0], {}) if isinstance(item, dict) else {}
    return {**item, path[0]: _with(inside, path[1:], value)}


def marks(before: Mapping[Any, Object], after: Mapping[Any, Object]) -> tuple[Mark, ...]:
    """The marks of a layer, from the objects that it builds on and those that it gives."""
    groups: dict[Operations, list[Any]] = {}
    for key, item in after.items():
        if key in before and (operations := tuple(_added(before[key], item))):
            groups.setdefault(operations, []).append(key)
    found = (
        _mark(operations, keys, after) for operations, keys in groups.items() if len(keys) >= _MANY
    )
    return tuple(mark for mark in found if mark.kinds)


def _added(before: Object, after: Object) -> Iterator[tuple[Path, str]]:
    if (
        after.get("metadata", {}).get("labels", {}).get(conventions.LABEL_MANAGED_BY)
        != conventions.MANAGER
    ):
        return
    for path in _PATHS:
        value = _at(after, path)
        if isinstance(value, str) and _at(before, path) is None and _at(before, path[:-1]):
            yield path, value


def _at(item: Any, path: Path) -> Any:
    for step in path:
        item = item.get(step) if isinstance(item, dict) else None
    return item


def _mark(operations: Operations, keys: list[Any], after: Mapping[Any, Object]) -> Mark:
    """For all of a group that a selector can tell from what it would make wrong: a kind in which
    one of those has no name by label is left out.
    """
    kinds = {after[key]["kind"] for key in keys}
    open_to_all = Mark(tuple(kinds), (), operations)
    wrong = [
        item
        for item in after.values()
        if open_to_all.selects(item) and open_to_all.apply(item) != item
    ]
    named = [(item["kind"], item["metadata"]["labels"].get(_NAME)) for item in wrong]
    kinds -= {kind for kind, name in named if name is None}
    names = {name for kind, name in named if kind in kinds and name is not None}
    return Mark(tuple(sorted(kinds)), tuple(sorted(names)), operations)
