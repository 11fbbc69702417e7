"""Response: Runbook, Experiment and Drill; what is done when something breaks, and its practice."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from telford.estate.kinds import base


class Step(base.Model):
    """One step of a runbook: what a person does, or a command that does it."""

    name: str
    text: str = ""
    command: tuple[str, ...] = ()
    # Whether it may run without somebody saying so.
    automatic: bool = False
    timeout: base.Duration = "5m"
    # What shows that it worked.
    expect: str = ""
    # What takes it back.
    undo: tuple[str, ...] = ()


class Runbook(base.Kind):
    """What to do, step by step, when something happens to some things."""

    stand_ins: ClassVar[dict[str, object]] = {"steps": [{"name": "-"}]}
    merge_keys: ClassVar[dict[str, tuple[str, ...]]] = {"steps": ("name",)}

    kind: Literal["Runbook"]
    title: str = ""
    # The services, data stores, streams or objectives that it is for.
    of: tuple[base.AddressText, ...] = ()
    # The alerts that lead here, by name.
    alerts: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    # The day on which somebody last followed it.
    proven: base.Date | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)


class Fault(base.Model):
    """What is done to the thing: its kind, its strength where it has one, and its share."""

    kind: Literal[
        "kill", "pause", "latency", "errors", "partition", "cpu", "memory", "disk", "zone", "region"
    ]
    latency: base.Duration | None = None
    share: base.Percentage = "100%"
    # Of a partition: the other side.
    from_: base.AddressText | None = Field(default=None, alias="from")


class Experiment(base.Kind):
    """A chaos experiment: a fault on purpose, and what is expected to hold all the same."""

    stand_ins: ClassVar[dict[str, object]] = {
        "of": "system/none",
        "hypothesis": "-",
        "fault": {"kind": "kill"},
    }

    kind: Literal["Experiment"]
    of: base.AddressText
    hypothesis: str
    fault: Fault
    duration: base.Duration = "5m"
    environments: tuple[str, ...] = ()
    # The objectives that must hold; the experiment stops where one is in danger.
    objectives: tuple[str, ...] = ()
    stop_at: base.Percentage | None = None

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield base.to_address(("of",), self.of)
        if self.fault.from_ is not None:
            yield base.to_address(("fault", "from"), self.fault.from_)
        for index, environment in enumerate(self.environments):
            yield base.Reference(("environments", index), "Environment", environment)
        for index, objective in enumerate(self.objectives):
            yield base.Reference(("objectives", index), "Objective", objective)


class Drill(base.Kind):
    """An exercise with people: what is practised, with whom, how often, and what it must prove."""

    stand_ins: ClassVar[dict[str, object]] = {"scenario": "-"}

    kind: Literal["Drill"]
    scenario: str
    of: tuple[base.AddressText, ...] = ()
    every: base.Duration | None = None
    last: base.Date | None = None
    participants: tuple[base.AddressText, ...] = ()
    # What is followed, and the promise that is put to the test.
    runbook: str | None = None
    recovery: str | None = None
    experiments: tuple[str, ...] = ()

    def references(self) -> Iterator[base.Reference]:
        """See `Kind.references`."""
        yield from super().references()
        yield from base.addressed(("of",), self.of)
        yield from base.addressed(("participants",), self.participants)
        if self.runbook is not None:
            yield base.Reference(("runbook",), "Runbook", self.runbook)
        if self.recovery is not None:
            yield base.Reference(("recovery",), "Recovery", self.recovery)
        for index, experiment in enumerate(self.experiments):
            yield base.Reference(("experiments", index), "Experiment", experiment)
