"""Waves: one version on its way through several places, with one verdict over all of them.

Each place has a release of its own; this says when it may begin, and when all must end. The level
`alpha` of a wrong rollback is of the whole rollout: a part of it (`together`) is spent by the
evidence of all places taken together, the rest is split equally over the places, whose releases
are judged as they always are. Places see different requests on different replicas, so under the
null (no place's new version is worse) their e-values are independent and their product is one
again, at every peek; with the union bound over both parts a rollout of a version that is as good
as the old one is rolled back somewhere with probability at most `alpha`. A fault too weak for any
single place shows in the product.

Nothing is decided twice and nothing is remembered: `look` derives everything from the releases as
they stand and from what people asked of the rollout, so controllers of different places need not
talk. Who may begin follows from the
declared order, so two that look at the same moment never both take the last free turn.
Called by `telford.flows.waves`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from telford.deliver import codec, mixture
from telford.deliver.judging import duration, odds
from telford.deliver.state import Phase
from telford.deliver.turns import Asked, Turn
from telford.deliver.weighing import EValue

_ROUNDING = 1e-9
ON_FAILURE = ("rollback", "stop")
_BEFORE = frozenset({Phase.PLANNED})
_BAD_ENDS = frozenset({Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED})
_TURNING_BACK = _BAD_ENDS | {Phase.ROLLING_BACK}


@dataclass(frozen=True, slots=True)
class Wave:
    """Places that may be under way at the same time, and how long they are looked at afterwards."""

    places: tuple[str, ...]
    soak_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Waves:
    """What a rollout declares before it starts.

    `alpha` is the probability of a wrong rollback of the whole rollout, `together` the part of it
    for the evidence of all places together; `at_most_unavailable` the number of places that may be
    under way or unavailable at once. When one place turns back, all that are under way do; with
    `on_failure` "rollback" also those that had finished get their old version back.
    `indicators` are (name, part of alpha) pairs whose parts sum to at most 1.
    """

    waves: tuple[Wave, ...]
    alpha: float = 0.01
    together: float = 0.5
    at_most_unavailable: int = 1
    on_failure: str = "rollback"
    indicators: tuple[tuple[str, float], ...] = (("errors", 1.0),)

    @property
    def places(self) -> tuple[str, ...]:
        """All of them, in the declared order."""
        return tuple(place for wave in self.waves for place in wave.places)

    @property
    def place_alpha(self) -> float:
        """What the release of one place may spend of alpha."""
        return self.alpha * (1 - self.together) / len(self.places)

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` gives back an equal value."""
        plain: dict[str, Any] = codec.encode(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Waves":
        """Raises `UsageError` where a key is unknown or a value has the wrong type."""
        return codec.decode(cls, data)


@dataclass(frozen=True, slots=True)
class Member:
    """One place's release as it stands.

    `logs` maps an indicator to the natural logarithm of its rollback evidence; `unavailable` says
    why the service cannot be counted on in this place, "" where it can; `finished_at` is epoch
    seconds.
    """

    place: str
    phase: Phase
    logs: Mapping[str, float] = field(default_factory=dict)
    unavailable: str = ""
    finished_at: float | None = None

    @property
    def waiting(self) -> bool:
        """It has not begun."""
        return self.phase in _BEFORE

    @property
    def done(self) -> bool:
        """Everybody there has the new version."""
        return self.phase is Phase.PROMOTED

    @property
    def under_way(self) -> bool:
        """Begun and not over."""
        return not (self.waiting or self.done or self.phase in _BAD_ENDS)


@dataclass(frozen=True, slots=True)
class View:
    """A rollout as it stands. `wave` counts from 0 and is the first that is not finished (the
    number of waves when all are). `stop` says why everything under way must turn back, "" while
    nothing must; `undo` are the finished places that must get their old version back. `paused` says
    who keeps it where it is, and why; "" where nobody does. `done`: every place has the new version.
    """

    wave: int
    turns: tuple[Turn, ...]
    evidence: tuple[EValue, ...]
    stop: str
    undo: tuple[str, ...]
    paused: str = ""
    aborted: bool = False
    done: bool = False


def problems(waves: Waves) -> tuple[str, ...]:
    """Every way in which the declaration contradicts itself, as sentences."""
    return tuple(_problems(waves))


def look(
    waves: Waves, members: Mapping[str, Member], now: float, asked: Sequence[Asked] = ()
) -> View:
    """The rollout at `now` (epoch seconds). `members` holds every declared place, `asked` what
    people asked of it, in that order.
    """
    evidence = together(waves, members)
    abort = next((one for one in asked if one.verb == "abort"), None)
    stop = abort.says if abort else _stop(evidence, members)
    keeps = abort.keep if abort else waves.on_failure != "rollback"
    undo = [place for place in waves.places if stop and not keeps and members[place].done]
    last = asked[-1] if asked else None
    paused = last.says if last and last.verb == "pause" and not stop else ""
    current = _current(waves, members, now)
    closed = _closed(stop, paused)
    return View(
        wave=current,
        turns=tuple(_turns(waves, members, current, closed, now)),
        evidence=evidence,
        stop=stop,
        undo=tuple(undo),
        paused=paused,
        aborted=abort is not None,
        done=not stop and all(one.done for one in members.values()),
    )


def together(waves: Waves, members: Mapping[str, Member]) -> tuple[EValue, ...]:
    """The product of all places' rollback evidence, an e-value an indicator."""
    return tuple(
        EValue(
            "together",
            name,
            math.fsum(one.logs.get(name, 0.0) for one in members.values()),
            mixture.log_bound(waves.alpha * waves.together * part),
        )
        for name, part in waves.indicators
    )


def _stop(evidence: tuple[EValue, ...], members: Mapping[str, Member]) -> str:
    turned = [place for place, one in members.items() if one.phase in _TURNING_BACK]
    if turned:
        return f"{', '.join(turned)}: {members[turned[0]].phase.value}"
    crossed = [one for one in evidence if one.crossed]
    return "; ".join(
        f"{one.indicator}: worse than the stable version at {odds(one.log_e)} over all places "
        f"together (bound {odds(one.log_bound)})"
        for one in crossed
    )


def _closed(stop: str, paused: str) -> tuple[str, str] | None:
    """Why no place may begin whatever its turn, and what opens that; None where nothing is so."""
    if stop:
        return f"the rollout turns back ({stop})", ""
    return (f"the rollout is {paused}", "when somebody resumes it") if paused else None


def _current(waves: Waves, members: Mapping[str, Member], now: float) -> int:
    """The first wave that is not over, its soak included."""
    for number, wave in enumerate(waves.waves):
        opens = _open_at(wave, members)
        if opens is None or now < opens:
            return number
    return len(waves.waves)


def _open_at(wave: Wave, members: Mapping[str, Member]) -> float | None:
    """When the wave after this one may begin; None while this one is not finished."""
    if not all(members[place].done for place in wave.places):
        return None
    ends = [members[place].finished_at or 0.0 for place in wave.places]
    return max(ends) + wave.soak_seconds


def _turns(
    waves: Waves,
    members: Mapping[str, Member],
    current: int,
    closed: tuple[str, str] | None,
    now: float,
) -> Iterator[Turn]:
    for number, wave in enumerate(waves.waves):
        rank = 0
        for place in wave.places:
            if not members[place].waiting:
                continue
            if closed is not None:
                yield Turn(place, open=False, why=closed[0], opens=closed[1])
            elif number > current:
                yield _later(waves, members, place, number, current)
            else:
                yield _now(waves, members, place, rank)
            # One that is unavailable is counted as such already.
            rank += not members[place].unavailable


def _later(
    waves: Waves, members: Mapping[str, Member], place: str, number: int, current: int
) -> Turn:
    """A wave before this one is not over."""
    wave, count = waves.waves[current], len(waves.waves)
    until = _open_at(wave, members)
    if until is not None and number == current + 1:
        soak = duration(wave.soak_seconds)
        why = f"wave {current + 1} of {count} is finished and is looked at for {soak}"
        return Turn(place, open=False, why=why, opens="when that time is over", until=until)
    left = ", ".join(
        f"{one} is {members[one].phase.value}" for one in wave.places if not members[one].done
    )
    why = f"wave {current + 1} of {count} is not finished" + (f": {left}" if left else "")
    return Turn(place, open=False, why=why, opens="when every place of it is promoted")


def _now(waves: Waves, members: Mapping[str, Member], place: str, rank: int) -> Turn:
    """The wave's turn: begin while few enough places are under way or unavailable.

    `rank` is how many places of the wave that have not begun come before this one: they have the
    turns first, whether or not they have taken them yet.
    """
    out = [
        f"{one.place} is {one.unavailable or one.phase.value}"
        for one in members.values()
        if one.place != place and (one.under_way or one.unavailable)
    ]
    if len(out) + rank < waves.at_most_unavailable:
        return Turn(place, open=True, why="its turn")
    limit = waves.at_most_unavailable
    said = "; ".join(out) or "places before it have the turn"
    why = f"{said}: at most {limit} {'place' if limit == 1 else 'places'} may be out at once"
    return Turn(place, open=False, why=why, opens="when enough places are back")


def _problems(waves: Waves) -> Iterator[str]:
    if not waves.waves:
        yield "there is no wave"
    places = waves.places
    for place in sorted({one for one in places if places.count(one) > 1}):
        yield f"{place} is in two waves"
    for number, wave in enumerate(waves.waves, start=1):
        if not wave.places:
            yield f"wave {number} names no place"
        if wave.soak_seconds < 0:
            yield f"the soak of wave {number} cannot be negative"
    if not 0 < waves.alpha < 0.5:
        yield f"alpha is {waves.alpha:g}; it must lie between 0 and 0.5"
    if not 0 < waves.together < 1:
        yield f"together is {waves.together:g}; each side needs a part of alpha"
    if waves.at_most_unavailable < 1:
        yield "at least one place must be allowed to be out, or none could ever begin"
    if waves.on_failure not in ON_FAILURE:
        yield f"on_failure is {waves.on_failure!r}; it must be one of {', '.join(ON_FAILURE)}"
    if sum(part for _, part in waves.indicators) > 1 + _ROUNDING:
        yield "the parts of alpha of the indicators must sum to at most 1"
