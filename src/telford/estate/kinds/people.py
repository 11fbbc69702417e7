"""People: Team and Person."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from telford.estate.kinds import base


class Team(base.Kind):
    """A team that owns things: how to reach it, and the team it belongs to."""

    owned: ClassVar[bool] = False

    kind: Literal["Team"]
    email: str | None = None
    chat: str | None = None
    parent: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.parent is not None:
            yield base.Reference(("parent",), "Team", self.parent)


class Person(base.Kind):
    """A person, with a level: how far their decisions reach (P3 a service .. P7 the estate)."""

    owned: ClassVar[bool] = False

    kind: Literal["Person"]
    email: str | None = None
    team: str | None = None
    level: Literal["P3", "P4", "P5", "P6", "P7"] = "P3"

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        if self.team is not None:
            yield base.Reference(("team",), "Team", self.team)
