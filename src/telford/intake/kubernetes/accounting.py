"""The fate of every leaf of the input. Called by `telford.intake.kubernetes.reading`."""

from collections.abc import Iterator, Mapping
from typing import Any

from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Sequence
from telford.intake.imported import Fate, SecretName, Status
from telford.intake.kubernetes import access, dropping
from telford.intake.kubernetes.documents import Written
from telford.intake.kubernetes.grouping import Scene
from telford.intake.kubernetes.objects import Found, Object, Path

BEYOND = "no field of the model says it"


def fates(found: Found, written: Written) -> tuple[Fate, ...]:
    """One fate for each leaf, in the order of the input; objects that count for nothing last."""
    listed = [fate for item in found.objects for fate in _of_object(item, written)]
    for item in found.replaced:
        reason = dropping.LIST if item.kind.endswith("List") else dropping.REPLACED
        listed += [
            _fate(item, path, line, Status.DROPPED, reason=reason)
            for path, line in leaves(item.original, item.node)
        ]
    return tuple(listed)


def leaves(value: Any, node: Node, path: Path = ()) -> Iterator[tuple[Path, int]]:
    """The path and the line of every scalar and every empty collection."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from leaves(item, _step(node, key), (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, _step(node, index), (*path, index))
    else:
        yield path, node.line


def secrets(scene: Scene) -> tuple[SecretName, ...]:
    """The Secrets that were found: names, never values."""
    found = []
    for item in scene.secrets:
        data = access.mapping(item.original, "data")
        texts = access.mapping(item.original, "stringData")
        found.append(SecretName(item.name, tuple({**data, **texts}), item.position))
    return tuple(found)


def _step(node: Node, step: str | int) -> Node:
    if isinstance(node, MappingNode) and step in node.values:
        return node.values[str(step)]
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return node


def _of_object(item: Object, written: Written) -> Iterator[Fate]:
    home = written.homes.get(item.key, "")
    carried = frozenset(written.carried.get(item.key, ()))
    reason = written.reasons.get(item.key, BEYOND)
    for path, line in leaves(item.original, item.node):
        dropped = next((item.dropped[p] for p in _prefixes(path) if p in item.dropped), "")
        if dropped:
            yield _fate(item, path, line, Status.DROPPED, reason=dropped)
        elif any(prefix in carried for prefix in _prefixes(path)):
            yield _fate(item, path, line, Status.CARRIED, to=home, reason=reason)
        else:
            yield _fate(item, path, line, Status.MAPPED, to=home)


def _prefixes(path: Path) -> Iterator[Path]:
    return (path[:end] for end in range(len(path) + 1))


def _fate(
    item: Object, path: Path, line: int, status: Status, *, to: str = "", reason: str = ""
) -> Fate:
    where = ".".join(map(str, path))
    return Fate(item.file, line, item.label, where, status, to=to, reason=reason)
