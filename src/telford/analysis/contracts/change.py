"""A change between two versions of a contract, and the list of what a change can be."""

from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]

# Code -> what it says, for the reference. `risky` changes break some callers: those that read JSON
# by names, or that refuse what they do not know.
CODES: dict[str, str] = {
    "operation-removed": "a path or an operation is gone",
    "parameter-removed": "a parameter is no longer read (risky)",
    "parameter-moved": "a parameter is read from another place, or written in another style",
    "parameter-required": "a parameter must be given that need not be",
    "body-required": "a request must have a body that need not have",
    "body-removed": "a body is no longer read (risky)",
    "media-type-removed": "a media type is no longer taken or given",
    "response-removed": "a successful answer is gone",
    "header-removed": "a header that every answer had is gone",
    "security-added": "a caller needs more rights than before",
    "type-changed": "a value may be of a type that the reader does not take",
    "format-changed": "a value may be of a format that the reader does not take",
    "enum-narrowed": "a value may be one that the reader does not know",
    "range-narrowed": "a number, a length or a count may be outside of the reader's bounds",
    "pattern-changed": "a text may not match the reader's pattern",
    "property-required": "the reader needs a property that may not be there",
    "property-ignored": "a property is no longer read (risky)",
    "property-refused": "a property may be there that the reader refuses",
    "alternative-removed": "a value may be of a form that the reader does not take",
    "not-compared": "two schemas differ in a way that is not understood here (risky)",
    "channel-removed": "a channel is gone",
    "channel-moved": "a channel has another address",
    "message-removed": "a message is gone from its channel",
    "webhook-removed": "a webhook is no longer called (risky)",
    "package-changed": "every full name is another one",
    "syntax-changed": "absent values mean something else",
    "message-type-removed": "a message type is gone",
    "field-removed": "a field is gone and its number may be used again",
    "field-type-changed": "a field is read as another type",
    "field-cardinality-changed": "a field is single where it was repeated, or required",
    "field-renamed": "a field has another name in JSON and in code (risky)",
    "field-renumbered": "a field has another number",
    "field-number-reused": "a number that was given up means something else",
    "field-oneof-changed": "setting a field now clears another one, or no longer does",
    "reserved-removed": "a number or a name that was given up may be used again (risky)",
    "enum-removed": "an enum is gone",
    "enum-value-removed": "an enum's value is gone and its number may be used again",
    "enum-value-renamed": "an enum's value has another name in JSON and in code (risky)",
    "service-removed": "a service is gone",
    "method-removed": "a method is gone",
    "method-type-changed": "a method takes or gives another message",
    "method-streaming-changed": "a method takes or gives one message where it was a stream, or the other way round",
}  # fmt: skip

Level = Literal["breaking", "risky"]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One change. `operation` is what it is part of, as callers name it (``GET /orders/{id}``,
    ``shop.v1.Orders/Create``, a message's name), or ""; `path` leads to it in the newer document
    where `newer`, else in the older one; `line` is known for protobuf only (0: not known).
    """

    operation: str
    code: str
    level: Level
    summary: str
    path: Path = ()
    newer: bool = True
    line: int = 0

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901) of the place; "" for protobuf."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in self.path)
        return "".join(f"/{step}" for step in steps)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "operation": self.operation or None,
            "code": self.code,
            "level": self.level,
            "summary": self.summary,
            "pointer": self.pointer or None,
            "document": "newer" if self.newer else "older",
            "line": self.line or None,
        }
