"""Every engine, certificate and guard through the real `next_step`, and decided again twice."""

import functools
import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import independent
import numpy as np
import pytest
from simulated_release import ERRORS, same, simulate

from telford.deliver import evidence, release
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import Cause, Decision, Phase
from telford.estate.observation import Observation, Series, Tally

LATENCY = Indicator("all", kind="latency")
SLOW = tuple(
    Indicator(f"slow-{limit}", Decimal("0.9"), threshold_ms=float(limit), kind="slowness")
    for limit in (100, 300, 1000)
)
BASE = Policy(
    (ERRORS,),
    weights=(2000,),
    soak_seconds=(10.0,),
    warmup_seconds=2.0,
    deadline_seconds=300.0,
    stable_replicas=4,
    canary_replicas=2,
)
ALONE = replace(BASE, strategy="blue-green", weights=(10_000,), canary_replicas=4)
STABLE_BUCKETS = (0.1, 0.3, 0.3, 0.2, 0.07, 0.03)


def traffic(slower=1.0, restarts=()):
    """Like a place of any strategy: fresh baselines, copies, histograms, and replicas that begin."""
    seen = set()

    def draw(policy, rates, place, random, rps, tick):
        requests = int(random.poisson(rps))
        weights = place.split.weights
        shares = [weights.get(one, 0) / 10_000 for one in ("v2", "v1-baseline", "v1")]
        drawn = random.multinomial(requests, shares)
        counts = dict(zip(("v2", "v1-baseline", "v1"), drawn, strict=True))
        counts["v2-mirrored"] = int(requests * place.split.mirror.get("v2", 0) / 10_000)
        tallies, begun = [], []
        for version, total in counts.items():
            arm = {"v1": "stable", "v1-baseline": "baseline"}.get(version, "canary")
            size = place.wanted.get(arm) or 0
            if not size:
                continue
            for number, count in enumerate(random.multinomial(total, [1 / size] * size)):
                series = Series("orders", version, str(number))
                if (series not in seen and tick > 1) or (version, number, tick) in restarts:
                    begun.append(series)
                seen.add(series)
                tallies += [
                    _tally(one, series, int(count), rates, place, random, slower)
                    for one in policy.indicators
                ]
        return Observation(tick, float(tick), tuple(tallies), (), tuple(begun))

    return draw


def _tally(indicator, series, count, rates, place, random, slower):
    new = series.version.startswith("v2")
    if indicator.kind == "latency":
        parts = np.array(STABLE_BUCKETS) * (slower ** np.arange(6) if new else 1)
        buckets = tuple(int(n) for n in random.multinomial(count, parts / parts.sum()))
        return Tally(series, indicator.name, count, 0, buckets)
    version = "v2" if new else "v1"
    rate = rates(indicator.name, version, int(series.replica), place)
    return Tally(series, indicator.name, count, int(random.binomial(count, rate)))


def uneven(indicator, version, replica, place):
    """Half of the stable replicas are on bad hosts."""
    return 0.1 if version == "v1" and replica < 2 else 0.001


CASES = {
    "several SLIs, good": (replace(BASE, indicators=(ERRORS, *SLOW)), same(0.001, 0.001), 1.0),
    "several SLIs, bad": (replace(BASE, indicators=(ERRORS, *SLOW)), same(0.08, 0.004), 1.0),
    "E3, good": (replace(BASE, indicators=(ERRORS, LATENCY)), same(0.001, 0.001), 1.0),
    "E3, slower": (replace(BASE, indicators=(ERRORS, LATENCY)), same(0.001, 0.001), 1.5),
    "E0 alone, good": (ALONE, same(0.001, 0.5), 1.0),
    "E0 alone, bad": (ALONE, same(0.05, 0.001), 1.0),
    "recreate, bad": (replace(ALONE, strategy="recreate"), same(0.05, 0.001), 1.0),
    "both, by the objective": (replace(BASE, certificate="both"), same(0.0, 0.0), 1.0),
    "both, by the ratio": (
        replace(BASE, certificate="both", objective_share=0.01, tolerable_ratio=3.0),
        same(0.02, 0.06),
        1.0,
    ),
    "baseline, E4, bad": (replace(BASE, engine="E4", baseline=True), same(0.1, 0.004), 1.0),
    "baseline, good": (replace(BASE, baseline=True), same(0.001, 0.001), 1.0),
    "mirror, bad": (replace(BASE, strategy="mirror", weights=(10_000,)), same(0.05, 0.002), 1.0),
    "mirror, good": (replace(BASE, strategy="mirror", weights=(5000,)), same(0.001, 0.001), 1.0),
    "placebo, alike": (replace(BASE, placebo_alpha=0.01), same(0.001, 0.001), 1.0),
    "placebo, unlike": (replace(BASE, placebo_alpha=0.05, fuse_alpha=0.0), uneven, 1.0),
    "placebo of E4, alike": (
        replace(BASE, engine="E4", weights=(3333,), placebo_alpha=0.01),
        same(0.001, 0.001),
        1.0,
    ),
}
ENDS = {"good": Phase.PROMOTED, "bad": Phase.ROLLED_BACK, "slower": Phase.ROLLED_BACK}
ENDS |= {"by the objective": Phase.PROMOTED, "by the ratio": Phase.PROMOTED}
ENDS |= {"alike": Phase.PROMOTED, "unlike": Phase.HELD}


@functools.cache
def run(name, seed=1):
    policy, rates, slower = CASES[name]
    restarts = (("v1", 1, 9), ("v2", 0, 12))
    return simulate(
        policy, rates, seed=seed, ticks=200, gaps=0.03, traffic=traffic(slower, restarts)
    )


@pytest.mark.parametrize("name", CASES)
def test_three_ways_to_the_same_verdict(name):
    policy = CASES[name][0]
    found = run(name)
    assert found.end.phase is ENDS[name.rpartition(", ")[2]], found.end.reason
    assert evidence.disagreements(policy, found.entries) == ()
    ledger = [json.loads(json.dumps(entry.to_json())) for entry in found.entries]
    assert independent.disagreements(policy.to_json(), ledger) == []


def last(name):
    return next(one for one in reversed(run(name).entries) if one.counted)


@pytest.mark.parametrize("certificate", ["objective", "ratio"])
def test_under_both_whichever_certifies_is_named(certificate):
    entry = last(f"both, by the {certificate}")
    assert entry.decision is Decision.PROMOTE
    assert entry.certificate == certificate
    bounds = {one.name: one.log_bound for one in entry.evidence if one.indicator == "errors"}
    assert np.exp(-bounds["promotion"]) + np.exp(-bounds["ratio"]) == pytest.approx(0.05)


def test_alpha_is_split_over_all_indicators():
    bounds = [one for one in last("several SLIs, bad").evidence if one.name in {"rollback", "fuse"}]
    assert len(bounds) == 4 + 1  # The slowness budgets of 10% leave no room for a fuse.
    rollback = sum(np.exp(-one.log_bound) for one in bounds if one.name == "rollback")
    assert rollback == pytest.approx(0.009)


def test_a_rollback_against_the_objective_says_so():
    entry = last("E0 alone, bad")
    assert {one.name for one in entry.evidence} == {"objective", "promotion", "fuse", "split"}
    assert "its objective allows" in entry.reason or entry.reason.startswith("fuse")


def test_a_slower_histogram_rolls_back_and_says_how_many_were_slow():
    entry = last("E3, slower")
    assert entry.reason.startswith("all: worse than the stable version")
    assert next(one for one in entry.series if one.indicator == "all").buckets


class TestPlacebo:
    def test_unlike_replicas_hold_and_say_why(self):
        found = run("placebo, unlike")
        assert found.end.cause is Cause.UNLIKE
        assert found.end.reason.startswith("replicas are not alike")

    def test_whoever_resumes_it_asks_again_from_then_on(self):
        held = run("placebo, unlike").end
        resumed = release.transitions.resume(held, 1000.0, "resume by ann")
        assert resumed.placebo_epoch == held.placebo_epoch + 1
        assert set(resumed.evidence[0].placebo) == {0.0}

    def test_a_rollback_by_comparison_waits_and_the_fuse_does_not(self):
        """Half the stable replicas and the whole canary are bad: unlike replicas come first."""

        def worse(indicator, version, replica, place):
            return 0.3 if version == "v2" else uneven(indicator, version, replica, place)

        policy = replace(BASE, placebo_alpha=0.05)
        found = simulate(policy, worse, seed=1, ticks=60, traffic=traffic())
        assert found.end.phase in {Phase.ROLLED_BACK, Phase.ROLLING_BACK}
        assert "fuse" in found.end.reason


class TestWarmUp:
    def test_replicas_of_both_versions_that_begin_are_left_out_for_as_long(self):
        """A restarted replica's counts come back after two seconds, on whichever side it is."""
        found = run("several SLIs, bad")
        begun = [(one.tick, name) for one in found.entries for name in one.begun]
        assert Counter(name.split("/")[0] for _, name in begun) >= Counter({"v1": 1, "v2": 1})

    def test_a_ledger_that_hides_who_began_is_found(self):
        policy, _, _ = CASES["E0 alone, bad"]
        entries = list(run("several SLIs, good").entries)
        policy = CASES["several SLIs, good"][0]
        forged = [replace(one, begun=()) for one in entries]
        assert evidence.disagreements(policy, forged)
        assert independent.disagreements(policy.to_json(), [one.to_json() for one in forged])


def test_the_probe_moves_a_lone_replica_beside_a_baseline_too():
    def sick(indicator, version, replica, place):
        ill = version == "v2" and replica == 0 and place.incarnations.get("0") == 0
        return 0.3 if ill else 0.001

    policy = replace(BASE, baseline=True, fuse_alpha=0.0)
    found = simulate(policy, sick, seed=1, ticks=200, traffic=traffic())
    assert found.end.probe is not None
    assert found.end.probe.done
    assert found.end.phase is Phase.PROMOTED
    assert evidence.disagreements(policy, found.entries) == ()


def test_the_probe_of_slowness_knows_which_replica_is_slow():
    """One canary replica is slow: E3's evidence is all its own, so it is moved first."""
    whole = traffic()

    def draw(policy, rates, place, random, rps, tick):
        seen = whole(policy, rates, place, random, rps, tick)
        if place.incarnations.get("0") != 0:
            return seen
        slow = tuple(
            replace(one, buckets=(0, 0, 0, 0, 0, one.total))
            if one.series == Series("orders", "v2", "0") and one.sli == "all"
            else one
            for one in seen.tallies
        )
        return replace(seen, tallies=slow)

    policy = replace(BASE, indicators=(ERRORS, LATENCY))
    found = simulate(policy, same(0.001, 0.001), seed=2, ticks=200, traffic=draw)
    assert found.end.probe is not None
    assert found.end.probe.replica == "0"
    assert found.end.phase is Phase.PROMOTED
    assert evidence.disagreements(policy, found.entries) == ()
