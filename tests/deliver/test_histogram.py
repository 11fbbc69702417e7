"""E3 and the placebo test: fair under their nulls, equal to their array twins, and able to find."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, multinomial

from telford.deliver import batch, histogram, mixture, placebo

SHAPES = [(9.0, 4.0, 1.0), (0.0, 50.0, 3.0), (1.0, 1.0, 400.0)]
COUNTS = st.lists(st.integers(0, 60), min_size=4, max_size=4)


def outcomes(n, parts):
    for counts in itertools.product(range(n + 1), repeat=len(parts)):
        if sum(counts) == n:
            yield counts, multinomial.pmf(counts, n, parts)


def expectation(shape, canary, stable, n1=3, n0=4):
    return math.fsum(
        p1 * p0 * math.exp(mixture.log_e(histogram.factors(shape, c1, c0)))
        for c1, p1 in outcomes(n1, canary)
        for c0, p0 in outcomes(n0, stable)
    )


class TestFair:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("stable", [(0.6, 0.3, 0.1), (0.1, 0.1, 0.8), (0.98, 0.01, 0.01)])
    @pytest.mark.parametrize("faster", [0.0, 0.1, 0.5])
    def test_for_every_canary_that_is_stochastically_no_slower(self, shape, stable, faster):
        """E[e] <= 1 by enumeration of small ticks; `faster` moves that part one bucket down."""
        low, middle, high = stable
        canary = (low + faster * middle, middle * (1 - faster) + faster * high, high * (1 - faster))
        assert expectation(shape, canary, stable) <= 1 + 1e-12

    @pytest.mark.parametrize("shape", SHAPES)
    def test_and_more_than_fair_where_it_is_slower(self, shape):
        assert expectation(shape, (0.1, 0.2, 0.7), (0.7, 0.2, 0.1)) > 1

    @given(st.lists(st.floats(0, 1e6), min_size=2, max_size=20).filter(any))
    def test_every_alternative_grows_with_the_bucket_and_sums_to_one(self, shape):
        """That growth is what its validity rests on."""
        base = histogram.guess(tuple(shape))
        assert math.fsum(base) == pytest.approx(1)
        for one in histogram.alternatives(base, histogram.tail(tuple(shape))):
            assert math.fsum(one) == pytest.approx(1)
            ratios = [a / b for a, b in zip(one, base, strict=True)]
            assert all(later >= before * (1 - 1e-9) for before, later in itertools.pairwise(ratios))

    def test_over_many_ticks_and_peeks_the_bound_is_kept(self):
        """3,000 equal pairs, 60 ticks, level .05: the lower Clopper-Pearson bound is below it."""
        random = np.random.default_rng(3)
        parts = np.array([0.05, 0.3, 0.4, 0.2, 0.04, 0.01])
        c1, c0 = (
            random.poisson(20 * parts, (3000, 60, 6)),
            random.poisson(80 * parts, (3000, 60, 6)),
        )
        shapes = batch.histogram_guesses(c0.astype(float))
        path = batch.histogram_path(c1.astype(float), c0.astype(float), shapes)
        wrong = int((path >= mixture.log_bound(0.05)).any(axis=1).sum())
        assert (beta.ppf(0.001, wrong, 3000 - wrong + 1) if wrong else 0.0) <= 0.05

    def test_a_shift_and_a_slow_tail_are_found(self):
        random = np.random.default_rng(3)
        parts = np.array([0.05, 0.3, 0.4, 0.2, 0.04, 0.01])
        shifted = parts * 1.5 ** np.arange(6)
        tail = 0.95 * parts + 0.05 * np.eye(6)[5]
        for slower in (shifted / shifted.sum(), tail):
            c1 = random.poisson(40 * slower, (50, 60, 6)).astype(float)
            c0 = random.poisson(160 * parts, (50, 60, 6)).astype(float)
            path = batch.histogram_path(c1, c0, batch.histogram_guesses(c0))
            assert (path >= mixture.log_bound(0.01)).any(axis=1).all()


class TestTwins:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=8))
    def test_the_array_twin_equals_the_online_engine(self, ticks):
        c1, c0 = (np.array([one[arm] for one in ticks], dtype=float) for arm in (0, 1))
        shapes = batch.histogram_guesses(c0)
        path, tails = batch.histogram_path(c1, c0, shapes), batch.tails(shapes)
        logs, shape = mixture.start(histogram.ALTERNATIVES), ()
        for tick, (canary, stable) in enumerate(ticks):
            assert tails[tick] == (histogram.tail(shape) if shape else 4)
            logs = histogram.update(logs, shape, canary, stable)
            shape = histogram.learn(shape, stable)
            assert path[tick] == pytest.approx(mixture.log_e(logs), rel=1e-9, abs=1e-9)

    @given(st.lists(st.tuples(COUNTS, st.sampled_from(["E2", "E4"])), min_size=1, max_size=6))
    def test_of_the_placebo_test_too(self, ticks):
        engine = ticks[0][1]
        rows = [(max(a, b), b, max(c, d), d) for (a, b, c, d), _ in ticks]
        table = np.array(rows, dtype=float).T
        part = np.full(len(rows), 0.4)
        path = batch.placebo_path(engine, (table[0], table[1], table[2], table[3]), part)
        logs = placebo.start(engine)
        for tick, (n1, k1, n0, k0) in enumerate(rows):
            logs = placebo.update(logs, engine, placebo.Halves((n1, k1), (n0, k0), 0.4))
            assert path[tick] == pytest.approx(mixture.log_e(logs), rel=1e-9, abs=1e-9)


class TestHalves:
    def test_names_alone_decide_and_both_halves_are_as_large(self):
        replicas = {f"r{n}": (n, 0) for n in range(9)}
        found = placebo.halves("v1>v2", replicas)
        again = placebo.halves("v1>v2", dict(reversed(list(replicas.items()))))
        assert found == again
        assert found.part == 4 / 9
        assert found.first[0] + found.second[0] == sum(range(9))

    def test_another_release_has_another_split(self):
        replicas = {f"r{n}": (2**n, 0) for n in range(12)}
        firsts = {placebo.halves(f"v1>v{n}", replicas).first for n in range(20)}
        assert len(firsts) > 15

    def test_one_replica_cannot_differ_from_itself(self):
        assert placebo.halves("v1>v2", {"only": (10, 1)}) is None

    @pytest.mark.parametrize("engine", ["E2", "E4"])
    def test_alike_replicas_seldom_fire_and_unlike_ones_do(self, engine):
        random = np.random.default_rng(8)
        part = np.array(0.5)
        n = np.full((2000, 60), 50.0)
        rates = (0.01, 0.01, 0.08)
        k = [random.binomial(50, rate, n.shape).astype(float) for rate in rates]
        alike = batch.placebo_path(engine, (n, k[0], n, k[1]), part)
        unlike = batch.placebo_path(engine, (n, k[2], n, k[1]), part)
        wrong = int((alike >= mixture.log_bound(0.05)).any(axis=1).sum())
        assert (beta.ppf(0.001, wrong, 2000 - wrong + 1) if wrong else 0.0) <= 0.05
        assert (unlike >= mixture.log_bound(0.05)).any(axis=1).mean() > 0.99
