"""Exposure: how much traffic a new version may have, given what is known of it and what is left.

The weight is chosen so that, were the canary as bad as the data still allow, the bad requests that
are expected until the next decision stay within a declared share of what the objective's error
budget still allows. "As bad as the data still allow" is the upper end of the confidence sequence
that E0's family gives: the largest rate p whose null "at least p" is not rejected at
`exposure_level`. Each alternative of that family is a fixed part of p, so its evidence grows with
p; the rates that are left are an interval, and its end is found by halving. It holds at every peek.

It starts small (nothing is known: the rate may be 1), grows with evidence, and stops where the
budget is gone. Called by `release` at each tick of a release whose weights are chosen as they go,
and by the app floor for the forecast.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telford.deliver import bernoulli, mixture
from telford.deliver.policy import FULL_WEIGHT, Policy, kind_of
from telford.deliver.weighing import Evidence

STEP_UP = 1.5
"""A weight is raised by at least this factor: each change costs a warm-up and a confirmation."""
_HALVINGS = 50
"""An interval of length 1 ends narrower than 1e-15."""


@dataclass(frozen=True, slots=True)
class Weight:
    """The next weight in basis points; 0 says hold. `upper_rate` is the worst bad rate that the
    deciding indicator's data allow, `loss` the bad requests that it would mean until the next
    decision, `reason` a sentence.
    """

    bp: int
    upper_rate: float
    loss: float
    reason: str


def upper_rate(requests: int, bad: int, level: float) -> float:
    """The largest bad rate that `bad` of `requests` leave possible at `level`, every peek included.

    1 where nothing, or too little, is known.
    """
    limit = mixture.log_bound(level)
    low, high = (bad / requests if requests else 0.0), 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if _evidence(requests, bad, middle) >= limit:
            high = middle
        else:
            low = middle
    return high


def next_weight(
    policy: Policy,
    evidence: Iterable[Evidence],
    *,
    ceiling_bp: int,
    budget_left: Mapping[str, float],
    rps: float,
    seconds: float,
) -> Weight:
    """The largest weight up to `ceiling_bp` whose worst expected loss is allowed.

    `budget_left` is how many more bad requests each indicator's objective allows in its period (an
    absent indicator sets no limit); `rps` the service's requests a second in all; `seconds` how
    long the weight stays before the next decision.
    """
    found = Weight(ceiling_bp, 0.0, 0.0, "no objective limits the weight")
    requests = rps * seconds
    for indicator, one in zip(policy.indicators, evidence, strict=True):
        left = budget_left.get(indicator.name)
        if left is None or kind_of(indicator) == "latency":
            continue
        rate = upper_rate(*one.canary, policy.exposure_level)
        allowed = policy.exposure_share * max(left, 0.0)
        whole = requests * rate
        bp = ceiling_bp if whole <= 0 else min(ceiling_bp, int(FULL_WEIGHT * allowed / whole))
        bp = 0 if left <= 0 else bp
        if bp < found.bp or not found.upper_rate:
            loss = whole * bp / FULL_WEIGHT
            found = Weight(bp, rate, loss, _reason(indicator.name, bp, rate, loss, left))
    return found


def worth(present_bp: int, wanted_bp: int, ceiling_bp: int) -> bool:
    """Whether a weight should be raised: enough to be worth a change, or up to the ceiling."""
    if wanted_bp <= present_bp:
        return False
    return wanted_bp >= min(math.ceil(STEP_UP * present_bp), ceiling_bp)


def _evidence(requests: int, bad: int, rate: float) -> float:
    """The logarithm of E0 against "at least `rate`"."""
    return mixture.log_e(bernoulli.factors(requests, bad, rate, bernoulli.better(rate)))


def _reason(name: str, bp: int, rate: float, loss: float, left: float) -> str:
    if left <= 0:
        return f"the error budget of {name} is gone: no traffic for a new version"
    if bp == 0:
        return (
            f"what is left of the error budget of {name} ({left:,.0f} bad requests) allows less "
            "than a ten-thousandth of the traffic"
        )
    return (
        f"{bp / 100:g}% of the traffic: were {rate:.2%} of its requests bad, the most that {name} "
        f"still allow, that would cost {loss:,.1f} of the {left:,.0f} bad requests left"
    )
