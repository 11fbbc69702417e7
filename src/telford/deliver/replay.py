"""What would other settings have decided? A policy replayed over a past release's ledger.

The ledger has the raw counts of every tick, so the evidence of any policy can be computed from
them, tick by tick, with the engines that decide online. What it does not have is what never
happened: the counts after the real decision, those of another weight or another strategy, and what
a replica that was not moved would have done. A replay therefore says how far it is `known`, and
`unknown` names in sentences what it cannot say. People, gates and data steps are not replayed.
Called by the app floor for `telford replay`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from telford.deliver import judging, recounting, release, strategies, weighing
from telford.deliver.judging import Judgement, duration
from telford.deliver.policy import Indicator, Policy, kind_of, problems
from telford.deliver.state import WATCHED, Cause, Decision, Entry, Phase, State

UNDECIDED, HELD = "undecided", "held"
_ENDS = {
    Decision.ROLLBACK: "rolled back",
    Decision.PROMOTE: "promoted",
    Decision.HOLD: HELD,
}
_HOLDS = frozenset({Cause.DEADLINE, Cause.UNLIKE})
"""Holds that end a replay: only a person could go on. Others end by themselves, or belong to what
the place did."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided and what it cost: seconds from the first counted weight to the decision
    (None: none), and the canary's bad requests until then beyond the stable version's rate.
    `decision` is "rolled back", "promoted", "held" or "undecided".
    """

    decision: str
    seconds: float | None
    excess_bad: float
    reason: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """One release under other settings, beside what happened. `known` is False where the settings'
    decision lies beyond what was seen; `unknown` are sentences about what nobody can know.
    """

    release: str
    service: str
    canary: str
    happened: Outcome
    would: Outcome
    known: bool
    unknown: tuple[str, ...]

    @property
    def same(self) -> bool:
        """The same decision, whenever it came."""
        return self.would.decision == self.happened.decision


@dataclass(slots=True)
class _Course:
    """A replay on its way: the state under the other settings, and what was learnt about it."""

    state: State
    young: tuple[weighing.Young, ...] = ()
    before: float | None = None
    certified: float | None = None
    behind: bool = False


def replay(policy: Policy, declared: Policy, entries: Sequence[Entry]) -> Replayed:
    """What `policy` would have decided on the ledger of a whole release under `declared`.

    Raises `ValueError` for a ledger without an entry.
    """
    if not entries:
        raise ValueError("a ledger without an entry cannot be replayed")
    ordered = sorted(entries, key=lambda entry: entry.tick)
    first = ordered[0]
    fitted = _fitted(policy, declared, ordered)
    unknown = [*_differences(policy, declared, fitted, ordered)]
    refused = problems(fitted)
    if refused:
        unknown.append(f"these settings do not fit how it went: {'; '.join(refused)}")
        last = excess(ordered, ordered[-1].at)
        would, known = Outcome(UNDECIDED, None, last, "not replayed"), False
    else:
        course = _Course(_begin(fitted, first))
        would, known = _would(course, ordered, _run(course, declared, ordered), unknown)
    return Replayed(
        first.release,
        first.service,
        first.canary,
        _happened(ordered),
        would,
        known,
        tuple(unknown),
    )


def summary(found: Iterable[Replayed]) -> str:
    """All of them in one sentence."""
    every = list(found)
    differ = [one for one in every if not one.same and one.known]
    unknown = sum(not one.known for one in every)
    saved = sum(one.happened.excess_bad - one.would.excess_bad for one in every if one.known)
    more = "fewer" if saved >= 0 else "more"
    return (
        f"of {len(every)} releases these settings would have decided {len(differ)} otherwise"
        f"{f', {unknown} cannot be known' if unknown else ''}; {abs(saved):,.1f} {more} excess bad "
        "requests where it is known"
    )


def excess(entries: Iterable[Entry], until: float) -> float:
    """The canary's bad requests up to then (epoch seconds) beyond the stable version's rate, of
    whichever indicator has most of them; warm-up included, never below 0.
    """
    sums: dict[str, list[int]] = {}
    for entry in entries:
        if entry.at > until:
            continue
        for one in entry.series:
            arm = sums.setdefault(one.indicator, [0, 0, 0, 0])
            place = 0 if one.version == entry.canary else 2
            if one.version in {entry.canary, entry.stable}:
                arm[place] += one.requests
                arm[place + 1] += one.bad
    beyond = (k1 - n1 * (k0 / n0 if n0 else 0.0) for n1, k1, n0, k0 in sums.values())
    return max(0.0, *beyond, 0.0)


# --- what the settings are held against -------------------------------------------------------


def _fitted(policy: Policy, declared: Policy, entries: Sequence[Entry]) -> Policy:
    """The settings with what can be counted from this ledger, and as it was deployed."""
    counted = {one.indicator for entry in entries for one in entry.series}
    known = {one.name: one for one in declared.indicators}
    indicators = tuple(
        _seeded(one, known[one.name]) if one.name in known else one
        for one in policy.indicators
        if one.name in counted and _alike(one, known.get(one.name))
    )
    return replace(
        policy,
        indicators=indicators,
        strategy=declared.strategy,
        sharing=declared.sharing,
        baseline=declared.baseline,
        matches=declared.matches,
        canary_replicas=declared.canary_replicas,
        stable_replicas=declared.stable_replicas,
        weights=declared.weights,
        beta_shares=declared.beta_shares,
        soak_seconds=_soaks(policy, declared),
        judge_preview=declared.judge_preview,
        partitions=declared.partitions,
        skip_analysis=False,
        exposure_share=0.0,
        gates=(),
        data=(),
    )


def _soaks(policy: Policy, declared: Policy) -> tuple[float, ...]:
    """The soak of each real step: that of the same step of the settings, of the last one beyond."""
    soaks = policy.soak_seconds
    if len(soaks) == 1:
        return soaks
    return tuple(soaks[min(step, len(soaks) - 1)] for step in range(len(declared.weights)))


def _alike(one: Indicator, known: Indicator | None) -> bool:
    return known is None or (kind_of(one), one.threshold_ms) == (
        kind_of(known),
        known.threshold_ms,
    )


def _seeded(one: Indicator, known: Indicator) -> Indicator:
    """With the history that was known when the real release began."""
    return replace(one, history_requests=known.history_requests, history_bad=known.history_bad)


def _differences(
    policy: Policy, declared: Policy, fitted: Policy, entries: Sequence[Entry]
) -> Iterator[str]:
    """What of the settings cannot be tried on this ledger."""
    kept = {one.name for one in fitted.indicators}
    for one in policy.indicators:
        if one.name not in kept:
            yield f"{one.name} was not counted then as it is now, and is left out"
    if policy.strategy != declared.strategy:
        yield (
            f"it went by {declared.strategy}; by {policy.strategy} it would have had other traffic"
        )
    elif policy.weights != declared.weights:
        yield "other weights would have had other traffic: times are those of the weights it had"
    for place, entry in enumerate(entries):
        if entry.probe is not None and not (entries[place - 1].probe if place else None):
            yield f"replica {entry.probe.replica} was moved then: its counts afterwards are fresh"


def _begin(policy: Policy, first: Entry) -> State:
    blank = release.begin(
        policy,
        release=first.release,
        service=first.service,
        stable=first.stable,
        canary=first.canary,
        generation=0,
        at=first.at,
    )
    return replace(blank, phase=Phase.STEPPING)


def _run(
    course: _Course, declared: Policy, entries: Sequence[Entry]
) -> tuple[Entry, Judgement] | None:
    """The entry at which the settings would have ended the release, and their judgement."""
    for entry in entries:
        judgement = _tick(course, declared, entry)
        if judgement is not None:
            return entry, judgement
    return None


# --- one tick ---------------------------------------------------------------------------------


def _tick(course: _Course, declared: Policy, entry: Entry) -> Judgement | None:
    """Weigh and judge one entry; a judgement where the replay ends with it."""
    if entry.phase not in WATCHED:
        return None
    if entry.step != course.state.step:
        _follow(course, entry)
    state = replace(
        course.state,
        step=entry.step,
        desired_bp=entry.weight_bp,
        clocks=entry.clocks,
        replicas=entry.replicas,
        tick=entry.tick,
    )
    course.state, why = _weighed(course, declared, state, entry)
    judgement = judging.judge(course.state, judging.all_values(course.state), entry.at, why)
    if judgement.decision is Decision.ADVANCE:
        course.certified = entry.at if course.certified is None else course.certified
        return None
    held = judgement.decision is Decision.HOLD
    if held and judgement.probe is None and judgement.cause not in _HOLDS:
        return None
    return None if judgement.decision is Decision.CONTINUE else judgement


def _follow(course: _Course, entry: Entry) -> None:
    """The real release went to another step, so its counts are of that one from here on."""
    course.behind |= course.certified is None
    course.certified = None
    fresh = tuple(weighing.restart_good(one) for one in course.state.evidence)
    course.state = replace(course.state, step=entry.step, evidence=fresh)


def _weighed(course: _Course, declared: Policy, state: State, entry: Entry) -> tuple[State, str]:
    """The state after the entry's counts, and why they were not weighed ("" where they were)."""
    seen, policy = recounting.observed(entry), state.policy
    if seen is None:
        return state, "nothing was read"
    began, warmup = course.before, policy.warmup_seconds
    late = weighing.warming(course.young, seen, began, warmup)
    stage = strategies.stage(declared, entry.step, entry.weight_bp)
    counts = weighing.count(policy, seen, entry.stable, entry.canary, stage, late)
    course.young, course.before = weighing.grow(course.young, seen, warmup), seen.at
    why = _why_not(entry, began, warmup, bool(counts))
    if why:
        return state, why
    found = {one.indicator: one for one in counts}
    weighed = tuple(
        weighing.weigh(policy, indicator, before, found[indicator.name])
        if indicator.name in found
        else before
        for indicator, before in zip(policy.indicators, state.evidence, strict=True)
    )
    return replace(state, evidence=weighed, at=seen.at), ""


def _why_not(entry: Entry, began: float | None, warmup: float, counted: bool) -> str:
    confirmed = entry.clocks.confirmed_at
    if not counted:
        return "no counts of what is compared"
    if confirmed is None:
        return "what was asked is not confirmed"
    if entry.probe is not None and not entry.probe.done:
        return "a replica is being replaced"
    if began is None or began < confirmed + warmup:
        return "warm-up: the tick began before it was over"
    return ""


# --- the outcome ------------------------------------------------------------------------------


def _would(
    course: _Course,
    entries: Sequence[Entry],
    ended: tuple[Entry, Judgement] | None,
    unknown: list[str],
) -> tuple[Outcome, bool]:
    """What the settings would have decided, and whether that is known."""
    last = entries[-1]
    if course.behind:
        unknown.append(
            "these settings would still have been at an earlier step when it went on: from there "
            "its traffic is not theirs"
        )
    if ended is None:
        real = _happened(entries)
        unknown.append(
            f"they were still looking when the release was {real.decision}: what would have come "
            "afterwards is not known"
        )
        if course.certified is not None:
            unknown.append("the step it was at then would have been passed")
        return Outcome(UNDECIDED, None, excess(entries, last.at), "still looking"), False
    entry, judgement = ended
    if judgement.probe is not None:
        unknown.append(
            f"they would have moved replica {judgement.probe.replica} first: what it would have "
            "done on another host is not known"
        )
    decision = _ENDS[judgement.decision]
    found = Outcome(
        decision, _seconds(entries, entry.at), excess(entries, entry.at), judgement.reason
    )
    certain = judgement.decision is Decision.ROLLBACK or not course.behind
    return found, certain and judgement.probe is None


def _happened(entries: Sequence[Entry]) -> Outcome:
    """What the ledger says was decided."""
    for entry in entries:
        if entry.decision in {Decision.ROLLBACK, Decision.PROMOTE}:
            return Outcome(
                _ENDS[entry.decision],
                _seconds(entries, entry.at),
                excess(entries, entry.at),
                entry.reason,
            )
    last = entries[-1]
    decision = HELD if last.phase is Phase.HELD else UNDECIDED
    return Outcome(decision, None, excess(entries, last.at), last.reason)


def _seconds(entries: Sequence[Entry], at: float) -> float | None:
    """Since the first weight was served; None where none ever was."""
    served = (entry.clocks.confirmed_at for entry in entries if entry.phase in WATCHED)
    started = next((one for one in served if one is not None), None)
    return None if started is None else at - started


def held_for(outcome: Outcome) -> str:
    """An outcome's time for people; "-" where there is none."""
    return "-" if outcome.seconds is None else duration(outcome.seconds)
