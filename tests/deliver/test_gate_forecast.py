"""What is said before the start and while a gate is open, and the limit behind it."""

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import verdict_cells
import verdict_traffic
from hypothesis import given
from hypothesis import strategies as st
from simulated_release import ERRORS, same, simulate
from verdict_traffic import Traffic

from telford.deliver import batch, bounds, forecast, histogram, limit
from telford.deliver.policy import Indicator, Policy, alpha_of
from telford.deliver.state import Decision
from telford.estate.workload import Match

SHAPE = (20.0, 300.0, 900.0, 400.0, 80.0, 9.0, 1.0)
"""A histogram of latencies, lowest bucket first."""
RARE = Indicator("errors", Decimal("0.999"))
BARE = Policy((ERRORS,), weights=(1000,), soak_seconds=(0.0,), warmup_seconds=0.0)


class TestLimit:
    @pytest.mark.parametrize(
        ("weight", "ratio", "errors"),
        [
            (0.05, 2, 267), (0.05, 5, 30), (0.05, 10, 11), (0.05, 20, 5.3),
            (0.1, 2, 150), (0.1, 5, 19), (0.1, 10, 8.1), (0.1, 20, 4.6),
            (0.5, 2, 81), (0.5, 5, 19), (0.5, 10, 12), (0.5, 20, 9.2),
        ],
    )  # fmt: skip
    def test_the_table_at_alpha_one_percent(self, weight, ratio, errors):
        digits = 0 if errors >= 12 else 1
        found = limit.errors_to_roll_back(0.01, weight, ratio)
        assert round(found, digits) == errors or abs(found - errors) < 0.5 * 10**-digits + 0.15

    def test_less_than_twice_as_bad_takes_115_errors(self):
        assert limit.errors_to_promote(0.05, 0.1, 2) == pytest.approx(115, abs=0.5)

    def test_divergence_is_infinite_where_the_truth_is_ruled_out(self):
        assert limit.divergence(0.1, 0.0) == math.inf
        assert limit.divergence(0.0, 0.0) == 0.0
        assert limit.requests_to_certify(0.05, 0.01, 0.02) == math.inf


class TestForecast:
    def test_nobody_can_show_a_ratio_of_rare_errors_in_less_than_38_minutes(self):
        policy = replace(BARE, indicators=(RARE,), certificate="ratio")
        found = forecast.forecast(policy, 50.0, {"errors": 0.001})
        assert found.fastest_seconds / 60 == pytest.approx(38, abs=0.5)
        assert found.seconds > found.fastest_seconds
        assert found.possible
        assert "no honest test less than 38 min" in found.sentence

    def test_an_objective_of_99_percent_takes_about_350_canary_requests(self):
        found = forecast.forecast(BARE, 50.0, {}, 1.0)
        assert found.steps[0].requests == pytest.approx(350, abs=5)
        assert found.steps[0].seconds == pytest.approx(70, abs=1)

    def test_soak_and_warm_up_are_the_least(self):
        policy = replace(BARE, soak_seconds=(600.0,), warmup_seconds=5.0)
        assert forecast.forecast(policy, 5000.0, {}).seconds == 605.0

    def test_the_deadline_is_announced(self):
        policy = replace(BARE, deadline_seconds=30.0)
        found = forecast.forecast(policy, 50.0, {})
        assert not found.possible
        assert "deadline of 30 s comes first, then: hold" in found.sentence

    @pytest.mark.parametrize(
        ("policy", "rps", "rates", "words"),
        [
            (BARE, 0.0, {}, "there is no traffic"),
            (BARE, 50.0, {"errors": 0.02}, "too little of the objective's budget"),
            (replace(BARE, certificate="ratio"), 50.0, {}, "without errors there is no evidence"),
        ],
    )
    def test_a_gate_that_cannot_be_met_says_why(self, policy, rps, rates, words):
        found = forecast.forecast(policy, rps, rates)
        assert math.isinf(found.seconds)
        assert not found.possible
        assert words in found.sentence

    @pytest.mark.parametrize("rate", [0.0, 0.001])
    def test_what_is_forecast_is_what_happens(self, rate):
        """The median of 30 simulated releases is within 1.5 times of the forecast."""
        policy = replace(BARE, weights=(2000,), stale_seconds=1e6)
        said = forecast.forecast(policy, 100.0, {"errors": rate}, 1.0).seconds
        times = []
        for seed in range(30):
            run = simulate(policy, same(rate, rate), seed=seed)
            start = next(e.clocks.confirmed_at for e in run.entries if e.clocks.confirmed_at)
            times.append(next(e.at for e in run.entries if e.decision is Decision.PROMOTE) - start)
        assert said / 1.5 <= np.median(times) <= said * 1.5

    def test_while_it_runs_the_rest_is_said_and_shrinks(self):
        run = simulate(replace(BARE, weights=(2000,)), same(0.0, 0.0), seed=1)
        rest = [forecast.remaining(state, 100.0) for state in run.states]
        watched = [value for value in rest if value is not None]
        assert watched[0] > watched[len(watched) // 2] > watched[-1]
        sentences = {forecast.remaining_sentence(state, 100.0) for state in run.states}
        assert "" in sentences
        assert any("decided in about" in one for one in sentences)

    def test_a_gate_that_will_not_be_met_is_said_while_it_runs(self):
        run = simulate(replace(BARE, weights=(2000,)), same(0.012, 0.012), seed=3, ticks=60)
        assert run.states[-1].phase == "stepping"
        assert "will not be met" in forecast.remaining_sentence(run.states[-1], 100.0)

    def test_no_traffic_means_never(self):
        run = simulate(replace(BARE, weights=(2000,)), same(0.0, 0.0), seed=1, ticks=8)
        assert forecast.remaining(run.states[-1], 0.0) == math.inf


class TestPlanner:
    """Every strategy, engine and certificate: what is said before the start."""

    MANY = replace(BARE, canary_replicas=2, stable_replicas=8, weights=(2000,))

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"engine": "E1"}, "rolled back in about"),
            ({"engine": "E4"}, "rolled back in about"),
            ({"baseline": True}, "this gate needs about"),
            ({"certificate": "both"}, "this gate needs about"),
            ({"strategy": "mirror", "weights": (5000,)}, "this gate needs about"),
            ({"strategy": "rolling"}, "this gate needs about"),
            ({"strategy": "blue-green", "weights": (10_000,)}, "this gate needs about"),
            ({"strategy": "recreate", "weights": (10_000,)}, "rolled back in about"),
            (
                {"strategy": "ab", "weights": (0,), "matches": (Match("v2", "yes", "x-beta"),)},
                "is not known beforehand",
            ),
            ({"skip_analysis": True}, "nothing is compared"),
        ],
    )
    def test_one_sentence_for_each(self, changes, words):
        found = forecast.forecast(replace(self.MANY, **changes), 100.0, {"errors": 0.001})
        assert words in found.sentence
        assert found.possible

    def test_either_certificate_is_as_fast_as_the_faster_with_its_share(self):
        rates = {"errors": 0.001}
        both = replace(self.MANY, certificate="both")
        half = replace(self.MANY, beta=self.MANY.beta / 2)
        said = [forecast.forecast(one, 100.0, rates).seconds for one in (both, half)]
        assert said[0] == pytest.approx(said[1])

    def test_where_no_errors_are_seen_the_objective_certifies_and_the_ratio_cannot(self):
        found = forecast.forecast(replace(self.MANY, certificate="both"), 100.0, {})
        assert found.possible
        assert not forecast.forecast(replace(self.MANY, certificate="ratio"), 100.0, {}).possible

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"engine": "E1"},
            {"engine": "E4"},
            {"strategy": "recreate", "weights": (10_000,), "fuse_alpha": 0.0},
        ],
        ids=["E2", "E1", "E4", "E0"],
    )
    def test_how_soon_a_bad_version_is_found_is_what_happens(self, changes):
        """Five times the budget: the median of 20 releases lies within half of what was said."""
        policy = replace(self.MANY, stale_seconds=1e6, **changes)
        policy = policy.seeded({"errors": (10_000, 50)})
        said = forecast.forecast(policy, 100.0, {"errors": 0.005}, 1.0).found_seconds
        times = []
        for seed in range(20):
            run = simulate(policy, same(0.05, 0.005), seed=seed, ticks=150)
            start = next(e.clocks.confirmed_at for e in run.entries if e.clocks.confirmed_at)
            ends = (
                e.at for e in run.entries if e.decision is Decision.ROLLBACK or e.probe is not None
            )
            times.append(next(ends) - start)
        assert np.median(times) == pytest.approx(said, rel=0.5, abs=2.0)

    def test_a_decision_comes_with_the_end_of_a_tick(self):
        policy = replace(self.MANY, warmup_seconds=5.0)
        for tick in (1.0, 7.0, 15.0):
            found = forecast.forecast(policy, 100.0, {"errors": 0.001}, tick)
            assert found.found_seconds % tick == 0
            assert found.steps[0].seconds % tick == 0
            assert found.found_seconds >= 5.0 + tick

    LATENCY = replace(MANY, indicators=(ERRORS, Indicator("latency")))

    def test_latency_certifies_nothing_and_rolls_back_in_its_own_time(self):
        alone = forecast.forecast(self.MANY, 100.0, {})
        found = forecast.forecast(self.LATENCY, 100.0, {}, shape=SHAPE)
        assert found.slower_seconds is not None
        # Half of alpha is latency's, so errors need a little longer.
        assert [one.seconds for one in found.steps] == [one.seconds for one in alone.steps]
        assert "10% of all answers as slow as the slowest 5% are now, in about" in found.sentence

    def test_without_a_histogram_nobody_knows_how_soon_slower_answers_are_found(self):
        found = forecast.forecast(self.LATENCY, 100.0, {})
        assert found.slower_seconds is None
        assert "how soon slower answers would be found is not known" in found.sentence
        assert "slower answers" not in forecast.forecast(self.MANY, 100.0, {}).sentence

    def test_without_traffic_slower_answers_are_never_found(self):
        assert forecast.forecast(self.LATENCY, 0.0, {}, shape=SHAPE).slower_seconds == math.inf

    @pytest.mark.parametrize(
        ("engine", "rate", "rps", "canary", "stable", "tick"),
        [
            ("E4", 0.001, 50, 2, 8, 15), ("E4", 0.001, 500, 2, 8, 15), ("E4", 0.005, 100, 2, 8, 1),
            ("E4", 0.001, 5, 2, 8, 15), ("E4", 0.001, 5000, 2, 18, 15), ("E4", 0.01, 50, 4, 4, 15),
            ("E4", 0.001, 50, 2, 38, 15), ("E2", 0.001, 50, 2, 8, 15), ("E2", 0.001, 500, 2, 8, 15),
            ("E2", 0.0001, 50, 2, 8, 15), ("E2", 0.001, 50, 2, 38, 15),
            ("E1", 0.005, 100, 2, 8, 1), ("E1", 0.001, 50, 2, 18, 15),
        ],
    )  # fmt: skip
    def test_what_is_said_of_a_worse_version_is_what_happens(
        self, engine, rate, rps, canary, stable, tick
    ):
        """The median of 300 rollbacks, at five times the stable rate, is within 1.35 times of it."""
        indicator = Indicator("errors", 1 - Decimal(repr(rate)))
        weight = canary / (canary + stable)
        policy = replace(
            self.MANY,
            indicators=(indicator,),
            engine=engine,
            canary_replicas=canary,
            stable_replicas=stable,
            weights=(round(weight * 10_000),),
        )
        said = forecast.forecast(policy, rps, {"errors": rate}, tick).found_seconds
        world = Traffic(
            rate, rps, weight, effect=5.0, tick=tick, length=max(30, round(4 * said / tick))
        )
        counts = verdict_traffic.draw(world, 300, np.random.default_rng(1))
        evidence = verdict_cells.path(engine, world, counts)
        times = verdict_cells.crossing(evidence, alpha_of(policy, indicator)) * tick
        assert said / 1.35 <= np.median(times) <= said * 1.35

    @pytest.mark.parametrize(
        ("rps", "weight", "tick", "buckets"),
        [
            (50, 0.1, 15, 15), (5, 0.5, 15, 15), (500, 0.05, 15, 8), (100, 0.2, 1, 15),
            (20, 0.5, 5, 5), (5, 0.1, 15, 15),
        ],
    )  # fmt: skip
    def test_what_is_said_of_slower_answers_is_what_happens(self, rps, weight, tick, buckets):
        """The median of 200 rollbacks by E3 is within 1.5 times of the forecast, and one tick."""
        random, latency = np.random.default_rng(3), Indicator("latency")
        place = np.arange(buckets)
        stable = np.exp(-0.5 * ((place - buckets / 3) / (buckets / 8)) ** 2) + 1e-4
        stable /= stable.sum()
        shape = tuple(100_000 * stable)
        base = histogram.guess(shape)
        slower = histogram.alternatives(base, histogram.tail(shape))[-1]
        policy = replace(
            self.MANY,
            indicators=(ERRORS, latency),
            weights=(round(weight * 10_000),),
        )
        said = forecast.forecast(policy, rps, {}, tick, shape).slower_seconds
        size = (200, max(30, round(4 * said / tick)))
        canary = random.multinomial(random.poisson(rps * tick * weight, size), slower)
        others = random.multinomial(random.poisson(rps * tick * (1 - weight), size), base)
        evidence = batch.histogram_path(
            canary.astype(float), others.astype(float), batch.histogram_guesses(others)
        )
        times = verdict_cells.crossing(evidence, alpha_of(policy, latency)) * tick
        assert said / 1.5 - tick <= np.median(times) <= said * 1.5 + tick


class TestBounds:
    @given(st.integers(0, 10**7), st.floats(0, 1))
    def test_the_seen_rate_lies_inside(self, requests, part):
        bad = int(part * requests)
        low, high = bounds.rate_bounds(requests, bad, 0.05)
        assert 0 <= low <= high <= 1
        if requests:
            assert low <= bad / requests <= high

    def test_more_requests_narrow_the_interval(self):
        widths = [
            high - low
            for low, high in (bounds.rate_bounds(n, n // 10, 0.05) for n in (10, 100, 1000, 10_000))
        ]
        assert widths == sorted(widths, reverse=True)

    def test_the_ends_are_where_the_mixture_reaches_the_bound(self):
        low, high = bounds.rate_bounds(1000, 20, 0.05)
        grid = np.linspace(1e-6, 1 - 1e-6, 200_001)
        prior = 1 / (np.pi * np.sqrt(grid * (1 - grid)))
        logs = 20 * np.log(grid) + 980 * np.log1p(-grid)
        weights = np.exp(logs - logs.max()) * prior
        evidence = np.log(np.trapezoid(weights, grid)) + logs.max()
        for end in (low, high):
            at = 20 * math.log(end) + 980 * math.log1p(-end)
            assert evidence - at == pytest.approx(math.log(20), abs=1e-3)

    def test_at_every_peek_at_once_the_true_rate_is_covered(self):
        """2,000 sequences of 2,000 requests, looked at 40 times: misses stay within 5%."""
        random = np.random.default_rng(4)
        misses = 0
        for seen in random.binomial(50, 0.02, (2000, 40)).cumsum(axis=1):
            ends = (bounds.rate_bounds(50 * (i + 1), int(seen[i]), 0.05) for i in range(0, 40, 4))
            misses += not all(low <= 0.02 <= high for low, high in ends)
        assert misses / 2000 <= 0.05

    def test_the_ratio_divides_the_ends(self):
        assert bounds.ratio_bounds((0.1, 0.2), (0.05, 0.1)) == (1.0, 4.0)
        assert bounds.ratio_bounds((0.1, 0.2), (0.0, 0.1)) == (1.0, math.inf)
