"""The JSON Schema of all documents (draft 2020-12), made from the models: for editors and checkers.

One schema for every kind: `kind` chooses the branch, so that an editor completes and reports by the
kind that is written. An overlay (``in:``) is the same document with nothing required and ``null``
allowed anywhere, so each model is there twice. What a schema cannot say (references, dates that are
in the calendar, a value that only an overlay completes) is left to `telford check`.
Called by `telford.app.schema` and the tests; the texts come from `telford.estate.words`.
"""

import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from telford.estate import documents, words
from telford.estate.kinds import (
    base,
    change,
    contracts,
    data,
    gates,
    paving,
    pipelines,
    promises,
    registry,
    running,
    scaling,
    structure,
    telling,
)

# Stable: other schemas may refer to it. It names the format, not a place to fetch it from.
IDENTITY = f"urn:telford:schema:{base.API_VERSION.rpartition('/')[2]}"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Json = dict[str, Any]

_NUMBER = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
# Scalars with a grammar of their own. `patternErrorMessage` is what editors show in its place.
_SCALARS: tuple[tuple[Any, Json], ...] = (
    (
        base.Duration,
        {
            "type": "string",
            "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w))+$",
            "patternErrorMessage": "Write a number with a unit, such as 300ms, 5m or 30d.",
            "examples": ["300ms", "30s", "5m", "30d"],
        },
    ),
    (
        base.Percentage,
        {
            "type": "string",
            "pattern": r"^\s*0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]+)?)\s*%\s*$",
            "patternErrorMessage": "Write a share with a percent sign, such as 99.9%.",
            "examples": ["10%", "99.9%"],
        },
    ),
    (
        base.Cores,
        {
            "type": ["string", "number"],
            "minimum": 0,
            "pattern": rf"^{_NUMBER}m?$",
            "patternErrorMessage": "Write cores, such as 250m or 0.5.",
            "examples": ["250m", "0.5"],
        },
    ),
    (
        base.Bytes,
        {
            "type": ["string", "number"],
            "minimum": 0,
            "pattern": rf"^{_NUMBER}([kMGTPE]i?|Ki)?$",
            "patternErrorMessage": "Write bytes, such as 128Mi or 1G.",
            "examples": ["128Mi", "10Gi"],
        },
    ),
    (base.Version, {"type": ["string", "number"], "minLength": 1, "maxLength": 100}),
    (
        base.Date,
        {
            "type": "string",
            "pattern": base.DATE_PATTERN,
            "patternErrorMessage": "Write YEAR-MONTH-DAY, such as 2026-11-22.",
            "examples": ["2026-11-22"],
        },
    ),
    (
        base.AddressText,
        {
            "type": "string",
            "pattern": base.ADDRESS_PATTERN,
            "patternErrorMessage": "Write kind/name, such as service/checkout.",
            "examples": ["service/checkout"],
        },
    ),
    (
        base.Name,
        {
            "type": "string",
            "pattern": base.NAME_PATTERN,
            "patternErrorMessage": "Write a DNS label: small letters, digits and hyphens.",
        },
    ),
)
# Models of which exactly one of some keys must be there, as their validators say.
EXACTLY_ONE: dict[type[BaseModel], tuple[str, ...]] = {
    structure.Use: ("service", "datastore", "stream"),
    structure.Refused: ("service", "datastore", "stream"),
    pipelines.Dataset: ("datastore", "stream", "service"),
    running.Check: ("path", "tcp", "grpc", "command"),
    running.EnvironmentReference: ("config", "secret", "field", "resource"),
    scaling.PaceStep: ("replicas", "share"),
    gates.Gate: gates.WAYS,
    change.Requests: ("header", "cookie"),
    promises.Indicator: ("availability", "latency", "ratio", "probe"),
    promises.Ratio: ("bad", "good"),
    contracts.ContractVersion: ("file", "document"),
    paving.Patch: ("object", "file"),
    telling.Listener: telling.WAYS,
    telling.WebhookListener: ("url", "urlFrom"),
    telling.CDEventsListener: ("url", "urlFrom"),
    data.DataStep: ("revision", "sql", "file", "backfill", "command"),
}
AT_MOST_ONE: dict[type[BaseModel], tuple[str, str]] = {contracts.Contract: ("service", "stream")}

_PLAIN: dict[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
# Any value at all, under a key of the organisation's own.
_OPEN: Json = {f"^{documents.OPEN_PREFIX}": {}}


def document(kinds: Sequence[type[base.Kind]] = registry.KINDS) -> Json:
    """The schema of one document of any of these kinds."""
    writer = _Writer(names(kinds))
    known = [kind.__name__ for kind in kinds]
    branches = []
    for kind in kinds:
        writer.add(kind, partial=False)
        branches.append(
            {
                "if": {"properties": {"kind": {"const": kind.__name__}}, "required": ["kind"]},
                "then": {"$ref": f"#/$defs/{kind.__name__}"},
            }
        )
    return {
        "$schema": DIALECT,
        "$id": IDENTITY,
        "title": f"A document of a Telford estate ({base.API_VERSION})",
        "type": "object",
        "properties": {
            "apiVersion": {"const": base.API_VERSION, "description": words.field(base.Kind, "api_version", "apiVersion")},
            "kind": {
                "enum": known,
                "enumDescriptions": [words.model(kind).split("\n\n", maxsplit=1)[0] for kind in kinds],
                "description": words.field(base.Kind, "kind", "kind"),
            },
        },
        "required": ["apiVersion", "kind"],
        "allOf": branches,
        "$defs": dict(sorted(writer.definitions.items())),
    }  # fmt: skip


def models(kinds: Iterable[type[base.Kind]]) -> tuple[type[BaseModel], ...]:
    """The kinds and every part of theirs, each once, in the order in which they are met."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[type[BaseModel]] = list(kinds)
    while waiting:
        model = waiting.pop(0)
        if model not in found:
            found[model] = None
            waiting += [m for hint in _hints(model).values() for m in _models(hint)]
    return tuple(found)


def names(kinds: Iterable[type[base.Kind]]) -> dict[type[BaseModel], str]:
    """What each model is called: a part that is called as another one has its module before it."""
    found: dict[str, type[BaseModel]] = {}
    for model in models(kinds):
        name = model.__name__
        found[f"{model.__module__.rpartition('.')[2]}.{name}" if name in found else name] = model
    return {model: name for name, model in found.items()}


def choices(model: type[BaseModel], key: str) -> tuple[str, ...]:
    """The words that a field may say; none where it is free."""
    for name, info in model.model_fields.items():
        if (info.alias or name) == key:
            return tuple(str(choice) for choice in _literals(_hints(model)[name]))
    return ()


@dataclass(slots=True)
class _Writer:
    """Collects `definitions`: each model once whole, and once as a part of an overlay."""

    names: dict[type[BaseModel], str]
    definitions: dict[str, Json] = field(default_factory=dict)

    def add(self, model: type[BaseModel], *, partial: bool) -> str:
        """The name of the model's definition, which is made where it is new."""
        name = f"{self.names[model]}.in" if partial else self.names[model]
        if name not in self.definitions:
            self.definitions[name] = {}
            self.definitions[name] = self._model(model, partial=partial)
        return name

    def _model(self, model: type[BaseModel], *, partial: bool) -> Json:
        kind = model if issubclass(model, base.Kind) else None
        left_out = kind.identity if kind is not None and partial else ()
        properties = {
            key: self._field(model, name, info, partial=partial)
            for name, info in model.model_fields.items()
            if (key := info.alias or name) not in left_out
        }
        if kind is not None and not partial:
            properties["apiVersion"]["const"] = base.API_VERSION
            properties["kind"] = {"const": kind.__name__, "description": words.model(kind)}
            properties[documents.OVERLAYS] = self._overlays(kind)
        result: Json = {
            "title": model.__name__,
            "description": words.model(model),
            "type": "object",
            "properties": properties,
            "patternProperties": _OPEN,
            "additionalProperties": False,
        }
        required = [i.alias or n for n, i in model.model_fields.items() if i.is_required()]
        if not partial:
            result |= {"required": ["apiVersion", *required]} if kind else {}
            result |= {"required": required} if required and not kind else {}
            result |= _ways(model, properties)
        return result

    def _overlays(self, kind: type[base.Kind]) -> Json:
        part = self.add(kind, partial=True)
        return {
            "description": "What is different in some places: an environment (prod), a region"
            " (eu-west-1), ENVIRONMENT/REGION or ENVIRONMENT/REGION/CLUSTER, or several of them with"
            " commas between them; the more special one wins. null: it does not exist there.",
            "type": ["object", "null"],
            "patternProperties": _OPEN,
            "additionalProperties": {"anyOf": [{"$ref": f"#/$defs/{part}"}, {"type": "null"}]},
        }

    def _field(self, model: type[BaseModel], name: str, info: FieldInfo, *, partial: bool) -> Json:
        result = self._type(_hints(model)[name], partial=partial)
        result |= _limits(info.metadata, result)
        key = info.alias or name
        meanings = words.choices(model, key)
        if meanings and "enum" in result:
            result["enumDescriptions"] = [meanings.get(str(c), "") for c in result["enum"]]
        if partial or not info.is_required():
            result = _nullable(result)
        text = words.field(model, name, key)
        if text:
            result["description"] = text
        default = info.default
        if not info.is_required() and isinstance(default, str | int | float) and default != "":
            result["default"] = default
        if info.deprecated:
            result |= {
                "deprecated": True,
                "deprecationMessage": str(info.deprecation_message or ""),
            }
        return result

    def _type(self, hint: Any, *, partial: bool) -> Json:
        for scalar, schema in _SCALARS:
            if hint == scalar:
                return dict(schema)
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            result = self._type(arguments[0], partial=partial)
            found = [
                m for a in arguments[1:] for m in (a.metadata if isinstance(a, FieldInfo) else [a])
            ]
            return result | _limits(found, result)
        if origin is Union or origin is types.UnionType:
            return self._union([a for a in arguments if a is not type(None)], partial=partial)
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin is tuple:
            return {"type": "array", "items": self._type(arguments[0], partial=partial)}
        if origin is dict:
            return self._map(arguments[1], partial=partial)
        if hint is Any:
            return {}
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            return {"$ref": f"#/$defs/{self.add(hint, partial=partial)}"}
        return {"type": _PLAIN[hint]}  # fmt: skip

    def _map(self, value: Any, *, partial: bool) -> Json:
        inner = self._type(value, partial=partial)
        if inner and partial:
            inner = _nullable(inner)
        return {"type": "object", "additionalProperties": inner or True}

    def _union(self, arguments: list[Any], *, partial: bool) -> Json:
        parts = [self._type(argument, partial=partial) for argument in arguments]
        return parts[0] if len(parts) == 1 else {"anyOf": parts}


def _nullable(schema: Json) -> Json:
    """The schema, or null: an optional key with nothing behind it is as if it were not there."""
    if "enum" in schema:
        more = {"enum": [*schema["enum"], None]}
        if "enumDescriptions" in schema:
            more["enumDescriptions"] = [*schema["enumDescriptions"], "As if it were not written."]
        return schema | more
    if "type" in schema:
        known = schema["type"]
        return schema | {"type": [*(known if isinstance(known, list) else [known]), "null"]}
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    return {"anyOf": [schema, {"type": "null"}]} if schema else {}


def _limits(metadata: Iterable[Any], schema: Json) -> Json:
    """Bounds and patterns of a field as keywords."""
    found: Json = {}
    of_list = schema.get("type") == "array"
    for item in metadata:
        match item:
            case annotated_types.Ge():
                found["minimum"] = item.ge
            case annotated_types.Gt():
                found["exclusiveMinimum"] = item.gt
            case annotated_types.Le():
                found["maximum"] = item.le
            case annotated_types.Lt():
                found["exclusiveMaximum"] = item.lt
            case annotated_types.MinLen():
                found["minItems" if of_list else "minLength"] = item.min_length
            case annotated_types.MaxLen():
                found["maxItems" if of_list else "maxLength"] = item.max_length
            case _ if getattr(item, "pattern", None):
                found["pattern"] = item.pattern
    return found


def _ways(model: type[BaseModel], properties: Json) -> Json:
    """Exactly one of some keys, or at most one of two."""
    if model in EXACTLY_ONE:
        return {"oneOf": [_given(key, properties[key]) for key in EXACTLY_ONE[model]]}
    if model in AT_MOST_ONE:
        return {"not": {"allOf": [_given(key, properties[key]) for key in AT_MOST_ONE[model]]}}
    return {}


def _given(key: str, schema: Json) -> Json:
    """That a key says something: true, a list with something in it, anything but null."""
    known = schema.get("type", ())
    said: Json = {"not": {"type": "null"}}
    if "boolean" in known:
        said = {"const": True}
    elif "array" in known:
        said = {"type": "array", "minItems": 1}
    return {"properties": {key: said}, "required": [key]}


def _hints(model: type[BaseModel]) -> dict[str, Any]:
    return typing.get_type_hints(model, include_extras=True)


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for argument in get_args(hint):
        yield from _models(argument)


def _literals(hint: Any) -> tuple[object, ...]:
    if get_origin(hint) is Literal:
        return get_args(hint)
    return tuple(choice for argument in get_args(hint) for choice in _literals(argument))
