"""What a place owes a release: the shape that is wanted, compared with what the place shows.

Level by level, so a controller that was killed anywhere goes on from the row. The order is always
the same: arms that must grow grow and get ready, then the data plane divides the requests, then
arms that must shrink shrink; so an arm has at every moment the replicas that its share needs.
(Recreate stops the arm that loses first; workers that share partitions move those instead of
requests, from the loser before to the winner.) Called by `release` and by `telford.flows`.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace

from telford.deliver import data_changes, strategies
from telford.deliver.shape import Shape
from telford.deliver.state import (
    WATCHED,
    Arm,
    Effect,
    Facts,
    Phase,
    Remove,
    ReplaceReplica,
    Route,
    Scale,
    State,
)
from telford.estate.observation import Series
from telford.estate.workload import (
    BASELINE_SUFFIX,
    PARTITIONS_VARIABLE,
    PlaceState,
    Split,
    Workload,
)

_GONE = frozenset({"stopped", "failed"})
_NONE = Arm()
ARMS = ("canary", "stable", "baseline")
# What is asked for, or (a str) what is waited for.
Answer = Effect | str


@dataclass(frozen=True, slots=True)
class _Look:
    """Everything that one comparison needs."""

    state: State
    facts: Facts
    shape: Shape

    def arm(self, name: str) -> Arm:
        found: Arm = getattr(self.facts, name)
        return found

    def wanted(self, name: str) -> int:
        found: int = getattr(self.shape, name)
        return found

    @property
    def patient(self) -> bool:
        """Whether replicas are waited for: once the shape was there, one that fails is no other."""
        return not self.state.confirmed

    @property
    def leaving(self) -> bool:
        """Whether the release is on its way to one of its two ends."""
        return self.state.phase in {Phase.PROMOTING, Phase.ROLLING_BACK}


def shape_of(state: State) -> Shape:
    """What the place should be, by the phase and the stage that a release is in."""
    policy = state.policy
    if state.phase in WATCHED:
        return strategies.stage(policy, state.step, state.desired_bp).shape
    if state.phase in {Phase.PROMOTING, Phase.PROMOTED}:
        return strategies.final(policy)
    return strategies.start(policy) if state.phase is Phase.STARTING else strategies.back(policy)


def split_of(state: State) -> Split:
    """The split that the shape asks for, at the release's generation."""
    return strategies.split(
        shape_of(state), state.service, state.generation, stable=state.stable, canary=state.canary
    )


def version_of(state: State, arm: str) -> str:
    """The version that an arm runs as."""
    if arm == "baseline":
        return state.stable + BASELINE_SUFFIX
    return state.canary if arm == "canary" else state.stable


def owed(state: State, facts: Facts) -> tuple[Effect, ...]:
    """What the place should be made to do now; each effect is idempotent."""
    return both(state, facts)[0]


def waits(state: State, facts: Facts) -> str:
    """What the release waits for, "" for nothing."""
    return both(state, facts)[1]


def both(state: State, facts: Facts) -> tuple[tuple[Effect, ...], str]:
    """`owed` and `waits`."""
    answers = tuple(_answers(state, facts))
    effects = tuple(one for one in answers if not isinstance(one, str))
    return effects, "; ".join(one for one in answers if isinstance(one, str))


def served(state: State, facts: Facts) -> bool:
    """Whether the place is in the shape that is wanted, up to the removal at the end.

    Once it was, a replica that fails is no other shape: the evidence deals with it.
    """
    look = _Look(state, facts, shape_of(state))
    if state.confirmed:
        return not any(_moved(look))
    return not any(one for step in _steps(look) for one in step(look))


def facts(
    place: PlaceState, state: State, at: float, definitions: Mapping[str, Workload] | None = None
) -> Facts:
    """What a place's state says about one release.

    `definitions` maps each arm to the workload that is meant; where the place runs the version by
    another definition, it does not have that arm (None: any definition will do).
    """
    split = next((one for one in place.splits if one.service == state.service), None)
    if split is not None and not (all(split.weights.values()) and all(split.mirror.values())):
        weights = {version: weight for version, weight in split.weights.items() if weight}
        mirror = {version: weight for version, weight in split.mirror.items() if weight}
        split = replace(split, weights=weights, mirror=mirror)
    arms = {name: _arm(place, state, name, definitions or {}) for name in ARMS}
    return Facts(at, split, **arms)


# --- the comparison ---------------------------------------------------------------------------


def _answers(state: State, facts: Facts) -> Iterator[Answer]:
    if state.final or state.phase is Phase.PLANNED:
        return
    if state.phase is Phase.STARTING:
        waiting = data_changes.waits(state.policy.data, state.data, data_changes.START)
        if waiting:
            yield waiting
            return
    look = _Look(state, facts, shape_of(state))
    for step in (*_steps(look), _remove):
        answers = tuple(step(look))
        yield from answers
        if answers:
            break
    yield from _probe(state)


def _steps(look: _Look) -> tuple[Callable[[_Look], Iterator[Answer]], ...]:
    """The order in which a place is brought into a shape; each waits for the one before."""
    if strategies.stops_first(look.state.policy):
        return (_stop, _grow, _moved)
    return (_grow, _moved, _shrink)


def _grow(look: _Look) -> Iterator[Answer]:
    """Arms that are to have more replicas get them, and are ready."""
    for name in ARMS:
        needed, arm = look.wanted(name), look.arm(name)
        if not needed:
            continue
        if arm.wanted is None or arm.wanted < needed:
            yield Scale(look.state.generation, name, needed, _partitions_kept(look, name))
        if len(arm.ready) < needed and look.patient and _waited_for(look, name):
            version = version_of(look.state, name)
            yield f"{len(arm.ready)} of {needed} replicas of {version} are ready"


def _waited_for(look: _Look, name: str) -> bool:
    """Whether requests must not move before all of an arm is ready.

    An old version that was never touched is not waited for: it may have been ill before. One that
    grows again is, for as long as a start may take; then something is better than the new version.
    """
    if name != "stable":
        return True
    policy = look.state.policy
    late = look.facts.at - look.state.clocks.phase_at > policy.start_seconds
    return strategies.shrinks(policy) and not (look.leaving and late)


def _moved(look: _Look) -> Iterator[Answer]:
    """The data plane divides requests as asked; workers have the partitions that they should."""
    policy = look.state.policy
    if look.state.phase is Phase.STARTING:
        return
    if strategies.routes(policy):
        split = split_of(look.state)
        if look.facts.split != split:
            yield Route(look.state.generation, split)
    elif policy.sharing == "partition" and not strategies.stops_first(policy):
        yield from _move_partitions(look)


def _move_partitions(look: _Look) -> Iterator[Answer]:
    """First the arm that loses some, then the other: no partition has two readers."""
    state, every = look.state, look.state.policy.partitions
    target = strategies.partitions(state.policy, look.shape)
    arms = sorted(target, key=lambda name: strategies.count(target[name], every) - _has(look, name))
    for name in arms:
        arm = look.arm(name)
        if not arm.present:
            continue
        replicas = max(look.wanted(name), arm.wanted or 0)
        if arm.partitions != target[name]:
            yield Scale(state.generation, name, replicas, target[name])
            return
        settled = arm.running == len(arm.ready) >= look.wanted(name)
        if look.patient and not settled:
            yield f"{version_of(state, name)} takes up its partitions"
            return


def _has(look: _Look, name: str) -> int:
    arm = look.arm(name)
    if not arm.present:
        return 0
    return strategies.count(arm.partitions, look.state.policy.partitions)


def _shrink(look: _Look) -> Iterator[Answer]:
    """Arms that have more replicas than they need give them back; at the end `_remove` does."""
    touched = ["canary", "baseline"]
    touched += ["stable"] if strategies.shrinks(look.state.policy) else []
    for name in touched:
        needed, arm = look.wanted(name), look.arm(name)
        if needed and arm.wanted is not None and arm.wanted > needed:
            yield Scale(look.state.generation, name, needed, arm.partitions)


def _stop(look: _Look) -> Iterator[Answer]:
    """Before the other one starts nothing of the arm that loses runs any more."""
    for name in ARMS:
        arm = look.arm(name)
        if look.wanted(name):
            continue
        if arm.wanted or (arm.present and arm.wanted is None):
            yield Scale(look.state.generation, name, 0, arm.partitions)
        if arm.running:
            yield f"{version_of(look.state, name)} has not stopped yet"


def _remove(look: _Look) -> Iterator[Answer]:
    """At the end an arm that has nothing left is removed, also where there is nothing to remove:
    the place is to know the generation, so that a start which comes late is refused there.
    """
    if not look.leaving:
        return
    if look.state.policy.baseline:
        yield Remove(look.state.generation, "baseline")
    promoted = look.state.phase is Phase.PROMOTING
    yield Remove(look.state.generation, "stable" if promoted else "canary")


def _probe(state: State) -> Iterator[Answer]:
    probe = state.probe
    if state.phase in WATCHED and probe is not None and not probe.done:
        series = Series(state.service, state.canary, probe.replica)
        yield ReplaceReplica(state.generation, series, probe.incarnation)


def _partitions_kept(look: _Look, name: str) -> str | None:
    """What an arm that grows is told: the partitions it has; a new one of the canary has none."""
    if look.state.policy.sharing != "partition" or strategies.stops_first(look.state.policy):
        return None
    if look.arm(name).present:
        return look.arm(name).partitions
    return "" if name == "canary" else strategies.partitions(look.state.policy, look.shape)[name]


# --- what a place shows -----------------------------------------------------------------------


def _arm(place: PlaceState, state: State, name: str, definitions: Mapping[str, Workload]) -> Arm:
    service, version = state.service, version_of(state, name)
    mine = [one for one in place.replicas if one.version == version and one.service == service]
    running = [one for one in mine if one.phase not in _GONE]
    works = [one for one in place.workloads if one.version == version and one.service == service]
    found = works[0] if works else None
    if found is None and not mine:
        return _NONE
    wanted = found.replicas if found is not None and _meant(found, definitions.get(name)) else None
    return Arm(
        ready=tuple(
            [(one.replica, one.incarnation or str(one.pid)) for one in mine if one.phase == "ready"]
        ),
        running=len(running),
        wanted=wanted,
        present=found is not None,
        partitions=found.env.get(PARTITIONS_VARIABLE) if found is not None else None,
        failed=bool(mine) and not running,
    )


def _meant(found: Workload, definition: Workload | None) -> bool:
    """Whether it is this definition, but for what a release changes as it goes."""
    if definition is None or found is definition:
        return True
    return _lasting(found) == _lasting(definition) and _env(found) == _env(definition)


_CHANGING = frozenset({"generation", "replicas", "env"})
_lasting = operator.attrgetter(*(one.name for one in fields(Workload) if one.name not in _CHANGING))


def _env(workload: Workload) -> dict[str, str]:
    """What its processes are told, but for their partitions."""
    return {name: text for name, text in workload.env.items() if name != PARTITIONS_VARIABLE}
