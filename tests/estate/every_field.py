"""Documents that together write every field of every kind, made from the models themselves."""

import types
import typing
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from telford.estate.kinds import base, registry
from telford.estate.kinds.base import Kind

# Tried one after the other, until the field takes one that is not its default.
CANDIDATES: tuple[Any, ...] = (
    "n1", "5m", "42%", "250m", "128Mi", "service/other", "2031-05-06", "1.2.3", "EUR", "team/a",
    "0 3 * * *", "https://example.com/x", "Europe/Berlin", "10.0.0.0/8", "a/b.yaml", "GET /x",
    "rpo <= 5m", "P5", "23:30", "a" * 40, "Deployment/n1", "env:N1", "/state",
    "nats://127.0.0.1:4222", "a@example.com", "release.failed",
    3, 7, 0.25, 2.5, True, False, 204,
)  # fmt: skip


def variants(model: type[BaseModel], depth: int = 0) -> list[dict[str, Any]]:
    """Data for a model, as few documents as write every field at least once."""
    hints = typing.get_type_hints(model, include_extras=True)
    needed: dict[str, Any] = {}
    options: list[tuple[str, Any]] = []
    for name, info in model.model_fields.items():
        key = info.alias or name
        values = samples(hints[name], info.default, depth)
        if info.is_required():
            needed[key] = values[0]
            options += [(key, value) for value in values]
        else:
            options += [(key, value) for value in values]
    return list(_packed(model, needed, options)) or [needed]


def _packed(
    model: type[BaseModel], needed: dict[str, Any], options: list[tuple[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Put as many fields together as the model's own checks allow."""
    left = options
    while left:
        made = dict(needed)
        used: set[str] = set()
        rest = []
        for key, value in left:
            tried = {**made, key: value}
            if key not in used and _valid(model, tried):
                made = tried
                used.add(key)
            else:
                rest.append((key, value))
        if len(rest) == len(left):
            # What goes with nothing goes alone, in the hope that it is one of several ways.
            alone = [{key: value} for key, value in left if _valid(model, {**needed, key: value})]
            yield from ({**needed, **one} for one in alone)
            if not alone:
                yield from _pairs(model, needed, left)
            return
        yield made
        left = rest


def _pairs(
    model: type[BaseModel], needed: dict[str, Any], left: list[tuple[str, Any]]
) -> Iterator[dict[str, Any]]:
    for index, (key, value) in enumerate(left):
        for other, another in left[:index] + left[index + 1 :]:
            tried = {**needed, key: value, other: another}
            if _valid(model, tried):
                yield tried
                break


def _valid(model: type[BaseModel], data: dict[str, Any]) -> bool:
    given = {"apiVersion": base.API_VERSION, **data} if issubclass(model, Kind) else data
    try:
        model.model_validate(given)
    except ValidationError:
        return False
    return True


def samples(annotation: Any, default: Any, depth: int) -> list[Any]:
    """Values for one field, which together write everything that it may hold."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = arguments[0]
        if get_origin(inner) in (tuple, list, dict) or _models(inner):
            return samples(inner, default, depth)
        return [_scalar(annotation, default)]
    if origin is Union or origin is types.UnionType:
        found = []
        for one in arguments:
            if one is not type(None):
                found += samples(one, default, depth)
        return found
    if origin is Literal:
        return [next((c for c in reversed(arguments) if c != default), arguments[0])]
    if origin in (tuple, list):
        return [_list(arguments[0], depth)]
    if origin is dict:
        inner = samples(arguments[1], None, depth + 1)
        names = ["a.b/c", "plain", "on", "with space"]
        return [dict(zip(names, (inner * 4)[: max(2, len(inner))], strict=False))]
    if annotation is Any:
        return [{"a.b": [1, {"c": "d"}]}]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(variants(annotation, depth + 1))
    return [_scalar(annotation, default)]


def _models(annotation: Any) -> bool:
    found = get_args(annotation) or (annotation,)
    return any(isinstance(one, type) and issubclass(one, BaseModel) for one in found)


def _list(item: Any, depth: int) -> list[Any]:
    """One item for each way an item can be, told apart by name where they have one."""
    found = samples(item, None, depth + 1)
    for index, one in enumerate(found):
        if isinstance(one, dict):
            for key in ("name", "service", "datastore", "stream"):
                if isinstance(one.get(key), str):
                    one[key] = f"{one[key]}{index}"
    return found


def _scalar(annotation: Any, default: Any) -> Any:
    adapter = TypeAdapter(annotation)
    for candidate in CANDIDATES:
        try:
            if adapter.validate_python(candidate, strict=None) != default:
                return candidate
        except (ValidationError, TypeError):
            continue
    raise AssertionError(f"no candidate fits {annotation}")


def documents() -> Iterator[dict[str, Any]]:
    """Every kind, every field."""
    for kind in registry.KINDS:
        for index, data in enumerate(variants(kind)):
            yield {
                **data,
                "apiVersion": base.API_VERSION,
                "kind": kind.__name__,
                "name": f"{kind.__name__.lower()}-{index}",
            }
