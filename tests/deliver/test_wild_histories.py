"""Whatever happens around a release, its evidence follows from the raw counts in its ledger."""

import functools
import json
from dataclasses import replace

import independent
import pytest
import wild_history
from wild_history import POLICIES, History

from telford.deliver import evidence
from telford.deliver.policy import problems

SEEDS = (1, 2)
# One of each engine and certificate: the optimisers of the third opinion take their time.
THIRD = ("E1, both", "E4, baseline, placebo", "exposure", "blue-green", "mirror")


@functools.cache
def played(name: str, seed: int) -> History:
    return wild_history.play(name, seed, ticks=40, calm=0.3 * seed)


@pytest.mark.parametrize("name", POLICIES)
def test_a_wild_history_is_recomputed_from_its_counts(name: str) -> None:
    """By the arrays, for every strategy, engine and certificate."""
    assert problems(POLICIES[name]) == ()
    for seed in SEEDS:
        history = played(name, seed)
        assert evidence.disagreements(history.policy, history.entries) == (), seed


@pytest.mark.parametrize("name", THIRD)
def test_and_by_the_independent_script(name: str) -> None:
    history = played(name, 2)
    plain = [one.to_json() for one in history.entries]
    assert independent.disagreements(history.policy.to_json(), plain) == []


def test_histories_have_what_can_go_wrong_in_them() -> None:
    histories = [played(name, seed) for name in POLICIES for seed in SEEDS]
    entries = [one for history in histories for one in history.entries]
    counted = [one for one in entries if one.counted]
    assert len(counted) > len(entries) / 4
    for what in ("begun", "missing", "probe", "rollback_epoch", "series"):
        assert any(getattr(one, what) for one in counted), what
    assert any(one.observed_at is None for one in entries)
    assert {one.state.phase.value for one in histories} >= {"promoted", "rolled-back"}


def test_who_recounts_must_know_who_began() -> None:
    """A replica that began is left out for its warm-up, also in the ticks after the one it began
    in. A recount without that disagreed with honest ledgers (found by the soak's kills).
    """
    histories = [played(name, seed) for name in ("E2", "E2 often", "placebo") for seed in SEEDS]
    found = set()
    for history in histories:
        forged = [replace(one, begun=()) for one in history.entries]
        found.update(evidence.disagreements(history.policy, forged))
    assert any("slowness" in one for one in found)


def test_a_version_may_have_a_slash_in_its_name() -> None:
    """A branch is one. Its replicas are named ``version/replica`` where they began or are missing."""
    for seed in (2, 3):
        history = History(POLICIES["E2"], seed, 0.6, canary="feature/fast")
        history.play(40)
        plain = [one.to_json() for one in history.entries]
        assert evidence.disagreements(history.policy, history.entries) == ()
        assert independent.disagreements(history.policy.to_json(), plain) == []


def test_a_history_is_the_same_again() -> None:
    first, again = played("E2", 2), wild_history.play("E2", 2, ticks=40, calm=0.6)
    plain = [json.dumps(one.to_json()) for one in first.entries]
    assert plain == [json.dumps(one.to_json()) for one in again.entries]
