"""What all kinds share: the head of a document, strictness, and typed scalar fields.

Keys in YAML are camelCase, attributes are snake_case. Unknown keys are errors; ``x-*`` keys are
taken out before validation (`telford.estate.documents`) and are open everywhere.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from telford.basics import units

API_VERSION = "telford/v1"

# A DNS label, as Kubernetes and every place behind it demand of names (RFC 1123).
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"


def _duration_text(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise units.UnitError(f"{value} has no unit; write {value}s for seconds, or ms, m, h, d, w")
    return value


def _percentage_text(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise units.UnitError(f"{value} has no percent sign; write {value}%")
    return value


def _number_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _duration(text: str) -> str:
    units.seconds(text)
    return text


def _percentage(text: str) -> str:
    if units.ratio(text) > 1:
        raise ValueError(f"{text} is more than 100%; write at most 100%")
    return text


def _date(text: str) -> str:
    if re.fullmatch(DATE_PATTERN, text) is None:
        raise ValueError(f"{text} is no date; write YEAR-MONTH-DAY, such as 2026-11-22")
    try:
        dt.date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"there is no day {text} in the calendar") from error
    return text


def _cores_text(text: str) -> str:
    units.quantity(text)
    if not text[-1].isdigit() and text[-1] != "m":
        raise units.UnitError(f"{text} is no number of cores; write for example 250m or 0.5")
    return text


def _bytes_text(text: str) -> str:
    units.quantity(text)
    if text.endswith("m"):
        raise units.UnitError(f"{text} is thousandths of a byte; write for example {text[:-1]}Mi")
    return text


# kind/name or kind/system.name, as `telford.estate.address` reads it.
ADDRESS_PATTERN = r"^[a-z]+/[a-z0-9]([-.a-z0-9]{0,126}[a-z0-9])?$"
URL_PATTERN = r"^(https?|mailto|ssh|git)://?\S+$"
CLOCK_PATTERN = r"^([01]\d|2[0-3]):[0-5]\d$"
CURRENCY_PATTERN = r"^[A-Z]{3}$"
PARAMETER_PATTERN = r"^[a-z][a-zA-Z0-9]{0,62}$"
# A commit of Git, or the digest of an image or a file.
DIGEST_PATTERN = r"^([0-9a-f]{40}|sha256:[0-9a-f]{64})$"
# ``Deployment/{name}``, ``*/{name}``, ``ConfigMap/*``.
OBJECT_PATTERN = r"^[A-Za-z*]+/[-a-zA-Z0-9_.:*{}]+$"
# A variable of a process's environment.
VARIABLE_PATTERN = r"^[A-Z][A-Z0-9_]{0,127}$"
# A place in a JSON document (RFC 6901).
POINTER_PATTERN = r"^(/([^~/]|~[01])*)+$"
# Pattern -> what it is the form of, and how to write one.
FORMS = {
    ADDRESS_PATTERN: ("an address", "write kind/name, such as service/checkout"),
    URL_PATTERN: ("a URL", "write it whole, such as https://example.com/page"),
    CLOCK_PATTERN: ("a time of day", "write hours and minutes, such as 09:30"),
    CURRENCY_PATTERN: ("a currency", "write three capital letters, such as EUR"),
    PARAMETER_PATTERN: ("a name of a parameter", "write letters and digits, such as serviceName"),
    DIGEST_PATTERN: ("a digest", "write the 40 digits of a commit, or sha256: and 64 digits"),
    VARIABLE_PATTERN: ("a variable", "write its name in capitals, such as HOOK_KEY"),
    POINTER_PATTERN: ("a JSON pointer", "write where the value stands, such as /state"),
    OBJECT_PATTERN: ("an object", "write its kind and name, such as Deployment/{name}"),
}
# A calendar day (ISO 8601).
DATE_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]
PortNumber = Annotated[int, Field(ge=1, le=65535, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Duration = Annotated[str, BeforeValidator(_duration_text), AfterValidator(_duration)]
Percentage = Annotated[str, BeforeValidator(_percentage_text), AfterValidator(_percentage)]
Cores = Annotated[str, BeforeValidator(_number_text), AfterValidator(_cores_text)]
Bytes = Annotated[str, BeforeValidator(_number_text), AfterValidator(_bytes_text)]
AddressText = Annotated[str, Field(pattern=ADDRESS_PATTERN)]
Version = Annotated[str, BeforeValidator(_number_text), Field(min_length=1, max_length=100)]
Date = Annotated[str, AfterValidator(_date)]
# How bad it is if the wrong people read it.
DataClass = Literal["public", "internal", "confidential", "restricted"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference from a document: where it is written (`path` into the model, by YAML keys and
    list indices), the kind it must name, and the text (``orders``, ``shop.orders``).
    """

    path: tuple[str | int, ...]
    kind: str
    text: str


def addressed(path: tuple[str | int, ...], texts: Iterable[str]) -> Iterator[Reference]:
    """References from a list of addresses (``service/checkout``) that stands at `path`."""
    for index, text in enumerate(texts):
        yield to_address((*path, index), text)


def to_address(path: tuple[str | int, ...], text: str) -> Reference:
    """The reference that one address (``service/shop.checkout``) makes."""
    kind, _, name = text.partition("/")
    return Reference(path, kind.capitalize(), name)


class Model(BaseModel):
    """Strict, immutable, camelCase outside."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        # Most commands meet a few kinds of the many.
        defer_build=True,
    )


class TooManyError(ValueError):
    """More than one of several ways was given: wrong whatever else is."""


def exactly_one(given: int, problem: str) -> None:
    """Raise `problem` unless exactly one of several ways is given."""
    if given > 1:
        raise TooManyError(problem)
    if not given:
        raise ValueError(problem)


class Moved(Model):
    """A rename that keeps history: the thing was at address `from` before."""

    from_: str = Field(alias="from")
    to: str


class Link(Model):
    """Something to read about it elsewhere: its code, a dashboard, a manual."""

    url: Annotated[str, Field(pattern=URL_PATTERN, max_length=2000)]
    title: str = ""


class Kind(Model):
    """The head that every document has."""

    # Fields that an overlay may not change, by YAML key.
    identity: ClassVar[tuple[str, ...]] = ("apiVersion", "kind", "name", "system", "owner")
    # List field (dotted YAML path) -> the keys that identify an item when overlays merge;
    # a list field that is not here is atomic: an overlay replaces it.
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {}
    # Required field -> a harmless value for it where a document has none or a bad one, so that the
    # rest of the document is judged all the same. Nothing is ever built from it.
    stand_ins: ClassVar[dict[str, object]] = {}
    # Whether one of its kind needs an owner.
    owned: ClassVar[bool] = True

    api_version: str = API_VERSION
    kind: str
    name: Name
    system: str | None = None
    owner: str | None = None
    description: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    links: tuple[Link, ...] = ()
    moved: tuple[Moved, ...] = ()

    def references(self) -> Iterator[Reference]:
        """Every reference that this document makes, in reading order."""
        if self.system is not None:
            yield Reference(("system",), "System", self.system)
        if self.owner is not None:
            kind, _, name = self.owner.rpartition("/")
            yield Reference(("owner",), kind.capitalize() or "Team", name)
