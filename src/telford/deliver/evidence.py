"""The ledger, checked: the verdict of every tick derived again from the raw counts alone.

`recompute` takes the policy and the ledger's entries, sums the raw counts of each series, runs the
array engines of `batch` (not the online ones that decided) over them, and judges each tick again.
`disagreements` compares that with what the ledger says. Called by `telford evidence RELEASE`;
tests/deliver/independent.py does the same a third time without importing anything from here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telford.deliver import batch, block, histogram, release, strategies, weighing
from telford.deliver.batch import Floats
from telford.deliver.judging import Judgement, all_values
from telford.deliver.policy import (
    Indicator,
    Policy,
    certified_rate,
    fuse_rate,
    kind_of,
    objective_rate,
)
from telford.deliver.state import WATCHED, Cause, Decision, Entry, State
from telford.deliver.weighing import Counts, EValue, Evidence, Replica, Young, values
from telford.estate.observation import Observation, Series, Tally

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
    """One indicator's weighed ticks: their places among the entries, and the raw counts.

    `equal` and `part` are what E4 needs; `halves` has (n, k, n, k, part of the replicas, 1 where
    the placebo test has counts); the histograms have one column a bucket.
    """

    places: NDArray[np.int64]
    n1: Floats
    k1: Floats
    n0: Floats
    k0: Floats
    compared: NDArray[np.bool_]
    equal: Floats
    part: Floats
    halves: Floats
    canary: Floats
    stable: Floats

    def of(self, mine: NDArray[Any]) -> "_Rows":
        """Some of the ticks."""
        return _Rows(*(getattr(self, name)[mine] for name in _Rows.__slots__))


@dataclass(frozen=True, slots=True)
class _Paths:
    """One indicator's logarithms of evidence by their names in `Evidence`, and running totals; one
    item an entry.
    """

    logs: Mapping[str, Floats]
    canary: NDArray[np.int64]
    stable: NDArray[np.int64]


_Path = Callable[[_Rows], Floats]


def recompute(policy: Policy, entries: Sequence[Entry]) -> tuple[Recount, ...]:
    """Every tick of a ledger again, in order. The entries must be those of one whole release.

    The clocks (when a weight was confirmed) and hands (pause, resume) are taken from the ledger;
    the evidence and the decisions are not.
    """
    ordered = sorted(entries, key=lambda entry: entry.tick)
    if not ordered:
        return ()
    looks = _looks(policy, ordered)
    paths = [_paths(policy, indicator, ordered, looks) for indicator in policy.indicators]
    split = _split_path(policy, ordered, looks)
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


# --- evidence from raw counts -----------------------------------------------------------------


def _looks(policy: Policy, entries: Sequence[Entry]) -> list[dict[str, Counts]]:
    """What each entry's raw counts give the engines, by indicator; nothing where not weighed."""
    found: list[dict[str, Counts]] = []
    young: tuple[Young, ...] = ()
    before: float | None = None
    for entry in entries:
        seen = observed(entry)
        if seen is None:
            found.append({})
            continue
        late = weighing.warming(young, seen, before, policy.warmup_seconds)
        stage = strategies.stage(policy, entry.step, entry.weight_bp)
        counts = weighing.count(policy, seen, entry.stable, entry.canary, stage, late)
        found.append({one.indicator: one for one in counts} if entry.counted else {})
        young, before = weighing.grow(young, seen, policy.warmup_seconds), seen.at
    return found


def observed(entry: Entry) -> Observation | None:
    """The observation that an entry recorded; None where nothing could be read."""
    if entry.observed_at is None:
        return None
    tallies = tuple(
        Tally(
            Series(entry.service, one.version, one.replica),
            one.indicator,
            one.requests,
            one.bad,
            one.buckets,
        )
        for one in entry.series
    )
    missing, begun = (
        tuple(Series(entry.service, *name.split("/", 1)) for name in names)
        for names in (entry.missing, entry.begun)
    )
    return Observation(entry.tick, entry.observed_at, tallies, missing, begun)


def _rows(looks: Sequence[Mapping[str, Counts]], indicator: str) -> _Rows:
    found = [(place, look[indicator]) for place, look in enumerate(looks) if indicator in look]
    first = len(found[0][1].stable_buckets) if found else 0
    kept = [(place, one) for place, one in found if len(one.stable_buckets) == first]
    table = np.array(
        [(place, *_numbers(one), *_half_numbers(one)) for place, one in kept], dtype=float
    ).reshape(-1, 14)
    n1, k1, n0, k0, compared, equal, part = table[:, 1:8].T
    return _Rows(
        table[:, 0].astype(np.int64),
        n1,
        k1,
        n0,
        k0,
        compared > 0,
        equal,
        part,
        table[:, 8:],
        np.array([one.canary_buckets for _, one in kept], dtype=float).reshape(len(kept), first),
        np.array([one.stable_buckets for _, one in kept], dtype=float).reshape(len(kept), first),
    )


def _numbers(one: Counts) -> tuple[float, ...]:
    compared = one.against != "objective"
    return *one.canary, *one.stable, compared, one.equal, one.part or 0.0


def _half_numbers(one: Counts) -> tuple[float, ...]:
    if one.halves is None:
        return (0.0,) * 6
    return *one.halves.first, *one.halves.second, one.halves.part, float(not one.gaps) + 1.0


def _paths(
    policy: Policy,
    indicator: Indicator,
    entries: Sequence[Entry],
    looks: Sequence[Mapping[str, Counts]],
) -> _Paths:
    rows = _rows(looks, indicator.name)
    if kind_of(indicator) == "latency":
        return _latency_paths(rows, entries)
    blank = weighing.begin(policy, indicator)
    keys = {
        "bad": [entry.rollback_epoch for entry in entries],
        "over": [entry.rollback_epoch for entry in entries],
        "good": [entry.step for entry in entries],
        "ratio": [entry.step for entry in entries],
        "placebo": [entry.placebo_epoch for entry in entries],
    }
    once = [0] * len(entries)
    logs = {
        name: _spread(keys.get(name, once), rows, path)
        for name, path in _engines(policy, indicator, rows).items()
        if getattr(blank, name)
    }
    return _Paths(
        logs,
        _totals(len(entries), rows.places, rows.n1, rows.k1),
        _totals(len(entries), rows.places, rows.n0, rows.k0),
    )


def _engines(policy: Policy, indicator: Indicator, rows: _Rows) -> dict[str, _Path]:
    """The array engine of each e-process, by its name in `Evidence`."""
    first = block.baseline(indicator.history_requests, indicator.history_bad, indicator.budget)
    guesses = np.full(len(rows.places), first.rate())
    compared = rows.compared
    guesses[compared] = batch.stable_rates(rows.n0[compared], rows.k0[compared], first)
    by_place = dict(zip(rows.places.tolist(), guesses.tolist(), strict=True))
    p_max, p_fuse = certified_rate(policy, indicator), fuse_rate(policy, indicator) or 0.0

    def guess(one: _Rows) -> Floats:
        return np.array([by_place[place] for place in one.places.tolist()])

    def worse(ratio: float) -> _Path:
        return lambda one: batch.worse_path(one.n1, one.k1, one.n0, one.k0, guess(one), ratio)

    def less(one: _Rows) -> Floats:
        ratio = policy.tolerable_ratio
        return batch.better_path(one.n1, one.k1, one.n0, one.k0, guess(one), ratio)

    def objective(one: _Rows) -> Floats:
        return batch.objective_path(one.n1, one.k1, p_max)

    def over(one: _Rows) -> Floats:
        return batch.fuse_path(one.n1, one.k1, objective_rate(policy, indicator))

    return {
        "bad": worse(policy.rollback_ratio) if policy.engine == "E1" else _bad(policy),
        "over": over,
        "good": less if policy.certificate == "ratio" else objective,
        "ratio": less,
        "cap": worse(policy.ratio_cap),
        "fuse": lambda one: batch.fuse_path(one.n1, one.k1, p_fuse),
        "placebo": _placebo(policy),
    }


def _bad(policy: Policy) -> _Path:
    if policy.engine == "E2":
        return lambda one: batch.binomial_path(one.n1, one.k1, one.n0, one.k0)
    return lambda one: batch.share_path(one.k1 * one.equal, one.k0 * one.equal, one.part)


def _placebo(policy: Policy) -> _Path:
    def path(one: _Rows) -> Floats:
        n1, k1, n0, k0, part, there = one.halves.T
        live = there > (1 if policy.engine == "E4" else 0)
        counts = (n1 * live, k1 * live, n0 * live, k0 * live)
        return batch.placebo_path(policy.engine, counts, np.where(part > 0, part, 0.5))

    return path


def _latency_paths(rows: _Rows, entries: Sequence[Entry]) -> _Paths:
    shapes = batch.histogram_guesses(rows.stable)
    first = batch.tails(shapes)
    place = np.arange(rows.stable.shape[1])
    slow = place >= first[:, None]
    by_place = {int(key): number for number, key in enumerate(rows.places)}

    def path(one: _Rows) -> Floats:
        mine = [by_place[int(key)] for key in one.places]
        return batch.histogram_path(one.canary, one.stable, shapes[mine])

    length = len(entries)
    return _Paths(
        {"bad": _spread([entry.rollback_epoch for entry in entries], rows, path)},
        _totals(length, rows.places, rows.canary.sum(axis=1), (rows.canary * slow).sum(axis=1)),
        _totals(length, rows.places, rows.stable.sum(axis=1), (rows.stable * slow).sum(axis=1)),
    )


def _spread(keys: list[int], rows: _Rows, path: _Path) -> Floats:
    """A path over the weighed ticks, begun again at each new key, carried over to every entry."""
    spread = np.zeros(len(keys))
    every = np.array(keys)
    for key in dict.fromkeys(keys):
        mine = np.flatnonzero(every[rows.places] == key)
        if len(mine):
            part = rows.of(mine)
            logs = path(part)
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


def _split_path(
    policy: Policy, entries: Sequence[Entry], looks: Sequence[Mapping[str, Counts]]
) -> Floats:
    """The sample-ratio evidence after each entry."""
    rows: list[tuple[float, float, float]] = []
    for entry, look in zip(entries, looks, strict=True):
        asked = strategies.stage(policy, entry.step, entry.weight_bp).asked_share
        one = next(iter(look.values()), None)
        if one is None or asked is None or one.gaps or entry.cause is Cause.SPLIT:
            rows.append((0.0, 0.0, asked or 0.5))
        else:
            rows.append((one.canary[0], one.stable[0], asked))
    n1, n0, weight = np.array(rows, dtype=float).T
    path = np.zeros(len(entries))
    epochs = np.array([entry.split_epoch for entry in entries])
    for epoch in np.unique(epochs):
        mine = epochs == epoch
        path[mine] = batch.split_path(n1[mine], n0[mine], weight[mine])
    return path


# --- the verdict from the evidence ------------------------------------------------------------


def _state(
    blank: State,
    entries: Sequence[Entry],
    looks: Sequence[Mapping[str, Counts]],
    paths: Sequence[_Paths],
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


def _evidence(name: str, path: _Paths, place: int) -> Evidence:
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
