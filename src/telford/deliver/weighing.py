"""One indicator's evidence, and what one tick of counts does to it.

Each indicator carries up to four e-processes: `bad` (roll back), `good` (promote this step), `cap`
(so much worse that an objective alone must not promote) and `fuse` (worse in absolute terms).
`bad`, `cap` and `fuse` go on over all steps of a release; `good` starts anew with each. Called by
`release` for each tick, and mirrored in arrays by `batch`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from telford.deliver import bernoulli, binomial, block, mixture, share
from telford.deliver.mixture import Logs
from telford.deliver.policy import (
    Indicator,
    Policy,
    alpha_of,
    beta_of,
    certified_rate,
    fuse_alpha_of,
    fuse_rate,
    replica_share,
)
from telford.estate.observation import Observation

Count = tuple[int, int]
"""(requests, bad)."""


@dataclass(frozen=True, slots=True)
class Replica:
    """The counts of one canary replica since the rollback evidence began."""

    name: str
    requests: int
    bad: int


@dataclass(frozen=True, slots=True)
class Counts:
    """One tick of one indicator.

    `gaps` is True where a replica's counts are missing; `equal` is True where every replica that
    the policy declares has counts, which is what E4 needs.
    """

    indicator: str
    stable: Count
    canary: Count
    replicas: tuple[Replica, ...]
    gaps: bool
    equal: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a release knows about one indicator; the logs are natural logarithms."""

    indicator: str
    baseline: block.Baseline
    bad: Logs
    good: Logs
    cap: Logs
    fuse: Logs
    stable: Count = (0, 0)
    canary: Count = (0, 0)
    replicas: tuple[Replica, ...] = ()


@dataclass(frozen=True, slots=True)
class EValue:
    """One piece of evidence beside its bound, as natural logarithms.

    `name` is "rollback", "promotion", "cap", "fuse" or "split".
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
    rollback = len(share.FRACTIONS) if policy.engine == "E4" else len(mixture.RATIOS)
    worse = mixture.start(len(mixture.RATIOS))
    return Evidence(
        indicator=indicator.name,
        baseline=block.baseline(
            indicator.history_requests, indicator.history_bad, indicator.budget
        ),
        bad=mixture.start(rollback),
        good=mixture.start(len(block.GOOD_RATIOS)),
        cap=worse if policy.certificate == "objective" else (),
        fuse=worse if fuse_rate(policy, indicator) is not None else (),
    )


def count(policy: Policy, observation: Observation, stable: str, canary: str) -> tuple[Counts, ...]:
    """The tick's counts for each indicator that both versions have data for."""
    gaps = any(series.version in {stable, canary} for series in observation.missing)
    found = []
    for indicator in policy.indicators:
        tallies = [tally for tally in observation.tallies if tally.sli == indicator.name]
        old = [tally for tally in tallies if tally.series.version == stable]
        new = [tally for tally in tallies if tally.series.version == canary]
        if not old or not new:
            continue
        expected = (policy.stable_replicas, policy.canary_replicas)
        found.append(
            Counts(
                indicator=indicator.name,
                stable=(sum(one.total for one in old), sum(one.bad for one in old)),
                canary=(sum(one.total for one in new), sum(one.bad for one in new)),
                replicas=tuple(Replica(one.series.replica, one.total, one.bad) for one in new),
                gaps=gaps,
                equal=not gaps and (len(old), len(new)) == expected,
            )
        )
    return tuple(found)


def weigh(policy: Policy, indicator: Indicator, before: Evidence, counts: Counts) -> Evidence:
    """The evidence after one more tick. Only past ticks choose the bets; then they are learnt."""
    rate = before.baseline.rate()
    requests, bad = counts.canary
    p_fuse = fuse_rate(policy, indicator)
    fuse = before.fuse
    if p_fuse is not None:
        fuse = bernoulli.update(fuse, requests, bad, p_fuse, bernoulli.worse(p_fuse))
    return replace(
        before,
        baseline=block.learn(before.baseline, *counts.stable),
        bad=_weigh_bad(policy, before.bad, counts, rate),
        good=_weigh_good(policy, indicator, before.good, counts, rate),
        cap=_weigh_cap(policy, before.cap, counts, rate),
        fuse=fuse,
        stable=_plus(before.stable, counts.stable),
        canary=_plus(before.canary, counts.canary),
        replicas=_merge(before.replicas, counts.replicas),
    )


def restart_bad(policy: Policy, indicator: Indicator, before: Evidence) -> Evidence:
    """Look again: forget the rollback evidence, after a replica was replaced."""
    return replace(before, bad=begin(policy, indicator).bad, replicas=())


def restart_good(before: Evidence) -> Evidence:
    """A new step has its own promotion evidence."""
    return replace(before, good=mixture.start(len(before.good)))


def values(policy: Policy, step: int, evidence: Iterable[Evidence]) -> tuple[EValue, ...]:
    """Every piece of evidence beside the bound that this step sets for it."""
    found: list[EValue] = []
    for indicator, one in zip(policy.indicators, evidence, strict=True):
        for name, logs, level in (
            ("rollback", one.bad, alpha_of(policy, indicator)),
            ("promotion", one.good, beta_of(policy, step)),
            ("cap", one.cap, policy.cap_alpha),
            ("fuse", one.fuse, fuse_alpha_of(policy, indicator)),
        ):
            if logs:
                bound = mixture.log_bound(level)
                found.append(EValue(name, one.indicator, mixture.log_e(logs), bound))
    return tuple(found)


def _weigh_bad(policy: Policy, logs: Logs, counts: Counts, rate: float) -> Logs:
    (n1, k1), (n0, k0) = counts.canary, counts.stable
    if policy.engine == "E1":
        pairs = block.worse(rate, policy.rollback_ratio)
        return block.update(logs, counts.canary, counts.stable, pairs, policy.rollback_ratio)
    if policy.engine == "E2":
        return binomial.update(logs, n1, k1, n0, k0)
    return share.update(logs, k1, k0, replica_share(policy)) if counts.equal else logs


def _weigh_good(
    policy: Policy, indicator: Indicator, logs: Logs, counts: Counts, rate: float
) -> Logs:
    if policy.certificate == "objective":
        p_max = certified_rate(policy, indicator)
        return bernoulli.update(logs, *counts.canary, p_max, bernoulli.better(p_max))
    ratio = policy.tolerable_ratio
    return block.update(logs, counts.canary, counts.stable, block.better(rate, ratio), ratio)


def _weigh_cap(policy: Policy, logs: Logs, counts: Counts, rate: float) -> Logs:
    if not logs:
        return logs
    pairs = block.worse(rate, policy.ratio_cap)
    return block.update(logs, counts.canary, counts.stable, pairs, policy.ratio_cap)


def _plus(a: Count, b: Count) -> Count:
    return a[0] + b[0], a[1] + b[1]


def _merge(before: tuple[Replica, ...], new: tuple[Replica, ...]) -> tuple[Replica, ...]:
    totals = {one.name: one for one in before}
    for one in new:
        old = totals.get(one.name, Replica(one.name, 0, 0))
        totals[one.name] = Replica(one.name, old.requests + one.requests, old.bad + one.bad)
    return tuple(totals[name] for name in sorted(totals))
