"""Rollouts, once a tick: whose turn it is in this place, and which releases must turn back.

What `telford.deliver.waves` needs is read from the store, and only where an active release of the
place belongs to a rollout: the releases of the other places, how their objectives stand, and
whether their controllers are heard of. Called by `gating`; what comes out are the turns of the
releases that wait, and commands (idempotent by their id) for those that must turn back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telford.deliver import state as states
from telford.deliver import waves
from telford.deliver.judging import all_values
from telford.deliver.turns import Turn
from telford.operate.budget import Standing
from telford.store.commands import Command
from telford.store.releases import Release
from telford.store.rollouts import Rollout
from telford.store.store import Store

GATE = "wave"
ROLLOUT = "rollout"
ACTOR = "rollout"
# A controller that was silent for this long does not deliver anything (seconds).
SILENT_SECONDS = 60.0
_BAD = {
    Standing.BURNING.value: "burning its error budget",
    Standing.EXHAUSTED.value: "out of its error budget",
}


@dataclass(frozen=True, slots=True)
class Standings:
    """What one look at the rollouts says about this place: turns by release, commands to write."""

    turns: Mapping[str, Turn] = field(default_factory=dict)
    commands: tuple[Command, ...] = ()


def rollout_of(state: states.State) -> str:
    """The rollout that a release belongs to; "" where it is alone."""
    gate = next((one for one in state.policy.gates if one.kind == GATE), None)
    return dict(gate.settings).get(ROLLOUT, "") if gate else ""


def gather(
    store: Store, place: str, rows: Iterable[tuple[Release, states.State]], at: float
) -> Standings:
    """The turn of each release of `place` that belongs to a rollout."""
    mine = {rollout_of(state): (row, state) for row, state in rows if rollout_of(state)}
    turns: dict[str, Turn] = {}
    commands: list[Command] = []
    for key, (row, state) in sorted(mine.items()):
        rollout = store.rollouts.get(key)
        if rollout is None:
            continue
        view = look(store, rollout, at)
        turns[row.id] = _turn(view, place)
        if view.stop and not _turning(state):
            commands.append(_command(row, key, view.stop, at))
    return Standings(turns, tuple(commands))


def look(store: Store, rollout: Rollout, at: float) -> waves.View:
    """A rollout as it stands at `at` (epoch seconds)."""
    declared = waves.Waves.from_json(rollout.waves)
    rows = {one.place: one for one in store.releases.some(rollout.releases.values())}
    members = {place: _member(store, rows[place], at) for place in declared.places}
    return waves.look(declared, members, at)


def _member(store: Store, row: Release, at: float) -> waves.Member:
    state = states.State.from_json(row.state)
    logs = {one.indicator: one.log_e for one in all_values(state) if one.name == "rollback"}
    return waves.Member(
        row.place, state.phase, logs, _unavailable(store, row, state, at), row.finished_at
    )


def _unavailable(store: Store, row: Release, state: states.State, at: float) -> str:
    """Why nobody should count on the service in that place; "" where one may."""
    for one in store.objectives.of(row.place, row.service):
        if one.state in _BAD:
            return _BAD[one.state]
    holding = store.leases.get(row.place)
    if state.final or holding is None:
        return ""
    silent = at - holding.heartbeat
    return "not heard of: its controller is silent" if silent > SILENT_SECONDS else ""


def _turn(view: waves.View, place: str) -> Turn:
    turn = next((one for one in view.turns if one.place == place), None)
    return turn or Turn(place, open=True, why="it has had its turn")


def _turning(state: states.State) -> bool:
    return state.final or state.phase is states.Phase.ROLLING_BACK


def _command(row: Release, rollout: str, reason: str, at: float) -> Command:
    return Command(f"{rollout}:{row.id}:stop", row.id, "abort", ACTOR, reason, at)
