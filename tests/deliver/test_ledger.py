"""The ledger: the verdict follows from its raw counts, by the arrays and by an independent script."""

import ast
import json
import pathlib
from dataclasses import replace

import independent
import pytest
from simulated_release import ERRORS, SLOWNESS, same, simulate

from telford.deliver import evidence
from telford.deliver.policy import Policy
from telford.deliver.state import Decision, Entry, Phase

BASE = Policy(
    (ERRORS,),
    weights=(1000, 5000),
    soak_seconds=(10.0,),
    warmup_seconds=2.0,
    deadline_seconds=300.0,
)
SHARED = (replace(ERRORS, alpha_weight=0.6), replace(SLOWNESS, alpha_weight=0.3))
"""A tenth of alpha is spent by nobody."""
BOTH = replace(BASE, indicators=SHARED, canary_replicas=2, stable_replicas=3)
SHARE = replace(BASE, engine="E4", canary_replicas=2, stable_replicas=3, weights=(4000,))
SEEDED = BASE.seeded({"errors": (5000, 20)})


def sick(indicator, version, replica, place):
    """The replica 0 of the canary is on a bad host, until it is replaced."""
    ill = version == "v2" and replica == 0 and place.incarnations.get("0") == 0
    return 0.3 if ill else 0.001


CASES = {
    "E2 bad": (BASE, same(0.08, 0.002), Phase.ROLLED_BACK),
    "E2 good": (BASE, same(0.001, 0.001), Phase.PROMOTED),
    "E1 bad": (replace(SEEDED, engine="E1"), same(0.06, 0.004), Phase.ROLLED_BACK),
    "E1 with a margin, good": (
        replace(SEEDED, engine="E1", rollback_ratio=1.1),
        same(0.001, 0.002),
        Phase.PROMOTED,
    ),
    "ratio certificate": (
        replace(SEEDED, certificate="ratio", tolerable_ratio=3.0),
        same(0.01, 0.03),
        Phase.PROMOTED,
    ),
    "E4 bad": (SHARE, same(0.05, 0.004), Phase.ROLLED_BACK),
    "two indicators, good": (BOTH, same(0.001, 0.001), Phase.PROMOTED),
    "the fuse": (
        replace(BASE, fuse_alpha=0.0099, alpha=0.01, engine="E1"),
        same(0.5, 0.3),
        Phase.ROLLED_BACK,
    ),
    "deadline": (
        replace(BASE, deadline_seconds=60.0, on_deadline="rollback"),
        same(0.007, 0.007),
        Phase.ROLLED_BACK,
    ),
    "one sick replica": (replace(BOTH, indicators=(ERRORS,)), sick, Phase.PROMOTED),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", [1, 2])
def test_three_ways_to_the_same_verdict(name, seed):
    policy, rates, expected = CASES[name]
    run = simulate(policy, rates, seed=seed, gaps=0.05)
    assert run.end.phase is expected, run.end.reason
    assert evidence.disagreements(policy, run.entries) == ()
    assert evidence.agrees(policy, run.entries)
    ledger = [json.loads(json.dumps(entry.to_json())) for entry in run.entries]
    assert independent.disagreements(policy.to_json(), ledger) == []
    assert tuple(Entry.from_json(one) for one in ledger) == tuple(run.entries)


def test_the_sick_replica_was_moved_once_and_the_evidence_begun_again():
    policy, rates, _ = CASES["one sick replica"]
    run = simulate(policy, rates, seed=1)
    assert run.end.probe is not None
    assert run.end.probe.done
    assert run.end.probe.replica == "0"
    assert {entry.rollback_epoch for entry in run.entries} == {0, 1}


class TestForgeries:
    @pytest.fixture
    def run(self):
        policy, rates, _ = CASES["E2 bad"]
        return simulate(policy, rates, seed=1)

    def forged(self, run, place, **changes):
        entries = list(run.entries)
        entries[place] = replace(entries[place], **changes)
        ours = evidence.disagreements(BASE, entries)
        theirs = independent.disagreements(BASE.to_json(), [one.to_json() for one in entries])
        return ours, theirs

    def test_a_changed_count_is_found_by_both(self, run):
        place = next(i for i, one in enumerate(run.entries) if one.counted)
        series = tuple(replace(one, bad=one.bad + 1) for one in run.entries[place].series)
        ours, theirs = self.forged(run, place, series=series)
        assert ours
        assert theirs

    def test_a_rollback_that_was_hidden_is_found_by_both(self, run):
        place = next(i for i, e in enumerate(run.entries) if e.decision is Decision.ROLLBACK)
        ours, theirs = self.forged(run, place, decision=Decision.CONTINUE)
        assert any("the counts say rollback" in one for one in ours)
        assert theirs

    def test_a_rollback_without_evidence_is_found_by_both(self, run):
        place = next(i for i, one in enumerate(run.entries) if one.counted)
        ours, theirs = self.forged(run, place, decision=Decision.ROLLBACK)
        assert ours
        assert theirs

    def test_counting_the_warm_up_is_found(self, run):
        place = next(i for i, one in enumerate(run.entries) if one.why.startswith("warm-up"))
        ours, _ = self.forged(run, place, counted=True, why="")
        assert any("warm-up" in one or "whole tick" in one for one in ours)

    def test_a_tick_twice_is_found(self, run):
        entries = [*run.entries, run.entries[-1]]
        assert any("twice" in one for one in evidence.disagreements(BASE, entries))

    def test_evidence_left_out_is_found(self, run):
        place = len(run.entries) // 2
        ours, _ = self.forged(run, place, evidence=())
        assert len(ours) == 5


def test_nothing_to_recompute():
    assert evidence.recompute(BASE, []) == ()


def test_the_independent_script_imports_nothing_of_ours():
    tree = ast.parse(pathlib.Path(independent.__file__).read_text())
    names = {
        name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names
    } | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in names if name.split(".")[0] == "telford"}


class TestWholeReleases:
    """A/A and A/B through the real `next_step`; the large numbers are `make bench-verdicts`."""

    def test_false_rollbacks_of_equal_versions_stay_rare(self):
        """60 equal releases at alpha .01: 5 or more would have a chance below 0.0004."""
        policy = replace(BASE, beta=0.2, fuse_alpha=0.001)
        ends = [
            simulate(policy, same(0.002, 0.002), seed=seed, rps=60, ticks=150).end.phase
            for seed in range(60)
        ]
        assert ends.count(Phase.ROLLED_BACK) + ends.count(Phase.ROLLING_BACK) < 5

    def test_a_failing_version_is_rolled_back_in_seconds_and_a_good_one_promoted(self):
        """The demo's numbers: 100 requests a second, weight 10%, 99.5%, 3.3% failing."""
        policy = replace(BASE, warmup_seconds=2.0)
        times = []
        for seed in range(10):
            run = simulate(policy, same(0.033, 0.0), seed=seed)
            assert run.end.phase is Phase.ROLLED_BACK
            first = next(e.clocks.confirmed_at for e in run.entries if e.clocks.confirmed_at)
            times.append(next(e.at for e in run.entries if e.decision == "rollback") - first)
        assert sorted(times)[5] < 20
        for seed in range(10):
            assert simulate(policy, same(0.0, 0.0), seed=seed).end.phase is Phase.PROMOTED
