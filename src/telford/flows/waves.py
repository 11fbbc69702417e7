"""Rollouts, once a tick: whose turn it is in this place, and which releases must turn back.

What `telford.deliver.waves` needs is read from the store, and only where an active release of the
place belongs to a rollout: the releases of the other places, how their objectives stand, and
whether their controllers are heard of, and what people asked of the rollout. Called by `gating`;
what comes out are the turns of the releases that wait, and commands (idempotent by their id) for
those that must turn back, pause or go on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from telford.deliver import state as states
from telford.deliver import waves
from telford.deliver.judging import all_values
from telford.deliver.turns import Asked, Turn
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
class Looked:
    """A rollout as it stands: what it declared, how that stands, each place's release, and what
    people asked of it, in that order.
    """

    declared: waves.Waves
    view: waves.View
    rows: Mapping[str, Release]
    asked: tuple[Asked, ...] = ()


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
    mine = {key: one for one in rows if (key := rollout_of(one[1]))}
    if not mine:
        return Standings()
    turns: dict[str, Turn] = {}
    commands: list[Command] = []
    for key, found in looks(store, store.rollouts.some(mine), at).items():
        row, state = mine[key]
        turns[row.id] = _turn(found.view, place)
        commands += _asked(found, row, state, at)
    return Standings(turns, tuple(commands))


def looks(store: Store, rollouts: Iterable[Rollout], at: float) -> dict[str, Looked]:
    """Rollouts by id as they stand at `at` (epoch seconds): a few queries, however many they are."""
    chosen = tuple(rollouts)
    rows = {row.id: row for row in store.releases.some(_releases(chosen))}
    asked = store.rollouts.asked(one.id for one in chosen)
    # What is unavailable decides who may begin: it is asked only where somebody waits.
    waiting = [row for row in rows.values() if row.phase == states.Phase.PLANNED.value]
    health = _health(store, {row.service for row in waiting}, at)
    return {one.id: _look(one, rows, asked[one.id], health, at) for one in chosen}


def look(store: Store, rollout: Rollout, at: float) -> Looked:
    """One rollout as it stands at `at` (epoch seconds)."""
    return looks(store, (rollout,), at)[rollout.id]


def _releases(rollouts: Iterable[Rollout]) -> Iterator[str]:
    for one in rollouts:
        yield from one.releases.values()


def _look(
    rollout: Rollout,
    rows: Mapping[str, Release],
    asked: tuple[Asked, ...],
    health: Mapping[tuple[str, str], str],
    at: float,
) -> Looked:
    declared = waves.Waves.from_json(rollout.waves)
    mine = {place: rows[rollout.releases[place]] for place in declared.places}
    members = {place: _member(row, health) for place, row in mine.items()}
    return Looked(declared, waves.look(declared, members, at, asked), mine, asked)


def _member(row: Release, health: Mapping[tuple[str, str], str]) -> waves.Member:
    state = states.State.from_json(row.state)
    logs = {one.indicator: one.log_e for one in all_values(state) if one.name == "rollback"}
    unavailable = health.get((row.place, row.service), "")
    if not unavailable and not state.final:
        unavailable = health.get((row.place, ""), "")
    return waves.Member(row.place, state.phase, logs, unavailable, row.finished_at)


def _health(store: Store, services: Collection[str], at: float) -> dict[tuple[str, str], str]:
    """Why nobody should count on a service in a place, or on a place itself (service "")."""
    if not services:
        return {}
    bad = store.objectives.states(services, _BAD)
    silent = {
        (one.name, ""): "not heard of: its controller is silent"
        for one in store.leases.all()
        if at - one.heartbeat > SILENT_SECONDS
    }
    return silent | {key: _BAD[state] for key, state in bad.items()}


def _turn(view: waves.View, place: str) -> Turn:
    turn = next((one for one in view.turns if one.place == place), None)
    return turn or Turn(place, open=True, why="it has had its turn")


def _asked(found: Looked, row: Release, state: states.State, at: float) -> Iterator[Command]:
    """What the rollout asks of a release now; asking again under the same id changes nothing."""
    gate = rollout_of(state)
    if found.view.stop:
        if not _turning(state):
            key = f"{gate}:{row.id}:stop"
            yield Command(key, row.id, "abort", ACTOR, found.view.stop, at)
        return
    if not found.asked:
        return
    key, last = f"{gate}:{row.id}:{len(found.asked)}", found.asked[-1]
    # Only what a rollout paused does it resume: a person's pause stays until a person ends it.
    paused_by_us = state.phase is states.Phase.PAUSED and state.who == ACTOR
    if found.view.paused and state.phase is states.Phase.STEPPING:
        yield Command(key, row.id, "pause", ACTOR, f"the rollout is {last.says}", at)
    elif not found.view.paused and paused_by_us:
        yield Command(key, row.id, "resume", ACTOR, f"the rollout is {last.says}", at)


def _turning(state: states.State) -> bool:
    return state.final or state.phase is states.Phase.ROLLING_BACK
