"""What a kind allows where: the tree of keys and value types, taken from its pydantic model.

Documents are read against a shape before pydantic sees them: it tells unknown keys (with the place
where a key would belong), takes out ``x-*`` keys but not inside free maps, and maps pydantic's
error locations, union branches included, back to nodes. Called by `telford.estate.documents`.
"""

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from telford.estate.kinds.base import Kind


@dataclass(frozen=True, slots=True)
class Shape:
    """What may stand in one place. Several parts may be set: ``replicas`` is a number or a model.

    `fields` are the keys of a model, `item` a list's items, `value` the values of a free map.
    `scalars` names what a scalar may be: text, number, integer, boolean. `anything` is free-form.
    `union` says that pydantic names the branch in its error locations.
    """

    fields: Mapping[str, "Shape"] | None = None
    required: frozenset[str] = frozenset()
    item: "Shape | None" = None
    value: "Shape | None" = None
    scalars: frozenset[str] = frozenset()
    choices: tuple[object, ...] = ()
    anything: bool = False
    union: bool = False
    model: type[BaseModel] | None = field(default=None, compare=False)


_SCALARS = {str: "text", int: "integer", float: "number", bool: "boolean"}


@cache
def of(kind: type[Kind]) -> Shape:
    """The shape of a kind's documents."""
    return _model(kind)


@cache
def places_of(kind: type[Kind]) -> Mapping[str, tuple[str, ...]]:
    """Key -> the dotted paths at which the kind knows it, the shortest first."""
    found: dict[str, list[str]] = {}
    for path in _paths(of(kind), ""):
        found.setdefault(path.rpartition(".")[2], []).append(path)
    return {
        key: tuple(sorted(paths, key=lambda p: (p.count("."), p))) for key, paths in found.items()
    }


def _paths(shape: Shape, prefix: str) -> Iterator[str]:
    for key, inner in (shape.fields or {}).items():
        path = f"{prefix}.{key}" if prefix else key
        yield path
        yield from _paths(inner, path)
        if inner.item is not None:
            yield from _paths(inner.item, f"{path}[]")


def _model(model: type[BaseModel]) -> Shape:
    fields: dict[str, Shape] = {}
    required: set[str] = set()
    hints = typing.get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        key = info.alias or name
        fields[key] = _annotation(hints[name])
        if info.is_required():
            required.add(key)
    return Shape(fields=fields, required=frozenset(required), model=model)


def _annotation(annotation: Any) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _annotation(arguments[0])
    if origin is Union or origin is types.UnionType:
        return _union([_annotation(a) for a in arguments if a is not type(None)])
    if origin is Literal:
        names = {_SCALARS[type(choice)] for choice in arguments}
        return Shape(scalars=frozenset(names), choices=arguments)
    if origin is tuple or origin is list:
        return Shape(item=_annotation(arguments[0]))
    if origin is dict:
        value = _annotation(arguments[1])
        return Shape(value=value)
    if annotation is Any:
        return Shape(anything=True)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _model(annotation)
    return Shape(scalars=frozenset({_SCALARS[annotation]}))


def _union(members: list[Shape]) -> Shape:
    if len(members) == 1:
        return members[0]
    models = [m for m in members if m.fields is not None]
    assert len(models) <= 1, (
        "a union of two models needs a discriminator; none of the kinds has one"
    )
    model = models[0] if models else Shape()
    return Shape(
        fields=model.fields,
        required=model.required,
        model=model.model,
        item=next((m.item for m in members if m.item is not None), None),
        value=next((m.value for m in members if m.value is not None), None),
        scalars=frozenset().union(*(m.scalars for m in members)),
        choices=tuple(choice for m in members for choice in m.choices),
        anything=any(m.anything for m in members),
        union=True,
    )
