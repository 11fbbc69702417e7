"""People: Team, Person and Rota."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base


class Team(base.Kind):
    """A team that owns things: how to reach it, and the team it belongs to."""

    owned: ClassVar[bool] = False

    kind: Literal["Team"]
    email: str | None = None
    chat: str | None = None
    parent: str | None = None
    # Who of the team is called when something of its own breaks.
    rota: str | None = None
    # What other systems call the team (``github: shop/storefront``): code owners are told by it.
    handles: dict[str, str] = Field(default_factory=dict)

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.parent is not None:
            yield base.Reference(("parent",), "Team", self.parent)
        if self.rota is not None:
            yield base.Reference(("rota",), "Rota", self.rota)


class Person(base.Kind):
    """A person, with a level: how far their decisions reach (P3 a service .. P7 the estate)."""

    owned: ClassVar[bool] = False

    kind: Literal["Person"]
    email: str | None = None
    team: str | None = None
    level: Literal["P3", "P4", "P5", "P6", "P7"] = "P3"
    # What other systems call them (``github: eliza``).
    handles: dict[str, str] = Field(default_factory=dict)

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.team is not None:
            yield base.Reference(("team",), "Team", self.team)


class Escalation(base.Model):
    """Who is called when nobody has answered for `after`: a person, another rota or a team."""

    after: base.Duration
    to: base.AddressText


class Override(base.Model):
    """Somebody else for some days: from the first to the last of them, both included."""

    person: str
    first: base.Date
    last: base.Date


class Rota(base.Kind):
    """Who is on call when: people in turns, and who is called after them."""

    stand_ins: ClassVar[dict[str, object]] = {"members": ["nobody"]}

    kind: Literal["Rota"]
    members: Annotated[tuple[str, ...], Field(min_length=1)]
    # How long one turn lasts, and the day on which the first of the members begins.
    turn: base.Duration = "1w"
    starts: base.Date | None = None
    # When one hands over to the next, and where that clock stands (IANA time zone).
    handover: Annotated[str, Field(pattern=base.CLOCK_PATTERN)] = "09:00"
    timezone: str = "UTC"
    escalation: tuple[Escalation, ...] = ()
    overrides: tuple[Override, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, member in enumerate(self.members):
            yield base.Reference(("members", index), "Person", member)
        for index, step in enumerate(self.escalation):
            yield base.to_address(("escalation", index, "to"), step.to)
        for index, override in enumerate(self.overrides):
            yield base.Reference(("overrides", index, "person"), "Person", override.person)
