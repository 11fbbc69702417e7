"""Contract: what a service or stream promises to those who call or read it."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base


class ContractVersion(base.Model):
    """One version: its number and its document, inline or as a file beside this one.

    A `file` is a path relative to the document that names it; it does not leave the estate.
    """

    version: base.Version
    file: str | None = None
    # OpenAPI and AsyncAPI as YAML, protobuf as text.
    document: dict[str, Any] | str | None = None
    released: base.Date | None = None
    # The day from which nobody may count on it.
    sunset: base.Date | None = None

    @model_validator(mode="after")
    def _one_document(self) -> Self:
        given = [way for way in (self.file, self.document) if way is not None]
        base.exactly_one(len(given), "give exactly one of `file` and `document`")
        return self


class Contract(base.Kind):
    """An OpenAPI, AsyncAPI or protobuf contract, in the versions that are in use, oldest first."""

    stand_ins: ClassVar[dict[str, object]] = {
        "type": "openapi",
        "versions": [{"version": "0", "document": {}}],
    }
    identity: ClassVar[tuple[str, ...]] = (*base.Kind.identity, "type")
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"versions": ("version",)}

    kind: Literal["Contract"]
    type: Literal["openapi", "asyncapi", "protobuf"]
    # Who keeps it: the service that answers, or the stream whose messages it describes.
    service: str | None = None
    stream: str | None = None
    versions: Annotated[tuple[ContractVersion, ...], Field(min_length=1)]
    # What a new version must be able to do with what was written for the one before: `backward`
    # (old callers and messages still work), `forward` (old readers take new messages), `full`.
    compatibility: Literal["none", "backward", "forward", "full"] = "backward"
    data_class: base.DataClass | None = None

    @model_validator(mode="after")
    def _one_keeper(self) -> Self:
        if self.service is not None and self.stream is not None:
            raise base.TooManyError("name at most one of `service` and `stream`")
        return self

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.service is not None:
            yield base.Reference(("service",), "Service", self.service)
        if self.stream is not None:
            yield base.Reference(("stream",), "Stream", self.stream)
