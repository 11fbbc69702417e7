"""Whether values are what the chart's schema allows: what is not would make Helm refuse all of them,
so it is carried instead.

The schema is the chart's own (`chart/values.schema.json`); of JSON Schema it is read as far as the
chart uses it for what an estate can get wrong. Called by `entries`.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from telford.basics import resources

Check = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def fits(name: str, value: Any) -> bool:
    """Whether a value is what a definition of the schema allows."""
    return _definition(name)(value)


@cache
def schema() -> dict[str, Any]:
    """The schema."""
    text = resources.text("telford.render.helm", "chart/values.schema.json")
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def _definition(name: str) -> Check:
    return _check(schema()["definitions"][name])


def _check(said: Mapping[str, Any]) -> Check:
    """One part of the schema as a function."""
    if "$ref" in said:
        return _definition(said["$ref"].rpartition("/")[2])
    if "oneOf" in said:
        ways = [_check(one) for one in said["oneOf"]]
        return lambda value: sum(way(value) for way in ways) == 1
    if "enum" in said:
        known = said["enum"]
        return lambda value: value in known
    kinds = said["type"] if isinstance(said["type"], list) else [said["type"]]
    checks = [_OF_TYPE.get(kind, _plain)(said, _TYPES[kind]) for kind in kinds]
    return checks[0] if len(checks) == 1 else lambda value: any(one(value) for one in checks)


def _plain(said: Mapping[str, Any], types: tuple[type, ...]) -> Check:
    least, most = said.get("minimum"), said.get("maximum")

    def check(value: Any) -> bool:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            return False
        return (least is None or value >= least) and (most is None or value <= most)

    return check


def _text(said: Mapping[str, Any], types: tuple[type, ...]) -> Check:
    del types
    pattern = re.compile(said["pattern"]) if "pattern" in said else None
    least, most = said.get("minLength", 0), said.get("maxLength")

    def check(value: Any) -> bool:
        if not isinstance(value, str) or len(value) < least or (most and len(value) > most):
            return False
        return pattern is None or pattern.search(value) is not None

    return check


def _list(said: Mapping[str, Any], types: tuple[type, ...]) -> Check:
    del types
    item, least = _check(said["items"]), said.get("minItems", 0)
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(item, value))


def _mapping(said: Mapping[str, Any], types: tuple[type, ...]) -> Check:
    del types
    known = {key: _check(one) for key, one in said.get("properties", {}).items()}
    other = said.get("additionalProperties", True)
    rest = _check(other) if isinstance(other, dict) else lambda value: bool(other)
    needed = set(said.get("required", ()))
    least, most = said.get("minProperties", 0), said.get("maxProperties")

    def check(value: Any) -> bool:
        if not isinstance(value, dict) or not needed <= value.keys():
            return False
        if len(value) < least or (most and len(value) > most):
            return False
        return all(known.get(key, rest)(one) for key, one in value.items())

    return check


_OF_TYPE: Mapping[str, Callable[[Mapping[str, Any], tuple[type, ...]], Check]] = {
    "object": _mapping,
    "array": _list,
    "string": _text,
}
