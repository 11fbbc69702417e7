"""The ledger, checked: the verdict of every tick derived again from the raw counts alone.

`recompute` takes the policy and the ledger's entries, sums the raw counts of each series, runs the
array engines of `batch` (not the online ones that decided) over them, and judges each tick again.
`disagreements` compares that with what the ledger says. Called by `telford evidence RELEASE`;
tests/deliver/independent.py does the same a third time without importing anything from here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from telford.deliver import batch, block, release
from telford.deliver.batch import Floats
from telford.deliver.judging import Judgement, all_values
from telford.deliver.policy import (
    FULL_WEIGHT,
    Indicator,
    Policy,
    certified_rate,
    fuse_rate,
    replica_share,
)
from telford.deliver.state import WATCHED, Cause, Decision, Entry, SeriesCount, State
from telford.deliver.weighing import EValue, Evidence, Replica, values

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


@dataclass(frozen=True, slots=True)
class _Rows:
    """One indicator's counted ticks: their places among the entries, and the raw counts."""

    places: NDArray[np.int64]
    n1: Floats
    k1: Floats
    n0: Floats
    k0: Floats
    equal: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Paths:
    """One indicator's logarithms of evidence and running totals, one item an entry."""

    bad: Floats
    good: Floats
    cap: Floats | None
    fuse: Floats | None
    canary: NDArray[np.int64]
    stable: NDArray[np.int64]


def recompute(policy: Policy, entries: Sequence[Entry]) -> tuple[Recount, ...]:
    """Every tick of a ledger again, in order. The entries must be those of one whole release.

    The clocks (when a weight was confirmed) and hands (pause, resume) are taken from the ledger;
    the evidence and the decisions are not.
    """
    ordered = sorted(entries, key=lambda entry: entry.tick)
    if not ordered:
        return ()
    paths = [_paths(policy, indicator, ordered) for indicator in policy.indicators]
    split = _split_path(policy, ordered)
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
        _recount(_state(blank, ordered, paths, float(split[place]), place), ordered, place)
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


# --- evidence from raw counts -----------------------------------------------------------------


def _of(entry: Entry, indicator: str, version: str) -> list[SeriesCount]:
    return [one for one in entry.series if one.indicator == indicator and one.version == version]


def _counts(entry: Entry, indicator: str) -> tuple[list[SeriesCount], list[SeriesCount]] | None:
    """The tick's raw counts of (canary, stable); None where it is not counted."""
    new, old = _of(entry, indicator, entry.canary), _of(entry, indicator, entry.stable)
    return (new, old) if entry.counted and new and old else None


def _rows(policy: Policy, indicator: Indicator, entries: Sequence[Entry]) -> _Rows:
    rows: list[tuple[int, ...]] = []
    for place, entry in enumerate(entries):
        found = _counts(entry, indicator.name)
        if found is None:
            continue
        new, old = found
        alike = (len(new), len(old)) == (policy.canary_replicas, policy.stable_replicas)
        counts = (requests for arm in found for requests in _sum(arm))
        rows.append((place, *counts, int(alike and not entry.missing)))
    table = np.array(rows, dtype=np.int64).reshape(-1, 6)
    n1, k1, n0, k0 = table[:, 1:5].T.astype(float)
    return _Rows(table[:, 0], n1, k1, n0, k0, table[:, 5] > 0)


def _sum(arm: list[SeriesCount]) -> tuple[int, int]:
    return sum(one.requests for one in arm), sum(one.bad for one in arm)


def _paths(policy: Policy, indicator: Indicator, entries: Sequence[Entry]) -> _Paths:
    rows = _rows(policy, indicator, entries)
    first = block.baseline(indicator.history_requests, indicator.history_bad, indicator.budget)
    guesses = batch.stable_rates(rows.n0, rows.k0, first)
    p_fuse = fuse_rate(policy, indicator)
    once = [0] * len(entries)

    def spread(keys: list[int], path: Callable[[_Rows, Floats], Floats]) -> Floats:
        return _spread(keys, rows, guesses, path)

    def cap(one: _Rows, guess: Floats) -> Floats:
        return batch.worse_path(one.n1, one.k1, one.n0, one.k0, guess, policy.ratio_cap)

    def fuse(one: _Rows, guess: Floats) -> Floats:
        return batch.fuse_path(one.n1, one.k1, p_fuse or 0.0)

    return _Paths(
        spread([entry.rollback_epoch for entry in entries], _bad(policy)),
        spread([entry.step for entry in entries], _good(policy, indicator)),
        spread(once, cap) if policy.certificate == "objective" else None,
        spread(once, fuse) if p_fuse is not None else None,
        _totals(len(entries), rows.places, rows.n1, rows.k1),
        _totals(len(entries), rows.places, rows.n0, rows.k0),
    )


def _bad(policy: Policy) -> Callable[[_Rows, Floats], Floats]:
    def path(one: _Rows, guess: Floats) -> Floats:
        if policy.engine == "E1":
            ratio = policy.rollback_ratio
            return batch.worse_path(one.n1, one.k1, one.n0, one.k0, guess, ratio)
        if policy.engine == "E2":
            return batch.binomial_path(one.n1, one.k1, one.n0, one.k0)
        bets = one.equal.astype(float)
        return batch.share_path(one.k1 * bets, one.k0 * bets, replica_share(policy))

    return path


def _good(policy: Policy, indicator: Indicator) -> Callable[[_Rows, Floats], Floats]:
    def path(one: _Rows, guess: Floats) -> Floats:
        if policy.certificate == "objective":
            return batch.objective_path(one.n1, one.k1, certified_rate(policy, indicator))
        ratio = policy.tolerable_ratio
        return batch.better_path(one.n1, one.k1, one.n0, one.k0, guess, ratio)

    return path


def _spread(
    keys: list[int], rows: _Rows, guesses: Floats, path: Callable[[_Rows, Floats], Floats]
) -> Floats:
    """A path over the counted ticks, begun again at each new key, carried over to every entry."""
    spread = np.zeros(len(keys))
    every = np.array(keys)
    for key in dict.fromkeys(keys):
        mine = np.flatnonzero(every[rows.places] == key)
        part = _Rows(*(getattr(rows, name)[mine] for name in _Rows.__slots__))
        if len(mine):
            logs = path(part, guesses[mine])
            places = np.flatnonzero(every == key)
            last = np.searchsorted(part.places, places, side="right") - 1
            spread[places] = np.where(last >= 0, logs[last], 0.0)
    return spread


def _totals(
    length: int, places: NDArray[np.int64], requests: Floats, bad: Floats
) -> NDArray[np.int64]:
    """Running (requests, bad), shape (entries, 2)."""
    table = np.zeros((length, 2), dtype=np.int64)
    table[places, 0], table[places, 1] = requests, bad
    return table.cumsum(axis=0)


def _split_path(policy: Policy, entries: Sequence[Entry]) -> Floats:
    """The sample-ratio evidence after each entry."""
    rows: list[tuple[float, float, float]] = []
    for entry in entries:
        found = next(
            filter(None, (_counts(entry, one.name) for one in policy.indicators)),
            None,
        )
        asked = entry.weight_bp / FULL_WEIGHT
        if found is None or entry.missing or entry.cause is Cause.SPLIT:
            rows.append((0.0, 0.0, asked))
        else:
            rows.append((_sum(found[0])[0], _sum(found[1])[0], asked))
    n1, n0, weight = np.array(rows, dtype=float).T
    path = np.zeros(len(entries))
    epochs = np.array([entry.split_epoch for entry in entries])
    for epoch in np.unique(epochs):
        mine = epochs == epoch
        path[mine] = batch.split_path(n1[mine], n0[mine], weight[mine])
    return path


# --- the verdict from the evidence ------------------------------------------------------------


def _state(
    blank: State, entries: Sequence[Entry], paths: Sequence[_Paths], split: float, place: int
) -> State:
    """The state as it was when that entry was judged, its evidence from the raw counts."""
    entry = entries[place]
    evidence = tuple(
        Evidence(
            indicator=indicator.name,
            baseline=block.Baseline(1.0, 0.0),
            bad=(float(path.bad[place]),),
            good=(float(path.good[place]),),
            cap=() if path.cap is None else (float(path.cap[place]),),
            fuse=() if path.fuse is None else (float(path.fuse[place]),),
            stable=(int(path.stable[place, 0]), int(path.stable[place, 1])),
            canary=(int(path.canary[place, 0]), int(path.canary[place, 1])),
        )
        for indicator, path in zip(blank.policy.indicators, paths, strict=True)
    )
    if any(
        one.name == "rollback" and one.crossed for one in values(blank.policy, entry.step, evidence)
    ):
        evidence = tuple(
            replace(one, replicas=_replicas(entries, place, one.indicator)) for one in evidence
        )
    return replace(
        blank,
        phase=entry.phase,
        step=entry.step,
        desired_bp=entry.weight_bp,
        clocks=entry.clocks,
        cause=entry.cause,
        probe=entry.probe,
        replicas=entry.replicas,
        reason=entry.reason,
        evidence=evidence,
        split=(split,),
    )


def _replicas(entries: Sequence[Entry], place: int, indicator: str) -> tuple[Replica, ...]:
    """Each canary replica's counts since the rollback evidence began."""
    totals: dict[str, tuple[int, int]] = {}
    for entry in entries[: place + 1]:
        found = _counts(entry, indicator)
        if found is None or entry.rollback_epoch != entries[place].rollback_epoch:
            continue
        for one in found[0]:
            requests, bad = totals.get(one.replica, (0, 0))
            totals[one.replica] = requests + one.requests, bad + one.bad
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
    elif entry.weight_bp != policy.weights[entry.step]:
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
