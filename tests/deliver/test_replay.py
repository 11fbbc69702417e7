"""Replay: the same settings decide the same; others decide from the counts, and say what is unknown."""

import functools
from dataclasses import replace
from decimal import Decimal

import pytest
from simulated_release import ERRORS, SLOWNESS, same, simulate

from telford.deliver import replay
from telford.deliver.policy import Indicator, Policy

DECLARED = Policy(
    (ERRORS,),
    weights=(1000, 5000),
    soak_seconds=(10.0,),
    warmup_seconds=2.0,
    deadline_seconds=300.0,
)


@functools.cache
def past(canary, stable, seed=1, policy=DECLARED, ticks=600):
    return simulate(policy, same(canary, stable), seed=seed, ticks=ticks)


def again(run, declared=DECLARED, **changes):
    return replay.replay(replace(declared, **changes), declared, run.entries)


@pytest.mark.parametrize(("canary", "stable"), [(0.08, 0.002), (0.001, 0.001), (0.03, 0.001)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_settings_decide_the_same_at_the_same_tick(canary, stable, seed):
    found = again(past(canary, stable, seed))
    assert found.known
    assert found.same
    assert found.would.seconds == found.happened.seconds
    assert found.would.excess_bad == pytest.approx(found.happened.excess_bad)
    assert found.would.reason == found.happened.reason


def test_a_stricter_alpha_decides_later_and_costs_more():
    run = past(0.03, 0.001)
    strict = again(run, alpha=0.0001, fuse_alpha=0.00001)
    loose = again(run, alpha=0.2)
    assert loose.would.decision == "rolled back"
    assert loose.would.seconds <= loose.happened.seconds
    assert loose.would.excess_bad <= loose.happened.excess_bad
    assert strict.would.decision == "undecided"
    assert not strict.known
    assert any("still looking when the release was rolled back" in one for one in strict.unknown)


def test_an_indicator_with_less_of_alpha_decides_later():
    run = past(0.03, 0.001)
    less = again(run, indicators=(replace(ERRORS, alpha_weight=0.01),))
    assert (less.would.decision, less.known) == ("undecided", False)
    more = again(run, alpha=0.2, indicators=(replace(ERRORS, alpha_weight=0.5),))
    whole = again(run, alpha=0.2)
    assert whole.would.seconds <= more.would.seconds <= more.happened.seconds


def test_a_longer_soak_would_still_have_been_at_an_earlier_step():
    found = again(past(0.001, 0.001), soak_seconds=(500.0,), deadline_seconds=1000.0)
    assert found.would.decision == "undecided"
    assert any("earlier step" in one for one in found.unknown)


def test_a_deadline_of_these_settings_holds():
    run = past(0.007, 0.007, ticks=120)
    found = again(run, deadline_seconds=40.0)
    assert found.would.decision == "held"
    assert "no verdict within" in found.would.reason


def test_other_weights_and_strategies_are_said_to_be_unknown():
    run = past(0.001, 0.001)
    other = again(run, weights=(2000,))
    assert any("other weights" in one for one in other.unknown)
    switched = again(run, strategy="blue-green", weights=(10_000,))
    assert any("by canary; by blue-green" in one for one in switched.unknown)


def test_what_was_not_counted_is_left_out():
    found = again(
        past(0.08, 0.002), indicators=(ERRORS, SLOWNESS, Indicator("all", kind="latency"))
    )
    assert sum("was not counted" in one for one in found.unknown) == 2
    assert found.would.decision == "rolled back"
    nothing = again(past(0.08, 0.002), indicators=(SLOWNESS,))
    assert nothing.would.decision == "undecided"
    assert any("do not fit" in one for one in nothing.unknown)


def test_another_objective_on_the_same_counts():
    strict = replace(ERRORS, objective_target=Decimal("0.9999"))
    found = again(past(0.001, 0.001), indicators=(strict,))
    assert found.happened.decision == "promoted"
    assert found.would.decision != "promoted"


def test_a_replica_that_would_have_been_moved_first_is_said():
    policy = replace(DECLARED, canary_replicas=2)

    def sick(indicator, version, replica, place):
        return 0.2 if version == "v2" and replica == 0 else 0.001

    run = simulate(replace(policy, alpha=1e-9, fuse_alpha=0.0), sick, seed=1, ticks=60)
    found = replay.replay(policy, replace(policy, alpha=1e-9, fuse_alpha=0.0), run.entries)
    assert found.would.decision == "held"
    assert not found.known
    assert any("would have moved replica 0 first" in one for one in found.unknown)


def test_the_sentence_about_all_of_them():
    runs = [past(0.08, 0.002), past(0.001, 0.001), past(0.03, 0.001)]
    said = replay.summary([again(run) for run in runs])
    assert said.startswith("of 3 releases these settings would have decided 0 otherwise")
    unsure = replay.summary([again(run, alpha=1e-6, fuse_alpha=1e-9) for run in runs])
    assert "cannot be known" in unsure


def test_a_ledger_without_an_entry():
    with pytest.raises(ValueError, match="without an entry"):
        replay.replay(DECLARED, DECLARED, [])
