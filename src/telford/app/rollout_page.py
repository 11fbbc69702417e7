"""A rollout as its page shows it: waves of places, whose turn it is, one verdict over all of them.

What `telford.app.rollout.standing` says becomes a sentence, boxes on a map of places, and meters;
a list of rollouts becomes a line each. Called by the portal's rollout pages and the command line.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from telford.app import release_page, release_prospect, rollout, rollout_acts
from telford.app.release import Prepared
from telford.app.rollout import Standing
from telford.deliver import judging
from telford.deliver import waves as rules
from telford.deliver.state import Phase, State
from telford.deliver.turns import Asked, Turn
from telford.deliver.waves import Member, View, Waves
from telford.deliver.weighing import EValue
from telford.store.releases import Brief, Release
from telford.store.rollouts import Rollout
from telford.store.store import Store


@dataclass(frozen=True, slots=True)
class Box:
    """One place; `label` is its region and cluster within the environment. `phase` is its
    release's, `back` the release that takes it back, where one does; `turn` what it waits for, None
    once it has begun; `says` what its release says of itself; `share` what the new version serves.
    """

    place: str
    label: str
    release: str
    phase: str
    turn: Turn | None
    says: str
    share: float
    back: Brief | None = None

    @property
    def done(self) -> bool:
        """The new version has everything there."""
        return self.phase == Phase.PROMOTED.value and self.back is None

    @property
    def shown(self) -> str:
        """The phase that its mark shows: what happened last."""
        if self.back is None:
            return self.phase
        return _BACKS.get(self.back.phase, Phase.ROLLING_BACK.value)


# How a release that takes another one back looks from the rollout: where it ended elsewhere, the
# new version is there still.
_BACKS = {
    Phase.PROMOTED.value: Phase.ROLLED_BACK.value,
    **dict.fromkeys(
        (Phase.ABORTED.value, Phase.FAILED.value, Phase.ROLLED_BACK.value), Phase.FAILED.value
    ),
}


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
    acts: tuple[rollout_acts.Act, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """One rollout in a list."""

    rollout: Rollout
    sentence: str
    state: str
    done: int
    total: int


def page(found: Standing) -> RolloutPage:
    """One rollout, whole."""
    turns = {turn.place: turn for turn in found.view.turns}
    waves = tuple(
        _wave(found, number, [_box(place, found, turns) for place in wave.places])
        for number, wave in enumerate(found.declared.waves)
    )
    short = line(found)
    return RolloutPage(
        standing=found,
        sentence=short.sentence,
        state=short.state,
        waves=waves,
        evidence=tuple(_together(one) for one in found.view.evidence),
        done=short.done,
        total=short.total,
        acts=rollout_acts.acts(found),
    )


def line(found: Standing) -> Line:
    """One rollout, in short."""
    return _line(found.rollout, found.view, found.phases, found.backs)


def lines(store: Store, rollouts: Sequence[Rollout], now: float) -> tuple[Line, ...]:
    """Each of them in a line. Of those that are over only phases are read: their evidence is of no
    consequence any more, and to read it costs milliseconds each.
    """
    keys = [key for one in rollouts for key in one.releases.values()]
    briefs = store.releases.briefs([*keys, *(f"{key}{rollout.BACK}" for key in keys)])
    asked = store.rollouts.asked(one.id for one in rollouts)
    ended = {
        one.id: _ended(one, briefs, asked[one.id], now) for one in rollouts if _over(one, briefs)
    }
    others = [one for one in rollouts if one.id not in ended]
    for found in rollout.standings(store, others, now):
        ended[found.rollout.id] = line(found)
    return tuple(ended[one.id] for one in rollouts)


def _over(one: Rollout, briefs: Mapping[str, Brief]) -> bool:
    phases = [briefs[key].phase for key in one.releases.values()]
    return rollout.over(phases, rollout.back_of(one, briefs).values())


def _ended(one: Rollout, briefs: Mapping[str, Brief], asked: tuple[Asked, ...], now: float) -> Line:
    mine = {place: briefs[key] for place, key in one.releases.items()}
    members = {
        place: Member(place, Phase(brief.phase), finished_at=brief.finished_at)
        for place, brief in mine.items()
    }
    view = rules.look(Waves.from_json(one.waves), members, now, asked)
    phases = {place: brief.phase for place, brief in mine.items()}
    return _line(one, view, phases, rollout.back_of(one, briefs))


def _line(one: Rollout, view: View, phases: Mapping[str, str], backs: Mapping[str, Brief]) -> Line:
    done = [
        place
        for place, phase in phases.items()
        if phase == Phase.PROMOTED.value and place not in backs
    ]
    sentence = _sentence(one, view, phases, backs)
    state = _state(view, phases, backs)
    return Line(one, sentence, state, len(done), len(phases))


def _state(view: View, phases: Mapping[str, str], backs: Mapping[str, Brief]) -> str:
    """The rollout in one word, as marks have it."""
    if view.stop or backs:
        if not rollout.over(phases.values(), backs.values()):
            return Phase.ROLLING_BACK.value
        return Phase.ABORTED.value if view.aborted else Phase.ROLLED_BACK.value
    if view.done:
        return Phase.PROMOTED.value
    if view.paused:
        return Phase.PAUSED.value
    begun = any(phase != Phase.PLANNED.value for phase in phases.values())
    return Phase.STEPPING.value if begun else Phase.PLANNED.value


def _sentence(
    one: Rollout, view: View, phases: Mapping[str, str], backs: Mapping[str, Brief]
) -> str:
    what = f"{one.name} {one.to_version}"
    places = f"{len(phases)} places"
    if view.stop or backs:
        return _turned(what, view, phases, backs)
    if view.done:
        return f"{what} is in force in all {places}."
    done = [place for place, phase in phases.items() if phase == Phase.PROMOTED.value]
    begun = [
        place
        for place, phase in phases.items()
        if phase not in {Phase.PLANNED.value, Phase.PROMOTED.value}
    ]
    count = len(one.waves["waves"])
    wave = min(view.wave + 1, count)
    where = ", ".join(begun) or "no place yet"
    paused = f"; the rollout is {view.paused}" if view.paused else ""
    return (
        f"{what} is in {len(done)} of {places}, in wave {wave} of {count}; now in {where}{paused}."
    )


def _turned(what: str, view: View, phases: Mapping[str, str], backs: Mapping[str, Brief]) -> str:
    """It turns back, or has: why, and what of places that had finished."""
    over = rollout.over(phases.values(), backs.values())
    why = f": {view.stop}" if view.stop else ""
    said = [f"{what} {'turned' if over else 'turns'} back{why}"]
    given = [place for place, back in backs.items() if back.phase == Phase.PROMOTED.value]
    owed = [place for place in view.undo if place not in given]
    kept = [
        place
        for place, phase in phases.items()
        if phase == Phase.PROMOTED.value and place not in backs and place not in owed
    ]
    if given:
        said.append(f"{', '.join(given)} got the old version back")
    if owed:
        gets = "gets" if len(owed) == 1 else "get"
        said.append(f"{', '.join(owed)} {gets} the old version back")
    if kept:
        said.append(f"{', '.join(kept)} {'keeps' if len(kept) == 1 else 'keep'} the new one")
    return "; ".join(said) + "."


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


def _box(place: str, found: Standing, turns: Mapping[str, Turn]) -> Box:
    row, back = found.rows[place], found.backs.get(place)
    state = State.from_json(row.state)
    waits = turns.get(place)
    share = 1.0 if state.phase is Phase.PROMOTED else state.desired_bp / 10_000
    if back is not None and back.phase == Phase.PROMOTED.value:
        share = 0.0
    return Box(
        place=place,
        label=place.partition("/")[2] or place,
        release=back.id if back else row.id,
        phase=row.phase,
        turn=waits,
        says=_gone(row, back) if back else _says(row, state, waits),
        share=share,
        back=back,
    )


def _gone(row: Release, back: Brief) -> str:
    """What the release does that takes a finished one back."""
    if back.phase == Phase.PROMOTED.value:
        return f"it had {row.to_version}, and got {back.to_version} back"
    if back.finished_at is not None:
        return f"{back.to_version} did not come back: its release is {back.phase}"
    return f"it had {row.to_version}, and gets {back.to_version} back"


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
