"""Exposure: the worst expected loss stays within its share; the bound covers the truth at each peek."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from telford.deliver import bernoulli, block, exposure, mixture
from telford.deliver.policy import Indicator, Policy
from telford.deliver.weighing import Evidence

POLICY = Policy(
    (Indicator("errors", Decimal("0.99")), Indicator("all", kind="latency")),
    exposure_share=0.1,
    weights=(5000,),
)
COUNTS = st.tuples(st.integers(0, 20_000), st.floats(0, 1)).map(lambda t: (t[0], int(t[0] * t[1])))


def seen(requests, bad):
    return Evidence("errors", block.Baseline(1.0, 0.0), (), (), (), (), canary=(requests, bad))


def choose(counts, left=100.0, **changes):
    settings = {"ceiling_bp": 5000, "rps": 100.0, "seconds": 15.0} | changes
    evidence = (seen(*counts), replace(seen(0, 0), indicator="all"))
    return exposure.next_weight(POLICY, evidence, budget_left={"errors": left}, **settings)


def test_without_data_the_canary_may_be_wholly_bad():
    assert exposure.upper_rate(0, 0, 0.05) == 1.0
    first = choose((0, 0))
    assert first.bp == int(10_000 * 0.1 * 100 / (100 * 15))
    assert first.upper_rate == 1.0


def test_the_upper_rate_is_where_the_evidence_reaches_its_bound():
    """Closed form for no errors: the mean of ((1-c*p)/(1-p))^n over E0's parts c is 1/level."""
    for n in (50, 400, 5000):

        def excess(p, n=n):
            parts = [((1 - c * p) / (1 - p)) ** n for c in bernoulli.OBJECTIVE_PARTS]
            return math.log(sum(parts) / len(parts)) - math.log(1 / 0.05)

        assert exposure.upper_rate(n, 0, 0.05) == pytest.approx(
            brentq(excess, 1e-9, 20 / n), rel=1e-9
        )


@given(COUNTS, st.floats(0.01, 0.99), st.floats(0.01, 0.5))
def test_larger_rates_are_rejected_sooner(counts, rate, more):
    """So the rates that are left are an interval: the reason why halving is right."""
    n, k = counts
    larger = rate + (1 - rate) * more
    first, second = (
        mixture.log_e(bernoulli.factors(n, k, one, bernoulli.better(one))) for one in (rate, larger)
    )
    assert second >= first - 1e-9


@given(COUNTS, st.floats(0, 1e4), st.integers(1, 10_000), st.floats(0.1, 1e4), st.floats(1, 3600))
def test_the_worst_expected_loss_stays_within_its_share(counts, left, ceiling, rps, seconds):
    found = choose(counts, left, ceiling_bp=ceiling, rps=rps, seconds=seconds)
    assert 0 <= found.bp <= ceiling
    worst = rps * seconds * found.bp / 10_000 * exposure.upper_rate(*counts, 0.05)
    assert worst <= 0.1 * left * (1 + 1e-9)
    assert found.loss == pytest.approx(worst)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 50))
def test_good_requests_raise_the_weight_and_bad_ones_lower_it(good, more, bad):
    before = choose((good + bad, bad))
    assert choose((good + more + bad, bad)).bp >= before.bp
    assert choose((good + bad + 5, bad + 5)).bp <= before.bp


def test_a_spent_budget_stops_it():
    assert choose((10**6, 0), 0.0).bp == 0
    assert "gone" in choose((10**6, 0), -5.0).reason
    assert "less than a ten-thousandth" in choose((0, 0), 0.001).reason


def test_an_objective_without_a_budget_to_lose_sets_no_limit():
    found = exposure.next_weight(
        POLICY, (seen(0, 0), seen(0, 0)), ceiling_bp=700, budget_left={}, rps=10, seconds=10
    )
    assert (found.bp, found.reason) == (700, "no objective limits the weight")


def test_a_weight_is_raised_by_half_or_to_its_ceiling():
    assert not exposure.worth(1000, 1000, 5000)
    assert not exposure.worth(1000, 1499, 5000)
    assert exposure.worth(1000, 1500, 5000)
    assert exposure.worth(4000, 5000, 5000)
    assert not exposure.worth(4000, 4900, 5000)
    assert exposure.worth(0, 1, 5000)


def test_the_bound_covers_the_true_rate_at_every_peek():
    """2,000 sequences of 100 looks at level .05: misses stay within .05 (+4 sigma)."""
    random = np.random.default_rng(5)
    rate, level = 0.01, 0.05
    n = np.full((2000, 100), 40.0)
    k = random.binomial(40, rate, n.shape).cumsum(axis=1)
    n = n.cumsum(axis=1)
    logs = np.stack(
        [
            np.where(k == 0, 0.0, k * np.log(max(c, 1e-300)))
            + (n - k) * (np.log1p(-c * rate) - np.log1p(-rate))
            for c in bernoulli.OBJECTIVE_PARTS
        ]
    )
    missed = (np.exp(logs).mean(axis=0) >= 1 / level).any(axis=1)
    assert missed.mean() <= level + 4 * math.sqrt(level * (1 - level) / 2000)
    for row in np.flatnonzero(missed)[:5]:
        bounds = [
            exposure.upper_rate(int(a), int(b), level) for a, b in zip(n[row], k[row], strict=True)
        ]
        assert min(bounds) <= rate
