"""What CDEvents 0.4.1 asks of the events that Telford sends, written down from the specification.

The published schemas (https://cdevents.dev, Apache-2.0) are in no package registry, so this says
the same for the types that are used: which keys there are, which must be there, and of what form.
`TELFORD_CDEVENTS` may name a folder with the published files; then those are asked as well
(`make test-cdevents SCHEMAS=...`).
"""

import functools
import json
import os
import pathlib
from typing import Any

import jsonschema_rs

_TEXT = {"type": "string", "minLength": 1}
_REFERENCE = _TEXT | {"format": "uri-reference"}
_SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["environment", "artifactId"],
    "properties": {
        "environment": {
            "type": "object",
            "additionalProperties": False,
            "required": ["id"],
            "properties": {"id": _TEXT, "source": _REFERENCE},
        },
        "artifactId": _TEXT,
    },
}
_STANDARD = {
    "dev.cdevents.service.upgraded.0.2.0": ("service", "serviceupgraded.json"),
    "dev.cdevents.service.rolledback.0.2.0": ("service", "servicerolledback.json"),
}
# A tool and a subject, a predicate of small letters, a version of its own.
_CUSTOM = r"^dev\.cdeventsx\.[a-z]+-[a-z]+\.[a-z]+\.\d+\.\d+\.\d+$"


def errors(message: dict[str, Any]) -> list[str]:
    """What is wrong with an event; empty where nothing is."""
    kind = message.get("context", {}).get("type", "")
    found = [str(one) for one in _validator(kind).iter_errors(message)]
    return found + _published(kind, message)


@functools.cache
def _validator(kind: str) -> jsonschema_rs.Validator:
    subject, content = "", {"type": "object"}
    if kind in _STANDARD:
        subject, content = _STANDARD[kind][0], _SERVICE
    type_of = {"const": kind} if kind in _STANDARD else {"pattern": _CUSTOM}
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["context", "subject"],
        "properties": {
            "context": {
                "type": "object",
                "additionalProperties": False,
                "required": ["version", "id", "source", "type", "timestamp"],
                "properties": {
                    "version": _TEXT,
                    "id": _TEXT,
                    "source": _REFERENCE,
                    "type": {"type": "string", **type_of},
                    "timestamp": {"type": "string", "format": "date-time"},
                    "chainId": _TEXT,
                    "schemaUri": _TEXT | {"format": "uri"},
                    "links": {"type": "array"},
                },
            },
            "subject": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "type", "content"],
                "properties": {
                    "id": _TEXT,
                    "source": _REFERENCE,
                    "type": {"const": subject} if subject else _TEXT,
                    "content": content,
                },
            },
            "customData": {"oneOf": [{"type": "object"}, {"type": "string"}]},
            "customDataContentType": {"type": "string"},
        },
    }
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def _published(kind: str, message: dict[str, Any]) -> list[str]:
    folder = os.environ.get("TELFORD_CDEVENTS", "")
    if not folder:
        return []
    name = _STANDARD[kind][1] if kind in _STANDARD else "custom.json"
    schema = json.loads((pathlib.Path(folder) / name).read_text())
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    return [str(one) for one in validator.iter_errors(message)]
