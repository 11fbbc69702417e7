"""One indicator's evidence, and what one tick of counts does to it.

Each indicator carries e-processes: `bad` (roll back: worse than the other version), `over` (roll
back: above the objective, where that is what the release is compared with), `good` and `ratio`
(promote this step), `cap` (so much worse that an objective alone must not promote), `fuse` (worse
in absolute terms) and `placebo` (the stable replicas differ from each other). `good` and `ratio`
start anew with each step; all others go on over the steps of a release. Those that a policy does
not declare are empty. Called by `release` for each tick, and mirrored in arrays by `batch`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from telford.deliver import bernoulli, binomial, block, histogram, mixture, placebo, share
from telford.deliver.mixture import Logs
from telford.deliver.once import once
from telford.deliver.policy import (
    Indicator,
    Policy,
    alone,
    alpha_of,
    certificate_betas,
    certified_rate,
    fuse_alpha_of,
    fuse_rate,
    kind_of,
    objective_rate,
    placebo_alpha_of,
    replica_share,
)
from telford.deliver.shape import Stage
from telford.estate.observation import Observation, Tally
from telford.estate.workload import BASELINE_SUFFIX, MIRRORED_SUFFIX

Count = tuple[int, int]
"""(requests, bad)."""


@dataclass(frozen=True, slots=True)
class Replica:
    """The counts of one canary replica since the rollback evidence began."""

    name: str
    requests: int
    bad: int


@dataclass(frozen=True, slots=True)
class Young:
    """A replica of either version that began at `since` (epoch seconds) and warms up."""

    version: str
    replica: str
    since: float


@dataclass(frozen=True, slots=True)
class Counts:
    """One tick of one indicator.

    `stable` are those of whatever the canary is compared with: the stable version, its fresh
    baseline, or nothing under the objective (`against`). `gaps` is True where a replica's counts
    are missing or left out; `equal` is True where every replica that is declared has counts, which
    is what E4 needs, and `part` the canary's part of the replicas then (None: as the policy
    declares). The histograms are of a latency indicator, lowest bucket first. `halves` are the
    stable replicas as the placebo test divides them.
    """

    indicator: str
    stable: Count
    canary: Count
    replicas: tuple[Replica, ...]
    gaps: bool
    equal: bool
    against: str = "stable"
    part: float | None = None
    stable_buckets: tuple[int, ...] = ()
    canary_buckets: tuple[int, ...] = ()
    replica_buckets: tuple[tuple[int, ...], ...] = ()
    halves: placebo.Halves | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a release knows about one indicator; the logs are natural logarithms.

    `shape` is the stable version's discounted histogram, of a latency indicator.
    """

    indicator: str
    baseline: block.Baseline
    bad: Logs
    good: Logs
    cap: Logs
    fuse: Logs
    stable: Count = (0, 0)
    canary: Count = (0, 0)
    replicas: tuple[Replica, ...] = ()
    over: Logs = ()
    ratio: Logs = ()
    placebo: Logs = ()
    shape: histogram.Shape = ()


@dataclass(frozen=True, slots=True)
class EValue:
    """One piece of evidence beside its bound, as natural logarithms.

    `name` is "rollback", "objective" (a rollback's, against the objective), "promotion", "ratio"
    (a promotion's, where both certificates are declared), "cap", "fuse", "placebo" or "split".
    """

    name: str
    indicator: str
    log_e: float
    log_bound: float

    @property
    def crossed(self) -> bool:
        """The bound is reached."""
        return self.log_e >= self.log_bound


def begin(policy: Policy, indicator: Indicator) -> Evidence:
    """No evidence yet; the guess of the stable rate comes from the history."""
    if kind_of(indicator) == "latency":
        nothing = block.Baseline(1.0, 0.0)
        return Evidence(indicator.name, nothing, mixture.start(histogram.ALTERNATIVES), (), (), ())
    worse = mixture.start(len(mixture.RATIOS))
    compared = not alone(policy)
    certificates = certificate_betas(policy, 0)
    good = mixture.start(len(block.GOOD_RATIOS))
    return Evidence(
        indicator=indicator.name,
        baseline=block.baseline(
            indicator.history_requests, indicator.history_bad, indicator.budget
        ),
        bad=_start_bad(policy) if compared else (),
        good=good,
        cap=worse if "objective" in certificates and compared else (),
        fuse=worse if fuse_rate(policy, indicator) is not None else (),
        over=() if compared else worse,
        ratio=good if len(certificates) > 1 and compared else (),
        placebo=placebo.start(policy.engine) if policy.placebo_alpha > 0 and compared else (),
    )


def grow(
    young: Iterable[Young], observation: Observation, warmup_seconds: float
) -> tuple[Young, ...]:
    """Who still warms up after a tick: those that began lately, and those that began in it."""
    if warmup_seconds <= 0 or not (young or observation.begun):
        return ()
    kept = {(one.version, one.replica): one for one in young}
    for series in observation.begun:
        key = series.version, series.replica
        kept[key] = Young(*key, observation.at)
    return tuple(
        kept[key] for key in sorted(kept) if kept[key].since + warmup_seconds > observation.at
    )


def warming(
    young: Iterable[Young], observation: Observation, began: float | None, warmup_seconds: float
) -> frozenset[tuple[str, str]]:
    """(version, replica) of those that a tick which began at `began` leaves out, on both sides."""
    if warmup_seconds <= 0:
        return frozenset()
    late = {
        (one.version, one.replica)
        for one in young
        if began is None or one.since + warmup_seconds > began
    }
    late.update((one.version, one.replica) for one in observation.begun)
    return frozenset(late)


def count(
    policy: Policy,
    observation: Observation,
    stable: str,
    canary: str,
    stage: Stage | None = None,
    young: Collection[tuple[str, str]] = frozenset(),
) -> tuple[Counts, ...]:
    """The tick's counts for each indicator that has data of all that `stage` compares.

    Without a stage the comparison is with the stable version. `young` are left out. What is copied
    to the canary is counted as a version of its own.
    """
    against = "stable" if stage is None else stage.against
    if not against:
        return ()
    other = {"stable": stable, "baseline": stable + BASELINE_SUFFIX}.get(against)
    if stage is not None and stage.shape.mirror_bp:
        canary += MIRRORED_SUFFIX
    arms = (canary, other)
    gaps = any(series.version in arms for series in observation.missing)
    gaps = gaps or any(version in arms for version, _ in young)
    found = []
    for indicator in policy.indicators:
        tallies = _known(observation, indicator.name, young)
        new = [one for one in tallies if one.series.version == canary]
        old = [one for one in tallies if one.series.version == other]
        if new and (old or other is None):
            divided = _halves(policy, tallies, stable, canary) if other else None
            expected = _expected(policy, stage)
            found.append(_counted(indicator, (new, old), against, gaps, expected, divided))
    return tuple(found)


def _known(
    observation: Observation, indicator: str, young: Collection[tuple[str, str]]
) -> list[Tally]:
    """One indicator's counts of the replicas that are warm."""
    mine = [one for one in observation.tallies if one.sli == indicator]
    if not young:
        return mine
    return [one for one in mine if (one.series.version, one.series.replica) not in young]


def complete(policy: Policy, counts: Collection[Counts]) -> bool:
    """Whether a tick has counts of every indicator that promotes; histograms may lag behind."""
    found = {one.indicator for one in counts}
    return all(one.name in found for one in policy.indicators if kind_of(one) != "latency")


def weigh(policy: Policy, indicator: Indicator, before: Evidence, counts: Counts) -> Evidence:
    """The evidence after one more tick. Only past ticks choose the bets; then they are learnt."""
    if kind_of(indicator) == "latency":
        return _weigh_latency(before, counts)
    rate = before.baseline.rate()
    after: dict[str, Any] = {
        "good": _weigh_good(policy, indicator, before.good, counts, rate),
        "fuse": _weigh_worse(before.fuse, counts, _fuse_rate(policy, indicator)),
        "canary": _plus(before.canary, counts.canary),
        "replicas": _merge(before.replicas, counts.replicas),
    }
    if counts.against == "objective":
        after["over"] = _weigh_worse(before.over, counts, objective_rate(policy, indicator))
    else:
        after |= _compared(policy, before, counts, rate)
    return replace(before, **after)


def _compared(policy: Policy, before: Evidence, counts: Counts, rate: float) -> dict[str, Any]:
    """What a tick does to the evidence that compares two versions, by its names in `Evidence`."""
    return {
        "baseline": block.learn(before.baseline, *counts.stable),
        "bad": _weigh_bad(policy, before.bad, counts, rate),
        "cap": _weigh_cap(policy, before.cap, counts, rate),
        "ratio": _weigh_ratio(policy, before.ratio, counts, rate) if before.ratio else (),
        "placebo": _weigh_placebo(policy, before.placebo, counts),
        "stable": _plus(before.stable, counts.stable),
    }


def restart_bad(policy: Policy, indicator: Indicator, before: Evidence) -> Evidence:
    """Look again: forget the rollback evidence, after a replica was replaced."""
    fresh = begin(policy, indicator)
    return replace(before, bad=fresh.bad, over=fresh.over, replicas=())


def restart_good(before: Evidence) -> Evidence:
    """A new step has its own promotion evidence."""
    good, ratio = mixture.start(len(before.good)), mixture.start(len(before.ratio))
    return replace(before, good=good, ratio=ratio)


def restart_placebo(before: Evidence) -> Evidence:
    """Somebody accepted that the replicas differ: ask again from now on."""
    return replace(before, placebo=mixture.start(len(before.placebo)))


def values(policy: Policy, step: int, evidence: Iterable[Evidence]) -> tuple[EValue, ...]:
    """Every piece of evidence beside the bound that this step sets for it."""
    found: list[EValue] = []
    for bounds, one in zip(_bounds(policy, step), evidence, strict=True):
        for name, field, bound in bounds:
            logs = getattr(one, field)
            if logs:
                found.append(EValue(name, one.indicator, mixture.log_e(logs), bound))
    return tuple(found)


def certificate_name(policy: Policy, value: EValue) -> str:
    """Which certificate a "promotion" or "ratio" e-value belongs to: "objective" or "ratio"."""
    if policy.certificate != "both":
        return policy.certificate
    return "objective" if value.name == "promotion" else "ratio"


@once
def _bounds(policy: Policy, step: int) -> tuple[tuple[tuple[str, str, float], ...], ...]:
    """Indicator by indicator: (evidence, the field that holds it, its bound). Asked every tick."""
    betas = certificate_betas(policy, step)
    return tuple(
        tuple(
            (name, field, mixture.log_bound(level))
            for name, field, level in _levels(policy, indicator, betas)
        )
        for indicator in policy.indicators
    )


def _levels(
    policy: Policy, indicator: Indicator, betas: Mapping[str, float]
) -> Iterator[tuple[str, str, float]]:
    yield "rollback", "bad", alpha_of(policy, indicator)
    yield "objective", "over", alpha_of(policy, indicator)
    yield "promotion", "good", betas.get("objective", betas.get("ratio", 0.0))
    yield "ratio", "ratio", betas.get("ratio", 0.0)
    yield "cap", "cap", policy.cap_alpha
    yield "fuse", "fuse", fuse_alpha_of(policy, indicator)
    yield "placebo", "placebo", placebo_alpha_of(policy, indicator)


# Asked of each indicator at every tick, and exact decimals in between.
_fuse_rate = once(fuse_rate)


@once
def _certificate(policy: Policy, indicator: Indicator) -> tuple[float, Logs]:
    """The rate that must be shown not to be reached, and E0's bets against it."""
    p_max = certified_rate(policy, indicator)
    return p_max, bernoulli.better(p_max)


def _start_bad(policy: Policy) -> Logs:
    return mixture.start(len(share.FRACTIONS if policy.engine == "E4" else mixture.RATIOS))


def _expected(policy: Policy, stage: Stage | None) -> tuple[int, int]:
    """How many replicas of (canary, what it is compared with) are declared."""
    if stage is None:
        return policy.canary_replicas, policy.stable_replicas
    shape = stage.shape
    return shape.canary, shape.baseline if stage.against == "baseline" else shape.stable


def _counted(
    indicator: Indicator,
    arms: tuple[list[Tally], list[Tally]],
    against: str,
    gaps: bool,
    expected: tuple[int, int],
    halves: placebo.Halves | None,
) -> Counts:
    """The counts of both arms (the canary's first) as one tick's."""
    new, old = arms
    latency = kind_of(indicator) == "latency"
    return Counts(
        indicator=indicator.name,
        stable=_total(old),
        canary=_total(new),
        replicas=tuple([Replica(one.series.replica, one.total, one.bad) for one in new]),
        gaps=gaps,
        equal=not gaps and (len(new), len(old)) == expected,
        against=against,
        part=expected[0] / sum(expected),
        stable_buckets=_summed(old) if latency else (),
        canary_buckets=_summed(new) if latency else (),
        replica_buckets=tuple(one.buckets for one in new) if latency else (),
        halves=halves,
    )


def _total(tallies: list[Tally]) -> Count:
    return sum([one.total for one in tallies]), sum([one.bad for one in tallies])


def _summed(tallies: list[Tally]) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*(one.buckets for one in tallies), strict=True))


def _halves(
    policy: Policy, tallies: list[Tally], stable: str, canary: str
) -> placebo.Halves | None:
    if policy.placebo_alpha <= 0:
        return None
    replicas: Mapping[str, Count] = {
        one.series.replica: (one.total, one.bad) for one in tallies if one.series.version == stable
    }
    return placebo.halves(f"{stable}>{canary}", replicas)


def _weigh_latency(before: Evidence, counts: Counts) -> Evidence:
    """E3. "Bad" is, for people and for the probe, a request in the stable version's slowest part."""
    canary, stable, shape = counts.canary_buckets, counts.stable_buckets, before.shape
    if counts.against == "objective" or (shape and len(shape) != len(stable)):
        return before  # Nothing to compare with; or other buckets than the ones it began with.
    replicas = tuple(
        replace(one, bad=histogram.slow(shape, buckets))
        for one, buckets in zip(counts.replicas, counts.replica_buckets, strict=True)
    )
    return replace(
        before,
        bad=histogram.update(before.bad, shape, canary, stable),
        shape=histogram.learn(shape, stable),
        stable=_plus(before.stable, (sum(stable), histogram.slow(shape, stable))),
        canary=_plus(before.canary, (sum(canary), histogram.slow(shape, canary))),
        replicas=_merge(before.replicas, replicas),
    )


def _weigh_worse(logs: Logs, counts: Counts, rate: float | None) -> Logs:
    """E0 the other way round, and the fuse: the canary alone is above `rate`."""
    if not logs or rate is None:
        return logs
    return bernoulli.update(logs, *counts.canary, rate, bernoulli.worse(rate))


def _weigh_bad(policy: Policy, logs: Logs, counts: Counts, rate: float) -> Logs:
    (n1, k1), (n0, k0) = counts.canary, counts.stable
    if not logs:
        return logs
    if policy.engine == "E1":
        pairs = block.worse(rate, policy.rollback_ratio)
        return block.update(logs, counts.canary, counts.stable, pairs, policy.rollback_ratio)
    if policy.engine == "E2":
        return binomial.update(logs, n1, k1, n0, k0)
    part = replica_share(policy) if counts.part is None else counts.part
    return share.update(logs, k1, k0, part) if counts.equal else logs


def _weigh_good(
    policy: Policy, indicator: Indicator, logs: Logs, counts: Counts, rate: float
) -> Logs:
    if policy.certificate == "ratio":
        return _weigh_ratio(policy, logs, counts, rate)
    p_max, bets = _certificate(policy, indicator)
    return bernoulli.update(logs, *counts.canary, p_max, bets)


def _weigh_ratio(policy: Policy, logs: Logs, counts: Counts, rate: float) -> Logs:
    ratio = policy.tolerable_ratio
    return block.update(logs, counts.canary, counts.stable, block.better(rate, ratio), ratio)


def _weigh_cap(policy: Policy, logs: Logs, counts: Counts, rate: float) -> Logs:
    if not logs:
        return logs
    pairs = block.worse(rate, policy.ratio_cap)
    return block.update(logs, counts.canary, counts.stable, pairs, policy.ratio_cap)


def _weigh_placebo(policy: Policy, logs: Logs, counts: Counts) -> Logs:
    if not logs or counts.halves is None or (policy.engine == "E4" and counts.gaps):
        return logs
    return placebo.update(logs, policy.engine, counts.halves)


def _plus(a: Count, b: Count) -> Count:
    return a[0] + b[0], a[1] + b[1]


def _merge(before: tuple[Replica, ...], new: tuple[Replica, ...]) -> tuple[Replica, ...]:
    totals = {one.name: one for one in before}
    for one in new:
        old = totals.get(one.name, Replica(one.name, 0, 0))
        totals[one.name] = Replica(one.name, old.requests + one.requests, old.bad + one.bad)
    return tuple(totals[name] for name in sorted(totals))
