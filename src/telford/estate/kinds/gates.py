"""Gates: what must be open before a release starts, goes a step further, or is finished.

A part of `Delivery` (`change`). Each gate has a name, the moments at which it holds, and exactly
one of the eight ways to decide; a release freezes them into its policy when it starts
(`telford.app.gate_policy`).
"""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base

Moment = Literal["start", "step", "promote"]
Level = Literal["P3", "P4", "P5", "P6", "P7"]
# A variable of the environment of the process that runs the controller, never its value.
Variable = Annotated[str, Field(pattern=base.VARIABLE_PATTERN)]


class People(base.Model):
    """Some people of the estate: who they are or belong to, and the least level they have."""

    # Teams (with the teams below them), people and rotas; anybody of the estate where empty.
    by: tuple[base.AddressText, ...] = ()
    level: Level | None = None
    # Who may not, whatever else they are.
    forbid: tuple[base.AddressText, ...] = ()


class BudgetGate(base.Model):
    """The error budget: closed while an objective's pace is `freeze`; while it is `slow` each step
    soaks longer, or is closed too.
    """

    # The service's own objectives where it is empty.
    of: tuple[str, ...] = ()
    slow: Literal["soak", "closed", "open"] = "soak"
    # How many times as long a step soaks while the pace is slow.
    factor: Annotated[float, Field(ge=1, le=100)] = 3.0


class ApprovalGate(People):
    """So many different people say yes; never the one who started the release."""

    count: Annotated[int, Field(ge=1, le=20)] = 1


class WindowGate(base.Model):
    """The calendar: closed in a window that freezes, and outside of those that allow."""

    # Windows by name; every window of the estate that holds for the service where it is empty.
    of: tuple[str, ...] = ()


class SoakGate(base.Model):
    """Time: since the release was asked for (`start`), or since its present step is served."""

    time: base.Duration


class Offer(base.Model):
    """A version that a contract must offer."""

    contract: str
    version: base.Version


class DependencyGate(base.Model):
    """Something that the service needs: how its objectives stand, that nobody releases it just
    now, the version that runs, the contract version that it offers.
    """

    on: base.AddressText
    # The worst state that its objectives may be in.
    objectives: Literal["ok", "watch", "burning"] | None = None
    # No release of it is on its way in the same place.
    settled: bool = True
    # The least version of it that must be the stable one in the same place.
    version: base.Version | None = None
    offers: Offer | None = None


class Expected(base.Model):
    """A value in a JSON answer: where it is (RFC 6901) and what it must be."""

    at: Annotated[str, Field(pattern=base.POINTER_PATTERN)]
    equals: str | bool | int | float


class Webhook(base.Model):
    """A URL that is asked. ``{release}``, ``{service}``, ``{version}``, ``{place}``, ``{step}`` and
    ``{record}`` in it are filled in; a POST carries all of them as JSON.
    """

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    method: Literal["GET", "POST"] = "POST"
    # What a yes looks like: its status, and values of its JSON.
    status: Annotated[tuple[Annotated[int, Field(ge=200, le=599)], ...], Field(min_length=1)] = (
        200,
        201,
        202,
        204,
    )
    expect: tuple[Expected, ...] = ()
    limit: base.Duration = "10s"
    # How often it is asked again.
    interval: base.Duration = "30s"
    retries: Annotated[int, Field(ge=0, le=20)] = 3
    # The variable of the controller's environment that holds the key which signs.
    signed_with: Variable | None = None
    token: Variable | None = None


class CommandGate(base.Model):
    """A program of the estate's, run without a shell in the estate's folder by `telford up` alone;
    it says yes by ending with 0. It is told of the release by TELFORD_* variables.
    """

    run: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=4000)], ...],
        Field(min_length=1, max_length=100),
    ]
    env: dict[str, str] = Field(default_factory=dict)
    limit: base.Duration = "30s"
    interval: base.Duration = "30s"
    retries: Annotated[int, Field(ge=0, le=20)] = 0


class RecordGate(base.Model):
    """A change record: an id that fits `pattern` stands in the release's reason, or was given
    later; `lookup` asks another system whether that change may go.
    """

    # A regular expression that finds the id.
    pattern: Annotated[str, Field(min_length=1, max_length=200)]
    lookup: Webhook | None = None


WAYS = (
    "budget", "approval", "window", "soak", "dependency", "webhook", "command", "record",
)  # fmt: skip
DEFAULT_MOMENTS: dict[str, tuple[Moment, ...]] = {
    "budget": ("start", "step"),
    "approval": ("promote",),
    "window": ("start", "step"),
    "soak": ("promote",),
    "dependency": ("start", "step"),
    "webhook": ("step",),
    "command": ("step",),
    "record": ("start",),
}


class Gate(base.Model):
    """One gate: give exactly one of the ways in which it decides."""

    name: base.Name
    budget: BudgetGate | None = None
    approval: ApprovalGate | None = None
    window: WindowGate | None = None
    soak: SoakGate | None = None
    dependency: DependencyGate | None = None
    webhook: Webhook | None = None
    command: CommandGate | None = None
    record: RecordGate | None = None
    # When it holds; each way has moments of its own where none are given.
    at: tuple[Moment, ...] = ()
    # Who may open it all the same, with a reason that is kept: nobody where it is left out.
    override: People | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [way for way in WAYS if getattr(self, way) is not None]
        base.exactly_one(len(given), f"give exactly one of {', '.join(f'`{way}`' for way in WAYS)}")
        return self

    @property
    def way(self) -> str:
        """Which of the ways is given."""
        return next(way for way in WAYS if getattr(self, way) is not None)

    @property
    def moments(self) -> tuple[Moment, ...]:
        """When it holds."""
        return self.at or DEFAULT_MOMENTS[self.way]

    def references(self, path: tuple[str | int, ...]) -> Iterator[base.Reference]:
        """What it names, for `Kind.references` of its Delivery."""
        for key, people in (("approval", self.approval), ("override", self.override)):
            if people is not None:
                yield from base.addressed((*path, key, "by"), people.by)
                yield from base.addressed((*path, key, "forbid"), people.forbid)
        for key, kind, named in (
            ("budget", "Objective", self.budget),
            ("window", "Window", self.window),
        ):
            for index, text in enumerate(named.of if named is not None else ()):
                yield base.Reference((*path, key, "of", index), kind, text)
        if self.dependency is not None:
            yield base.to_address((*path, "dependency", "on"), self.dependency.on)
            if self.dependency.offers is not None:
                place = (*path, "dependency", "offers", "contract")
                yield base.Reference(place, "Contract", self.dependency.offers.contract)
