"""The comparison is fair: each peer's rule does what its source says, and the benchmark runs."""

import pathlib
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import bench_verdicts
import numpy as np
import peer_rules
import pytest
import verdict_cells
import verdict_design
import verdict_traffic
from scipy.stats import mannwhitneyu

from telford.deliver import binomial, mixture, suspect, weighing
from telford.deliver.policy import Indicator, Policy

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


def counts(k1, *, n1=100, n0=900, k0=0):
    shape = (1, len(k1))
    return peer_rules.Counts(
        np.full(shape, float(n1)),
        np.array([k1], dtype=float),
        np.full(shape, float(n0)),
        np.full(shape, float(k0)),
    )


def test_flagger_adds_up_failed_checks_and_rolls_back_a_minute_later():
    bad_every_other = counts([2, 0] * 15)
    assert peer_rules.flagger(bad_every_other) == [20]
    assert peer_rules.flagger(bad_every_other, threshold=1) == [2]
    assert peer_rules.flagger(counts([1] * 30)) == [0]
    assert peer_rules.flagger(counts([0] * 30, n1=0)) == [11]


def test_argo_aborts_after_more_failures_than_the_limit():
    assert peer_rules.argo_rollouts(counts([6] * 30)) == [20]
    assert peer_rules.argo_rollouts(counts([5] * 30)) == [0]
    assert peer_rules.argo_rollouts(counts([0] * 30, n1=0)) == [20]


def test_kayenta_judges_at_the_end_unless_asked():
    random = np.random.default_rng(1)
    worse = counts(list(random.integers(8, 12, 60)), k0=9)
    assert peer_rules.kayenta(worse) == [60]
    assert peer_rules.kayenta(worse, every=10) == [10]
    equal = counts([1] * 60, k0=9)
    assert peer_rules.kayenta(equal) == [0]


def test_kayentas_test_is_the_mann_whitney_of_scipy():
    """At a tolerance of 0 "High" means a two-sided p below 2% and a positive shift."""
    random = np.random.default_rng(2)
    for effect in (1.0, 1.3, 1.6, 2.0):
        k1, k0 = random.poisson(3 * effect, 60), random.poisson(27, 60)
        both = peer_rules.Counts(
            np.full((1, 60), 100.0),
            k1[None, :].astype(float),
            np.full((1, 60), 900.0),
            k0[None, :].astype(float),
        )
        p = mannwhitneyu(k1 / 100, k0 / 900, method="asymptotic").pvalue
        shift = np.median(k1[:, None] / 100 - k0[None, :] / 900)
        assert (peer_rules.kayenta(both, tolerance=0.0) == [60]) == (p < 0.02 and shift > 0)


def test_the_z_test_fires_on_the_first_large_difference():
    assert peer_rules.z_test(counts([0, 0, 9, 0], k0=1)) == [3]
    assert peer_rules.z_test(counts([0] * 30)) == [0]


def test_the_benchmark_runs_and_writes_every_section(tmp_path):
    """Three releases a cell say nothing about probabilities, so its verdict is not looked at."""
    report = tmp_path / "report.md"
    command = [sys.executable, str(TOOLS / "bench_verdicts.py"), "--releases", "3"]
    done = subprocess.run(
        [*command, "--processes", "1", "--out", str(report)],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in {0, 1}, done.stderr
    assert "Traceback" not in done.stderr
    headings = [line for line in report.read_text().splitlines() if line.startswith("## ")]
    assert headings == [
        "## False rollbacks, independent errors",
        "## False rollbacks, clustered errors",
        "## False rollbacks, replicas that differ",
        "## False promotions",
        "## The placebo test among stable replicas",
        "## Latency: the whole histogram beside a threshold",
        "## What a rollback costs over the limit",
        "## How long a good version waits",
        "## After the switch: against the objective",
        "## Beside other tools' rules",
        "## Where we lose",
        "## Read this before quoting a number",
    ]


def test_a_test_that_knows_the_effect_is_the_factor_of_the_true_ratio():
    counts = verdict_traffic.draw(
        verdict_traffic.Traffic(0.01, 50, 0.2, effect=3.0, length=12), 3, np.random.default_rng(1)
    )
    counts.n1[0, 3] = counts.k1[0, 3] = 0
    evidence = verdict_cells.oracle_path(counts, 3.0)
    for row in range(3):
        logs = (0.0,)
        for tick in range(12):
            numbers = (one[row, tick] for one in (counts.n1, counts.k1, counts.n0, counts.k0))
            logs = mixture.multiply(logs, binomial.factors(*(int(n) for n in numbers), (3.0,)))
            assert evidence[row, tick] == pytest.approx(logs[0])


def test_a_missed_target_is_listed_beside_what_knowing_the_effect_would_cost():
    """200 releases of two cells: where N* is about two ticks, most of the price is the tick's."""
    wanted = ("target, 0.100%, 50 rps, 10%, x5", "price, 0.100%, 500 rps, 10%, x5")
    cells = [one for one in verdict_design.price(200) if one.name in wanted]
    report = bench_verdicts.Report()
    bench_verdicts.price_section(
        report, [one for cell in cells for one in verdict_cells.measure(cell, bench_verdicts.SEED)]
    )
    bench_verdicts.losses(report)
    rows = [line.split(" | ") for line in report.lines if "x5 |" in line]
    assert len(rows) == 2
    for row in rows:
        taken, knowing = float(row[2]), float(row[4])
        assert 1 <= knowing < taken < 1.35 * knowing
    (lost,) = (line for line in report.lines if line.startswith("- "))
    assert lost.startswith(f"- {wanted[1]}: E2 takes {rows[1][2]} times the limit")
    assert f"knows the effect takes {rows[1][4]} times the limit on the same counts" in lost
    assert report.failed == []


def test_the_benchmarks_lone_replica_is_the_one_that_a_release_would_move():
    random = np.random.default_rng(5)
    world = verdict_traffic.Traffic(0.01, 50, 0.2, length=20, canary=2, replicas=10)
    worse = verdict_traffic.hosts("sick", 200, 10, random)
    fleet = verdict_traffic.fleet(world, worse, random)
    ticks = random.integers(1, 20, 200)
    lone, who = verdict_cells._lone(fleet, np.arange(200), ticks)
    for row, tick in enumerate(ticks):
        n1, k1, n0, k0 = (one[row, :tick] for one in fleet.arrays())
        policy = Policy((Indicator("errors", Decimal("0.99")),))
        evidence = replace(
            weighing.begin(policy, policy.indicators[0]),
            stable=(int(n0.sum()), int(k0.sum())),
            replicas=tuple(
                weighing.Replica(str(number), int(n1[:, number].sum()), int(k1[:, number].sum()))
                for number in range(2)
            ),
        )
        assert suspect.lone_replica(evidence) == (str(who[row]) if lone[row] else None)
    assert 0 < lone.sum() < 200


def test_the_benchmark_sees_what_the_online_engines_see():
    assert verdict_cells.twin_gap(seed=3, releases=5) < 1e-9
