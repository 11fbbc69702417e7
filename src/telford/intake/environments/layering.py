"""Several versions of one document -> a base, and for each version the overlay that makes it again.

The opposite of `telford.estate.layers.merge`, on plain values: mappings merge key by key, ``null``
deletes, a list with merge keys merges item by item and only ever grows, anything else is replaced.
Called by `telford.intake.environments.merging`.

The base says what most versions say; where as many say one thing as another, what the first says.
Being left out counts as a thing to say.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from telford.estate.kinds.base import Kind
from telford.road import patch

Value = Any


class _Absent:
    """The type of `ABSENT`: a key that is not there."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


class CannotSayError(Exception):
    """No overlay makes this version of this base: an explicit null that the base does not have, or
    an item that it has too many.
    """


class Layering:
    """The merge rules of one kind. `system` makes ``shop.orders`` and ``orders`` one reference."""

    # Lists whose order means nothing, so that an item in the middle of one version only does not
    # part the rest: what all have is the base.
    unordered = frozenset({"uses"})

    def __init__(self, kind: type[Kind], system: str) -> None:
        self._merge_keys = kind.merge_keys
        self._system = system

    def base(self, versions: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
        """What most of the versions say, key by key."""
        return self._common(versions, "")

    def overlay(self, base: Mapping[str, Value], version: Mapping[str, Value]) -> dict[str, Value]:
        """The overlay that makes `version` of `base`. Raises `CannotSayError`."""
        return self._difference(base, version, "")

    def _common(self, versions: Sequence[Mapping[str, Value]], path: str) -> dict[str, Value]:
        common: dict[str, Value] = {}
        for key in _keys(versions, path):
            inner = f"{path}.{key}" if path else key
            value = self._choice([version.get(key, ABSENT) for version in versions], inner)
            if value is not ABSENT:
                common[key] = value
        return common

    def _choice(self, values: list[Value], path: str) -> Value:
        """What the base says at a path, or `ABSENT`."""
        first = values[0]
        if all(value is first or patch.same(value, first) for value in values[1:]):
            return first
        # A null cannot be added by an overlay, only be there and be replaced or taken away.
        nulls = [value for value in values if _holds_null(value)]
        if nulls and not isinstance(nulls[0], dict):
            return nulls[0]
        present = [value for value in values if value is not ABSENT]
        if not nulls and _prevails_absent(values, len(present)):
            return ABSENT
        if all(isinstance(value, dict) for value in present):
            return self._common(present, path)
        if nulls:
            return nulls[0]
        keys = self._merge_keys.get(path)
        if keys is not None and all(isinstance(value, list) for value in present):
            return self._items(present, path)
        return _most(present)

    def _items(self, lists: list[list[Value]], path: str) -> Value:
        """The items that an overlay never has to take away: those that all lists have, or, where
        the order counts, those that all begin with. `ABSENT` where there are none.
        """
        named = [self._named(items, path) for items in lists]
        if any(names is None for names in named):
            return ABSENT
        known = [names for names in named if names is not None]
        shared = [name for name in known[0] if all(name in names for names in known)]
        if path not in self.unordered:
            count = _common_beginning([list(names) for names in known])
            shared = list(known[0])[:count]
        items = [self._common([names[name] for names in known], f"{path}[]") for name in shared]
        return items or ABSENT

    def _named(self, value: Value, path: str) -> dict[Any, dict[str, Value]] | None:
        """The items of a list by what they are known by; None where an overlay cannot tell them
        apart.
        """
        keys = self._merge_keys[path]
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            return None
        named = {self._identity(item, keys, path): item for item in value}
        return named if len(named) == len(value) and None not in named else None

    def _identity(self, item: dict[str, Value], keys: tuple[str, ...], path: str) -> Any:
        """What `telford.estate.layers` knows an item by."""
        for key in keys:
            if item.get(key) is not None:
                text = str(item[key])
                return key, text.removeprefix(f"{self._system}.") if self._system else text
        # A port without a name is called http (`telford.estate.kinds.running.Port`).
        return (keys[0], "http") if path.endswith("ports") else None

    def _difference(
        self, base: Mapping[str, Value], wanted: Mapping[str, Value], path: str
    ) -> dict[str, Value]:
        overlay: dict[str, Value] = {}
        for key, value in wanted.items():
            known = base.get(key, ABSENT)
            if known is value or patch.same(known, value):
                continue
            inner = f"{path}.{key}" if path else key
            if isinstance(known, dict) and isinstance(value, dict):
                overlay[key] = self._difference(known, value, inner)
            elif isinstance(known, list) and isinstance(value, list) and inner in self._merge_keys:
                overlay[key] = self._additions(known, value, inner)
            elif _holds_null(value):
                raise CannotSayError(inner)
            else:
                overlay[key] = value
        overlay.update({key: None for key in base if key not in wanted})
        return overlay

    def _additions(self, base: list[Value], wanted: list[Value], path: str) -> list[Value]:
        """The items that change, then those that are new."""
        before, after = self._named(base, path), self._named(wanted, path)
        if before is None or after is None or not before.keys() <= after.keys():
            raise CannotSayError(path)
        ordered = list(after)[: len(before)] == list(before)
        if not ordered and path not in self.unordered:
            raise CannotSayError(path)
        changed = []
        for name, item in before.items():
            difference = self._difference(item, after[name], f"{path}[]")
            if difference:
                key = name[0]
                changed.append({key: item[key], **difference} if key in item else difference)
        return changed + [item for name, item in after.items() if name not in before]


def _keys(versions: Sequence[Mapping[str, Value]], path: str) -> list[str]:
    """The keys that the base may have, in the order of the first version that has them.

    Kubernetes replaces ``$(NAME)`` in a variable only by those before it: there the order counts,
    and an overlay's keys come last.
    """
    if path.rpartition(".")[2] == "env" and any(
        "$(" in str(value) for version in versions for value in version.values()
    ):
        return list(versions[0])[: _common_beginning([list(version) for version in versions])]
    return list(dict.fromkeys(key for version in versions for key in version))


def _prevails_absent(values: list[Value], present: int) -> bool:
    """Whether more versions leave a key out than have it, or as many and the first of them."""
    absent = len(values) - present
    return absent > present or (absent == present and values[0] is ABSENT)


def _most(values: list[Value]) -> Value:
    """The value that is there most often, of several the first."""
    groups: list[list[Value]] = []
    for value in values:
        group = next((group for group in groups if patch.same(group[0], value)), None)
        if group is None:
            groups.append([value])
        else:
            group.append(value)
    return max(groups, key=len)[0]


def _common_beginning(lists: list[list[Any]]) -> int:
    """How many items all lists begin with."""
    count = 0
    for items in zip(*lists, strict=False):
        if any(item != items[0] for item in items):
            break
        count += 1
    return count


def _holds_null(value: Value) -> bool:
    """Whether merging could mistake something in a value for a deletion. Lists are taken whole."""
    if isinstance(value, dict):
        return any(_holds_null(item) for item in value.values())
    return value is None
