"""A rollout as its page shows it: waves of places, whose turn it is, one verdict over all of them.

Pure: what `telford.app.rollout.standing` says and the releases' phases become a sentence, boxes on a
map of places, and meters. Called by the portal's rollout pages.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from telford.app import release_page, release_prospect
from telford.app.release import Prepared
from telford.app.rollout import Standing
from telford.deliver import judging
from telford.deliver.state import FINAL, Phase, State
from telford.deliver.turns import Turn
from telford.deliver.waves import Waves
from telford.deliver.weighing import EValue
from telford.store.releases import Release


@dataclass(frozen=True, slots=True)
class Box:
    """One place; `label` is its region and cluster within the environment. `phase` is its release's; `turn` what it waits for, None once it has begun; `says`
    what its release says of itself.
    """

    place: str
    label: str
    release: str
    phase: str
    turn: Turn | None
    says: str
    share: float

    @property
    def done(self) -> bool:
        """The new version has everything there."""
        return self.phase == Phase.PROMOTED.value


@dataclass(frozen=True, slots=True)
class Group:
    """The places of one environment within a wave."""

    environment: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class WaveView:
    """One wave; `status` is done, now or ahead."""

    number: int
    status: str
    soak_seconds: float
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """The evidence of all places together for one indicator; `share` of its bound, 0..1, on a
    logarithmic scale.
    """

    indicator: str
    value: EValue
    share: float


@dataclass(frozen=True, slots=True)
class RolloutPage:
    """Everything that the page says; `state` is the name of a mark."""

    standing: Standing
    sentence: str
    state: str
    waves: tuple[WaveView, ...]
    evidence: tuple[Together, ...]
    done: int
    total: int


def page(found: Standing, rows: Mapping[str, Release]) -> RolloutPage:
    """`rows` is each place's release."""
    turns = {turn.place: turn for turn in found.view.turns}
    waves = tuple(
        _wave(found, number, [_box(place, rows[place], turns) for place in wave.places])
        for number, wave in enumerate(found.declared.waves)
    )
    boxes = [box for wave in waves for group in wave.groups for box in group.boxes]
    return RolloutPage(
        standing=found,
        sentence=_sentence(found, boxes),
        state=state_of(found, {box.place: box.phase for box in boxes}),
        waves=waves,
        evidence=tuple(_together(one) for one in found.view.evidence),
        done=sum(box.done for box in boxes),
        total=len(boxes),
    )


def state_of(found: Standing, phases: Mapping[str, str]) -> str:
    """The rollout in one word, as marks have it."""
    if found.view.done:
        return Phase.PROMOTED.value
    if found.view.stop:
        over = all(phase in {one.value for one in FINAL} for phase in phases.values())
        return Phase.ROLLED_BACK.value if over else Phase.ROLLING_BACK.value
    begun = any(phase != Phase.PLANNED.value for phase in phases.values())
    return Phase.STEPPING.value if begun else Phase.PLANNED.value


def _sentence(found: Standing, boxes: Sequence[Box]) -> str:
    one, view = found.rollout, found.view
    what = f"{one.name} {one.to_version}"
    done = sum(box.done for box in boxes)
    if view.done:
        return f"{what} is in force in all {len(boxes)} places."
    if view.stop:
        back = f"; {', '.join(view.undo)} get their old version back" if view.undo else ""
        return f"{what} turns back in every place: {view.stop}{back}."
    count = len(found.declared.waves)
    now = [box for box in boxes if box.turn is None and not box.done]
    where = ", ".join(box.place for box in now) or "no place yet"
    wave = min(view.wave + 1, count)
    return f"{what} is in {done} of {len(boxes)} places, in wave {wave} of {count}; now in {where}."


def _wave(found: Standing, number: int, boxes: Sequence[Box]) -> WaveView:
    current = found.view.wave
    status = "done" if number < current else "now" if number == current else "ahead"
    names = dict.fromkeys(box.place.partition("/")[0] for box in boxes)
    groups = tuple(
        Group(name, tuple(box for box in boxes if box.place.partition("/")[0] == name))
        for name in names
    )
    soak = found.declared.waves[number].soak_seconds
    return WaveView(number + 1, status, soak, groups)


def _box(place: str, row: Release, turns: Mapping[str, Turn]) -> Box:
    state = State.from_json(row.state)
    waits = turns.get(place)
    share = 1.0 if state.phase is Phase.PROMOTED else state.desired_bp / 10_000
    return Box(
        place=place,
        label=place.partition("/")[2] or place,
        release=row.id,
        phase=row.phase,
        turn=waits,
        says=_says(row, state, waits),
        share=share,
    )


def _says(row: Release, state: State, waits: Turn | None) -> str:
    if waits is not None and not waits.open:
        until = ""
        if waits.until is not None:
            at = datetime.fromtimestamp(waits.until, UTC).strftime("%H:%M:%S UTC")
            until = f" ({at})"
        opens = f"; begins {waits.opens}{until}" if waits.opens else ""
        return f"{waits.why}{opens}"
    if waits is not None:
        return "its turn: it begins at the next tick"
    if state.final or state.phase is Phase.ROLLING_BACK:
        return state.reason
    return release_page.page(row, (), row.updated_at).sentence


def _together(one: EValue) -> Together:
    """Evidence grows by factors: its logarithm over the bound's is how far it has come."""
    share = 0.0
    if one.log_e > 0 and one.log_bound > 0:
        share = 1.0 if math.isinf(one.log_e) else min(one.log_e / one.log_bound, 1.0)
    return Together(one.indicator, one, share)


def plan(declared: Waves, prepared: Mapping[str, Prepared]) -> tuple[str, ...]:
    """What a rollout would do, in sentences, before it does it."""
    said = []
    for number, wave in enumerate(declared.waves, start=1):
        soak = wave.soak_seconds
        after = f", then it is looked at for {judging.duration(soak)}" if soak else ""
        said.append(f"Wave {number}: {', '.join(wave.places)}{after}.")
    most = declared.at_most_unavailable
    said.append(f"At most {most} place{'s' * (most != 1)} may be under way or unavailable at once.")
    ending = (
        "those that had finished too" if declared.on_failure == "rollback" else "no finished one"
    )
    said.append(
        "One place that turns back, or the evidence of all places together, turns every place "
        f"back, {ending}. That happens wrongly in at most {declared.alpha * 100:g}% of rollouts."
    )
    first = prepared[declared.places[0]]
    said += [f"In each place: {line}" for line in release_prospect.steps(first)[:2]]
    return (*said, "Your name and reason go into the audit log.")
