"""One release, one tick: from its row and a glance at the place to its next row. Pure.

`advance` is a visible list of steps: confirm what the place shows, obey people, weigh the counts
where a tick is due, derive what is owed. Everything it needs is in the row, so a controller that
was killed anywhere goes on from there. Called by `controller` for each active release.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.basics.errors import TelfordError
from telford.deliver import hands, owing
from telford.deliver import release as releases
from telford.deliver import state as states
from telford.deliver.data_changes import DataView
from telford.deliver.gates import GateView
from telford.estate.observation import Observation, Reading
from telford.estate.workload import PlaceState
from telford.flows import counting, gating, orders
from telford.store.bindings import Bound
from telford.store.commands import Command
from telford.store.ledger import Entry
from telford.store.releases import Release

# What a release's progress remembers beside the orders: the generation that became the binding's,
# and the one at which the removal at the end was carried out.
BOUND, REMOVED = "bound", "removed"
Submit = tuple[tuple[str, orders.Order], ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """What a tick saw: the place (None: unreachable), one service's counters (None: unreadable),
    how the orders stand, and when (epoch seconds).

    `gates` and `data` are how those stand now (None: not looked at, as before); `budget_left` the
    bad requests that each indicator's objective still allows (an absent one: no limit). `asking` is
    what the gates ask of others, and what was answered. `before` are the last tick's counters where
    somebody still knows them (None: the row does).
    """

    at: float
    place: PlaceState | None
    reading: Reading | None
    statuses: Mapping[str, orders.Status] = field(default_factory=dict)
    retry_seconds: float = 2.0
    gates: tuple[GateView, ...] | None = None
    data: tuple[DataView, ...] | None = None
    budget_left: Mapping[str, float] | None = None
    asking: gating.Looked | None = None
    before: Reading | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """What a tick made of one release: the row and its decoded state, what goes into the ledger,
    what became of commands (id, outcome), a new binding, and the orders to submit. `reading` are
    the counters that the row remembers from now on (None: those it had).
    """

    row: Release
    state: states.State
    changed: bool
    entry: Entry | None = None
    outcomes: tuple[tuple[str, str], ...] = ()
    bound: Bound | None = None
    submit: tuple[tuple[str, orders.Order], ...] = ()
    reading: Reading | None = None


def advance(
    row: Release, state: states.State, glance: Glance, commands: Sequence[Command]
) -> Advance:
    """The next row. Raises nothing for what people or places do wrong."""
    arms = orders.definitions(row.workloads)
    place = glance.place
    seen = None if place is None else owing.facts(place, state, glance.at, arms)
    after = _confirm(row, _told(state, glance), seen)
    after, outcomes = _obey(after, commands, glance.at)
    step, reading = _tick(row, after, glance)
    after = step.state if step else after
    owed = None if seen is None else orders.owed(after, arms, seen)
    progress, submit = _orders(row, after, owed, glance)
    progress, submit = _asking(row, progress, submit, glance)
    bound = _binding(row, after, progress, glance.at)
    plain = dict(row.state) if after == state else after.to_json()
    next_row = _row(row, after, plain, progress, reading, glance.at)
    entry = _entry(next_row, step)
    changed = entry is not None or next_row != row
    return Advance(next_row, after, changed, entry, outcomes, bound, submit, reading)


def tick_number(row: Release, at: float) -> int:
    """Ticks are counted from the release's creation: a tick that nobody was there for is missing
    from the ledger, and the next one covers its time.
    """
    return max(math.floor((at - row.created_at) / row.tick_seconds), 0)


def asked_ids(row: Release) -> tuple[str, ...]:
    """The ids of the orders that the row waits for."""
    asked = row.progress.get("asked", {})
    own = (orders.order_id(key, one["attempt"]) for key, one in asked.items())
    return (*own, *gating.asked_ids(row))


def _told(state: states.State, glance: Glance) -> states.State:
    """How gates and data steps stand, before anything is judged by them."""
    gates = state.gates if glance.gates is None else glance.gates
    data = state.data if glance.data is None else glance.data
    if (gates, data) == (state.gates, state.data):
        return state
    return dataclasses.replace(state, gates=gates, data=data)


def _confirm(row: Release, state: states.State, facts: states.Facts | None) -> states.State:
    """What the place shows. A release is not over before the removal at its end was carried out,
    even where there is nothing to remove: the removal raises the generation in the place, so that
    an earlier order which is still under way (a start, overtaken by an abort) is refused there.
    """
    if facts is None:
        return state
    seen = releases.confirm(state, facts)
    if not seen.final or state.final or row.progress.get(REMOVED) == seen.generation:
        return seen
    clocks = dataclasses.replace(seen.clocks, phase_at=state.clocks.phase_at)
    return dataclasses.replace(seen, phase=state.phase, clocks=clocks)


def _obey(
    state: states.State, commands: Sequence[Command], at: float
) -> tuple[states.State, tuple[tuple[str, str], ...]]:
    outcomes = []
    for one in commands:
        try:
            step = hands.command(state, one.verb, who=one.who, reason=one.reason, now=at)
        except TelfordError as error:
            outcomes.append((one.id, f"refused: {error.message}"))
        else:
            state = step.state
            outcomes.append((one.id, "done"))
    return state, tuple(outcomes)


def _tick(
    row: Release, state: states.State, glance: Glance
) -> tuple[states.Step | None, Reading | None]:
    """The step of a tick that is due, and the counters to remember (None: the old ones)."""
    reading = glance.reading
    number = tick_number(row, glance.at if reading is None else reading.at)
    if number <= state.tick or state.final:
        return None, None
    if reading is None:
        return releases.next_step(state, None, glance.at, budget_left=glance.budget_left), None
    before = glance.before or counting.from_json(row.name, row.reading)
    merged = counting.merged(before, reading, glance.place)
    observation = _observe(state, before, reading, number)
    step = releases.next_step(state, observation, glance.at, budget_left=glance.budget_left)
    return step, merged


def _observe(
    state: states.State, before: Reading | None, reading: Reading, number: int
) -> Observation:
    seen = counting.difference(before, reading, number, state.service, state.policy.indicators)
    arms = state.arms
    return Observation(
        seen.tick,
        seen.at,
        tallies=tuple([one for one in seen.tallies if one.series.version in arms]),
        missing=tuple([one for one in seen.missing if one.version in arms]),
        begun=tuple([one for one in seen.begun if one.version in arms]),
    )


def _orders(
    row: Release, state: states.State, owed: orders.Owed | None, glance: Glance
) -> tuple[dict[str, Any], tuple[tuple[str, orders.Order], ...]]:
    """What is asked for from now on, as JSON for the row, and what to submit; as before where
    nobody knows what is owed.
    """
    if owed is None:
        return dict(row.progress), ()
    before = {
        key: orders.Asked(one["attempt"], one["at"], one["problem"])
        for key, one in row.progress.get("asked", {}).items()
    }
    asked, submit = orders.ask(
        owed.orders, before, glance.statuses, glance.at, glance.retry_seconds
    )
    progress: dict[str, Any] = {
        "asked": {key: dataclasses.asdict(one) for key, one in asked.items()},
        "waits": owed.waits,
    }
    progress |= {key: row.progress[key] for key in (BOUND, REMOVED) if key in row.progress}
    removals = [one for one in owed.orders if one.kind == "remove"]
    if removals and all(_removed(one, before, glance.statuses) for one in removals):
        progress[REMOVED] = state.generation
    return progress, submit


def _asking(
    row: Release, progress: dict[str, Any], submit: Submit, glance: Glance
) -> tuple[dict[str, Any], Submit]:
    """The same with what the gates remember and ask; as before where nobody looked at them."""
    if glance.asking is not None:
        told = dict(glance.asking.progress)
        return progress | ({gating.KEY: told} if told else {}), (*submit, *glance.asking.submit)
    kept = {gating.KEY: row.progress[gating.KEY]} if gating.KEY in row.progress else {}
    return progress | kept, submit


def _removed(
    order: orders.Order,
    asked: Mapping[str, orders.Asked],
    statuses: Mapping[str, orders.Status],
) -> bool:
    """Whether a removal at a release's end was carried out."""
    if order.key not in asked:
        return False
    status = statuses.get(orders.order_id(order.key, asked[order.key].attempt))
    return status is not None and status.phase == "done"


def _binding(
    row: Release, state: states.State, progress: dict[str, Any], at: float
) -> Bound | None:
    """The new version is the stable one as soon as all traffic is confirmed to be on it."""
    promoted = state.phase is states.Phase.PROMOTED
    promoted |= state.phase is states.Phase.PROMOTING and state.confirmed
    if not promoted or BOUND in progress:
        return None
    progress[BOUND] = state.generation
    replicas = row.workloads["stable"]["replicas"]
    workload = {**row.workloads["canary"], "replicas": replicas, "generation": state.generation}
    return Bound(
        place=row.place,
        service=row.service,
        name=row.name,
        version=row.to_version,
        digest=row.digest,
        generation=state.generation,
        issued=state.generation,
        workload=workload,
        release=row.id,
        since=at,
    )


def _row(
    row: Release,
    state: states.State,
    plain: dict[str, Any],
    progress: dict[str, Any],
    reading: Reading | None,
    at: float,
) -> Release:
    finished = row.finished_at
    if state.final and finished is None:
        finished = at
    return dataclasses.replace(
        row,
        phase=state.phase.value,
        state=plain,
        generation=state.generation,
        tick=state.tick,
        progress=progress,
        reading=row.reading if reading is None else counting.to_json(reading),
        active=not state.final,
        finished_at=finished,
    )


def _entry(row: Release, step: states.Step | None) -> Entry | None:
    if step is None or step.entry is None:
        return None
    entry = step.entry
    return Entry(row.id, entry.tick, entry.at, 0, entry.phase.value, entry.to_json())
