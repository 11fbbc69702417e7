"""The ledger, checked: the verdict of every tick derived again from the raw counts alone.

`recompute` takes the policy and the ledger's entries, sums the raw counts of each series, runs the
array engines of `batch` (not the online ones that decided) over them, and judges each tick again.
`disagreements` compares that with what the ledger says. Called by `telford evidence RELEASE`;
tests/deliver/independent.py does the same a third time without importing anything from here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from telford.deliver import block, histogram, recounting, release, strategies
from telford.deliver.judging import Judgement, all_values
from telford.deliver.policy import Policy
from telford.deliver.state import WATCHED, Decision, Entry, State
from telford.deliver.weighing import Counts, EValue, Evidence, Replica, values

TOLERANCE = 1e-9
"""Sums in another order differ by rounding: relative to the size of a logarithm, plus this."""


@dataclass(frozen=True, slots=True)
class Recount:
    """One tick, derived again. `differences` are sentences; empty where the ledger is right."""

    tick: int
    evidence: tuple[EValue, ...]
    decision: Decision
    reason: str
    differences: tuple[str, ...]


def recompute(policy: Policy, entries: Sequence[Entry]) -> tuple[Recount, ...]:
    """Every tick of a ledger again, in order. The entries must be those of one whole release.

    The clocks (when a weight was confirmed) and hands (pause, resume) are taken from the ledger;
    the evidence and the decisions are not.
    """
    ordered = sorted(entries, key=lambda entry: entry.tick)
    if not ordered:
        return ()
    looks = recounting.looks(policy, ordered)
    paths = [recounting.paths(policy, indicator, ordered, looks) for indicator in policy.indicators]
    split = recounting.split_path(policy, ordered, looks)
    first = ordered[0]
    blank = release.begin(
        policy,
        release=first.release,
        service=first.service,
        stable=first.stable,
        canary=first.canary,
        generation=0,
        at=first.at,
    )
    return tuple(
        _recount(_state(blank, ordered, looks, paths, float(split[place]), place), ordered, place)
        for place in range(len(ordered))
    )


def disagreements(policy: Policy, entries: Sequence[Entry]) -> tuple[str, ...]:
    """What the ledger says that its raw counts do not bear out; empty where they agree."""
    return tuple(
        f"tick {one.tick}: {difference}"
        for one in recompute(policy, entries)
        for difference in one.differences
    )


def agrees(policy: Policy, entries: Sequence[Entry]) -> bool:
    """True where every e-value and every decision follows from the raw counts."""
    return not disagreements(policy, entries)


# --- the verdict from the evidence ------------------------------------------------------------


def _state(
    blank: State,
    entries: Sequence[Entry],
    looks: Sequence[Mapping[str, Counts]],
    paths: Sequence[recounting.Paths],
    split: float,
    place: int,
) -> State:
    """The state as it was when that entry was judged, its evidence from the raw counts."""
    entry = entries[place]
    evidence = tuple(
        _evidence(indicator.name, path, place)
        for indicator, path in zip(blank.policy.indicators, paths, strict=True)
    )
    crossed = {one.name for one in values(blank.policy, entry.step, evidence) if one.crossed}
    if crossed & {"rollback", "objective"}:
        evidence = tuple(
            replace(one, replicas=_replicas(blank.policy, entries, looks, place, one.indicator))
            for one in evidence
        )
    return replace(
        blank,
        phase=entry.phase,
        step=entry.step,
        desired_bp=entry.weight_bp,
        gates=entry.gates,
        data=entry.data,
        clocks=entry.clocks,
        cause=entry.cause,
        probe=entry.probe,
        replicas=entry.replicas,
        reason=entry.reason,
        evidence=evidence,
        split=(split,),
    )


def _evidence(name: str, path: recounting.Paths, place: int) -> Evidence:
    """One indicator's evidence: each e-process as its one, already averaged logarithm."""

    def one(what: str) -> tuple[float, ...]:
        return (float(path.logs[what][place]),) if what in path.logs else ()

    return Evidence(
        indicator=name,
        baseline=block.Baseline(1.0, 0.0),
        bad=one("bad"),
        good=one("good"),
        cap=one("cap"),
        fuse=one("fuse"),
        stable=(int(path.stable[place, 0]), int(path.stable[place, 1])),
        canary=(int(path.canary[place, 0]), int(path.canary[place, 1])),
        over=one("over"),
        ratio=one("ratio"),
        placebo=one("placebo"),
    )


def _replicas(
    policy: Policy,
    entries: Sequence[Entry],
    looks: Sequence[Mapping[str, Counts]],
    place: int,
    indicator: str,
) -> tuple[Replica, ...]:
    """Each canary replica's counts since the rollback evidence began."""
    totals: dict[str, tuple[int, int]] = {}
    shape: histogram.Shape = ()
    for entry, look in zip(entries[: place + 1], looks[: place + 1], strict=True):
        one = look.get(indicator)
        if one is None or (shape and len(shape) != len(one.stable_buckets)):
            continue
        slow = [histogram.slow(shape, buckets) for buckets in one.replica_buckets]
        shape = histogram.learn(shape, one.stable_buckets) if one.stable_buckets else ()
        if entry.rollback_epoch == entries[place].rollback_epoch:
            for number, replica in enumerate(one.replicas):
                requests, bad = totals.get(replica.name, (0, 0))
                more = slow[number] if slow else replica.bad
                totals[replica.name] = requests + replica.requests, bad + more
    return tuple(Replica(name, *totals[name]) for name in sorted(totals))


def _recount(state: State, entries: Sequence[Entry], place: int) -> Recount:
    entry = entries[place]
    judgement = release.judge(state, entry.at, entry.why)
    differences = (
        *_ledger_faults(state.policy, entries, place),
        *_value_faults(all_values(state), entry.evidence),
        *_decision_faults(judgement, entry),
    )
    return Recount(entry.tick, all_values(state), judgement.decision, judgement.reason, differences)


def _ledger_faults(policy: Policy, entries: Sequence[Entry], place: int) -> Iterator[str]:
    """What a ledger cannot honestly say: a tick twice, or counts from before the warm-up's end."""
    entry = entries[place]
    before = entries[place - 1] if place else None
    if before is not None and before.tick == entry.tick:
        yield "the tick is there twice"
    if not entry.counted:
        return
    seen = [one.observed_at for one in entries[:place] if one.observed_at is not None]
    confirmed = entry.clocks.confirmed_at
    if entry.phase not in WATCHED or confirmed is None or not seen:
        yield "counted, but no weight was served for the whole tick"
    elif seen[-1] < confirmed + policy.warmup_seconds:
        yield "counted, but the tick began before the warm-up was over"
    else:
        yield from _weight_faults(policy, entry)


def _weight_faults(policy: Policy, entry: Entry) -> Iterator[str]:
    """A declared weight is the step's own; one that was chosen is at most that."""
    most = policy.weights[entry.step]
    chosen = policy.exposure_share > 0 and 0 <= entry.weight_bp <= most
    shape = strategies.stages(policy)[entry.step].shape
    if not chosen and entry.weight_bp not in {most, shape.canary_bp}:
        yield f"counted at weight {entry.weight_bp}, which is not step {entry.step + 1}'s"


def _value_faults(ours: Sequence[EValue], ledger: Sequence[EValue]) -> Iterator[str]:
    theirs = {(one.name, one.indicator): one for one in ledger}
    for one in ours:
        found = theirs.pop((one.name, one.indicator), None)
        what = f"{one.name} {one.indicator}".strip()
        if found is None:
            yield f"the ledger has no evidence for {what}"
        elif not (_close(one.log_e, found.log_e) and _close(one.log_bound, found.log_bound)):
            yield f"log e of {what} is {one.log_e:.6f}, the ledger says {found.log_e:.6f}"
    for name, indicator in theirs:
        yield f"the ledger has evidence that nothing declares: {name} {indicator}".rstrip()


def _decision_faults(judgement: Judgement, entry: Entry) -> Iterator[str]:
    if judgement.decision is not entry.decision:
        yield f"the counts say {judgement.decision.value}, the ledger {entry.decision.value}"


def _close(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= TOLERANCE * (1 + abs(a))
