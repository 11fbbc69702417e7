"""A release's next step: `next_step(state, observation, now) -> Step`, pure.

One loop calls, each tick and for each release: `confirm` with what the place is seen to be,
`next_step` with what was counted and how the gates stand, then stores state and ledger entry in one
transaction and asks the place for what `owing` says that it owes. That follows from the state and
the place alone, so a controller that was killed anywhere goes on from the row. `begin` makes the
first state; `hands` is for people.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from telford.basics.errors import RefusedError
from telford.deliver import (
    binomial,
    data_changes,
    exposure,
    judging,
    mixture,
    owing,
    strategies,
    transitions,
    verdicts,
    weighing,
)
from telford.deliver import gates as gating
from telford.deliver.gates import GateView
from telford.deliver.judging import Judgement
from telford.deliver.policy import Policy, problems
from telford.deliver.state import (
    WATCHED,
    Cause,
    Clocks,
    Decision,
    Facts,
    Harm,
    Phase,
    Probe,
    State,
    Step,
)
from telford.deliver.weighing import Counts, EValue
from telford.estate.observation import Observation

Values = tuple[EValue, ...]


def begin(
    policy: Policy,
    *,
    release: str,
    service: str,
    stable: str,
    canary: str,
    generation: int,
    at: float,
) -> State:
    """The state of a release that is planned. `generation` is the highest the service has seen.

    Raises `RefusedError` where the policy has problems or both versions are the same.
    """
    found = problems(policy)
    if found:
        raise RefusedError("the policy contradicts itself: " + "; ".join(found))
    if stable == canary:
        raise RefusedError(f"{service} already runs version {canary}: nothing to release")
    return State(
        policy=policy,
        release=release,
        service=service,
        stable=stable,
        canary=canary,
        phase=Phase.PLANNED,
        generation=generation,
        clocks=Clocks(phase_at=at),
        evidence=tuple(weighing.begin(policy, one) for one in policy.indicators),
        harm=tuple(Harm(one.name) for one in policy.indicators),
        split=mixture.start(len(binomial.SPLIT_ODDS)),
        started_at=at,
        reason="planned",
    )


def next_step(
    state: State,
    observation: Observation | None,
    now: float,
    gates: tuple[GateView, ...] | None = None,
    budget_left: Mapping[str, float] | None = None,
) -> Step:
    """One tick: weigh what was counted, judge, and say what is to be done. Pure.

    `observation` is None where nothing could be read; missing data never count as failures. `now`
    is in epoch seconds. `gates` are how the gates stand now (None: as they stood), `budget_left`
    the bad requests that each indicator's objective still allows in its period. Raises
    `RefusedError` for a tick that was already decided.
    """
    if state.final:
        over = verdicts.later(state, _nothing(state), judging.all_values(state))
        return Step(state, over, None)
    tick = observation.tick if observation else state.tick + 1
    if tick <= state.tick:
        raise RefusedError(f"tick {tick} of {state.release} was already decided")
    told = state if gates is None else replace(state, gates=gates)
    counts = _counts(told, observation)
    why = _why_not(told, counts)
    seen = _see(told, observation, tick, counts, now)
    if not why:
        seen |= _weigh(told, counts)
    weighed = replace(told, **seen)
    values = judging.all_values(weighed)
    judgement = _judged(weighed, values, now, why)
    after = _apply(weighed, judgement, now)
    if observation is not None and judgement.decision is Decision.CONTINUE:
        after = _choose_weight(after, observation, state.at, budget_left or {})
    entry = verdicts.entry(weighed, observation, now, why, judgement, values)
    return Step(after, verdicts.later(weighed, judgement, values), entry)


def judge(state: State, now: float, why: str) -> Judgement:
    """What a state's evidence says at `now`; `why` the tick was not counted, "" where it was."""
    return _judged(state, judging.all_values(state), now, why)


def confirm(state: State, facts: Facts) -> State:
    """The state after a look at the place: level-based, so calling it again changes nothing."""
    if state.final:
        return state
    ready = facts.canary.ready
    seen = _settle(state if state.replicas == ready else replace(state, replicas=ready), facts)
    if facts.canary.failed and state.phase in WATCHED | {Phase.STARTING}:
        return _failed(seen, facts.at)
    return _CONFIRMS.get(state.phase, _unchanged)(seen, facts)


# --- one tick ---------------------------------------------------------------------------------


def _counts(state: State, observation: Observation | None) -> tuple[Counts, ...]:
    if observation is None or state.phase not in WATCHED:
        return ()
    policy = state.policy
    return weighing.count(
        policy,
        observation,
        state.stable,
        state.canary,
        strategies.stage(policy, state.step, state.desired_bp),
        weighing.warming(state.young, observation, state.at, policy.warmup_seconds),
    )


def _why_not(state: State, counts: tuple[Counts, ...]) -> str:
    """Why this tick's counts are not weighed; "" where they are."""
    clocks, policy = state.clocks, state.policy
    if state.phase not in WATCHED:
        return f"{state.phase.value}: nothing is compared"
    if not strategies.judged(policy, state.step):
        return "nothing is compared at this stage"
    if not counts:
        return "no counts from both versions"
    if clocks.confirmed_at is None:
        return "the weight is not confirmed"
    if state.probe is not None and not state.probe.done:
        return "a replica is being replaced"
    if state.at is None or state.at < clocks.confirmed_at + policy.warmup_seconds:
        return "warm-up: the tick began before it was over"
    return ""


def _see(
    state: State,
    observation: Observation | None,
    tick: int,
    counts: tuple[Counts, ...],
    now: float,
) -> dict[str, Any]:
    """What a tick changes in a state whatever it says: its harm, who is young, that there were
    data; by the names of the state's fields.
    """
    fresh_at = state.clocks.fresh_at
    if state.confirmed and state.phase in WATCHED and not _compares(state):
        fresh_at = now  # Where nothing is counted, nothing can be missing.
    elif observation and state.confirmed and weighing.complete(state.policy, counts):
        fresh_at = observation.at
    seen: dict[str, Any] = {"tick": tick, "clocks": replace(state.clocks, fresh_at=fresh_at)}
    if observation is None:
        return seen
    return seen | {
        "at": observation.at,
        "harm": tuple([_add_harm(one, state, observation) for one in state.harm]),
        "young": weighing.grow(state.young, observation, state.policy.warmup_seconds),
    }


def _compares(state: State) -> bool:
    return strategies.judged(state.policy, state.step)


def _add_harm(harm: Harm, state: State, observation: Observation) -> Harm:
    sums = {state.stable: harm.stable, state.canary: harm.canary}
    for tally in observation.tallies:
        if tally.sli == harm.indicator and tally.series.version in sums:
            requests, bad = sums[tally.series.version]
            sums[tally.series.version] = (requests + tally.total, bad + tally.bad)
    return Harm(harm.indicator, sums[state.stable], sums[state.canary])


def _weigh(state: State, counts: tuple[Counts, ...]) -> dict[str, Any]:
    """The evidence after a tick that counts, by the names of the state's fields."""
    found = {one.indicator: one for one in counts}
    evidence = tuple(
        weighing.weigh(state.policy, indicator, before, found[indicator.name])
        if indicator.name in found
        else before
        for indicator, before in zip(state.policy.indicators, state.evidence, strict=True)
    )
    first, split = counts[0], state.split
    asked = strategies.stage(state.policy, state.step, state.desired_bp).asked_share
    if asked is not None and not first.gaps and state.cause is not Cause.SPLIT:
        split = binomial.update_split(split, first.canary[0], first.stable[0], asked)
    return {"evidence": evidence, "split": split}


def _choose_weight(
    state: State, observation: Observation, began: float | None, budget_left: Mapping[str, float]
) -> State:
    """A higher weight within the stage, where weights are chosen as they go and it is worth it.

    `began` is when the tick did. Until the next verdict can be told, a warm-up and a tick go by.
    """
    policy, ticking = state.policy, state.phase is Phase.STEPPING and state.confirmed
    if policy.exposure_share <= 0 or not ticking or began is None or observation.at <= began:
        return state
    seconds = observation.at - began
    ceiling = strategies.stages(policy)[state.step].shape.canary_bp
    first = policy.indicators[0].name
    total = sum(one.total for one in observation.tallies if one.sli == first)
    weight = exposure.next_weight(
        policy,
        state.evidence,
        ceiling_bp=ceiling,
        budget_left=budget_left,
        rps=total / seconds,
        seconds=policy.warmup_seconds + seconds,
    )
    if exposure.worth(state.desired_bp, weight.bp, ceiling):
        return transitions.reweigh(state, weight.bp, observation.at, weight.reason)
    return replace(state, reason=weight.reason) if not weight.bp else state


def _nothing(state: State) -> Judgement:
    return Judgement(Decision.CONTINUE, state.reason)


def _nothing_yet(state: State, values: Values, now: float, why: str) -> Judgement:
    return _nothing(state)


def _judge_planned(state: State, values: Values, now: float, why: str) -> Judgement:
    shut = gating.closed(state.gates, "start")
    if shut:
        return Judgement(Decision.CONTINUE, judging.gate_sentence(shut[0]))
    return Judgement(Decision.CONTINUE, f"starting version {state.canary}")


def _judge_starting(state: State, values: Values, now: float, why: str) -> Judgement:
    waiting = _waits_for_data(state)
    if waiting:
        return Judgement(Decision.CONTINUE, waiting)
    if now - state.clocks.phase_at <= state.policy.start_seconds:
        return _nothing(state)
    limit = judging.duration(state.policy.start_seconds)
    return Judgement(Decision.ROLLBACK, f"the new version was not ready within {limit}")


def _waits_for_data(state: State) -> str:
    declared = state.policy.data
    return data_changes.waits(declared, state.data, data_changes.START) or data_changes.waits(
        declared, state.data, data_changes.SWITCH
    )


_JUDGES: dict[Phase, Callable[[State, Values, float, str], Judgement]] = {
    Phase.PLANNED: _judge_planned,
    Phase.STARTING: _judge_starting,
    **dict.fromkeys(WATCHED, judging.judge),
}


def _judged(state: State, values: Values, now: float, why: str) -> Judgement:
    """The same as `judge`, of a state whose e-values are known."""
    return _forward(state, _JUDGES.get(state.phase, _nothing_yet)(state, values, now, why))


def _forward(state: State, judgement: Judgement) -> Judgement:
    """Where data cannot go back, neither can the release: it holds, and says why."""
    if judgement.decision is not Decision.ROLLBACK:
        return judgement
    why = data_changes.forward_fix(state.policy.data, state.data)
    if not why:
        return judgement
    cause = Cause.DATA if state.phase in WATCHED else Cause.NONE
    return Judgement(Decision.HOLD, f"{judgement.reason}; but {why}", cause)


def _apply(state: State, judgement: Judgement, now: float) -> State:
    """The state that a judgement leads to."""
    reason = judgement.reason
    if judgement.decision is Decision.ROLLBACK:
        outcome = Phase.FAILED if state.phase is Phase.STARTING else Phase.ROLLED_BACK
        return transitions.roll_back(state, now, reason, outcome)
    if judgement.decision is Decision.PROMOTE:
        return transitions.promote(state, now, reason)
    if judgement.decision is Decision.ADVANCE:
        return transitions.advance(state, state.step + 1, now, reason)
    if judgement.probe is not None:
        return replace(state, probe=judgement.probe, reason=reason)
    if state.phase is Phase.PLANNED and not gating.closed(state.gates, "start"):
        return transitions.enter(state, Phase.STARTING, now, reason)
    if judgement.decision is Decision.HOLD:
        return _hold(state, judgement, now)
    if state.phase is Phase.HELD:
        return replace(transitions.enter(state, Phase.STEPPING, now, reason), cause=Cause.NONE)
    return replace(state, reason=reason)


def _hold(state: State, judgement: Judgement, now: float) -> State:
    if judgement.cause is Cause.NONE or state.phase is Phase.PAUSED:
        return replace(state, reason=judgement.reason)
    held = state if state.phase is Phase.HELD else transitions.enter(state, Phase.HELD, now, "")
    return replace(held, cause=judgement.cause, reason=judgement.reason)


# --- looks at the place -----------------------------------------------------------------------


def _settle(state: State, facts: Facts) -> State:
    """Whether the place is in the shape that is wanted, at our generation."""
    if state.phase in {Phase.PLANNED, Phase.STARTING}:
        return state
    served = owing.served(state, facts)
    if served == state.confirmed:
        return state
    clocks = replace(state.clocks, confirmed_at=facts.at if served else None)
    if served and clocks.deadline_from is None:
        clocks = replace(clocks, deadline_from=facts.at)
    return replace(state, clocks=clocks)


def _failed(state: State, at: float) -> State:
    """All replicas of the new version have given up."""
    reason = "the new version does not stay up"
    starting = state.phase is Phase.STARTING
    judgement = _forward(state, Judgement(Decision.ROLLBACK, reason))
    if judgement.decision is Decision.HOLD:
        return _hold(state, judgement, at)
    outcome = Phase.FAILED if starting else Phase.ROLLED_BACK
    return transitions.roll_back(state, at, reason, outcome)


def _confirm_starting(state: State, facts: Facts) -> State:
    waiting = _waits_for_data(state)
    if waiting:  # Its time to get ready begins when it may start.
        clocks = replace(state.clocks, phase_at=facts.at)
        return replace(state, clocks=clocks, reason=waiting)
    if not owing.served(state, facts):
        return state
    return transitions.advance(state, 0, facts.at, f"version {state.canary} is ready")


def _confirm_watched(state: State, facts: Facts) -> State:
    probe = state.probe
    if probe is None or probe.done or not _replaced(state, probe):
        return state
    fresh = tuple(
        weighing.restart_bad(state.policy, indicator, one)
        for indicator, one in zip(state.policy.indicators, state.evidence, strict=True)
    )
    clocks = state.clocks
    if state.confirmed:
        clocks = replace(clocks, confirmed_at=facts.at, deadline_from=facts.at, fresh_at=facts.at)
    return replace(
        state,
        probe=replace(probe, done=True),
        evidence=fresh,
        rollback_epoch=state.rollback_epoch + 1,
        clocks=clocks,
        reason=f"replica {probe.replica} was replaced: looking again",
    )


def _replaced(state: State, probe: Probe) -> bool:
    """All canary replicas are ready, and the suspect is not among them as it was."""
    enough = len(state.replicas) >= owing.shape_of(state).canary
    return enough and (probe.replica, probe.incarnation) not in state.replicas


def _confirm_promoting(state: State, facts: Facts) -> State:
    if not state.confirmed or not facts.stable.gone or not facts.baseline.gone:
        return state
    return transitions.enter(state, Phase.PROMOTED, facts.at, state.reason)


def _confirm_rolling_back(state: State, facts: Facts) -> State:
    if not state.confirmed or not facts.canary.gone or not facts.baseline.gone:
        return state
    return transitions.enter(state, state.outcome or Phase.ROLLED_BACK, facts.at, state.reason)


def _unchanged(state: State, facts: Facts) -> State:
    return state


_CONFIRMS: dict[Phase, Callable[[State, Facts], State]] = {
    Phase.STARTING: _confirm_starting,
    **dict.fromkeys(WATCHED, _confirm_watched),
    Phase.PROMOTING: _confirm_promoting,
    Phase.ROLLING_BACK: _confirm_rolling_back,
}
