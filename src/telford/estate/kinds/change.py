"""Change: Delivery, how a new version of a service reaches its users, and Window, when it may."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base
from telford.estate.kinds.gates import Gate
from telford.estate.kinds.waves import Waves

Probability = Annotated[float, Field(gt=0, lt=0.5)]


class CanaryStep(base.Model):
    """A share for the new version, and the least time it is looked at there: of the requests
    (canary), of the requests that are copied (mirror), of the replicas (rolling, a queue), of the
    partitions.
    """

    weight: base.Percentage
    soak: base.Duration = "30s"
    # The share of beta that this step may spend; the default is an equal split.
    beta_share: base.Percentage | None = None


class Fuse(base.Model):
    """Rolls back at once when the error rate is beyond `factor` times the budget rate."""

    factor: Annotated[float, Field(gt=1)] = 14.4
    alpha: Probability = 0.001


class Requests(base.Model):
    """Requests with this header or with this cookie, of exactly this value."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")] | None = None
    cookie: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")] | None = None
    value: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{1,200}$")]

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.header is None) == (self.cookie is None):
            raise ValueError("name either a header or a cookie")
        return self


class Preview(base.Model):
    """Blue-green's look at the whole new version before anybody is switched to it."""

    # Who reaches it; without them it can only be looked at by gates.
    match: Requests | None = None
    soak: base.Duration = "0s"
    # Whether the answers to those requests are judged by the objective before the switch.
    judged: bool = False


class Exposure(base.Model):
    """Weights chosen as they go: at most this share of what is left of the error budget may be
    spent if the new version is as bad as the data still allow at `level`. The steps' weights are
    then the most that each may have.
    """

    share: base.Percentage = "5%"
    level: Probability = 0.05


class Sharing(base.Model):
    """How two versions of a worker share their work: by taking from one queue, or by the partitions
    that each is told to read (TELFORD_PARTITIONS).
    """

    by: Literal["queue", "partition"] = "queue"
    partitions: Annotated[int, Field(ge=2, le=10_000)] | None = None


class Verdict(base.Model):
    """How the evidence is judged: declared before the start, never changed during a release.

    `alpha` bounds the probability of a wrong rollback, `beta` of a wrong promotion. See
    docs/concepts/verdicts.md.
    """

    engine: Literal["E1", "E2", "E4"] = "E2"
    alpha: Probability = 0.01
    beta: Probability = 0.05
    # Indicator (errors, slowness, slowness-300, latency) -> the share of alpha that it may spend.
    # What is left is split equally over those that are not named.
    alpha_shares: dict[str, base.Percentage] = Field(default_factory=dict)
    certificate: Literal["objective", "ratio", "both"] = "objective"
    # Under "both": the part of beta that the objective's certificate may spend.
    certificate_share: base.Percentage = "50%"
    # Where the new version is compared with the objective alone (blue-green, recreate): rolled back
    # when it is shown to have more than this many times the budget rate.
    objective_factor: Annotated[float, Field(ge=1)] = 1.0
    # Level of the test whether the stable replicas are alike among themselves; 0 leaves it out.
    placebo: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    # Compare the whole distribution of latencies as well; it only rolls back.
    latency: bool = False
    # Largest ratio of bad rates (new to stable) that is still no reason to roll back.
    harmless_ratio: Annotated[float, Field(ge=1)] = 1.0
    # Largest ratio that may be promoted under the ratio certificate.
    tolerable_ratio: Annotated[float, Field(gt=1)] = 2.0
    # Under the objective certificate: the share of the budget rate that must be proven, and the
    # ratio beyond which "good enough" is refused all the same.
    budget_share: base.Percentage = "100%"
    ratio_cap: Annotated[float, Field(gt=1)] = 10.0
    fuse: Fuse | None = Fuse()


class Delivery(base.Kind):
    """A strategy: its steps, the verdict's error bounds, and what happens at a deadline.

    See docs/concepts/releases.md for what each strategy does.
    """

    stand_ins: ClassVar[dict[str, object]] = {"steps": [{"weight": "1%"}]}
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"gates": ("name",)}

    kind: Literal["Delivery"]
    strategy: Literal["canary", "blue-green", "rolling", "mirror", "ab", "recreate"] = "canary"
    steps: tuple[CanaryStep, ...] = ()
    # The least time that the new version is looked at where there are no steps.
    soak: base.Duration = "30s"
    preview: Preview | None = None
    # How long blue-green keeps the old version whole after the switch.
    keep: base.Duration = "0s"
    # Who reaches the new version whatever the weights: an A/B test's segment, a canary's testers.
    match: Requests | None = None
    # A cookie by which visitors stay with one version.
    affinity: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")] | None = None
    # Compare with fresh replicas of the old version instead of those that have run for weeks.
    baseline: bool = False
    exposure: Exposure | None = None
    # Of workers: how both versions share the work.
    sharing: Sharing | None = None
    verdict: Verdict = Verdict()
    tick: base.Duration = "15s"
    warmup: base.Duration = "0s"
    deadline: base.Duration = "30m"
    at_deadline: Literal["hold", "promote", "rollback"] = "hold"
    # Without data for this long the release holds; missing data is never a failure.
    stale: base.Duration = "2m"
    canary_replicas: Annotated[int, Field(ge=1, le=100)] = 1
    # What must be open before it starts, goes a step further or is finished.
    gates: tuple[Gate, ...] = ()
    # Which places get a version after which: `telford rollout`.
    waves: Waves | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        for index, gate in enumerate(self.gates):
            yield from gate.references(("gates", index))


Clock = Annotated[str, Field(pattern=base.CLOCK_PATTERN)]


class Weekly(base.Model):
    """Some hours of some days of every week; `to` before `from` ends on the next day."""

    days: Annotated[
        tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...], Field(min_length=1)
    ] = ("mon", "tue", "wed", "thu", "fri")
    from_: Clock = Field(default="00:00", alias="from")
    to: Clock = "00:00"


class Span(base.Model):
    """Days in the calendar, the first and the last included."""

    first: base.Date
    last: base.Date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"the last day {self.last} is before the first {self.first}")
        return self


class Window(base.Kind):
    """A time in which changes stop (`freeze`), or outside of which they do (`allow`)."""

    stand_ins: ClassVar[dict[str, object]] = {"type": "freeze"}
    identity: ClassVar[tuple[str, ...]] = (*base.Kind.identity, "type")

    kind: Literal["Window"]
    type: Literal["freeze", "allow"]
    weekly: tuple[Weekly, ...] = ()
    spans: tuple[Span, ...] = ()
    timezone: str = "UTC"
    # What it holds for; everything where it is empty.
    of: tuple[base.AddressText, ...] = ()
    environments: tuple[str, ...] = ()
    reason: str = ""

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)
        for index, environment in enumerate(self.environments):
            yield base.Reference(("environments", index), "Environment", environment)
