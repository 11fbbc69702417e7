"""Merging and differencing of trees whose lists have names, so that what a foreign object says
beyond the model's fields can be kept as a small patch and given back exactly.

`difference` is used by import, `merge` by whatever builds as-found objects again; the law is
``merge(base, difference(base, wanted).patch) == wanted``, and import checks it for each object.

A patch, key by key:

- a mapping merges recursively, ``null`` deletes the key;
- a list whose items have names (`KEYS`) merges item by item: an item with the name of one that is
  there merges into it, any other is appended, ``{name: x, $patch: delete}`` removes; a key
  ``$order/containers`` beside it gives the order of names where it is not the one that results;
- a list that begins with ``{$patch: each}`` merges item by item in order: its second item into the
  first that is there, and so on; for lists of mappings without names. Where somebody has added or
  removed an item since, nobody knows which is which any more: it merges nothing, and `misfits`
  names it;
- a list that begins with ``{$patch: replace}`` replaces the whole list;
- any other list, and any scalar, replaces.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# List field -> the keys that may name its items, in order of preference: Kubernetes' own merge
# keys (``x-kubernetes-patch-merge-key`` of its OpenAPI document), and names where they exist.
KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("name", "containerPort", "port"),
    "imagePullSecrets": ("name",),
}
DIRECTIVE = "$patch"
ORDER = "$order/"

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What must be patched, and the paths of `wanted` (keys and indices) that the patch gives.

    A path may end above a leaf: then everything under it comes from the patch.
    """

    patch: Any
    carried: tuple[Path, ...]


def merge(base: Any, patch: Any) -> Any:
    """`base` with `patch` merged in; neither is changed."""
    if not isinstance(patch, dict):
        return _copied(patch)
    merged: dict[str, Any] = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if key.startswith(ORDER):
            continue
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, list):
            merged[key] = _merge_list(key, merged.get(key), value)
        else:
            merged[key] = merge(merged.get(key), value)
    for key, names in patch.items():
        if key.startswith(ORDER) and isinstance(names, list):
            _put_in_order(merged, key.removeprefix(ORDER), names)
    return merged


def difference(base: Any, wanted: Any) -> Difference:
    """The smallest patch of this grammar that makes `wanted` of `base`.

    `wanted` must hold no ``null`` as a mapping's value: a patch cannot say it.
    """
    carried: list[Path] = []
    patch = _difference_mapping(base, wanted, (), carried)
    return Difference(patch, tuple(carried))


def by_position(patch: Any) -> bool:
    """Whether a patch changes any list item by item."""
    if isinstance(patch, dict):
        return any(map(by_position, patch.values()))
    if not isinstance(patch, list):
        return False
    return patch[:1] == [{DIRECTIVE: "each"}] or any(map(by_position, patch))


def misfits(base: Any, patch: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of lists that the patch would change item by item, were they as long as they were."""
    if not isinstance(patch, dict):
        return
    known = base if isinstance(base, dict) else {}
    for key, value in patch.items():
        here = (*path, key)
        if isinstance(value, list):
            yield from _misfits_of_list(key, known.get(key), value, here)
        else:
            yield from misfits(known.get(key), value, here)


def _misfits_of_list(field: str, base: Any, patch: list[Any], path: Path) -> Iterator[Path]:
    items = base if isinstance(base, list) else []
    if patch and patch[0] == {DIRECTIVE: "each"}:
        if len(items) != len(patch) - 1:
            yield path
            return
        for index, (item, change) in enumerate(zip(items, patch[1:], strict=True)):
            yield from misfits(item, change, (*path, index))
        return
    key = _naming(field, items, patch)
    known = {item[key]: item for item in items} if key is not None else {}
    for change in patch:
        if key is not None and change[key] in known:
            yield from misfits(known[change[key]], change, (*path, change[key]))


def _copied(value: Any) -> Any:
    """A patch's own value without its directives and deletions."""
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return merge({}, value) if isinstance(value, dict) else value


def _merge_list(field: str, base: Any, patch: list[Any]) -> list[Any]:
    if patch and patch[0] == {DIRECTIVE: "replace"}:
        return [_copied(item) for item in patch[1:]]
    items = base if isinstance(base, list) else []
    if patch and patch[0] == {DIRECTIVE: "each"}:
        if len(items) != len(patch) - 1:
            return items
        return [merge(item, change) for item, change in zip(items, patch[1:], strict=True)]
    key = _naming(field, items, patch)
    if key is None:
        return [_copied(item) for item in patch]
    merged = {item[key]: item for item in items}
    for item in patch:
        name = item[key]
        if item.get(DIRECTIVE) == "delete":
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), item)
    return list(merged.values())


def _naming(field: str, *lists: Sequence[Any]) -> str | None:
    """The first key of `KEYS` that names every item of each list, no name twice in one."""
    for key in KEYS.get(field, ()):
        if all(_names(items, key) is not None for items in lists):
            return key
    return None


def _names(items: Sequence[Any], key: str) -> list[Any] | None:
    names = [item.get(key) if isinstance(item, dict) else None for item in items]
    fit = all(isinstance(name, str | int) and not isinstance(name, bool) for name in names)
    return names if fit and len(set(names)) == len(names) else None


def _put_in_order(merged: dict[str, Any], field: str, names: list[Any]) -> None:
    """Sort a named list as `names` says; items that it does not mention keep their place last."""
    items = merged.get(field)
    key = _naming(field, items) if isinstance(items, list) else None
    if key is None or items is None:
        return
    rank = {name: index for index, name in enumerate(names)}
    merged[field] = sorted(items, key=lambda item: rank.get(item[key], len(rank)))


def _difference_mapping(
    base: Any, wanted: Mapping[str, Any], path: Path, carried: list[Path]
) -> dict[str, Any]:
    patch: dict[str, Any] = {}
    known = base if isinstance(base, dict) else {}
    for key, value in wanted.items():
        if key in known:
            patch.update(_difference_value(key, known[key], value, path, carried))
        else:
            carried.append((*path, key))
            patch[key] = _literal(key, value)
    patch.update({key: None for key in known if key not in wanted})
    return patch


def _difference_value(
    key: str, base: Any, wanted: Any, path: Path, carried: list[Path]
) -> dict[str, Any]:
    """The patch's entries for one key that both sides have; none where they agree."""
    if same(base, wanted):
        return {}
    here = (*path, key)
    # A mapping cannot be emptied, nor filled from nothing, without it showing as a leaf.
    if isinstance(base, dict) and isinstance(wanted, dict) and wanted:
        return {key: _difference_mapping(base, wanted, here, carried)}
    if isinstance(base, list) and isinstance(wanted, list):
        named = _difference_list(key, base, wanted, here, carried)
        if named is not None:
            return named
    carried.append(here)
    if isinstance(wanted, dict) and isinstance(base, dict):
        return {key: dict.fromkeys(base)}
    return {key: _replacement(key, base, wanted)}


def _difference_list(
    field: str, base: list[Any], wanted: list[Any], path: Path, carried: list[Path]
) -> dict[str, Any] | None:
    """The entries for a named list, its order included; None where its items have no names."""
    naming = _naming(field, base, wanted)
    if naming is None:
        return _difference_items(field, base, wanted, path, carried)
    # A list that ends up empty is a leaf of its own.
    paths: list[Path] = [] if wanted else [path]
    before = {item[naming]: item for item in base}
    items: list[Any] = []
    for index, item in enumerate(wanted):
        known = before.get(item[naming])
        if known is None:
            paths.append((*path, index))
            items.append(_copied_literal(item))
        elif not same(known, item):
            changes = _difference_mapping(known, item, (*path, index), paths)
            items.append({naming: item[naming], **changes})
    names = [item[naming] for item in wanted]
    gone = [{naming: name, DIRECTIVE: "delete"} for name in before if name not in names]
    patch: dict[str, Any] = {field: items + gone} if items or gone else {}
    kept = [name for name in before if name in names]
    if kept + [name for name in names if name not in before] != names:
        patch[ORDER + field] = names
    if not same(merge({field: base}, patch)[field], wanted):
        return None
    carried.extend(paths)
    return patch


def _difference_items(
    field: str, base: list[Any], wanted: list[Any], path: Path, carried: list[Path]
) -> dict[str, Any] | None:
    """The entry for a list of mappings that go together in order; None where they do not."""
    pairs = list(zip(base, wanted, strict=False))
    alike = len(base) == len(wanted) and all(
        isinstance(one, dict) and isinstance(other, dict) and one.keys() & other.keys()
        for one, other in pairs
    )
    if not alike:
        return None
    paths: list[Path] = []
    changes = [
        _difference_mapping(one, other, (*path, index), paths)
        for index, (one, other) in enumerate(pairs)
    ]
    patch = {field: [{DIRECTIVE: "each"}, *changes]}
    if not same(merge({field: base}, patch)[field], wanted):
        return None
    carried.extend(paths)
    return patch


def _literal(field: str, value: Any) -> Any:
    """A value that the base does not have, written so that merging gives exactly it."""
    return _replacement(field, [], value) if isinstance(value, list) else _copied_literal(value)


def _copied_literal(value: Any) -> Any:
    """The value with every list inside marked where merging would otherwise rearrange it."""
    if isinstance(value, dict):
        return {key: _literal(key, item) for key, item in value.items()}
    return [_copied_literal(item) for item in value] if isinstance(value, list) else value


def _replacement(field: str, base: Any, wanted: Any) -> Any:
    if not isinstance(wanted, list):
        return _copied_literal(wanted)
    literal = [_copied_literal(item) for item in wanted]
    plain = _merge_list(field, base, literal)
    return literal if same(plain, wanted) else [{DIRECTIVE: "replace"}, *literal]


def same(one: Any, other: Any) -> bool:
    """Equal in value and in type all the way down: 1, 1.0, True and "1" all differ."""
    if one is other:
        return True
    kind = type(one)
    if kind is not type(other):
        return False
    # The hot path of import; most values are equal.
    if kind is dict:
        if len(one) != len(other):
            return False
        for key, value in one.items():
            if key not in other or not same(value, other[key]):
                return False
        return True
    if kind is list:
        if len(one) != len(other):
            return False
        return all(map(same, one, other))
    return bool(one == other) or (kind is float and math.isnan(one) and math.isnan(other))


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar and every empty collection, with its path of keys and indices."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    else:
        yield path, value


def count(value: Any) -> int:
    """How many leaves a value has."""
    if not value or not isinstance(value, dict | list):
        return 1
    total = 0
    for item in value.values() if isinstance(value, dict) else value:
        total += count(item) if isinstance(item, dict | list) else 1
    return total
