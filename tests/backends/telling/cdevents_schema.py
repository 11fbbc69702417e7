"""What CDEvents 0.4.1 asks of the events that Telford sends, in our own words.

The published schemas are those of the repository cdevents/spec at its release 0.4.1 (Apache-2.0,
commit b673947494537bf8297d72d67a2d1634382518dc): `schemas/serviceupgraded.json`,
`schemas/servicerolledback.json` and `custom/schema.json`. They are in no package registry and not
copied into this one, so this says the same of the three kinds of events that are sent: which keys
there are, which must be there, and of what form. `TELFORD_CDEVENTS` may name a checkout of that
release: then every event is asked of the published files as well, and a test compares their answers
with these about thousands of spoiled events.
"""

import functools
import json
import os
import pathlib
from typing import Any

import jsonschema_rs

Json = dict[str, Any]

_TEXT = {"type": "string", "minLength": 1}
_REFERENCE = _TEXT | {"format": "uri-reference"}
# Standard events: type -> its published schema. Every other type is a custom event's.
_STANDARD = {
    "dev.cdevents.service.upgraded.0.2.0": "schemas/serviceupgraded.json",
    "dev.cdevents.service.rolledback.0.2.0": "schemas/servicerolledback.json",
}
_CUSTOM = "custom/schema.json"
# A tool and a subject; then a predicate and a version of three digits.
_CUSTOM_SUBJECT = "[a-zA-Z0-9]+-[a-zA-Z]+"
_CUSTOM_TYPE = rf"^dev\.cdeventsx\.{_CUSTOM_SUBJECT}\.[a-zA-Z]+\.[0-9]\.[0-9]\.[0-9]$"


def errors(message: Json) -> list[str]:
    """What is wrong with an event; empty where nothing is."""
    found = [str(one) for one in stated(message).iter_errors(message)]
    if checkout():
        found += [str(one) for one in published(message).iter_errors(message)]
    return found


def checkout() -> str:
    """The folder of the published files; "" where nobody named one."""
    return os.environ.get("TELFORD_CDEVENTS", "")


def stated(message: Json) -> jsonschema_rs.Validator:
    """The rules of this module for an event of that type."""
    return _stated(_type(message))


def published(message: Json) -> jsonschema_rs.Validator:
    """The published rules for an event of that type."""
    return _published(_STANDARD.get(_type(message), _CUSTOM), checkout())


def _type(message: Json) -> str:
    context = message.get("context")
    return str(context.get("type")) if isinstance(context, dict) else ""


@functools.cache
def _stated(kind: str) -> jsonschema_rs.Validator:
    if kind in _STANDARD:
        type_of, subject, content = {"const": kind}, {"const": "service"}, _deployed()
    else:
        type_of, subject = {"pattern": _CUSTOM_TYPE}, {"pattern": f"^{_CUSTOM_SUBJECT}$"}
        content = {"type": "object"}
    context = {
        "version": _TEXT,
        "id": _TEXT,
        "source": _REFERENCE,
        "type": {"type": "string"} | type_of,
        "timestamp": {"type": "string", "format": "date-time"},
    }
    may = {"chainId": _TEXT, "schemaUri": _TEXT | {"format": "uri"}, "links": {"type": "array"}}
    about = {"id": _TEXT, "type": {"type": "string"} | subject, "content": content}
    parts = {
        "context": _closed(context, may),
        "subject": _closed(about, {"source": _REFERENCE}),
    }
    more = {
        "customData": {"type": ["object", "string"]},
        "customDataContentType": {"type": "string"},
    }
    return _validator(_closed(parts, more))


def _deployed() -> Json:
    """What a service's event says: the environment and the artifact."""
    environment = _closed({"id": _TEXT}, {"source": _REFERENCE})
    return _closed({"environment": environment, "artifactId": _TEXT}, {})


def _closed(must: Json, may: Json) -> Json:
    """An object with these keys and no other."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(must),
        "properties": must | may,
    }


@functools.cache
def _published(name: str, folder: str) -> jsonschema_rs.Validator:
    root = pathlib.Path(folder)
    # What the schemas refer to is found by the address that it gives itself.
    links = [json.loads(path.read_text()) for path in (root / "schemas" / "links").glob("*.json")]
    registry = jsonschema_rs.Registry([(one["$id"], one) for one in links])
    return _validator(json.loads((root / name).read_text()), registry)


def _validator(
    schema: Json, registry: jsonschema_rs.Registry | None = None
) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True, registry=registry)
