"""A release's next step: `next_step(state, observation, now) -> Step`, pure.

One loop calls, each tick and for each release: `confirm` with what the place is seen to be,
`next_step` with what was counted, then carries out the `Effect`s and stores state and ledger entry
in one transaction. `owed` derives the outstanding effects from the state alone, so a controller
that was killed anywhere goes on from the row. `begin` makes the first state, `command` is for hands.
"""

from collections.abc import Callable
from dataclasses import replace

from telford.basics.errors import RefusedError, UsageError
from telford.deliver import binomial, judging, mixture, verdicts, weighing
from telford.deliver.judging import Judgement
from telford.deliver.policy import FULL_WEIGHT, Policy, problems
from telford.deliver.state import (
    WATCHED,
    Cause,
    Clocks,
    Decision,
    Effect,
    Facts,
    Harm,
    Phase,
    Probe,
    ReplaceReplica,
    SetWeight,
    StartCanary,
    State,
    Step,
    StopCanary,
    StopStable,
    Verdict,
)
from telford.deliver.weighing import Counts
from telford.estate.observation import Observation, Series
from telford.estate.workload import PlaceState

_GONE = frozenset({"stopped", "failed"})
VERBS = ("promote", "abort", "pause", "resume", "hold")


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


def next_step(state: State, observation: Observation | None, now: float) -> Step:
    """One tick: weigh what was counted, judge, and say what is to be done. Pure.

    `observation` is None where nothing could be read; missing data never count as failures. `now`
    is in epoch seconds. Raises `RefusedError` for a tick that was already decided.
    """
    if state.final:
        return Step(state, (), _verdict(state, _nothing(state)), None)
    tick = observation.tick if observation else state.tick + 1
    if tick <= state.tick:
        raise RefusedError(f"tick {tick} of {state.release} was already decided")
    counts = _counts(state, observation)
    why = _why_not(state, counts)
    weighed = _see(state, observation, tick, counts)
    if not why:
        weighed = _weigh(weighed, counts)
    values = judging.all_values(weighed)
    judgement = judge(weighed, now, why)
    after = _apply(weighed, judgement, now)
    entry = verdicts.entry(weighed, observation, now, why, judgement, values)
    return Step(after, owed(after), verdicts.verdict(weighed, judgement, values), entry)


def judge(state: State, now: float, why: str) -> Judgement:
    """What a state's evidence says at `now`; `why` the tick was not counted, "" where it was."""
    return _JUDGES.get(state.phase, _nothing_yet)(state, now, why)


def confirm(state: State, facts: Facts) -> State:
    """The state after a look at the place: level-based, so calling it again changes nothing."""
    if state.final:
        return state
    seen = _settle(replace(state, replicas=facts.canary), facts)
    if facts.canary_failed and state.phase in WATCHED | {Phase.STARTING}:
        outcome = Phase.FAILED if state.phase is Phase.STARTING else Phase.ROLLED_BACK
        return _roll_back(seen, facts.at, "the new version does not stay up", outcome)
    return _CONFIRMS.get(state.phase, _unchanged)(seen, facts)


def command(state: State, verb: str, *, who: str, reason: str, now: float) -> Step:
    """What a person asked for. Raises `RefusedError` where it is impossible now."""
    if verb not in VERBS:
        raise UsageError(f"there is no {verb}; there are {', '.join(VERBS)}")
    refusal = _refusal(state, verb)
    if refusal:
        raise RefusedError(f"cannot {verb} {state.release}: {refusal}")
    said = f"{verb} by {who}" + (f": {reason}" if reason else "")
    after = replace(_COMMANDS[verb](state, now, said), who=who)
    judgement = Judgement(_SAYS[verb], said, certificate="by hand" if verb == "promote" else "")
    return Step(after, owed(after), _verdict(state, judgement), None)


def owed(state: State) -> tuple[Effect, ...]:
    """What the place should be made to do, from the state alone; each effect is idempotent."""
    generation = state.generation
    weight = () if state.confirmed else (SetWeight(generation, state.desired_bp),)
    if state.phase is Phase.STARTING:
        return (StartCanary(generation),)
    if state.phase in WATCHED:
        return (*weight, *_owed_probe(state))
    if state.phase is Phase.PROMOTING:
        return weight or (StopStable(generation),)
    if state.phase is Phase.ROLLING_BACK:
        return weight or (StopCanary(generation),)
    return ()


def facts(place: PlaceState, state: State, at: float) -> Facts:
    """What a place's state says about one release."""
    split = next((one for one in place.splits if one.service == state.service), None)
    mine = [one for one in place.replicas if one.service == state.service]
    canary = [one for one in mine if one.version == state.canary]
    running = [one for one in canary if one.phase not in _GONE]
    return Facts(
        at=at,
        canary_bp=split.weights.get(state.canary, 0) if split else None,
        generation=split.generation if split else None,
        canary=tuple((one.replica, str(one.pid)) for one in canary if one.phase == "ready"),
        canary_running=len(running),
        stable_running=sum(one.version == state.stable and one.phase not in _GONE for one in mine),
        canary_failed=bool(canary) and not running,
    )


# --- one tick ---------------------------------------------------------------------------------


def _verdict(state: State, judgement: Judgement) -> Verdict:
    return verdicts.verdict(state, judgement, judging.all_values(state))


def _counts(state: State, observation: Observation | None) -> tuple[Counts, ...]:
    if observation is None:
        return ()
    return weighing.count(state.policy, observation, state.stable, state.canary)


def _why_not(state: State, counts: tuple[Counts, ...]) -> str:
    """Why this tick's counts are not weighed; "" where they are."""
    clocks, policy = state.clocks, state.policy
    if state.phase not in WATCHED:
        return f"{state.phase.value}: nothing is compared"
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
    state: State, observation: Observation | None, tick: int, counts: tuple[Counts, ...]
) -> State:
    """Take note of a tick: its harm, and that there were data."""
    if observation is None:
        return replace(state, tick=tick)
    clocks = state.clocks
    if state.confirmed and len(counts) == len(state.policy.indicators):
        clocks = replace(clocks, fresh_at=observation.at)
    harm = tuple(_add_harm(one, state, observation) for one in state.harm)
    return replace(state, tick=tick, at=observation.at, clocks=clocks, harm=harm)


def _add_harm(harm: Harm, state: State, observation: Observation) -> Harm:
    sums = {state.stable: harm.stable, state.canary: harm.canary}
    for tally in observation.tallies:
        if tally.sli == harm.indicator and tally.series.version in sums:
            requests, bad = sums[tally.series.version]
            sums[tally.series.version] = (requests + tally.total, bad + tally.bad)
    return replace(harm, stable=sums[state.stable], canary=sums[state.canary])


def _weigh(state: State, counts: tuple[Counts, ...]) -> State:
    found = {one.indicator: one for one in counts}
    evidence = tuple(
        weighing.weigh(state.policy, indicator, before, found[indicator.name])
        if indicator.name in found
        else before
        for indicator, before in zip(state.policy.indicators, state.evidence, strict=True)
    )
    first, split = counts[0], state.split
    if not first.gaps and state.cause is not Cause.SPLIT:
        weight = state.desired_bp / FULL_WEIGHT
        split = binomial.update_split(split, first.canary[0], first.stable[0], weight)
    return replace(state, evidence=evidence, split=split)


def _nothing(state: State) -> Judgement:
    return Judgement(Decision.CONTINUE, state.reason)


def _nothing_yet(state: State, now: float, why: str) -> Judgement:
    return _nothing(state)


def _judge_planned(state: State, now: float, why: str) -> Judgement:
    return Judgement(Decision.CONTINUE, f"starting version {state.canary}")


def _judge_starting(state: State, now: float, why: str) -> Judgement:
    if now - state.clocks.phase_at <= state.policy.start_seconds:
        return _nothing(state)
    limit = judging.duration(state.policy.start_seconds)
    return Judgement(Decision.ROLLBACK, f"the new version was not ready within {limit}")


_JUDGES: dict[Phase, Callable[[State, float, str], Judgement]] = {
    Phase.PLANNED: _judge_planned,
    Phase.STARTING: _judge_starting,
    **dict.fromkeys(WATCHED, judging.judge),
}


def _apply(state: State, judgement: Judgement, now: float) -> State:
    """The state that a judgement leads to."""
    reason = judgement.reason
    if judgement.decision is Decision.ROLLBACK:
        outcome = Phase.FAILED if state.phase is Phase.STARTING else Phase.ROLLED_BACK
        return _roll_back(state, now, reason, outcome)
    if judgement.decision is Decision.PROMOTE:
        return _promote(state, now, reason)
    if judgement.decision is Decision.ADVANCE:
        return _advance(state, state.step + 1, now, reason)
    if judgement.probe is not None:
        return replace(state, probe=judgement.probe, reason=reason)
    if state.phase is Phase.PLANNED:
        return _enter(state, Phase.STARTING, now, reason)
    if judgement.decision is Decision.HOLD:
        return _hold(state, judgement, now)
    if state.phase is Phase.HELD:
        return replace(_enter(state, Phase.STEPPING, now, reason), cause=Cause.NONE)
    return replace(state, reason=reason)


def _hold(state: State, judgement: Judgement, now: float) -> State:
    if judgement.cause is Cause.NONE or state.phase is Phase.PAUSED:
        return replace(state, reason=judgement.reason)
    held = state if state.phase is Phase.HELD else _enter(state, Phase.HELD, now, "")
    return replace(held, cause=judgement.cause, reason=judgement.reason)


# --- transitions ------------------------------------------------------------------------------


def _enter(state: State, phase: Phase, now: float, reason: str) -> State:
    return replace(state, phase=phase, reason=reason, clocks=replace(state.clocks, phase_at=now))


def _ask_weight(state: State, weight: int, now: float) -> State:
    """A change of the desired weight: a new generation, unconfirmed, with fresh clocks."""
    clocks = Clocks(phase_at=state.clocks.phase_at, fresh_at=now)
    return replace(state, desired_bp=weight, generation=state.generation + 1, clocks=clocks)


def _advance(state: State, step: int, now: float, reason: str) -> State:
    fresh = tuple(weighing.restart_good(one) for one in state.evidence)
    stepped = replace(state, step=step, evidence=fresh, cause=Cause.NONE)
    entered = _enter(stepped, Phase.STEPPING, now, reason)
    return _ask_weight(entered, state.policy.weights[step], now)


def _promote(state: State, now: float, reason: str) -> State:
    return _ask_weight(_enter(state, Phase.PROMOTING, now, reason), FULL_WEIGHT, now)


def _roll_back(state: State, now: float, reason: str, outcome: Phase) -> State:
    entered = _enter(state, Phase.ROLLING_BACK, now, reason)
    return replace(_ask_weight(entered, 0, now), outcome=outcome)


# --- looks at the place -----------------------------------------------------------------------


def _settle(state: State, facts: Facts) -> State:
    """Whether the data plane itself serves the desired weight, at our generation."""
    served = facts.canary_bp == state.desired_bp and facts.generation in {None, state.generation}
    if served == state.confirmed:
        return state
    clocks = replace(state.clocks, confirmed_at=facts.at if served else None)
    if served and clocks.deadline_from is None:
        clocks = replace(clocks, deadline_from=facts.at)
    return replace(state, clocks=clocks)


def _confirm_starting(state: State, facts: Facts) -> State:
    if len(facts.canary) < state.policy.canary_replicas:
        return state
    return _advance(state, 0, facts.at, f"version {state.canary} is ready")


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
    enough = len(state.replicas) >= state.policy.canary_replicas
    return enough and (probe.replica, probe.incarnation) not in state.replicas


def _confirm_promoting(state: State, facts: Facts) -> State:
    if not state.confirmed or facts.stable_running:
        return state
    return _enter(state, Phase.PROMOTED, facts.at, state.reason)


def _confirm_rolling_back(state: State, facts: Facts) -> State:
    if not state.confirmed or facts.canary_running:
        return state
    return _enter(state, state.outcome or Phase.ROLLED_BACK, facts.at, state.reason)


def _unchanged(state: State, facts: Facts) -> State:
    return state


_CONFIRMS: dict[Phase, Callable[[State, Facts], State]] = {
    Phase.STARTING: _confirm_starting,
    **dict.fromkeys(WATCHED, _confirm_watched),
    Phase.PROMOTING: _confirm_promoting,
    Phase.ROLLING_BACK: _confirm_rolling_back,
}


def _owed_probe(state: State) -> tuple[Effect, ...]:
    probe = state.probe
    if probe is None or probe.done:
        return ()
    series = Series(state.service, state.canary, probe.replica)
    return (ReplaceReplica(state.generation, series, probe.incarnation),)


# --- hands ------------------------------------------------------------------------------------


def _refusal(state: State, verb: str) -> str:
    """Why a command is impossible now; "" where it is possible."""
    if state.final:
        return f"it is already {state.phase.value}"
    if state.phase is Phase.ROLLING_BACK:
        return "it is already rolling back"
    if verb == "abort":
        if state.phase is Phase.PROMOTING and state.confirmed:
            return "all traffic is on the new version and the old one is being stopped"
        return ""
    if state.phase not in WATCHED:
        return f"it is {state.phase.value}"
    allowed = {
        "promote": WATCHED,
        "pause": {Phase.STEPPING},
        "resume": {Phase.PAUSED, Phase.HELD},
        "hold": {Phase.STEPPING, Phase.PAUSED},
    }
    return "" if state.phase in allowed[verb] else f"it is {state.phase.value}"


def _abort(state: State, now: float, reason: str) -> State:
    return _roll_back(state, now, reason, Phase.ABORTED)


def _pause(state: State, now: float, reason: str) -> State:
    return _enter(state, Phase.PAUSED, now, reason)


def _hold_by_hand(state: State, now: float, reason: str) -> State:
    return replace(_enter(state, Phase.HELD, now, reason), cause=Cause.BY_HAND)


def _resume(state: State, now: float, reason: str) -> State:
    """Back to work: the deadline and the staleness count from now."""
    entered = _enter(state, Phase.STEPPING, now, reason)
    start = now if state.confirmed else None
    resumed = replace(
        entered,
        cause=Cause.NONE,
        clocks=replace(entered.clocks, deadline_from=start, fresh_at=now),
    )
    if state.cause is not Cause.SPLIT:
        return resumed
    split = mixture.start(len(binomial.SPLIT_ODDS))
    return replace(resumed, split=split, split_epoch=state.split_epoch + 1)


_COMMANDS: dict[str, Callable[[State, float, str], State]] = {
    "promote": _promote,
    "abort": _abort,
    "pause": _pause,
    "resume": _resume,
    "hold": _hold_by_hand,
}
_SAYS = {
    "promote": Decision.PROMOTE,
    "abort": Decision.ROLLBACK,
    "pause": Decision.HOLD,
    "resume": Decision.CONTINUE,
    "hold": Decision.HOLD,
}
