"""Direction: Technology, Initiative and Template; where the organisation is going."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base


class Technology(base.Kind):
    """A technology on the radar: its ring, since when, and what comes after it."""

    stand_ins: ClassVar[dict[str, object]] = {"ring": "assess"}

    kind: Literal["Technology"]
    title: str = ""
    ring: Literal["adopt", "trial", "assess", "hold"]
    quadrant: Literal["techniques", "platforms", "tools", "languages"] = "tools"
    since: base.Date | None = None
    why: str = ""
    # How it is told in what runs: engines, and beginnings of image names.
    engines: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    replaced_by: str | None = None
    # The vendor's day for the end of support.
    end_of_life: base.Date | None = None
    decision: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.replaced_by is not None:
            yield base.Reference(("replacedBy",), "Technology", self.replaced_by)
        if self.decision is not None:
            yield base.Reference(("decision",), "Decision", self.decision)


class Milestone(base.Model):
    """A step of an initiative, with a day and whether it is done."""

    name: str
    due: base.Date | None = None
    done: bool = False


class Initiative(base.Kind):
    """Work that spans things: a migration, a proof of concept, an item of the roadmap."""

    stand_ins: ClassVar[dict[str, object]] = {"title": "-"}
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"milestones": ("name",)}

    kind: Literal["Initiative"]
    title: str
    type: Literal["migration", "proof-of-concept", "roadmap"] = "roadmap"
    status: Literal["idea", "planned", "active", "done", "stopped"] = "planned"
    goal: str = ""
    of: tuple[base.AddressText, ...] = ()
    # Of a migration.
    from_: str | None = Field(default=None, alias="from")
    to: str | None = None
    start: base.Date | None = None
    due: base.Date | None = None
    milestones: tuple[Milestone, ...] = ()
    depends_on: tuple[str, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)
        for key, text in (("from", self.from_), ("to", self.to)):
            if text is not None and "/" in text:
                yield base.to_address((key,), text)
        for index, initiative in enumerate(self.depends_on):
            yield base.Reference(("dependsOn", index), "Initiative", initiative)


class Parameter(base.Model):
    """A question that a template asks."""

    name: Annotated[str, Field(pattern=base.PARAMETER_PATTERN)]
    title: str = ""
    type: Literal["text", "number", "boolean", "address"] = "text"
    default: str | int | float | bool | None = None
    choices: tuple[str, ...] = ()
    pattern: str | None = None
    required: bool = True


class Template(base.Kind):
    """A golden path: what a new thing of its sort begins with."""

    stand_ins: ClassVar[dict[str, object]] = {"source": "."}
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"parameters": ("name",)}

    kind: Literal["Template"]
    title: str = ""
    # A folder of the estate.
    source: str
    version: base.Version = "1"
    parameters: tuple[Parameter, ...] = ()
    # Documents that every thing made from it begins with.
    documents: tuple[dict[str, Any], ...] = ()
    technologies: tuple[str, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, technology in enumerate(self.technologies):
            yield base.Reference(("technologies", index), "Technology", technology)
