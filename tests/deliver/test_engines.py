"""The e-processes: fair under the null, equal to their closed forms, and equal to their twin."""

import itertools
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.stats import binom

from telford.deliver import batch, bernoulli, binomial, block, mixture, share

COUNTS = st.tuples(st.integers(0, 400), st.floats(0, 1)).map(lambda t: (t[0], int(t[0] * t[1])))
TICKS = st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=12)


def expectation(n1, p1, n0, p0, log_e):
    """E[e] over every outcome of two binomials."""
    return math.fsum(
        binom.pmf(k1, n1, p1) * binom.pmf(k0, n0, p0) * math.exp(log_e(k1, k0))
        for k1, k0 in itertools.product(range(n1 + 1), range(n0 + 1))
    )


class TestFair:
    """E[e] <= 1 for every rate of the null: by exact enumeration of small ticks."""

    @pytest.mark.parametrize("ratio", [1.0, 1.1, 2.0])
    @pytest.mark.parametrize("guess", [1e-6, 0.02, 0.3, 0.9])
    @pytest.mark.parametrize("p0", [0.001, 0.05, 0.3, 0.45])
    @pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
    def test_e1_rollback(self, ratio, guess, p0, part):
        pairs = block.worse(guess, ratio)

        def log_e(k1, k0):
            logs = mixture.start(len(pairs))
            return mixture.log_e(block.update(logs, (5, k1), (9, k0), pairs, ratio))

        assert expectation(5, part * ratio * p0, 9, p0, log_e) <= 1 + 1e-12

    @pytest.mark.parametrize("ratio", [1.5, 2.0])
    @pytest.mark.parametrize("guess", [1e-6, 0.02, 0.3])
    @pytest.mark.parametrize("p0", [0.001, 0.05, 0.3])
    @pytest.mark.parametrize("times", [1.0, 1.3])
    def test_e1_promotion(self, ratio, guess, p0, times):
        pairs = block.better(guess, ratio)

        def log_e(k1, k0):
            logs = mixture.start(len(pairs))
            return mixture.log_e(block.update(logs, (6, k1), (8, k0), pairs, ratio))

        assert expectation(6, min(times * ratio * p0, 1.0), 8, p0, log_e) <= 1 + 1e-12

    @pytest.mark.parametrize("p0", [0.001, 0.05, 0.5, 0.95])
    @pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
    @pytest.mark.parametrize("sizes", [(1, 9), (6, 6), (9, 3)])
    def test_e2(self, p0, part, sizes):
        n1, n0 = sizes

        def log_e(k1, k0):
            return mixture.log_e(binomial.factors(n1, k1, n0, k0))

        assert expectation(n1, part * p0, n0, p0, log_e) <= 1 + 1e-12

    @pytest.mark.parametrize("times", [1.0, 1.5, 3.0])
    def test_e0_and_the_fuse(self, times):
        p_max = 0.05
        for k_rates, rate, null in (
            (bernoulli.better(p_max), min(times * p_max, 1.0), p_max),
            (bernoulli.worse(0.144), 0.144 / times, 0.144),
        ):
            total = math.fsum(
                binom.pmf(k, 20, rate)
                * math.exp(mixture.log_e(bernoulli.factors(20, k, null, k_rates)))
                for k in range(21)
            )
            assert total <= 1 + 1e-12

    def test_e0_and_the_fuse_are_exactly_fair_at_their_border(self):
        total = math.fsum(
            binom.pmf(k, 20, 0.05)
            * math.exp(mixture.log_e(bernoulli.factors(20, k, 0.05, bernoulli.better(0.05))))
            for k in range(21)
        )
        assert total == pytest.approx(1.0, abs=1e-12)

    @pytest.mark.parametrize("m", [2, 3])
    def test_e4_over_every_assignment_of_replicas(self, m):
        """Whatever the replicas' errors of a tick, a random choice of canaries makes a fair bet."""
        errors = [40, 0, 0, 3, 1, 0, 0, 7]
        w = m / len(errors)
        chosen = list(itertools.combinations(range(len(errors)), m))
        for place in range(len(share.FRACTIONS)):
            values = []
            for canaries in chosen:
                k1 = sum(errors[i] for i in canaries)
                values.append(math.exp(share.factors(k1, sum(errors) - k1, w)[place]))
            assert math.fsum(values) / len(values) == pytest.approx(1.0, abs=1e-12)

    def test_the_split_test_is_fair_at_the_asked_weight(self):
        total = math.fsum(
            binom.pmf(n1, 40, 0.1)
            * math.exp(mixture.log_e(binomial.update_split((0.0,) * 4, n1, 40 - n1, 0.1)))
            for n1 in range(41)
        )
        assert total == pytest.approx(1.0, abs=1e-12)

    def test_over_many_ticks_and_peeks_the_bound_is_kept(self):
        """A/A, 4,000 sequences of 80 ticks: crossings of 1/0.05 stay within 0.05 (+4 sigma)."""
        random = np.random.default_rng(20)
        n1, n0 = random.poisson(20, (4000, 80)), random.poisson(180, (4000, 80))
        rate = 0.01 * np.exp(0.5 * np.sin(np.arange(80) / 5))
        k1, k0 = random.binomial(n1, rate), random.binomial(n0, rate)
        floats = [one.astype(float) for one in (n1, k1, n0, k0)]
        guesses = batch.stable_rates(floats[2], floats[3], block.Baseline(1000.0, 10.0))
        limit = 0.05 + 4 * math.sqrt(0.05 * 0.95 / 4000)
        for path in (
            batch.binomial_path(*floats),
            batch.worse_path(*floats, guesses, 1.0),
            batch.share_path(floats[1], floats[3], 0.1),
        ):
            assert (path.max(axis=1) >= math.log(20)).mean() <= limit


class TestClosedForms:
    def test_e1_nearest_null_point_minimises_the_divergence(self):
        """q0 is the root that scipy finds by minimising the divergence over the null's border."""
        for n1, n0, a1, a0, ratio in ((10, 90, 0.04, 0.01, 1.0), (50, 50, 0.3, 0.1, 2.0)):

            def divergence(q0, n1=n1, n0=n0, a1=a1, a0=a0, ratio=ratio):
                q1 = ratio * q0
                return -(
                    n1 * (a1 * math.log(q1) + (1 - a1) * math.log(1 - q1))
                    + n0 * (a0 * math.log(q0) + (1 - a0) * math.log(1 - q0))
                )

            best = optimize.minimize_scalar(
                divergence, bounds=(1e-9, 1 / ratio - 1e-9), method="bounded"
            )
            q1, q0 = block.nearest(n1, n0, (a1, a0), ratio)
            assert q0 == pytest.approx(best.x, rel=1e-4)
            assert q1 == ratio * q0

    def test_e1_pools_the_rates_at_ratio_one(self):
        q1, q0 = block.nearest(10, 90, (0.05, 0.01), 1.0)
        assert q0 == pytest.approx((10 * 0.05 + 90 * 0.01) / 100, rel=1e-12)
        assert q1 == q0

    def test_e2_is_the_binomial_likelihood_ratio(self):
        n1, k1, n0, k0 = 100, 4, 900, 6
        theta0 = n1 / (n1 + n0)
        for ratio, log in zip(mixture.RATIOS, binomial.factors(n1, k1, n0, k0), strict=True):
            theta = ratio * n1 / (ratio * n1 + n0)
            expected = (theta / theta0) ** k1 * ((1 - theta) / (1 - theta0)) ** k0
            assert math.exp(log) == pytest.approx(expected, rel=1e-12)

    def test_e4_is_the_share_bet(self):
        for stake, log in zip(share.FRACTIONS, share.factors(3, 1, 0.2), strict=True):
            assert math.exp(log) == pytest.approx(1 + stake / 0.2 * (0.75 - 0.2), rel=1e-12)

    def test_e0_without_errors_certifies_one_percent_after_about_350_requests(self):
        logs = mixture.start(5)
        requests = 0
        while mixture.log_e(logs) < mixture.log_bound(0.05):
            logs = bernoulli.update(logs, 1, 0, 0.01, bernoulli.better(0.01))
            requests += 1
        assert 340 <= requests <= 355

    def test_one_error_rules_out_the_alternative_without_errors_for_good(self):
        logs = bernoulli.update(mixture.start(5), 100, 1, 0.01, bernoulli.better(0.01))
        assert logs[0] == -math.inf
        later = bernoulli.update(logs, 1000, 0, 0.01, bernoulli.better(0.01))
        assert later[0] == -math.inf
        assert mixture.log_e(later) > mixture.log_e(logs)

    def test_an_alternative_inside_the_null_is_no_bet(self):
        """Near a rate of 1 an odds ratio may fall short of the null's ratio of rates."""
        pairs = block.worse(0.9, 1.1)
        assert pairs[0] is None
        assert pairs[-1] is not None
        assert set(block.worse(0.95, 1.1)) == {None}
        assert block.worse(0.01, 1.1)[0] is not None

    def test_the_guess_of_the_stable_rate_never_uses_the_tick_it_bets_on(self):
        first = block.baseline(1000, 10, 0.01)
        assert first.rate() == 0.01
        assert block.learn(first, 100, 50).rate() == pytest.approx(59.7 / 1070)
        assert block.baseline(10**9, 0, 0.01).rate() == block.RATE_FLOOR
        assert block.baseline(1000, 0, 0.01).rate() == 0.5 / 1000
        assert block.baseline(0, 0, 0.01).rate() == pytest.approx(0.005)


class TestProperties:
    @given(COUNTS, COUNTS)
    def test_more_errors_in_the_canary_are_never_less_evidence_against_it(self, canary, stable):
        (n1, k1), (n0, k0) = canary, stable
        if k1 == n1:
            return
        fewer, more = (mixture.log_e(binomial.factors(n1, k, n0, k0)) for k in (k1, k1 + 1))
        assert more >= fewer or n0 == 0
        rates = bernoulli.better(0.01)
        fewer, more = (mixture.log_e(bernoulli.factors(n1, k, 0.01, rates)) for k in (k1, k1 + 1))
        assert more <= fewer
        fewer, more = (mixture.log_e(share.factors(k, k0, 0.2)) for k in (k1, k1 + 1))
        assert more >= fewer or k1 == 0

    @given(st.integers(0, 500), st.floats(0.0001, 0.9))
    def test_an_arm_without_requests_is_no_evidence(self, requests, guess):
        bad = requests // 3
        for ratio in (1.0, 2.0):
            for pairs in (block.worse(guess, ratio), block.better(guess, ratio)):
                logs = mixture.start(len(pairs))
                assert block.update(logs, (0, 0), (requests, bad), pairs, ratio) == logs
                assert block.update(logs, (requests, bad), (0, 0), pairs, ratio) == logs
        assert binomial.factors(0, 0, requests, bad) == mixture.start(9)
        assert bernoulli.factors(0, 0, 0.01, bernoulli.better(0.01)) == mixture.start(5)

    @given(st.lists(st.floats(-700, 700) | st.just(-math.inf), min_size=1, max_size=9))
    def test_evidence_survives_json_bit_for_bit(self, logs):
        finite = [x for x in logs if math.isfinite(x)]
        assert json.loads(json.dumps(finite)) == finite
        assert mixture.log_e(logs) <= max(logs) + 1e-12

    @settings(max_examples=60, deadline=None)
    @given(TICKS, st.sampled_from([1.0, 1.1, 2.0]))
    def test_the_array_twin_equals_the_online_engines(self, ticks, ratio):
        n1, k1, n0, k0 = np.array([[*a, *b] for a, b in ticks], dtype=float).T
        first = block.baseline(500, 3, 0.01)
        guesses = batch.stable_rates(n0, k0, first)
        paths = {
            "E0": batch.objective_path(n1, k1, 0.01),
            "fuse": batch.fuse_path(n1, k1, 0.144),
            "E1 worse": batch.worse_path(n1, k1, n0, k0, guesses, ratio),
            "E1 better": batch.better_path(n1, k1, n0, k0, guesses, 2 * ratio),
            "E2": batch.binomial_path(n1, k1, n0, k0),
            "E4": batch.share_path(k1, k0, 0.2),
            "split": batch.split_path(n1, n0, np.full(len(n1), 0.1)),
        }
        online = {name: [] for name in paths}
        baseline = first
        bets = {"E0": (0.0,) * 5, "fuse": (0.0,) * 9, "E1 worse": (0.0,) * 9}
        bets |= {"E1 better": (0.0,) * 5, "E2": (0.0,) * 9, "E4": (0.0,) * 8, "split": (0.0,) * 4}
        for canary, stable in ticks:
            rate = baseline.rate()
            bets = {
                "E0": bernoulli.update(bets["E0"], *canary, 0.01, bernoulli.better(0.01)),
                "fuse": bernoulli.update(bets["fuse"], *canary, 0.144, bernoulli.worse(0.144)),
                "E1 worse": block.update(
                    bets["E1 worse"], canary, stable, block.worse(rate, ratio), ratio
                ),
                "E1 better": block.update(
                    bets["E1 better"], canary, stable, block.better(rate, 2 * ratio), 2 * ratio
                ),
                "E2": binomial.update(bets["E2"], *canary, *stable),
                "E4": share.update(bets["E4"], canary[1], stable[1], 0.2),
                "split": binomial.update_split(bets["split"], canary[0], stable[0], 0.1),
            }
            baseline = block.learn(baseline, *stable)
            for name, logs in bets.items():
                online[name].append(mixture.log_e(logs))
        for name, path in paths.items():
            assert path == pytest.approx(np.array(online[name]), rel=1e-9, abs=1e-7), name
