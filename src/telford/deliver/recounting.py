"""From a ledger's raw counts to the logarithms of evidence, by the array engines.

The half of `evidence` that knows no judgement: what each tick's counts give the engines (`looks`),
and what every e-process of a policy is after each entry (`paths`, `split_path`). The engines are
those of `batch`, not the online ones that decided.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telford.deliver import batch, block, strategies, weighing
from telford.deliver.batch import Floats
from telford.deliver.policy import (
    Indicator,
    Policy,
    certified_rate,
    fuse_rate,
    kind_of,
    objective_rate,
)
from telford.deliver.state import Cause, Entry
from telford.deliver.weighing import Counts, Young
from telford.estate.observation import Observation, Series, Tally


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
class Paths:
    """One indicator's logarithms of evidence by their names in `Evidence`, and running totals; one
    item an entry.
    """

    logs: Mapping[str, Floats]
    canary: NDArray[np.int64]
    stable: NDArray[np.int64]


_Path = Callable[[_Rows], Floats]


def looks(policy: Policy, entries: Sequence[Entry]) -> list[dict[str, Counts]]:
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
        tuple(Series(entry.service, *name.rsplit("/", 1)) for name in names)
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


def paths(
    policy: Policy,
    indicator: Indicator,
    entries: Sequence[Entry],
    looks: Sequence[Mapping[str, Counts]],
) -> Paths:
    """Every e-process of one indicator after each entry; `looks` are the entries' counts."""
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
    return Paths(
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


def _latency_paths(rows: _Rows, entries: Sequence[Entry]) -> Paths:
    shapes = batch.histogram_guesses(rows.stable)
    first = batch.tails(shapes)
    place = np.arange(rows.stable.shape[1])
    slow = place >= first[:, None]
    by_place = {int(key): number for number, key in enumerate(rows.places)}

    def path(one: _Rows) -> Floats:
        mine = [by_place[int(key)] for key in one.places]
        return batch.histogram_path(one.canary, one.stable, shapes[mine])

    length = len(entries)
    return Paths(
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


def split_path(
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
