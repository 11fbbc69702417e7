"""Frozen dataclasses <-> plain JSON values, exactly.

Exists so that a release's row (policy, state, ledger entry) survives the store bit for bit: floats
go out as numbers that Python's `repr` round-trips, the infinities as the strings "inf" and "-inf",
decimals as strings, tuples as lists. An unknown or missing key is an error, never skipped. Called
by the `to_json`/`from_json` of the types of this floor.
"""

import dataclasses
import enum
import functools
import math
import operator
import types
import typing
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn, TypeVar, cast

from telford.basics.errors import UsageError
from telford.deliver.once import once

T = TypeVar("T")


ENCODED_ONCE = "encoded_once"
"""A class with this attribute set has values that never change and are encoded again and again
(a release's policy, every tick): their JSON is kept, and refuses to be changed. A copy of it
(`dict`, `copy.deepcopy`) is a plain one."""
# What JSON has itself. A subclass (an enumeration of strings) is not here and is looked at.
_PLAIN = frozenset({str, bool, int, type(None)})


def encode(value: object) -> Any:
    """A plain dict, list, str, number, bool or None for `value`.

    Once a release and tick: how a type is encoded is worked out once (`_encoder`), the fields of a
    dataclass by what they are declared to be.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if math.isfinite(cast("float", value)) else repr(value)
    return _encoder(kind)(value)


@functools.cache
def _encoder(kind: Any) -> Callable[[Any], Any]:
    if issubclass(kind, enum.Enum):
        return lambda value: value.value
    if issubclass(kind, (str, int)):
        return lambda value: value
    if issubclass(kind, float):
        return lambda value: encode(float(value))
    if issubclass(kind, Decimal):
        return str
    if issubclass(kind, tuple):
        return lambda value: [encode(item) for item in value]
    if hasattr(kind, "__dataclass_fields__"):
        return _of_dataclass(kind)
    raise TypeError(f"{kind.__name__} has no JSON form here")


def _of_dataclass(kind: Any) -> Callable[[Any], Any]:
    """All fields as they are, then those that JSON does not have itself."""
    names = _names(kind)
    if len(names) < 2:
        return lambda value: {name: encode(getattr(value, name)) for name in names}
    values = operator.attrgetter(*names)
    encoders = tuple((name, how) for name in names if (how := _declared(_hints(kind)[name])))

    def fields(value: Any) -> Any:
        plain = dict(zip(names, values(value), strict=True))
        for name, how in encoders:
            plain[name] = how(plain[name])
        return plain

    return once(lambda value: _kept(fields(value))) if hasattr(kind, ENCODED_ONCE) else fields


def _declared(hint: Any) -> Callable[[Any], Any] | None:
    """How values that are declared so are encoded; None where JSON has them itself."""
    if hint in _PLAIN:
        return None
    if hint is float:
        return _float
    if typing.get_origin(hint) is tuple:
        return _declared_tuple(typing.get_args(hint))
    if typing.get_origin(hint) is types.UnionType:
        return _declared_optional(typing.get_args(hint))
    return _encoder(hint) if hasattr(hint, "__dataclass_fields__") else encode


def _declared_tuple(args: tuple[Any, ...]) -> Callable[[Any], Any]:
    if all(one in _PLAIN or one is Ellipsis for one in args):
        return list
    if len(args) != 2 or args[1] is not Ellipsis:
        return encode
    if args[0] is float:
        return _floats
    how = _declared(args[0]) or encode
    return lambda values: [how(one) for one in values]


def _declared_optional(args: tuple[Any, ...]) -> Callable[[Any], Any] | None:
    hows = [_declared(one) for one in args if one is not type(None)]
    if len(hows) != 1:
        return encode
    (how,) = hows
    return how and (lambda value: None if value is None else how(value))


def _float(value: float) -> float | str:
    return value if math.isfinite(value) else repr(float(value))


def _floats(values: tuple[float, ...]) -> list[float | str]:
    """A sum is finite only where every part of it is."""
    return list(values) if math.isfinite(sum(values)) else [_float(one) for one in values]


def is_kept(value: object) -> bool:
    """Whether this is an object of JSON that is kept, and so never changes."""
    return type(value) is _KeptDict


def _refuse(*_args: object, **_named: object) -> NoReturn:
    raise TypeError("this JSON is kept and shared: copy it before you change it")


def _unchanging(kind: type, *changes: str) -> Any:
    """A subclass of dict or list without whatever changes one; encoders of JSON take it for one."""
    common = ("__setitem__", "__delitem__", "clear", "pop")
    # Copies of every kind, also those made by pickling, are plain and may be changed.
    reduced = {"__reduce__": lambda value: (kind, (kind(value),))}
    return type(
        f"Kept{kind.__name__.title()}",
        (kind,),
        {**dict.fromkeys((*common, *changes), _refuse), **reduced},
    )


_KeptDict = _unchanging(dict, "popitem", "setdefault", "update", "__ior__")
_KeptList = _unchanging(
    list, "append", "extend", "insert", "remove", "sort", "reverse", "__iadd__", "__imul__"
)


def _kept(plain: Any) -> Any:
    if isinstance(plain, dict):
        return _KeptDict({key: _kept(one) for key, one in plain.items()})
    if isinstance(plain, list):
        return _KeptList(_kept(one) for one in plain)
    return plain


def decode(kind: type[T], data: object) -> T:
    """The inverse of `encode`. Raises `UsageError` naming the type and the key that is wrong."""
    try:
        return cast("T", _decode(kind, data))
    except (TypeError, ValueError, KeyError, ArithmeticError) as error:
        raise UsageError(f"this is not the JSON form of a {kind.__name__}: {error}") from error


@functools.cache
def _hints(kind: object) -> dict[str, Any]:
    return typing.get_type_hints(kind)


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(one.name for one in dataclasses.fields(kind))


def _decode(kind: Any, data: Any) -> Any:
    origin = typing.get_origin(kind)
    if origin is types.UnionType:
        return _decode_optional(kind, data)
    if origin is tuple:
        return _decode_tuple(typing.get_args(kind), data)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(cast("type", kind), data)
    if kind is float:
        return float(data)
    if kind is Decimal or (isinstance(kind, type) and issubclass(kind, enum.Enum)):
        return kind(data)
    if not isinstance(data, kind):
        raise TypeError(f"expected {kind.__name__}, found {data!r}")
    return data


def _decode_optional(kind: Any, data: Any) -> Any:
    if data is None:
        return None
    (inner,) = (arg for arg in typing.get_args(kind) if arg is not type(None))
    return _decode(inner, data)


def _decode_tuple(args: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"expected a list, found {data!r}")
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(_decode(args[0], item) for item in data)
    if len(args) != len(data):
        raise TypeError(f"expected {len(args)} items, found {len(data)}")
    return tuple(_decode(arg, item) for arg, item in zip(args, data, strict=True))


def _decode_dataclass(kind: type, data: Any) -> Any:
    if not isinstance(data, dict):
        raise TypeError(f"expected an object for {kind.__name__}, found {data!r}")
    hints = _hints(kind)
    unknown = sorted(set(data) - set(hints))
    if unknown:
        raise KeyError(f"{kind.__name__} knows no {unknown[0]}")
    return kind(**{name: _decode(hints[name], item) for name, item in data.items()})
