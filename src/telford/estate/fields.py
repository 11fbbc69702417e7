"""Paths into documents: ``run.replicas.min``, ``uses[catalogue].timeout``, ``run.ports.0.port``.

One grammar for `telford explain`, the portal and rules. A list item is named by its place in the
resolved list or by what identifies it; the latter finds the same item in every layer.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from telford.basics import yamltext
from telford.basics.errors import UsageError
from telford.basics.yamltext import Mapping as MappingNode
from telford.basics.yamltext import Node, Scalar, Sequence
from telford.estate import documents, shapes, suggestions
from telford.estate.kinds.base import Kind
from telford.estate.model import Bound

Path = tuple[str | int, ...]

UNKNOWN = object()
_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]*)\]")
# What names an item of a list, in this order.
_NAMES = ("service", "datastore", "stream", "name")


def parse(field: str, bound: Bound) -> Path:
    """The steps of a path's text; numbers that name an item become its name where it has one."""
    steps: list[str | int] = []
    node: Node | None = bound.node
    for plain, bracketed in _STEP.findall(field):
        text = plain or bracketed
        step: str | int = text
        if isinstance(node, Sequence):
            step = _item_step(node, text)
        elif node is None and text.isdigit():
            step = int(text)
        node = node_at(node, (step,)) if node is not None else None
        steps.append(step)
    if not steps:
        raise UsageError("the field is empty", fix="write a path such as run.replicas")
    return tuple(steps)


def _item_step(node: Sequence, text: str) -> str | int:
    if not text.isdigit():
        return text
    index = int(text)
    item = node.items[index] if index < len(node.items) else None
    return (name_of(item) if item is not None else None) or index


def name_of(item: Node) -> str | None:
    """What identifies a list's item, where something does: ``service:catalogue``."""
    if isinstance(item, MappingNode):
        for key in _NAMES:
            value = item.values.get(key)
            if isinstance(value, Scalar) and isinstance(value.value, str):
                return f"{key}:{value.value}"
    return None


def _is_called(name: str, step: str) -> bool:
    """Whether ``service:catalogue`` is meant by a step, which may leave the key out."""
    return step in (name, name.partition(":")[2])


def within(field: str, leaf: str, bound: Bound) -> bool:
    """Whether a leaf's path lies in a field's, however each names the items of lists."""
    outer, inner = (tuple(map(_bare, parse(text, bound))) for text in (field, leaf))
    return inner[: len(outer)] == outer


def _bare(step: str | int) -> str:
    key, colon, name = str(step).partition(":")
    return name if colon and key in _NAMES else str(step)


def node_at(node: Node | None, path: Path) -> Node | None:
    """The node at a path, or None where the document does not write it."""
    for step in path:
        if isinstance(node, MappingNode):
            node = node.values.get(str(step))
        elif isinstance(node, Sequence):
            node = _item(node, step)
        else:
            return None
    return node


def _item(node: Sequence, step: str | int) -> Node | None:
    if isinstance(step, int):
        return node.items[step] if step < len(node.items) else None
    return next((item for item in node.items if _is_called(name_of(item) or "", step)), None)


def value(spec: Kind, path: Path) -> Any:
    """The value of a field as plain data. Raises `UsageError` where the kind has no such field."""
    current: Any = spec.model_dump(by_alias=True, mode="json")
    shape: shapes.Shape | None = shapes.of(type(spec))
    done: list[str] = []
    for step in path:
        if shape is not None and shape.fields is not None and isinstance(current, Mapping):
            _known(shape, step, done, spec.kind)
        shape = _below(shape, step)
        current = _step_into(current, step)
        done.append(str(step))
        if current is UNKNOWN and shape is None:
            raise UsageError(f"{spec.kind} {spec.name} has no field {'.'.join(done)}")
        if current is UNKNOWN:
            current = None
    return current


def value_of(bound: Bound, path: Path) -> Any:
    """The value of a field as plain data, open ``x-*`` keys included. Raises as `value` does."""
    if not any(isinstance(step, str) and step.startswith(documents.OPEN_PREFIX) for step in path):
        return value(bound.spec, path)
    found = node_at(bound.node, path)
    if found is None:
        name = ".".join(map(str, path))
        raise UsageError(
            f"{bound.entity.address} has no field {name}", fix="write it, or name another one"
        )
    return yamltext.plain(found)


def _known(shape: shapes.Shape, step: str | int, done: list[str], kind: str) -> None:
    assert shape.fields is not None
    if step in shape.fields:
        return
    path = ".".join([*done, str(step)])
    meant = suggestions.nearest(str(step), shape.fields)
    prefix = "".join(f"{part}." for part in done)
    fix = f"did you mean {prefix}{meant}?" if meant else f"one of: {', '.join(shape.fields)}"
    raise UsageError(f"a {kind} has no field {path}", fix=fix)


def _below(shape: shapes.Shape | None, step: str | int) -> shapes.Shape | None:
    if shape is None or shape.anything:
        return shape
    if shape.item is not None:
        return shape.item
    if shape.fields is not None and step in shape.fields:
        return shape.fields[str(step)]
    return shape.value


def _step_into(current: Any, step: str | int) -> Any:
    if isinstance(current, Mapping):
        return current.get(str(step), UNKNOWN)
    if isinstance(current, list):
        if isinstance(step, int):
            return current[step] if step < len(current) else UNKNOWN
        for item in current:
            if _is_called(_named(item), step):
                return item
    return UNKNOWN


def default(kind: type[Kind], path: Path) -> Any:
    """What a field is where nobody sets it; `UNKNOWN` where the model has no default of its own."""
    model: type[BaseModel] | None = kind
    shape: shapes.Shape | None = shapes.of(kind)
    found: Any = UNKNOWN
    for step in path:
        found = UNKNOWN
        if model is not None:
            found = _field_default(model, str(step))
        shape = _below(shape, step)
        model = shape.model if shape is not None else None
    return found


def _field_default(model: type[BaseModel], key: str) -> Any:
    for name, info in model.model_fields.items():
        if (info.alias or name) == key and not info.is_required():
            return _plain(info.get_default(call_default_factory=True))
    return UNKNOWN


def _plain(found: Any) -> Any:
    if isinstance(found, BaseModel):
        return found.model_dump(by_alias=True, mode="json", exclude_none=True)
    return list(found) if isinstance(found, tuple) else found


def leaves(bound: Bound) -> Iterator[tuple[str, Any]]:
    """Every field that has a value, as path text and plain value, in the kind's order.

    Lists whose items have names go item by item, other lists are one value; what is empty by
    default is left out. Open ``x-*`` keys come last.
    """
    dumped = bound.spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    yield from _leaves(dumped, "")
    if bound.node is not None:
        yield from _open_leaves(bound.node, shapes.of(type(bound.spec)), "")


def _open_leaves(node: Node, shape: shapes.Shape, path: str) -> Iterator[tuple[str, Any]]:
    """What stands under ``x-*`` keys, wherever the kind allows them."""
    if isinstance(node, Sequence) and shape.item is not None:
        named = [(name_of(item) or "").partition(":")[2] for item in node.items]
        for item, name in zip(node.items, named, strict=True):
            if name and named.count(name) == 1:
                yield from _open_leaves(item, shape.item, f"{path}[{name}]")
    elif isinstance(node, MappingNode) and shape.fields is not None:
        for key, inner in node.values.items():
            if key.startswith(documents.OPEN_PREFIX):
                yield from _leaves(yamltext.plain(inner), _joined(path, key))
            elif key in shape.fields:
                yield from _open_leaves(inner, shape.fields[key], _joined(path, key))


def _leaves(current: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(current, Mapping):
        for key, inner in current.items():
            yield from _leaves(inner, _joined(path, str(key)))
    elif isinstance(current, list) and current and all(_named(item) for item in current):
        names = [_named(item).partition(":")[2] for item in current]
        for item, name in zip(current, names, strict=True):
            step = name if names.count(name) == 1 else _named(item)
            yield from _leaves(item, f"{path}[{step}]")
    elif current not in ([], ""):
        yield path, current


def _joined(path: str, key: str) -> str:
    if set(key) & set(".[]"):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def _named(item: Any) -> str:
    if not isinstance(item, Mapping):
        return ""
    return next((f"{key}:{item[key]}" for key in _NAMES if item.get(key)), "")
