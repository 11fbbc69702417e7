"""Alpha and beta are split as the estate declares, and the split is told before the start."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from telford.app import release_policy, release_words
from telford.deliver import batch, release, weighing
from telford.deliver.policy import (
    Indicator,
    Policy,
    alpha_of,
    alpha_part,
    alpha_total,
    beta_of,
    certificate_betas,
    fuse_alpha_of,
    problems,
)
from telford.estate.kinds.change import Delivery

ERRORS = Indicator("errors", Decimal("0.99"))
SLOW = Indicator("slowness", Decimal("0.95"), threshold_ms=300.0)
LATENCY = Indicator("latency")
TWO_SLOW = tuple(
    Indicator(f"slowness-{limit}", Decimal("0.95"), float(limit), kind="slowness")
    for limit in (300, 1000)
)


def made(verdict: dict[str, Any], *judged_by: Indicator, **fields: Any) -> Policy:
    whole = {"apiVersion": "telford/v1", "kind": "Delivery", "name": "d", "owner": "team/shop"}
    steps = [{"weight": "10%"}, {"weight": "50%"}]
    delivery = Delivery.model_validate({**whole, "steps": steps, "verdict": verdict, **fields})
    return release_policy.policy(delivery, judged_by or (ERRORS, SLOW), 2)


@pytest.mark.parametrize(
    ("shares", "judged_by", "parts"),
    [
        ({}, (ERRORS, SLOW), (0.5, 0.5)),
        ({"errors": "80%", "slowness": "20%"}, (ERRORS, SLOW), (0.8, 0.2)),
        ({"errors": "70%"}, (ERRORS, LATENCY, SLOW), (0.7, 0.15, 0.15)),
        ({"errors": "60%", "slowness": "30%"}, (ERRORS, *TWO_SLOW), (0.6, 0.15, 0.15)),
        ({"slowness-300": "30%", "slowness": "10%"}, (ERRORS, *TWO_SLOW), (0.6, 0.3, 0.1)),
        ({"slowness-300": "30%"}, (ERRORS, SLOW), (0.7, 0.3)),
        # A service without slowness: errors get what was declared for them and no more.
        ({"errors": "60%", "slowness": "40%"}, (ERRORS,), (0.6,)),
    ],
)
def test_each_indicator_has_the_part_of_alpha_that_was_declared(
    shares: dict[str, str], judged_by: tuple[Indicator, ...], parts: tuple[float, ...]
) -> None:
    policy = made({"alphaShares": shares, "latency": LATENCY in judged_by}, *judged_by)
    assert problems(policy) == ()
    assert [alpha_part(policy, one) for one in policy.indicators] == pytest.approx(parts)
    for one, part in zip(policy.indicators, parts, strict=True):
        charged = alpha_of(policy, one) + fuse_alpha_of(policy, one)
        assert charged <= policy.alpha * part * (1 + 1e-12)
    assert alpha_total(policy) <= policy.alpha * (1 + 1e-12)


def test_an_indicator_without_a_part_is_refused_before_the_start() -> None:
    policy = made({"alphaShares": {"slowness-300": "50%", "errors": "50%"}}, ERRORS, *TWO_SLOW)
    assert problems(policy) == (
        "the alpha weight of slowness-1000 must be above 0, or it could never roll back",
    )


def test_equal_versions_are_rolled_back_by_each_indicator_within_its_own_part() -> None:
    """3,000 releases of equal versions, looked at after each of 60 ticks, alpha large to see it."""
    policy = made({"alphaShares": {"errors": "80%", "slowness": "20%"}, "alpha": 0.3, "fuse": None})
    random, shape = np.random.default_rng(11), (3000, 60)
    state = release.begin(
        policy, release="r", service="s", stable="a", canary="b", generation=0, at=0.0
    )
    bounds = {
        one.indicator: one.log_bound
        for one in weighing.values(policy, 0, state.evidence)
        if one.name == "rollback"
    }
    seen = {}
    for indicator in policy.indicators:
        n1, n0 = random.poisson(100, shape), random.poisson(100, shape)
        k1, k0 = random.binomial(n1, 0.02), random.binomial(n0, 0.02)
        path = batch.binomial_path(*(one.astype(float) for one in (n1, k1, n0, k0)))
        seen[indicator.name] = int((path >= bounds[indicator.name]).any(axis=1).sum())
        declared = alpha_of(policy, indicator)
        assert bounds[indicator.name] == pytest.approx(-math.log(declared))
        assert binomtest(seen[indicator.name], 3000, declared, "greater").pvalue > 0.01
    assert seen["errors"] > 2 * seen["slowness"] > 0


def test_an_older_policy_has_equal_parts() -> None:
    plain = made({}).to_json()
    older = [{k: v for k, v in one.items() if k != "alpha_weight"} for one in plain["indicators"]]
    again = Policy.from_json({**plain, "indicators": older})
    assert [alpha_of(again, one) for one in again.indicators] == pytest.approx([0.0045, 0.0045])


@pytest.mark.parametrize(
    ("shares", "betas"),
    [
        ((None, None), (0.025, 0.025)),
        (("60%", None), (0.03, 0.02)),
        (("80%", "20%"), (0.04, 0.01)),
        (("60%", "20%"), (0.03, 0.01)),
    ],
)
def test_beta_is_split_over_the_steps_as_declared(
    shares: tuple[str | None, ...], betas: tuple[float, ...]
) -> None:
    """Also where they declare less than the whole: what they leave is not spent."""
    steps = [
        {"weight": weight, **({"betaShare": share} if share else {})}
        for weight, share in zip(("10%", "50%"), shares, strict=True)
    ]
    policy = made({}, steps=steps)
    assert [beta_of(policy, step) for step in range(2)] == pytest.approx(betas)


def test_beta_is_split_between_the_certificates_as_declared() -> None:
    policy = made({"certificate": "both", "certificateShare": "60%"})
    assert certificate_betas(policy, 0) == pytest.approx({"objective": 0.015, "ratio": 0.01})


def test_the_split_is_told() -> None:
    policy = made(
        {"alphaShares": {"errors": "80%"}, "certificate": "both", "certificateShare": "60%"}
    )
    assert release_words.error_bounds(policy) == (
        "a wrong rollback in at most 1% (errors 0.8%, slowness 0.2%), a wrong promotion in at most "
        "5% (10% 2.5%, 50% 2.5%; 60% of it by the objective, the rest by the ratio) of releases"
    )
    assert "(" not in release_words.error_bounds(made({}, ERRORS, steps=[{"weight": "10%"}]))
