"""A release as its live page shows it: one sentence, then the numbers that it stands on.

Pure: a store row and its last ledger entries become a `ReleasePage`. The charts come from
`telford.app.release_series`, the buttons from `telford.app.release_acts`. Called by the portal's
release pages and by ``/api/releases``.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from telford.app import release_acts, release_words
from telford.deliver import bounds, data_changes, forecast, judging, strategies
from telford.deliver.gates import GateView
from telford.deliver.policy import Indicator
from telford.deliver.state import FINAL, WATCHED, Cause, Entry, Harm, Phase, RateView, State
from telford.deliver.weighing import EValue, Evidence
from telford.store.releases import Release

RECENT_TICKS = 20
"""Ticks over which the present traffic is taken: long enough to be steady, short enough to be
present."""
LATE_FACTOR = 5
"""A release whose row was not written for this many ticks is shown as stale."""
COLOURS = 6
"""The palette of the style sheet."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an objective still allows: `left` bad requests of `allowed` in its period."""

    objective: str
    allowed: float
    left: float


@dataclass(frozen=True, slots=True)
class IndicatorView:
    """One indicator: both versions' rates with their intervals (they hold at every peek), the
    ratio, the evidence beside its bounds, and the requests harmed so far.
    """

    name: str
    budget: float
    threshold_ms: float | None
    canary: RateView
    stable: RateView
    ratio: float | None
    ratio_bounds: tuple[float, float]
    evidence: tuple[EValue, ...]
    harm: Harm
    allowance: Allowance | None

    def value(self, name: str) -> EValue | None:
        """The evidence of that name, where the policy has it; a rollback's may be against the
        objective alone.
        """
        names = {"rollback", "objective"} if name == "rollback" else {name}
        return next((one for one in self.evidence if one.name in names), None)


@dataclass(frozen=True, slots=True)
class StepView:
    """One stage by its name; `status` is done, now, stopped or ahead; `asks` is what it asks of the
    place and what it is compared with.
    """

    name: str
    soak: str
    status: str
    words: str
    asks: str


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that must be so before the next step, or that ends the release; `meaning` is good
    (open), watch (still shut) or bad (it has fired).
    """

    name: str
    meaning: str
    word: str
    opens: str


@dataclass(frozen=True, slots=True)
class ReleasePage:
    """Everything that the page says."""

    release: Release
    state: State
    sentence: str
    rps: float
    indicators: tuple[IndicatorView, ...]
    steps: tuple[StepView, ...]
    gates: tuple[Gate, ...]
    acts: tuple[release_acts.Act, ...]
    entries: tuple[Entry, ...]
    stale: bool
    notices: tuple[release_words.Notice, ...]
    waiting: GateView | None
    against: str
    share: str
    error_bounds: str

    @property
    def excess(self) -> float:
        """Requests harmed: those the new version failed beyond what the stable one would have."""
        return sum(max(0.0, one.harm.excess_bad) for one in self.indicators)


def page(
    release: Release,
    entries: Sequence[Entry],
    now: float,
    allowances: Mapping[str, Allowance] | None = None,
) -> ReleasePage:
    """The page. `entries` are the newest of the ledger, oldest first; `allowances` is what the
    objective behind each indicator still allows.
    """
    state = State.from_json(release.state)
    rps = requests_per_second(entries)
    indicators = tuple(
        _indicator(state, number, (allowances or {}).get(one.name))
        for number, one in enumerate(state.policy.indicators)
    )
    return ReleasePage(
        release=release,
        state=state,
        sentence=sentence(release, state, indicators, rps),
        rps=rps,
        indicators=indicators,
        steps=tuple(_step(state, number) for number in range(len(state.policy.weights))),
        gates=_gates(state, indicators, now),
        acts=release_acts.acts(state, now),
        entries=tuple(reversed(entries)),
        stale=not state.final and now - release.updated_at > LATE_FACTOR * release.tick_seconds,
        notices=tuple(release_words.notices(state)),
        waiting=release_words.waiting(state.gates, state),
        against=release_words.compared_with(state),
        share=release_words.weight_words(state),
        error_bounds=release_words.error_bounds(state.policy),
    )


def requests_per_second(entries: Sequence[Entry]) -> float:
    """The service's traffic over the last `RECENT_TICKS` of the ledger; 0 where it is unknown."""
    recent = entries[-RECENT_TICKS - 1 :]
    if len(recent) < 2 or recent[-1].at <= recent[0].at:
        return 0.0
    names = {one.indicator for entry in recent for one in entry.series}
    first = min(names, default="")
    total = sum(
        one.requests for entry in recent[1:] for one in entry.series if one.indicator == first
    )
    return total / (recent[-1].at - recent[0].at)


# --- the sentence -----------------------------------------------------------------------------


def sentence(
    release: Release, state: State, indicators: Sequence[IndicatorView], rps: float
) -> str:
    """What there is to know, first."""
    what = f"{release.name} {state.canary}"
    if state.phase in WATCHED:
        return f"{what} {_watched(release, state, indicators, rps)}."
    if state.phase in {Phase.PLANNED, Phase.STARTING}:
        return f"{what} {_beginning(release, state)}."
    if state.phase is Phase.PROMOTING:
        return f"{what} {release_words.finishes(state, release.place)}: {state.reason}."
    if state.phase is Phase.ROLLING_BACK:
        return f"{what} is going back to {state.stable} in {release.place}: {state.reason}."
    return f"{what} {_ended(release, state, indicators)}."


def _beginning(release: Release, state: State) -> str:
    gate = release_words.waiting(state.gates, state)
    if gate is not None:
        return f"is not started in {release.place} yet; {release_words.gate_words(gate)}"
    said = release_words.begins(state, release.place)
    waits = data_changes.waits(state.policy.data, state.data, "start")
    return f"{said}; {waits}" if waits else said


def _watched(
    release: Release, state: State, indicators: Sequence[IndicatorView], rps: float
) -> str:
    if not state.confirmed:
        return release_words.heads(state, release.place)
    parts = [release_words.stands(state, release.place), *_judged(state, indicators)]
    gate = release_words.waiting(state.gates, state)
    if state.phase is Phase.PAUSED or (state.phase is Phase.HELD and state.cause is not Cause.NONE):
        parts.append(f"{'paused' if state.phase is Phase.PAUSED else 'held'}: {state.reason}")
    elif gate is not None:
        parts.append(release_words.gate_words(gate))
    elif rps > 0 and strategies.judged(state.policy, state.step):
        parts.append(forecast.remaining_sentence(state, rps))
    return "; ".join(part for part in parts if part)


def _judged(state: State, indicators: Sequence[IndicatorView]) -> Iterator[str]:
    """What the comparison says so far, where there is one."""
    if not strategies.judged(state.policy, state.step):
        emergency = state.policy.skip_analysis
        yield "an emergency: nothing is compared" if emergency else "nothing is compared here"
        return
    worst = max(indicators, key=lambda one: _share_of_bound(one, "rollback"), default=None)
    if worst is not None:
        alone = release_words.stage_of(state).against == "objective"
        beside = release_words.compared_with(state)
        yield _promised(worst) if alone else _compared(worst, beside)
        yield _evidence(worst)


def _promised(one: IndicatorView) -> str:
    """Against the objective alone: before and after are no fair comparison."""
    if not one.canary.requests:
        return "nothing counted yet"
    allowed = f"{one.budget * 100:.3g}% allowed"
    return f"{one.canary.rate * 100:.2g}% {_noun(one)}, {allowed}"


def _noun(one: IndicatorView) -> str:
    return {"errors": "errors", "slowness": "slow answers"}.get(one.name, one.name)


def _compared(one: IndicatorView, stable: str) -> str:
    word = _noun(one)
    if not one.canary.requests:
        return "nothing counted yet"
    if not one.canary.bad and not one.stable.bad:
        return f"no {word} in either version yet"
    if not one.canary.bad:
        return f"no {word} yet, {stable} has {one.stable.bad:,} of {one.stable.requests:,}"
    if one.ratio is None:
        return f"{one.canary.bad:,} {word}, and {stable} has none to compare with"
    return f"{one.ratio:.1f} times the {word} of {stable}"


def _evidence(one: IndicatorView) -> str:
    found = one.value("rollback")
    if found is None:
        return ""
    return f"evidence {_number(found.log_e)} of {_number(found.log_bound)} needed to roll back"


def _ended(release: Release, state: State, indicators: Sequence[IndicatorView]) -> str:
    took = judging.duration((release.finished_at or release.updated_at) - release.created_at)
    harmed = sum(max(0.0, one.harm.excess_bad) for one in indicators)
    harm = f"{harmed:,.0f} requests were harmed" if round(harmed) else "no request was harmed"
    if state.phase is Phase.PROMOTED:
        done = release_words.ended_well(state.policy, release.place)
        return f"{done} after {took}: {state.reason}; {harm}"
    if state.phase is Phase.ROLLED_BACK:
        return f"was rolled back in {release.place} after {took}: {state.reason}; {harm}"
    if state.phase is Phase.ABORTED:
        return f"was taken back in {release.place} after {took}: {state.reason}; {harm}"
    return f"did not start in {release.place}: {state.reason}; {harm}"


def _number(log_e: float) -> str:
    if math.isinf(log_e) or log_e > math.log(judging.MANY):
        return f"over {judging.MANY:,.0f}" if log_e > 0 else "0"
    value = math.exp(log_e)
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _share_of_bound(one: IndicatorView, name: str) -> float:
    found = one.value(name)
    return -math.inf if found is None else found.log_e - found.log_bound


# --- the numbers ------------------------------------------------------------------------------


def _indicator(state: State, number: int, allowance: Allowance | None) -> IndicatorView:
    indicator: Indicator = state.policy.indicators[number]
    evidence, harm = state.evidence[number], state.harm[number]
    canary = _rate(evidence, "canary", state.policy.display_level)
    stable = _rate(evidence, "stable", state.policy.display_level)
    return IndicatorView(
        name=indicator.name,
        budget=indicator.budget,
        threshold_ms=indicator.threshold_ms,
        canary=canary,
        stable=stable,
        ratio=canary.rate / stable.rate if stable.rate else None,
        ratio_bounds=bounds.ratio_bounds((canary.low, canary.high), (stable.low, stable.high)),
        evidence=tuple(one for one in judging.all_values(state) if one.indicator == indicator.name),
        harm=harm,
        allowance=allowance,
    )


def _rate(evidence: Evidence, arm: str, display_level: float) -> RateView:
    requests, bad = evidence.canary if arm == "canary" else evidence.stable
    low, high = bounds.rate_bounds(requests, bad, display_level / 2)
    return RateView(evidence.indicator, arm, requests, bad, low, high)


def _step(state: State, number: int) -> StepView:
    stage = strategies.stages(state.policy)[number]
    soak = release_words.soak_words(stage.soak_seconds)
    status, words = _reached(state, number)
    asks = release_words.stage_words(state.policy, stage)
    return StepView(stage.name, soak, status, words, asks)


def _reached(state: State, number: int) -> tuple[str, str]:
    """How far a stage is: its status, and the word for it."""
    if state.phase in {Phase.PROMOTED, Phase.PROMOTING} or number < state.step:
        return "done", "passed"
    if number > state.step or state.phase in {Phase.PLANNED, Phase.STARTING}:
        return "ahead", "ahead" if not state.final else "not reached"
    if state.phase in FINAL or state.phase is Phase.ROLLING_BACK:
        return "stopped", "ended here"
    return "now", "now"


# --- the gates --------------------------------------------------------------------------------


def _gates(state: State, indicators: Sequence[IndicatorView], now: float) -> tuple[Gate, ...]:
    """What the release waits for now; before the start only what was declared."""
    if state.final:
        return ()
    declared = [_declared_gate(one) for one in state.gates]
    if state.phase not in WATCHED:
        return tuple(declared)
    gates = [_weight_gate(state), _soak_gate(state, now)]
    if strategies.judged(state.policy, state.step):
        for one in indicators:
            gates += _evidence_gates(state, one)
    gates.append(_deadline_gate(state, now))
    return (*gates, *declared)


def _declared_gate(view: GateView) -> Gate:
    when = {"start": "start", "step": "each step", "promote": "the end"}[view.at]
    words = view.why if view.open or not view.opens else f"{view.why}; opens when {view.opens}"
    meaning, word = ("good", "open") if view.open else ("watch", "closed")
    return Gate(f"{view.name}, before {when}", meaning, word, words)


def _weight_gate(state: State) -> Gate:
    if not strategies.routes(state.policy):
        what = f"{release_words.weight_words(state)} of {state.canary}"
        if state.confirmed:
            return Gate("Replicas", "good", "there", f"the place runs {what}")
        return Gate("Replicas", "watch", "asked", f"opens when the place runs {what}")
    weight = release_words.weight_words(state)
    if state.confirmed:
        return Gate("Weight", "good", "served", f"the data plane confirms {weight}")
    return Gate("Weight", "watch", "asked", f"opens when the data plane confirms {weight}")


def _soak_gate(state: State, now: float) -> Gate:
    soak = release_words.stage_of(state).soak_seconds
    if state.clocks.confirmed_at is None:
        return Gate("Soak", "watch", "not begun", f"{judging.duration(soak)} from then on")
    left = soak + state.policy.warmup_seconds - (now - state.clocks.confirmed_at)
    if left <= 0:
        return Gate("Soak", "good", "done", f"{judging.duration(soak)} at this weight are over")
    return Gate("Soak", "watch", "running", f"opens in {judging.duration(left)}")


def _evidence_gates(state: State, one: IndicatorView) -> list[Gate]:
    gates = []
    name = one.name.capitalize()
    promotion, fuse = one.value("promotion"), one.value("fuse")
    if promotion is not None:
        claim = _claim(state, one)
        scale = f"{_number(promotion.log_e)} of {_number(promotion.log_bound)}"
        gates.append(
            Gate(f"{name}: good enough", "good", "shown", f"{claim}: {scale}")
            if promotion.crossed
            else Gate(f"{name}: good enough", "watch", "not yet", f"opens when {claim}: {scale}")
        )
    other = one.value("ratio")
    if other is not None:
        scale = f"{_number(other.log_e)} of {_number(other.log_bound)}"
        words = (
            f"or less than {state.policy.tolerable_ratio:g} times that of {state.stable}: {scale}"
        )
        meaning, word = ("good", "shown") if other.crossed else ("watch", "not yet")
        gates.append(Gate(f"{name}: no worse", meaning, word, words))
    alike = one.value("placebo")
    if alike is not None and alike.crossed:
        words = f"replicas of {state.stable} differ from each other: no comparison would be honest"
        gates.append(Gate(f"{name}: replicas alike", "bad", "shut", words))
    cap = one.value("cap")
    if cap is not None and cap.crossed:
        words = f"over {state.policy.ratio_cap:g} times the rate of {state.stable}"
        gates.append(Gate(f"{name}: not far worse", "bad", "shut", words))
    if fuse is not None:
        factor = f"{state.policy.fuse_factor:g} times the budget's rate"
        words = f"blows beyond {factor}: {_number(fuse.log_e)} of {_number(fuse.log_bound)}"
        meaning, word = ("bad", "blown") if fuse.crossed else ("good", "whole")
        gates.append(Gate(f"{name}: fuse", meaning, word, words))
    return gates


def _claim(state: State, one: IndicatorView) -> str:
    limit = state.policy.objective_share * one.budget
    if state.policy.certificate != "ratio":
        return f"the rate is shown to be below {limit * 100:.3g}%"
    ratio = state.policy.tolerable_ratio
    return f"the rate is shown to be less than {ratio:g} times that of {state.stable}"


def _deadline_gate(state: State, now: float) -> Gate:
    limit, then = state.policy.deadline_seconds, state.policy.on_deadline
    if state.clocks.deadline_from is None:
        return Gate("Deadline", "good", "not running", f"{judging.duration(limit)}, then {then}")
    left = limit - (now - state.clocks.deadline_from)
    if left <= 0:
        return Gate("Deadline", "bad", "over", f"the declared answer is: {then}")
    return Gate("Deadline", "good", "running", f"{then} in {judging.duration(left)}")


def colours(seen: Sequence[str], stable: str, canary: str) -> tuple[int, int]:
    """The colours (0..5) of the two versions: the same version has the same one on every page.

    `seen` are the service's versions in the order in which they first came.
    """
    order = list(dict.fromkeys([*seen, stable, canary]))
    first, second = order.index(stable) % COLOURS, order.index(canary) % COLOURS
    return first, second if second != first else (second + 1) % COLOURS
