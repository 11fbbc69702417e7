"""Terraform's functions that need no plan, on trees. Called by `telford.intake.terraform.expressions`.

Only what configurations use for names, tags, sizes and settings; any other call stays an
expression. Semantics: https://developer.hashicorp.com/terraform/language/functions (2026-11).
"""

import json
import math
import re
from collections.abc import Callable, Sequence

from telford.basics.yamltext import Mapping, Node, Scalar
from telford.basics.yamltext import Sequence as Items
from telford.intake.cloud import tree

Value = str | int | float | bool | None
# A text or list that a call makes; configurations stay far below.
MAX_RESULT = 100_000

_VERB = re.compile(r"%(%|[sdv])")
_WORDS = re.compile(r"[A-Za-z0-9]+")


class NotKnownError(Exception):
    """The call cannot be evaluated here."""


def call(name: str, arguments: Sequence[Node], near: Node) -> Node:
    """What a function gives. Raises `NotKnownError` where that cannot be said."""
    try:
        if name in _ON_TREES:
            return _ON_TREES[name](arguments, near)
        if name in _ON_VALUES and all(map(tree.known, arguments)):
            return tree.built(_ON_VALUES[name](*map(tree.plain, arguments)), near)
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise NotKnownError(name) from error
    raise NotKnownError(name)


def text(value: object) -> str:
    """A value as Terraform writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    raise NotKnownError("this is no text")


def number(value: object) -> int | float:
    """A value as a number, as Terraform converts it."""
    if isinstance(value, str):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise NotKnownError("this is no number")
    return int(value) if float(value).is_integer() else value


def _merge(arguments: Sequence[Node], near: Node) -> Node:
    merged = Mapping(near.line, near.column)
    for argument in arguments:
        if isinstance(argument, Scalar) and argument.value is None:
            continue
        if not isinstance(argument, Mapping):
            raise NotKnownError("merge")
        for key, value in argument.values.items():
            tree.put(merged, key, value, argument.keys[key])
    return merged


def _concat(arguments: Sequence[Node], near: Node) -> Node:
    joined: list[Node] = []
    for argument in arguments:
        if not isinstance(argument, Items):
            raise NotKnownError("concat")
        joined += argument.items
    return Items(near.line, near.column, _bounded(joined))


def _flatten(arguments: Sequence[Node], near: Node) -> Node:
    flat: list[Node] = []
    waiting = list(reversed(arguments))
    while waiting:
        item = waiting.pop()
        if isinstance(item, Items):
            waiting.extend(reversed(item.items))
        elif isinstance(item, tree.Unknown):
            raise NotKnownError("flatten")
        else:
            flat.append(item)
        _bounded(flat)
    return Items(near.line, near.column, flat)


def _bounded(items: list[Node]) -> list[Node]:
    if len(items) > MAX_RESULT:
        raise NotKnownError("too long")
    return items


def _same(arguments: Sequence[Node], near: Node) -> Node:
    """Conversions between collections, and marks, change nothing that matters here."""
    del near
    if len(arguments) != 1:
        raise NotKnownError("one argument")
    return arguments[0]


def _hidden(arguments: Sequence[Node], near: Node) -> Node:
    """A value that the configuration itself calls a secret."""
    del arguments
    return tree.Unknown(near.line, near.column, sensitive=True)


def _set(arguments: Sequence[Node], near: Node) -> Node:
    """A set has no order and each value once."""
    items = _same(arguments, near)
    if not isinstance(items, Items) or not tree.known(items):
        raise NotKnownError("toset")
    unique = {json.dumps(tree.plain(item), sort_keys=True): item for item in items.items}
    return Items(near.line, near.column, [unique[key] for key in sorted(unique)])


def _lookup(arguments: Sequence[Node], near: Node) -> Node:
    del near
    holder, key, *default = arguments
    if not isinstance(holder, Mapping) or not isinstance(key, Scalar):
        raise NotKnownError("lookup")
    found = holder.values.get(text(key.value), default[0] if default else None)
    if found is None:
        raise NotKnownError("lookup")
    return found


def _element(arguments: Sequence[Node], near: Node) -> Node:
    del near
    items, index = arguments
    if not isinstance(items, Items) or not items.items or not isinstance(index, Scalar):
        raise NotKnownError("element")
    return items.items[int(number(index.value)) % len(items.items)]


def _coalesce(arguments: Sequence[Node], near: Node) -> Node:
    del near
    for argument in arguments:
        if isinstance(argument, tree.Unknown):
            break
        if not isinstance(argument, Scalar) or argument.value not in (None, ""):
            return argument
    raise NotKnownError("coalesce")


def _try(arguments: Sequence[Node], near: Node) -> Node:
    """The first argument that works: what is unknown may or may not."""
    del near
    if arguments and not isinstance(arguments[0], tree.Unknown):
        return arguments[0]
    raise NotKnownError("try")


def _keys(arguments: Sequence[Node], near: Node) -> Node:
    holder = _same(arguments, near)
    if not isinstance(holder, Mapping):
        raise NotKnownError("keys")
    return tree.built(sorted(holder.values), near)


def _values(arguments: Sequence[Node], near: Node) -> Node:
    holder = _same(arguments, near)
    if not isinstance(holder, Mapping):
        raise NotKnownError("values")
    return Items(near.line, near.column, [holder.values[key] for key in sorted(holder.values)])


def _length(arguments: Sequence[Node], near: Node) -> Node:
    counted = _same(arguments, near)
    if isinstance(counted, Mapping):
        return tree.scalar(len(counted.values), near)
    if isinstance(counted, Items):
        return tree.scalar(len(counted.items), near)
    if isinstance(counted, Scalar) and isinstance(counted.value, str):
        return tree.scalar(len(counted.value), near)
    raise NotKnownError("length")


def _format(pattern: str, *values: object) -> str:
    waiting = list(values)

    def written(match: re.Match[str]) -> str:
        if match[1] == "%":
            return "%"
        value = waiting.pop(0)
        return str(int(number(value))) if match[1] == "d" else text(value)

    if "%" in _VERB.sub("", pattern):
        raise NotKnownError("format")
    result = _VERB.sub(written, pattern)
    if waiting:
        raise NotKnownError("format")
    return result


def _join(separator: str, *lists: list[object]) -> str:
    return separator.join(text(item) for items in lists for item in items)


def _replace(subject: str, part: str, by: str) -> str:
    if part.startswith("/") and part.endswith("/") and len(part) > 1:
        raise NotKnownError("a regular expression")
    if len(subject) * max(len(by), 1) > MAX_RESULT:
        raise NotKnownError("too long")
    return subject.replace(part, by)


def _split(separator: str, subject: str) -> list[str]:
    return subject.split(separator) if separator else list(subject)


def _substring(subject: str, offset: int, length: int) -> str:
    start = offset if offset >= 0 else len(subject) + offset
    return subject[start:] if length < 0 else subject[start : start + length]


def _title(subject: str) -> str:
    return _WORDS.sub(lambda match: match[0][0].upper() + match[0][1:], subject)


def _boolean(value: object) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, bool | str) or value not in known:
        raise NotKnownError("tobool")
    return known[value]


def _bare_text(value: object) -> str | None:
    return None if value is None else text(value)


_ON_TREES: dict[str, Callable[[Sequence[Node], Node], Node]] = {
    "merge": _merge,
    "concat": _concat,
    "flatten": _flatten,
    "tolist": _same,
    "tomap": _same,
    "nonsensitive": _same,
    "sensitive": _hidden,
    "toset": _set,
    "lookup": _lookup,
    "element": _element,
    "coalesce": _coalesce,
    "try": _try,
    "keys": _keys,
    "values": _values,
    "length": _length,
}
_ON_VALUES: dict[str, Callable[..., object]] = {
    "abs": lambda value: abs(number(value)),
    "ceil": lambda value: math.ceil(number(value)),
    "contains": lambda items, value: value in items,
    "distinct": lambda items: list(dict.fromkeys(items)),
    "endswith": lambda subject, end: subject.endswith(end),
    "floor": lambda value: math.floor(number(value)),
    "format": _format,
    "join": _join,
    "jsondecode": json.loads,
    "lower": lambda subject: subject.lower(),
    "max": lambda *values: max(map(number, values)),
    "min": lambda *values: min(map(number, values)),
    "replace": _replace,
    "reverse": lambda items: items[::-1],
    "sort": sorted,
    "split": _split,
    "strrev": lambda subject: subject[::-1],
    "startswith": lambda subject, start: subject.startswith(start),
    "substr": _substring,
    "title": _title,
    "tobool": _boolean,
    "tonumber": number,
    "tostring": _bare_text,
    "trim": lambda subject, letters: subject.strip(letters),
    "trimprefix": lambda subject, part: subject.removeprefix(part),
    "trimspace": lambda subject: subject.strip(),
    "trimsuffix": lambda subject, part: subject.removesuffix(part),
    "upper": lambda subject: subject.upper(),
}
NAMES = frozenset(_ON_TREES) | frozenset(_ON_VALUES)
