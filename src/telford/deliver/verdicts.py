"""What a tick or a command says to people, and a tick's line in the ledger.

Called by `release` and `hands`.
"""

import functools
from collections.abc import Callable, Iterable

from telford.deliver import bounds
from telford.deliver.judging import Judgement
from telford.deliver.state import (
    Entry,
    RateView,
    RatioView,
    SeriesCount,
    State,
    Verdict,
)
from telford.deliver.weighing import EValue, Evidence
from telford.estate.observation import Observation, Series


def verdict(state: State, judgement: Judgement, values: tuple[EValue, ...]) -> Verdict:
    """The view of a state, its evidence `values` and what was decided on it."""
    level = state.policy.display_level / 2
    rates: list[RateView] = []
    ratios: list[RatioView] = []
    for one in state.evidence:
        canary, stable = _rate(one, "canary", level), _rate(one, "stable", level)
        rates += [canary, stable]
        between = bounds.ratio_bounds((canary.low, canary.high), (stable.low, stable.high))
        ratio = canary.rate / stable.rate if stable.rate else None
        ratios.append(RatioView(one.indicator, ratio, between))
    return Verdict(
        decision=judgement.decision,
        reason=judgement.reason,
        certificate=judgement.certificate,
        evidence=values,
        rates=tuple(rates),
        ratios=tuple(ratios),
    )


def later(state: State, judgement: Judgement, values: tuple[EValue, ...]) -> Callable[[], Verdict]:
    """The same view, made when somebody asks for it."""
    return functools.partial(verdict, state, judgement, values)


def entry(
    state: State,
    observation: Observation | None,
    now: float,
    why: str,
    judgement: Judgement,
    values: tuple[EValue, ...],
) -> Entry:
    """The ledger line of the tick that `state` has weighed, before the judgement was applied."""
    return Entry(
        release=state.release,
        service=state.service,
        stable=state.stable,
        canary=state.canary,
        tick=state.tick,
        at=now,
        phase=state.phase,
        step=state.step,
        generation=state.generation,
        weight_bp=state.desired_bp,
        clocks=state.clocks,
        cause=state.cause,
        probe=state.probe,
        replicas=state.replicas,
        observed_at=observation.at if observation else None,
        counted=not why,
        why=why,
        series=_series(state, observation),
        missing=_named(state, observation.missing if observation else ()),
        begun=_named(state, observation.begun if observation else ()),
        rollback_epoch=state.rollback_epoch,
        split_epoch=state.split_epoch,
        evidence=values,
        decision=judgement.decision,
        reason=judgement.reason,
        certificate=judgement.certificate,
        placebo_epoch=state.placebo_epoch,
        gates=tuple(one for one in state.gates if not one.open),
        data=state.data,
    )


def _rate(evidence: Evidence, arm: str, level: float) -> RateView:
    requests, bad = evidence.canary if arm == "canary" else evidence.stable
    low, high = bounds.rate_bounds(requests, bad, level)
    return RateView(evidence.indicator, arm, requests, bad, low, high)


def _series(state: State, observation: Observation | None) -> tuple[SeriesCount, ...]:
    if observation is None:
        return ()
    arms = state.arms
    return tuple(
        [
            SeriesCount(
                tally.series.version,
                tally.series.replica,
                tally.sli,
                tally.total,
                tally.bad,
                tally.buckets,
            )
            for tally in observation.tallies
            if tally.series.version in arms
        ]
    )


def _named(state: State, series: Iterable[Series]) -> tuple[str, ...]:
    arms = state.arms
    return tuple(f"{one.version}/{one.replica}" for one in series if one.version in arms)
