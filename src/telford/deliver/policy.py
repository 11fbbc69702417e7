"""What a release promises before it starts: engine, error bounds, weights, times, certificate.

A policy is frozen at the start; the probabilities it declares hold because nothing in it is chosen
after the data were seen. The app floor makes one from a `Delivery` of the estate and the objectives
of the service; `problems` says what contradicts itself. Read by every module of this floor.
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

from telford.deliver import codec
from telford.deliver.data_changes import DataStep
from telford.deliver.gates import Gate
from telford.estate.workload import Match

ENGINES = ("E1", "E2", "E4")
STRATEGIES = ("canary", "blue-green", "rolling", "mirror", "ab", "recreate")
"""How a new version reaches its users; see `strategies`."""
SHARINGS = ("traffic", "queue", "partition")
"""What versions of a service share: requests, or (workers) a queue or its partitions."""
ALONE = frozenset({"blue-green", "recreate"})
"""Strategies that compare the new version with the objective: before and after are no comparison."""
CERTIFICATES = ("objective", "ratio", "both")
DEADLINE_CHOICES = ("hold", "promote", "rollback")
KINDS = ("errors", "slowness", "latency")
"""What an indicator counts: failures, answers slower than a threshold, the whole histogram."""
FULL_WEIGHT = 10_000
"""All traffic, in basis points."""
FUSE_CEILING = 0.95
"""An indicator whose fuse rate would lie above this has no fuse: nothing could blow it in time."""
MAX_STEPS = 50
MAX_REPLICAS = 1_000


@dataclass(frozen=True, slots=True)
class Indicator:
    """One thing that is counted. A policy has any number of them, under names of their own.

    `kind` is one of `KINDS`, or "" where the name is one; `objective_target` the share of good
    requests the objective promises (``Decimal("0.995")``); `threshold_ms` is the slowness limit
    (None for the others); `alpha_weight` this indicator's part of alpha. Parts that add up to more
    than 1 (the 1 of each where none is declared) are cut in proportion; what parts leave of 1 is
    spent by nobody, so that each has what was declared for it and never more.
    `history_requests` and `history_bad` are the stable version's counts from before the release:
    they seed E1's guess of the stable rate, and being fixed before the start they cost no validity.
    A latency indicator compares whole histograms (E3): it has no objective, and only rolls back.
    """

    name: str
    objective_target: Decimal = Decimal(0)
    threshold_ms: float | None = None
    alpha_weight: float = 1.0
    history_requests: int = 0
    history_bad: int = 0
    kind: str = ""

    @property
    def budget(self) -> float:
        """The share of bad requests the objective allows (0.005 for 99.5%)."""
        return float(1 - self.objective_target)


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that is declared before a release starts. Probabilities are of a whole release.

    - `engine`: of the rollback evidence. E2 (default) conditional binomial; E1 block form, needed
      where `rollback_ratio` is not 1; E4 robust to errors that cluster within a tick, needs at
      least two canary replicas and one step at the replicas' own share. Latency indicators are
      compared by E3, and what is compared with the objective by E0, whatever is declared here.
    - `certificate`: "objective" promotes when the new version's rate is shown to be below
      `objective_share` of the budget (E0), "ratio" when it is shown to be less than
      `tolerable_ratio` times the stable one (E1), "both" when either is shown.
    - `objective_factor`: what is compared with the objective is rolled back when its rate is shown
      to be above this many times the budget (E0 the other way round).
    - `alpha`: the total probability of a wrong rollback; `fuse_alpha` is charged to it.
    - `beta`: of a wrong promotion, split over the steps by `beta_shares` (equal when empty).
    - `ratio_cap`: under "objective", no promotion while the evidence that the new version is
      more than this many times worse stands at `cap_alpha`.
    - `weights`: canary weight of each step, basis points, ascending.
    - `soak_seconds`: one for each step, or a single one for all. Times in seconds; `warmup_seconds`
      at the start of each step and `start_seconds` to get the new version's replicas ready.
    - `split_alpha`: level of the sample-ratio test (it holds, so it is not charged to alpha).
    - `strategy` and `sharing`: the sequence of shapes, see `strategies`. `weights` are then shares
      of requests (canary), of copied requests (mirror), of replicas (rolling, queue) or of
      partitions; `keep_seconds` how long blue-green keeps the old version after the switch.
    - `baseline`: compare with fresh replicas of the old version instead of those that run.
    - `matches`: requests that reach the canary whatever the weights: blue-green's preview, A/B.
      `judge_preview`: those of the preview are counted; else gates alone decide about it.
    - `exposure_share`: where above 0, weights are chosen as they go, so that at most this share of
      the remaining error budget is spent were the canary as bad as the data still allow at
      `exposure_level`; `weights` are then the most that each step may have.
    - `certificate_share`: under "both", the part of beta that the objective's certificate may
      spend; the ratio's has the rest.
    - `placebo_alpha`: level of the placebo test among stable replicas; 0 leaves it out.
    - `skip_analysis`: an emergency: nothing is compared, only readiness and gates count.
    - `gates` and `data`: see `gates` and `data_changes`.
    """

    # It goes into the row at every tick and never changes: `codec.ENCODED_ONCE`.
    encoded_once: ClassVar[bool] = True

    indicators: tuple[Indicator, ...]
    engine: str = "E2"
    certificate: str = "objective"
    alpha: float = 0.01
    beta: float = 0.05
    rollback_ratio: float = 1.0
    tolerable_ratio: float = 2.0
    objective_share: float = 1.0
    ratio_cap: float = 10.0
    cap_alpha: float = 0.05
    weights: tuple[int, ...] = (1000, 2500, 5000)
    beta_shares: tuple[float, ...] = ()
    soak_seconds: tuple[float, ...] = (60.0,)
    warmup_seconds: float = 5.0
    deadline_seconds: float = 3600.0
    on_deadline: str = "hold"
    stale_seconds: float = 60.0
    start_seconds: float = 120.0
    fuse_factor: float = 14.4
    fuse_alpha: float = 0.001
    split_alpha: float = 0.0001
    canary_replicas: int = 1
    stable_replicas: int = 1
    display_level: float = 0.05
    strategy: str = "canary"
    sharing: str = "traffic"
    partitions: int = 0
    keep_seconds: float = 0.0
    baseline: bool = False
    matches: tuple[Match, ...] = ()
    judge_preview: bool = False
    sticky: str = ""
    exposure_share: float = 0.0
    exposure_level: float = 0.05
    certificate_share: float = 0.5
    objective_factor: float = 1.0
    placebo_alpha: float = 0.0
    skip_analysis: bool = False
    gates: tuple[Gate, ...] = ()
    data: tuple[DataStep, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A dict that refuses to be changed (it is kept: a copy may be changed); `from_json` gives
        back an equal policy.
        """
        plain: dict[str, Any] = codec.encode(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Policy":
        """Raises `UsageError` where a key is unknown or a value has the wrong type."""
        return codec.decode(cls, data)

    def seeded(self, history: Mapping[str, tuple[int, int]]) -> "Policy":
        """The same policy with each named indicator's history: name -> (requests, bad)."""
        return replace(
            self,
            indicators=tuple(
                replace(
                    one, history_requests=history[one.name][0], history_bad=history[one.name][1]
                )
                if one.name in history
                else one
                for one in self.indicators
            ),
        )


def kind_of(indicator: Indicator) -> str:
    """One of `KINDS`."""
    return indicator.kind or indicator.name


def alone(policy: Policy) -> bool:
    """Whether the new version is compared with the objective alone, never with the old version."""
    return policy.strategy in ALONE


def alpha_part(policy: Policy, indicator: Indicator) -> float:
    """One indicator's part of alpha, in (0, 1]; all of them sum to at most 1."""
    return indicator.alpha_weight / max(1.0, sum(one.alpha_weight for one in policy.indicators))


def alpha_of(policy: Policy, indicator: Indicator) -> float:
    """The rollback level of one indicator: its part of alpha after the fuse's charge."""
    return (policy.alpha - policy.fuse_alpha) * alpha_part(policy, indicator)


def fuse_alpha_of(policy: Policy, indicator: Indicator) -> float:
    """The level of one indicator's fuse; 0 where it has none."""
    if fuse_rate(policy, indicator) is None:
        return 0.0
    return policy.fuse_alpha * alpha_part(policy, indicator)


def alpha_total(policy: Policy) -> float:
    """All that is charged for a wrong rollback; at most `policy.alpha`."""
    return sum(alpha_of(policy, one) + fuse_alpha_of(policy, one) for one in policy.indicators)


def beta_of(policy: Policy, step: int) -> float:
    """The promotion level of one step (0-based): there is one step for each weight."""
    shares = policy.beta_shares or (1.0,) * len(policy.weights)
    return policy.beta * shares[step] / sum(shares)


def certificate_betas(policy: Policy, step: int) -> dict[str, float]:
    """What each declared certificate may spend of one step's beta: name -> level."""
    beta = beta_of(policy, step)
    if policy.certificate == "both":
        part = policy.certificate_share
        return {"objective": beta * part, "ratio": beta * (1 - part)}
    return {policy.certificate: beta}


def placebo_alpha_of(policy: Policy, indicator: Indicator) -> float:
    """One indicator's part of the placebo test's level."""
    return policy.placebo_alpha * alpha_part(policy, indicator)


def objective_rate(policy: Policy, indicator: Indicator) -> float:
    """The rate above which what is compared with the objective is rolled back; below 1."""
    return min(policy.objective_factor * indicator.budget, FUSE_CEILING)


def soak_of(policy: Policy, step: int) -> float:
    """Seconds that step must be served, warm-up not included."""
    return policy.soak_seconds[step if len(policy.soak_seconds) > 1 else 0]


def certified_rate(policy: Policy, indicator: Indicator) -> float:
    """p_max: the rate the "objective" certificate must show the new version to be below."""
    return policy.objective_share * indicator.budget


def fuse_rate(policy: Policy, indicator: Indicator) -> float | None:
    """The rate above which the fuse may blow; None where it would lie out of reach."""
    if kind_of(indicator) == "latency":
        return None
    rate = policy.fuse_factor * indicator.budget
    return rate if policy.fuse_alpha > 0 and rate <= FUSE_CEILING else None


def replica_share(policy: Policy) -> float:
    """The canary's replicas among all: w of E4."""
    return policy.canary_replicas / (policy.canary_replicas + policy.stable_replicas)


def problems(policy: Policy) -> tuple[str, ...]:
    """Every way in which the policy contradicts itself, as sentences; empty when it is sound."""
    return (
        *_choice_problems(policy),
        *_indicator_problems(policy),
        *_level_problems(policy),
        *_step_problems(policy),
        *_sharing_problems(policy),
        *_time_problems(policy),
        *_engine_problems(policy),
        *_strategy_problems(policy),
    )


def _choice_problems(policy: Policy) -> Iterator[str]:
    for what, value, choices in (
        ("engine", policy.engine, ENGINES),
        ("certificate", policy.certificate, CERTIFICATES),
        ("on_deadline", policy.on_deadline, DEADLINE_CHOICES),
    ):
        if value not in choices:
            yield f"{what} is {value!r}; it must be one of {', '.join(choices)}"


def _indicator_problems(policy: Policy) -> Iterator[str]:
    if not policy.indicators and not policy.skip_analysis:
        yield "there is no indicator: a release without anything to count decides nothing"
    names = [one.name for one in policy.indicators]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the indicator {name} is declared twice"
    kinds = {kind_of(one) for one in policy.indicators}
    if kinds == {"latency"} and not policy.skip_analysis:
        yield "only latency is counted: nothing can be promoted by that; add errors or slowness"
    if "latency" in kinds and alone(policy):
        yield f"latency is a comparison of two versions, and {policy.strategy} compares none"
    for one in policy.indicators:
        yield from _one_indicator_problems(one)


def _one_indicator_problems(one: Indicator) -> Iterator[str]:
    kind = kind_of(one)
    if kind not in KINDS:
        yield f"the indicator {one.name!r} is of kind {kind!r}, which is none of {', '.join(KINDS)}"
    if kind != "latency" and not Decimal(0) < one.objective_target < Decimal(1):
        yield f"the objective of {one.name} is {one.objective_target}; it must lie in (0, 1)"
    if one.alpha_weight <= 0:
        yield f"the alpha weight of {one.name} must be above 0, or it could never roll back"
    if (kind == "slowness") != (one.threshold_ms is not None):
        yield f"{one.name}: a threshold in milliseconds belongs to slowness, and only there"
    if not 0 <= one.history_bad <= one.history_requests:
        yield f"the history of {one.name} has more bad requests than requests"


def _level_problems(policy: Policy) -> Iterator[str]:
    for what, value in (("alpha", policy.alpha), ("beta", policy.beta)):
        if not 0 < value < 0.5:
            yield f"{what} is {value:g}; it must lie between 0 and 0.5"
    for what, value in (
        ("cap_alpha", policy.cap_alpha),
        ("split_alpha", policy.split_alpha),
        ("display_level", policy.display_level),
    ):
        if not 0 < value < 1:
            yield f"{what} is {value:g}; it must lie between 0 and 1"
    if not 0 <= policy.fuse_alpha < policy.alpha:
        yield (
            f"fuse_alpha {policy.fuse_alpha:g} is charged to alpha {policy.alpha:g} "
            "and must leave some of it"
        )
    for what, value in (
        ("certificate_share", policy.certificate_share),
        ("exposure_level", policy.exposure_level),
    ):
        if not 0 < value < 1:
            yield f"{what} is {value:g}; it must lie between 0 and 1"
    for what, value in (
        ("placebo_alpha", policy.placebo_alpha),
        ("exposure_share", policy.exposure_share),
    ):
        if not 0 <= value < 1:
            yield f"{what} is {value:g}; it must lie in [0, 1)"
    if policy.fuse_factor <= 1:
        yield "fuse_factor must be above 1: a fuse must not blow within the budget"
    if not 0 < policy.objective_share <= 1:
        yield "objective_share must lie in (0, 1]: a certificate cannot allow more than the budget"


def _step_problems(policy: Policy) -> Iterator[str]:
    weights = policy.weights
    if not 1 <= len(weights) <= MAX_STEPS:
        yield f"there are {len(weights)} weights; there must be 1 to {MAX_STEPS}"
    yield from _weight_problems(policy)
    if any(a >= b for a, b in itertools.pairwise(weights)):
        yield "the weights must ascend"
    if policy.beta_shares and len(policy.beta_shares) != len(weights):
        yield f"beta is split over {len(policy.beta_shares)} steps, but there are {len(weights)}"
    if any(share <= 0 for share in policy.beta_shares):
        yield "every share of beta must be above 0: a step without beta can never advance"
    if len(policy.soak_seconds) not in {1, len(weights)}:
        yield f"there are {len(policy.soak_seconds)} soak times for {len(weights)} steps"


def _weight_problems(policy: Policy) -> Iterator[str]:
    """There is one weight for each stage, whatever the strategy; see `strategies`."""
    weights, strategy = policy.weights, policy.strategy
    fixed = {"blue-green": ((0, FULL_WEIGHT), (FULL_WEIGHT,)), "recreate": ((FULL_WEIGHT,),)}
    fixed["ab"] = ((0,),)
    if strategy in fixed:
        if weights not in fixed[strategy]:
            yield f"the weights of {strategy} are not its own: {fixed[strategy][0]}"
    elif strategy == "mirror":
        if any(not 0 < weight <= FULL_WEIGHT for weight in weights):
            yield "every share of copied requests must lie between 1 and 10,000 basis points"
    elif any(not 0 < weight < FULL_WEIGHT for weight in weights):
        yield "every weight must lie between 1 and 9,999 basis points: both arms need traffic"
    if policy.baseline and any(weight > FULL_WEIGHT // 2 for weight in weights):
        yield "a canary and a baseline of the same weight cannot have more than half each"


def _sharing_problems(policy: Policy) -> Iterator[str]:
    for what, value, choices in (
        ("strategy", policy.strategy, STRATEGIES),
        ("sharing", policy.sharing, SHARINGS),
    ):
        if value not in choices:
            yield f"{what} is {value!r}; it must be one of {', '.join(choices)}"
    if policy.sharing == "partition" and policy.partitions < 2 and policy.strategy != "recreate":
        yield "sharing by partition needs at least 2 partitions: both versions need one"
    if policy.sharing != "traffic":
        if policy.strategy in {"blue-green", "mirror", "ab"}:
            yield f"{policy.strategy} divides requests, and a worker has none"
        if policy.matches or policy.sticky or policy.baseline:
            yield "matches, affinity and a baseline divide requests, and a worker has none"
    if policy.baseline and policy.strategy != "canary":
        yield f"a baseline stands beside a canary; {policy.strategy} has none"
    if policy.strategy == "ab" and not policy.matches:
        yield "an A/B test needs a header or a cookie to tell its requests by"
    if policy.judge_preview and not policy.matches:
        yield "a preview cannot be judged without requests: name a header or a cookie that reach it"
    if policy.keep_seconds < 0:
        yield "keep_seconds cannot be negative"


def _time_problems(policy: Policy) -> Iterator[str]:
    if any(soak < 0 for soak in policy.soak_seconds) or policy.warmup_seconds < 0:
        yield "soak and warm-up cannot be negative"
    for what, value in (
        ("deadline_seconds", policy.deadline_seconds),
        ("stale_seconds", policy.stale_seconds),
        ("start_seconds", policy.start_seconds),
    ):
        if value <= 0:
            yield f"{what} must be above 0"
    longest = max(*policy.soak_seconds, policy.keep_seconds, 0.0) + policy.warmup_seconds
    if longest >= policy.deadline_seconds:
        yield (
            f"warm-up and soak take {longest:g} s, which is not before the step's deadline of "
            f"{policy.deadline_seconds:g} s"
        )


def _engine_problems(policy: Policy) -> Iterator[str]:
    for replicas in (policy.canary_replicas, policy.stable_replicas):
        if not 1 <= replicas <= MAX_REPLICAS:
            yield f"there are {replicas} replicas of a version; there must be 1 to {MAX_REPLICAS}"
            return
    if policy.rollback_ratio < 1:
        yield "rollback_ratio is below 1: a version as good as the stable one would be rolled back"
    if policy.tolerable_ratio <= policy.rollback_ratio:
        yield "tolerable_ratio must be above rollback_ratio, or both verdicts could be true"
    if policy.ratio_cap < policy.tolerable_ratio:
        yield "ratio_cap is below tolerable_ratio"
    if policy.engine != "E1" and policy.rollback_ratio != 1:
        yield f"engine {policy.engine} tests a ratio of 1 only; use E1 for {policy.rollback_ratio:g}"
    if policy.engine == "E4" and not alone(policy):
        yield from _share_problems(policy)


def _strategy_problems(policy: Policy) -> Iterator[str]:
    if policy.objective_factor < 1:
        yield "objective_factor is below 1: a version within its budget would be rolled back"
    if alone(policy) and policy.certificate == "ratio":
        yield (
            f"{policy.strategy} compares with the objective alone, so a ratio to the stable "
            "version cannot be certified: declare the objective's certificate"
        )
    if policy.exposure_share > 0 and policy.strategy != "canary":
        yield f"exposure chooses a canary's weights; {policy.strategy} has none to choose"
    if policy.placebo_alpha > 0 and policy.stable_replicas < 2:
        yield "the placebo test compares stable replicas with each other, and there is only one"


def _share_problems(policy: Policy) -> Iterator[str]:
    if policy.canary_replicas < 2:
        yield (
            "engine E4 needs at least 2 canary replicas; with one, a bad host cannot be told from "
            "a bad version: use E2 or E1, which assume that errors are independent"
        )
    if policy.strategy != "canary" or policy.sharing != "traffic":
        yield (
            f"engine E4 needs equal traffic to every replica of both versions, which only a canary "
            f"divided by weight promises: use E2 or E1 with {policy.strategy}"
        )
        return
    share = round(FULL_WEIGHT * replica_share(policy))
    if policy.baseline:
        return  # Both groups are equal at every weight.
    if policy.weights != (share,):
        yield (
            f"engine E4 bets on equal traffic to every replica, so the one weight must be "
            f"{share} basis points ({policy.canary_replicas} of "
            f"{policy.canary_replicas + policy.stable_replicas} replicas)"
        )
