"""The port of data changes: one step of a service's plan carried out on its data store, in slices.

Every call is idempotent, bounded in time, and fenced by a generation that the data store itself
keeps (table `telford_data_changes`): a caller that was overtaken changes nothing. Implemented by
`telford.backends.data`; a value of plain JSON crosses to the durable engine and back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

from telford.deliver.data_changes import DataStep, DataView, Statement


@dataclass(frozen=True, slots=True)
class DataTask:
    """A service's whole plan, for a version of it in a place; `service` is its address."""

    service: str
    version: str
    place: str
    steps: tuple[DataStep, ...]

    def step(self, name: str) -> DataStep:
        """One step by name."""
        return next(one for one in self.steps if one.name == name)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives it back."""
        return asdict(self) | {"steps": [step_json(one) for one in self.steps]}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        fields = dict(plain)
        fields["steps"] = tuple(step(one) for one in fields["steps"])
        return cls(**fields)


class DataChanges(Protocol):
    """Changes data. Views are of all steps of the task, as the data store has them."""

    def run(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """Work on one step for a few seconds at most, and say how all stand.

        Raises `RefusedError` where the data store has seen a higher generation of this place;
        `TemporaryError` where it cannot be reached, `PermanentError` where that needs a person.
        A step that fails is no exception but a view.
        """
        ...

    def pause(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """Stop whoever works on the step; what it has done stays, and it can go on."""
        ...

    def state(self, task: DataTask) -> tuple[DataView, ...]:
        """How all steps stand; changes nothing."""
        ...

    def undo(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """Take one done step back, the last one first. Raises `RefusedError` where it says no way."""
        ...

    def statements(self, task: DataTask) -> tuple[Statement, ...]:
        """What its expanding steps would send, without asking the data store."""
        ...


def step_json(one: DataStep) -> dict[str, Any]:
    """A step as plain values."""
    return asdict(one) | {"settings": [list(pair) for pair in one.settings]}


def step(plain: Mapping[str, Any]) -> DataStep:
    """The inverse of `step_json`."""
    fields = dict(plain)
    fields["settings"] = tuple((str(name), str(text)) for name, text in fields["settings"])
    return DataStep(**fields)


def view_json(one: DataView) -> dict[str, Any]:
    """A view as plain values."""
    return asdict(one)


def view(plain: Mapping[str, Any]) -> DataView:
    """The inverse of `view_json`."""
    return DataView(**plain)
