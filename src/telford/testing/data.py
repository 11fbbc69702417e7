"""A data store in memory whose changes take as many calls as they are told to; it outlives kills.

Implements `telford.ports.data.DataChanges` as the real one is seen from outside: fenced by the
highest generation, idempotent, a step at a time. `touched` counts how often each row of a backfill
was changed; right is once. Used by tests of flows.
"""

from dataclasses import dataclass, field, replace

from telford.basics.errors import RefusedError
from telford.deliver.data_changes import DataStep, DataView, Statement, aligned
from telford.ports.data import DataTask

ROWS_A_CALL = 10


@dataclass(slots=True)
class FakeData:
    """Steps by name; `rows` of every migrating step; `away` raises as a store that is gone does."""

    rows: int = 50
    views: dict[str, DataView] = field(default_factory=dict)
    touched: dict[int, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    failing: set[str] = field(default_factory=set)
    away: Exception | None = None
    generation: int = 0

    def run(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """See `DataChanges.run`."""
        self._enter(generation)
        view = self._view(task, name)
        if view.status != "done":
            self.views[name] = self._worked(task.step(name), view)
        return aligned(task.steps, self.views.values())

    def pause(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """See `DataChanges.pause`."""
        self._enter(generation)
        view = self._view(task, name)
        if view.status != "done":
            self.views[name] = replace(view, status="paused", turn=view.turn + 1)
        return aligned(task.steps, self.views.values())

    def state(self, task: DataTask) -> tuple[DataView, ...]:
        """See `DataChanges.state`."""
        return aligned(task.steps, self.views.values())

    def undo(self, task: DataTask, name: str, generation: int) -> tuple[DataView, ...]:
        """See `DataChanges.undo`."""
        self._enter(generation)
        self.views.pop(name, None)
        return aligned(task.steps, self.views.values())

    def statements(self, task: DataTask) -> tuple[Statement, ...]:
        """See `DataChanges.statements`."""
        return ()

    def _enter(self, generation: int) -> None:
        if self.away is not None:
            raise self.away
        if generation < self.generation:
            raise RefusedError(f"generation {generation} comes late: {self.generation} was seen")
        self.generation = generation

    def _view(self, task: DataTask, name: str) -> DataView:
        return self.views.get(name, DataView(name, task.step(name).phase, "running"))

    def _worked(self, step: DataStep, view: DataView) -> DataView:
        if step.name not in self.order:
            self.order.append(step.name)
        if step.name in self.failing:
            return replace(view, status="failed", why="on purpose", turn=view.turn + 1)
        if step.phase != "migrate":
            return replace(view, status="done", why="", turn=view.turn + 1)
        last = min(view.done + ROWS_A_CALL, self.rows)
        for row in range(view.done, last):
            self.touched[row] = self.touched.get(row, 0) + 1
        status = "done" if last == self.rows else "running"
        return replace(view, status=status, done=last, total=self.rows, why="", turn=view.turn + 1)
