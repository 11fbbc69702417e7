"""`telford conformance`: how far everything is as the reference architecture says, and why not.

The demands and the share are those of `telford.road.conformance`; here they are asked of every
workload in every place, and waivers are set against them: one that has expired counts for nothing.
Called by the CLI, the API and the portal.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from telford.app import explain
from telford.basics.diagnostics import Position
from telford.basics.errors import UsageError
from telford.estate import overlays
from telford.estate.kinds.governance import Waiver
from telford.estate.model import Binding, Bound, Estate
from telford.estate.place import Place
from telford.road import architecture, conformance, reach, recipes
from telford.road.conformance import Answer

WAIVED = "waived"


@dataclass(frozen=True, slots=True)
class Waived:
    """The waiver that covers a difference: its address, owner and reason, the day on which it ends
    (ISO), and where it is written.
    """

    address: str
    owner: str
    reason: str
    expires: str
    position: Position | None
    expired: bool = False

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "owner": self.owner or None,
            "reason": self.reason,
            "expires": self.expires,
            "expired": self.expired,
            "position": str(self.position) if self.position else None,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A demand that does not hold. `why` is as-found, overridden, inferred or waived; a waiver that
    has expired is named and changes nothing.
    """

    answer: Answer
    waiver: Waived | None = None

    @property
    def why(self) -> str:
        """Why it does not hold."""
        excused = self.waiver is not None and not self.waiver.expired
        return WAIVED if excused else str(self.answer.why)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        one = self.answer
        return {
            "capability": one.capability,
            "field": one.field or None,
            "why": self.why,
            "wanted": one.wanted,
            "said": one.said,
            "detail": one.detail or None,
            "position": str(one.position) if one.position else None,
            "demandedBy": one.by.recipe if one.by else "road",
            "demandedAt": str(one.by.position) if one.by and one.by.position else None,
            "waiver": self.waiver.as_json() if self.waiver else None,
        }


@dataclass(frozen=True, slots=True)
class Tally:
    """How many demands apply, hold, and are waived."""

    applying: int = 0
    held: int = 0
    waived: int = 0

    @property
    def percent(self) -> float:
        """See `telford.road.conformance`; to a tenth, rounded down, so that only all of it is 100."""
        asked = self.applying - self.waived
        return self.held * 1000 // asked / 10 if asked else 100.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.applying + other.applying, self.held + other.held, self.waived + other.waived
        )

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "percent": self.percent,
            "applying": self.applying,
            "held": self.held,
            "waived": self.waived,
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One workload in one place."""

    address: str
    place: str
    owner: str
    road: str
    tally: Tally
    differences: tuple[Difference, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "place": self.place,
            "owner": self.owner or None,
            "road": self.road,
            **self.tally.as_json(),
            "differences": [one.as_json() for one in self.differences],
        }


@dataclass(frozen=True, slots=True)
class Conformance:
    """Every workload in every place that was asked about, by address and place. `architecture` and
    `version` name what they are measured against.
    """

    architecture: str
    version: str
    rows: tuple[Row, ...]

    @property
    def tally(self) -> Tally:
        """All rows together."""
        return sum((row.tally for row in self.rows), Tally())

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "architecture": {"address": self.architecture, "version": self.version},
            **self.tally.as_json(),
            "rows": [row.as_json() for row in self.rows],
        }


def conformance_of(
    estate: Estate, today: dt.date, address: str = "", where: str = ""
) -> Conformance:
    """What conforms, of one workload or of all (""), in one place (ENV or ENV/REGION) or in all ("").

    Raises `UsageError` for an address or place that there is not, and for a thing that is no
    workload.
    """
    wanted = str(overlays.one(estate, address).address) if address else ""
    rows = [
        row
        for place in _places(estate, where)
        for row in _rows(overlays.bind(estate, place), today, wanted)
    ]
    if wanted and not rows:
        raise UsageError(
            f"{wanted} is no workload, so nothing is demanded of it",
            fix="name a service or a datastore that has `run.image`",
        )
    rows.sort(key=lambda row: row.address)
    measure = architecture.of(estate.entities.values())
    return Conformance(measure.address or "the road", measure.version, tuple(rows))


def _places(estate: Estate, where: str) -> Sequence[Place]:
    every = overlays.places(estate)
    if not every:
        raise UsageError(
            "the estate has no environment, so nothing runs anywhere", fix="add an Environment"
        )
    if not where:
        return every
    explain.parse_place(estate, where)
    found = [one for one in every if f"{one}/".startswith(f"{where}/")]
    if not found:
        known = ", ".join(map(str, every))
        raise UsageError(f"there is no place {where}", fix=f"the estate has: {known}")
    return found


def _rows(binding: Binding, today: dt.date, wanted: str) -> Iterator[Row]:
    realiser = recipes.Realiser(binding)
    edges = reach.reach(binding, reach.names(binding))
    waivers = list(_waivers(binding, today))
    for address in (
        (wanted,) if wanted in binding.entities else binding.entities if not wanted else ()
    ):
        bound = binding.entities[address]
        if conformance.applies(bound.spec):
            answers = conformance.answers(binding, address, realiser.realise(bound), edges)
            yield _row(binding, bound, answers, waivers)


def _row(
    binding: Binding, bound: Bound, answers: Sequence[Answer], waivers: Sequence["_Waiver"]
) -> Row:
    short = bound.entity.address.short
    own = {str(bound.entity.address), short, f"system/{bound.entity.address.system}"}
    found = [one for one in waivers if not own.isdisjoint(one.of)]
    different = tuple(Difference(one, _excuse(one, found)) for one in answers if not one.holds)
    waived = sum(one.why == WAIVED for one in different)
    tally = Tally(len(answers), len(answers) - len(different), waived)
    spec: Any = bound.spec
    return Row(
        str(bound.entity.address), str(binding.place), spec.owner or "", spec.road, tally, different
    )


@dataclass(frozen=True, slots=True)
class _Waiver:
    """A waiver of the architecture: of what (address texts), in which parts (all where empty)."""

    of: frozenset[str]
    parts: frozenset[str]
    told: Waived


def _waivers(binding: Binding, today: dt.date) -> Iterator[_Waiver]:
    measure = architecture.of(binding.entities.values()).address
    for bound in binding.of_kind("Waiver"):
        spec = bound.spec
        assert isinstance(spec, Waiver), "it is of this kind"
        if measure and spec.rule == measure:
            told = Waived(
                str(bound.entity.address),
                spec.owner or "",
                spec.reason,
                spec.expires,
                architecture.position(bound, ("name",)),
                dt.date.fromisoformat(spec.expires) < today,
            )
            yield _Waiver(frozenset(spec.of), frozenset(spec.parts), told)


def _excuse(one: Answer, waivers: Iterable[_Waiver]) -> Waived | None:
    """The waiver that covers a difference, one that has not expired first."""
    fitting = [
        w.told for w in waivers if not w.parts or not w.parts.isdisjoint({one.capability, one.name})
    ]
    return min(fitting, key=lambda told: told.expired, default=None)
