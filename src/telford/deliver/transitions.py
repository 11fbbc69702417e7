"""How a release goes from one phase or stage into another: each a plain function of its state.

Whoever changes the shape that is wanted asks for a new generation, unconfirmed and with fresh
clocks. Called by `release` (judgements, looks at the place) and `hands` (people).
"""

from dataclasses import replace

from telford.deliver import binomial, mixture, strategies, weighing
from telford.deliver.policy import FULL_WEIGHT
from telford.deliver.state import Cause, Clocks, Phase, State


def enter(state: State, phase: Phase, now: float, reason: str) -> State:
    """Another phase; the shape that is wanted stays."""
    return replace(state, phase=phase, reason=reason, clocks=replace(state.clocks, phase_at=now))


def ask(state: State, weight_bp: int, now: float) -> State:
    """Another shape: a new generation, unconfirmed, with fresh clocks."""
    clocks = Clocks(phase_at=state.clocks.phase_at, fresh_at=now)
    return replace(state, desired_bp=weight_bp, generation=state.generation + 1, clocks=clocks)


def advance(state: State, step: int, now: float, reason: str) -> State:
    """To the beginning of a stage (0-based)."""
    fresh = tuple(weighing.restart_good(one) for one in state.evidence)
    stepped = replace(state, step=step, evidence=fresh, cause=Cause.NONE)
    entered = enter(stepped, Phase.STEPPING, now, reason)
    weight = strategies.stages(state.policy)[step].shape.canary_bp
    if state.policy.exposure_share > 0:
        weight = state.desired_bp  # The first tick that knows the traffic chooses one.
    return ask(entered, weight, now)


def reweigh(state: State, weight_bp: int, now: float, reason: str) -> State:
    """Another weight within a stage, where weights are chosen as they go; the deadline runs on."""
    start = state.clocks.deadline_from
    asked = ask(replace(state, reason=reason), weight_bp, now)
    return replace(asked, clocks=replace(asked.clocks, deadline_from=start))


def promote(state: State, now: float, reason: str) -> State:
    """Everything to the new version."""
    return ask(enter(state, Phase.PROMOTING, now, reason), FULL_WEIGHT, now)


def roll_back(state: State, now: float, reason: str, outcome: Phase) -> State:
    """Everything to the old version; `outcome` is the phase that this ends in."""
    return replace(ask(enter(state, Phase.ROLLING_BACK, now, reason), 0, now), outcome=outcome)


def resume(state: State, now: float, reason: str) -> State:
    """Back to work: the deadline and the staleness count from now. What a person has seen and
    accepted (a split, unlike replicas) is asked again from now on.
    """
    clocks = replace(
        state.clocks, deadline_from=now if state.confirmed else None, fresh_at=now, phase_at=now
    )
    resumed = replace(state, phase=Phase.STEPPING, reason=reason, cause=Cause.NONE, clocks=clocks)
    if state.cause is Cause.SPLIT:
        split = mixture.start(len(binomial.SPLIT_ODDS))
        return replace(resumed, split=split, split_epoch=state.split_epoch + 1)
    if state.cause is Cause.UNLIKE:
        alike = tuple(weighing.restart_placebo(one) for one in state.evidence)
        return replace(resumed, evidence=alike, placebo_epoch=state.placebo_epoch + 1)
    return resumed
