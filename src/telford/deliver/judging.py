"""What a tick's evidence says: roll back, hold, advance, promote or go on looking, and why.

The rules are a visible list in `judge`, safety first. Nothing here changes a state: `release`
applies the judgement. The sentences are written for the person who watches the release.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from telford.deliver import gates, mixture, strategies, suspect, weighing
from telford.deliver.gates import GateView
from telford.deliver.once import once
from telford.deliver.policy import Policy
from telford.deliver.shape import Stage
from telford.deliver.state import Cause, Decision, Phase, Probe, State
from telford.deliver.weighing import EValue, Evidence

_WORSE = frozenset({"rollback", "objective"})
_CERTIFY = frozenset({"promotion", "ratio"})
MANY = 1e6
"""Odds beyond this are shown as "over a million"."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision and its reason; `probe` where a replica is to be moved first.

    `certificate` is what a promotion rests on: "objective", "ratio", "both" where some indicators
    have the one and some the other, "by hand", or "deadline" where none was reached in time (also
    of a rollback that only the deadline caused). It is "" where nothing was compared.
    """

    decision: Decision
    reason: str
    cause: Cause = Cause.NONE
    probe: Probe | None = None
    certificate: str = ""


def split_value(state: State) -> EValue:
    """The evidence that requests are not divided as asked."""
    return EValue("split", "", mixture.log_e(state.split), _split_bound(state.policy))


@once
def _split_bound(policy: Policy) -> float:
    return mixture.log_bound(policy.split_alpha)


def all_values(state: State) -> tuple[EValue, ...]:
    """Every e-value of the release at its present step."""
    return (*weighing.values(state.policy, state.step, state.evidence), split_value(state))


def judge(state: State, values: tuple[EValue, ...], now: float, why: str) -> Judgement:
    """The first rule that applies, in this order.

    `values` are the state's own (`all_values`), `now` is in epoch seconds; `why` this tick was not
    counted, "" where it was: no gate opens then.
    """
    return (
        _fuse(state, values)
        or _unlike(state, values)
        or _rollback(state, values, now)
        or _split(state, values)
        or _stale(state, now)
        or _waits(state)
        or _gate(state, values, now, why)
    )


def gate_sentence(view: GateView, *unmet: str) -> str:
    """Why a release waits at a gate, and what opens it; `unmet` is what it lacks besides."""
    opens = f"; it opens when {view.opens}" if view.opens else ""
    return "; ".join((f"the gate {view.name} is closed: {view.why}{opens}", *unmet))


def odds(log_e: float) -> str:
    """An e-value for people: "37:1"."""
    if log_e > math.log(MANY):
        return "over a million:1"
    value = math.exp(log_e)
    return f"{value:,.0f}:1" if value >= 10 else f"{value:.2g}:1"


def _fuse(state: State, values: tuple[EValue, ...]) -> Judgement | None:
    for value in values:
        if value.name == "fuse" and value.crossed:
            seen = _seen(_of(state, value))
            factor = state.policy.fuse_factor
            reason = f"fuse: {value.indicator} burn the budget {factor:g} times too fast ({seen})"
            return Judgement(Decision.ROLLBACK, reason)
    return None


def _unlike(state: State, values: tuple[EValue, ...]) -> Judgement | None:
    """Replicas of one version that differ make no verdict about two: not even a rollback."""
    if state.phase is Phase.HELD and state.cause is Cause.UNLIKE:
        return Judgement(Decision.HOLD, state.reason, Cause.UNLIKE)
    for value in values:
        if value.name == "placebo" and value.crossed:
            reason = (
                f"replicas are not alike: {value.indicator} differ among replicas of the stable "
                f"version itself at {odds(value.log_e)} (bound {odds(value.log_bound)}), so no "
                "comparison of two versions would be honest: promote, abort or resume it"
            )
            return Judgement(Decision.HOLD, reason, Cause.UNLIKE)
    return None


def _rollback(state: State, values: tuple[EValue, ...], now: float) -> Judgement | None:
    crossed = [value for value in values if value.name in _WORSE and value.crossed]
    if not crossed:
        return None
    reason = "; ".join(_worse(state, value) for value in crossed)
    if state.probe is None:
        suspects = {suspect.lone_replica(_of(state, value)) for value in crossed}
        return _ask_probe(state, suspects, reason, now) or Judgement(Decision.ROLLBACK, reason)
    if state.probe.done:
        again = f"{reason}, also after replica {state.probe.replica} was replaced"
        return Judgement(Decision.ROLLBACK, again)
    if now - state.probe.asked_at > state.policy.start_seconds:
        late = f"{reason}; replica {state.probe.replica} could not be replaced in time"
        return Judgement(Decision.ROLLBACK, late)
    waiting = f"bad host or bad version? replica {state.probe.replica} is being replaced"
    return Judgement(Decision.HOLD, waiting)


def _ask_probe(
    state: State, suspects: set[str | None], reason: str, now: float
) -> Judgement | None:
    """Move the one replica that carries all the evidence, if the place knows it."""
    known = dict(state.replicas)
    replica = next(iter(suspects)) if len(suspects) == 1 else None
    if state.policy.canary_replicas < 2 or replica is None or replica not in known:
        return None
    return Judgement(
        Decision.HOLD,
        f"bad host or bad version? {reason}, but only on replica {replica}: replacing it first",
        probe=Probe(replica, known[replica], now),
    )


def _split(state: State, values: tuple[EValue, ...]) -> Judgement | None:
    if state.cause is Cause.SPLIT or not values[-1].crossed:
        return None
    (n1, _), (n0, _) = state.evidence[0].canary, state.evidence[0].stable
    got = n1 / max(n1 + n0, 1)
    asked = _stage(state).asked_share
    now_asked = "" if asked is None else f", now asked {asked:.1%}"
    return Judgement(
        Decision.HOLD,
        "the split you asked for is not the split you got: "
        f"{got:.1%} of the compared requests reached the new version{now_asked}",
        Cause.SPLIT,
    )


def _stale(state: State, now: float) -> Judgement | None:
    fresh = state.clocks.fresh_at
    judged = strategies.judged(state.policy, state.step)
    age = 0.0 if fresh is None or not judged else now - fresh
    if age <= state.policy.stale_seconds or (
        state.phase is not Phase.STEPPING and not _lost(state)
    ):
        return None
    what = "no counts of what is compared" if state.confirmed else "the weight is not confirmed"
    return Judgement(Decision.HOLD, f"{what} for {duration(age)}: holding", Cause.STALE)


def _lost(state: State) -> bool:
    return state.phase is Phase.HELD and state.cause is Cause.STALE


def _waits(state: State) -> Judgement | None:
    if state.phase is Phase.STEPPING or _lost(state):
        return None
    return Judgement(Decision.HOLD, state.reason, state.cause)


def _gate(state: State, values: tuple[EValue, ...], now: float, why: str) -> Judgement:
    judged = strategies.judged(state.policy, state.step)
    unmet = [why] if why and judged else []
    unmet += _unmet(state, values, now)
    last = state.step == len(state.policy.weights) - 1
    onward = Decision.PROMOTE if last else Decision.ADVANCE
    shut = gates.closed(state.gates, "promote" if last else "step")
    if shut and (not unmet or state.policy.on_deadline == "promote"):
        # No deadline runs against a gate, and none passes it.
        return Judgement(Decision.CONTINUE, gate_sentence(shut[0], *unmet))
    if not unmet:
        if not judged:
            return Judgement(onward, f"{_stage(state).name}: ready and soaked; nothing is compared")
        certified = _certified(state, values)
        names = sorted(set(certified.values()))
        certificate = names[0] if len(names) == 1 else "both"
        return Judgement(onward, _good(state, values, certified), certificate=certificate)
    start = state.clocks.deadline_from
    limit = state.policy.deadline_seconds
    if start is None or now - start < limit:
        return Judgement(Decision.CONTINUE, "looking: " + "; ".join(unmet))
    return _at_deadline(state, values, unmet, onward)


def _at_deadline(
    state: State, values: tuple[EValue, ...], unmet: list[str], onward: Decision
) -> Judgement:
    late = f"no verdict within {duration(state.policy.deadline_seconds)} ({'; '.join(unmet)})"
    capped = any(value.name == "cap" and value.crossed for value in values)
    if state.policy.on_deadline == "rollback":
        reason = f"{late}: rolling back, as declared"
        return Judgement(Decision.ROLLBACK, reason, certificate="deadline")
    if state.policy.on_deadline == "promote" and not capped:
        return Judgement(
            onward, f"{late}: going on without evidence, as declared", certificate="deadline"
        )
    return Judgement(Decision.HOLD, f"{late}: promote, abort or resume it", Cause.DEADLINE)


def _unmet(state: State, values: tuple[EValue, ...], now: float) -> Iterator[str]:
    """What the gate still lacks."""
    judged = strategies.judged(state.policy, state.step)
    if state.clocks.confirmed_at is None:
        if not judged:
            yield "what was asked is not confirmed"
        return
    if judged:
        yield from _uncertified(state, values)
    ceiling = strategies.stages(state.policy)[state.step].shape.canary_bp
    if state.policy.exposure_share > 0 and state.desired_bp < ceiling:
        yield f"at {state.desired_bp / 100:g}% of {ceiling / 100:g}%, as the budget allows"
    served = now - state.clocks.confirmed_at - state.policy.warmup_seconds
    left = _stage(state).soak_seconds - served
    if left > 0:
        yield f"{duration(left)} of soak left"


def _uncertified(state: State, values: tuple[EValue, ...]) -> Iterator[str]:
    certified = _certified(state, values)
    for value in values:
        if value.indicator in certified:
            continue
        if value.name in _CERTIFY and not value.crossed:
            claim = "less than tolerably worse" if value.name == "ratio" else "good enough"
            yield f"{value.indicator} {claim} at {odds(value.log_e)} of {odds(value.log_bound)}"
        if value.name == "cap" and value.crossed:
            yield (
                f"{value.indicator} over {state.policy.ratio_cap:g} times the stable version's, "
                "too much for an objective alone"
            )


def _certified(state: State, values: tuple[EValue, ...]) -> dict[str, str]:
    """Indicator -> the certificate that it has: the objective's before the ratio's.

    The objective's is worth nothing while the cap says that the version is much worse.
    """
    capped = {value.indicator for value in values if value.name == "cap" and value.crossed}
    found: dict[str, str] = {}
    for value in values:
        if value.name in _CERTIFY and value.crossed:
            name = weighing.certificate_name(state.policy, value)
            if name == "ratio" or value.indicator not in capped:
                found.setdefault(value.indicator, name)
    return found


def _good(state: State, values: tuple[EValue, ...], certified: dict[str, str]) -> str:
    claims = []
    for indicator, evidence in zip(state.policy.indicators, state.evidence, strict=True):
        if indicator.name not in certified:
            continue
        if certified[indicator.name] == "objective":
            share = state.policy.objective_share
            limit = f"below {share * indicator.budget:.3g}"
        else:
            limit = f"less than {state.policy.tolerable_ratio:g} times the stable version's"
        claims.append(f"{indicator.name} {limit} ({_seen(evidence)})")
    weakest = min(
        max(value.log_e for value in values if value.name in _CERTIFY and value.indicator == name)
        for name in certified
    )
    return f"good enough at {odds(weakest)}: {'; '.join(claims)}"


def _stage(state: State) -> Stage:
    return strategies.stage(state.policy, state.step, state.desired_bp)


def _worse(state: State, value: EValue) -> str:
    than = "the stable version"
    if value.name == "objective":
        factor = state.policy.objective_factor
        than = "its objective allows" if factor == 1 else f"{factor:g} times what is allowed"
    return (
        f"{value.indicator}: worse than {than} at {odds(value.log_e)} "
        f"(bound {odds(value.log_bound)}; {_seen(_of(state, value))})"
    )


def _of(state: State, value: EValue) -> Evidence:
    return next(one for one in state.evidence if one.indicator == value.indicator)


def _seen(evidence: Evidence) -> str:
    (n1, k1), (n0, k0) = evidence.canary, evidence.stable
    return f"new {k1:,} bad of {n1:,}, stable {k0:,} of {n0:,}"


def duration(seconds: float) -> str:
    """A length of time for people: "38 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
