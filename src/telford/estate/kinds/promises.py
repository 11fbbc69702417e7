"""Promises: Objective (an SLO), Recovery and Budget."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base


class Availability(base.Model):
    """Requests that did not fail: everything but 5xx, as the data plane counts them."""


class Latency(base.Model):
    """Requests answered within `threshold`, from the data plane's histogram."""

    threshold: base.Duration


class Ratio(base.Model):
    """Two counters of the service's own, as PromQL selectors: `total` and `bad` or `good`."""

    total: str
    bad: str | None = None
    good: str | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [way for way in (self.bad, self.good) if way is not None]
        base.exactly_one(len(given), "give exactly one of `bad` and `good`")
        return self


class Probe(base.Model):
    """A gauge that is 1 when a probe succeeds and 0 when it fails, as a PromQL selector."""

    success: str


class Indicator(base.Model):
    """The SLI: exactly one way to tell good events from bad ones."""

    availability: Availability | None = None
    latency: Latency | None = None
    ratio: Ratio | None = None
    probe: Probe | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [way for way in dict(self).values() if way is not None]
        base.exactly_one(
            len(given), "give exactly one of `availability`, `latency`, `ratio` or `probe`"
        )
        return self


class Alerting(base.Model):
    """`minimumEvents` in the long window before an alert may fire, so that one error at low
    traffic wakes nobody; `absent` how long without data is an alert of its own.
    """

    minimum_events: Annotated[int, Field(ge=1)] = 100
    absent: base.Duration = "10m"
    page: bool = True


class ErrorBudget(base.Model):
    """What releases do when the budget runs low: the shares at which they slow down and stop."""

    slow: base.Percentage = "25%"
    freeze: base.Percentage = "0%"


class Objective(base.Kind):
    """A service level objective: the share of good events promised over a period."""

    stand_ins: ClassVar[dict[str, object]] = {
        "service": "",
        "target": "99%",
        "sli": {"availability": {}},
    }

    kind: Literal["Objective"]
    service: str
    target: base.Percentage
    # Rolling, such as 30d, or a calendar unit.
    period: base.Duration = "30d"
    calendar: Literal["month", "quarter"] | None = None
    sli: Indicator
    alerting: Alerting = Alerting()
    # What is left of the budget at which releases slow down and stop, where a gate asks for it.
    error_budget: ErrorBudget = ErrorBudget()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield base.Reference(("service",), "Service", self.service)


class RecoveryGoal(base.Model):
    """One class of disruption: how soon it works again (`rto`), and how much of the latest data may
    be gone (`rpo`).
    """

    kind: Literal[
        "replica", "node", "zone", "region", "provider", "deletion", "corruption", "intrusion"
    ]
    rto: base.Duration
    rpo: base.Duration = "0s"


class Recovery(base.Kind):
    """What is promised about coming back, per class of disruption, for some things or systems."""

    stand_ins: ClassVar[dict[str, object]] = {
        "of": ["system/none"],
        "disruptions": [{"kind": "replica", "rto": "1h"}],
    }
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"disruptions": ("kind",)}

    kind: Literal["Recovery"]
    of: Annotated[tuple[base.AddressText, ...], Field(min_length=1)]
    disruptions: Annotated[tuple[RecoveryGoal, ...], Field(min_length=1)]
    strategy: (
        Literal["backup-restore", "pilot-light", "warm-standby", "active-passive", "active-active"]
        | None
    ) = None
    runbook: str | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)
        if self.runbook is not None:
            yield base.Reference(("runbook",), "Runbook", self.runbook)


class Budget(base.Kind):
    """Money: what some things, a team or an environment may cost in a period."""

    stand_ins: ClassVar[dict[str, object]] = {
        "of": ["system/none"],
        "amount": 0,
        "currency": "EUR",
    }

    kind: Literal["Budget"]
    of: Annotated[tuple[base.AddressText, ...], Field(min_length=1)]
    amount: Annotated[float, Field(ge=0)]
    # ISO 4217.
    currency: Annotated[str, Field(pattern=base.CURRENCY_PATTERN)]
    period: Literal["month", "quarter", "year"] = "month"
    # Shares at which the owner is told.
    alerts: tuple[base.Percentage, ...] = ("80%", "100%")

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)
