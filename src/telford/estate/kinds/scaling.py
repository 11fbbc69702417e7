"""How many replicas there are: bounds, what they follow, how fast. Part of `running.Run`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from telford.estate.kinds import base


class Metric(base.Model):
    """A number that replicas follow: of the `pods` themselves, or `external` to the cluster. It is
    kept at `value`, or at `average` for each replica.
    """

    kind: Literal["pods", "external"] = "external"
    name: str
    value: str | None = None
    average: str | None = None
    selector: dict[str, str] = Field(default_factory=dict)


class PaceStep(base.Model):
    """At most so many replicas, or such a share of them, in a time."""

    replicas: Annotated[int, Field(ge=1, strict=True)] | None = None
    share: base.Percentage | None = None
    every: base.Duration

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = (self.replicas is not None) + (self.share is not None)
        base.exactly_one(given, "give exactly one of `replicas` or `share`")
        return self


class Pace(base.Model):
    """How fast a scaler moves in one direction: how long it looks before it does (`settle`), and
    the largest steps.
    """

    settle: base.Duration | None = None
    steps: tuple[PaceStep, ...] = ()
    # Of several steps the one that changes most, least, or none at all.
    choose: Literal["Max", "Min", "Disabled"] | None = None


class Trigger(base.Model):
    """What makes an event-driven scaler (KEDA) act: a kind of source, and what it is told.

    Its `type` is one of https://keda.sh/docs/latest/scalers/; `authentication` names an object
    that holds credentials, never a credential.
    """

    type: str
    name: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    authentication: str | None = None


class Replicas(base.Model):
    """Automatic scaling between two bounds: on mean CPU or memory use, other metrics, or events
    (`triggers`).
    """

    min: base.Count = 1
    max: base.Count
    target_cpu: base.Percentage | None = None
    target_memory: base.Percentage | None = None
    metrics: tuple[Metric, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    up: Pace | None = None
    down: Pace | None = None
    # What the workload itself says, before the scaler acts.
    initial: base.Count | None = None
    # Of triggers: how often they are looked at, how long the last one rests before none is left,
    # and how many there are when nothing happens.
    every: base.Duration | None = None
    cooldown: base.Duration | None = None
    idle: base.Count | None = None
