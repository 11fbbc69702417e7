"""Every strategy from its start to both of its ends: real Envoy, real controller, real visitors.

Two rounds for the whole file, all strategies at once: a good version, then a bad one.
"""

import itertools

import pytest
from shop import labels
from strategy_world import (
    BAD,
    GOOD,
    POLICIES,
    REPLICAS,
    SERVING,
    STABLE,
    WORKERS,
    World,
    address,
    shape,
)

from telford.deliver.policy import FULL_WEIGHT, problems

# Recreate stops the old version before it starts the new one, and says so: requests in between
# fail, and no others.
WITHOUT_GAP = tuple(name for name in SERVING if name != "recreate")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The running place with its controller; what is left in the end is looked at in the tests."""
    found = World(tmp_path_factory.mktemp("world"))
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def good(world):
    return world.round(GOOD), world.place.state()


@pytest.fixture(scope="module")
def bad(world, good):
    return world.round(BAD), world.place.state()


def test_the_policies_of_this_file_are_sound():
    assert {name: problems(policy) for name, policy in POLICIES.items() if problems(policy)} == {}


@pytest.mark.parametrize("service", POLICIES)
def test_a_good_version_is_promoted_and_alone_in_the_end(world, good, service):
    round_, state = good
    assert round_.rows[service].phase == "promoted", round_.rows[service].state["reason"]
    split, ready = shape(state, service)
    assert ready == {GOOD: POLICIES[service].stable_replicas}
    assert {one.version for one in state.workloads if one.service == service} == {GOOD}
    if service in SERVING:
        assert dict(split.weights) == {GOOD: FULL_WEIGHT}
        assert (split.matches, dict(split.mirror), split.sticky) == ((), {}, "")
    assert world.store.bindings.get("strategies", address(service)).version in (GOOD, BAD)


@pytest.mark.parametrize("service", POLICIES)
def test_a_bad_version_is_rolled_back_and_the_old_one_whole(bad, service):
    round_, state = bad
    row = round_.rows[service]
    assert row.phase == "rolled-back", row.state["reason"]
    assert "worse than" in row.state["reason"]
    split, ready = shape(state, service)
    assert ready == {GOOD: POLICIES[service].stable_replicas}
    if service in SERVING:
        assert dict(split.weights) == {GOOD: FULL_WEIGHT}


@pytest.mark.parametrize("service", WITHOUT_GAP)
def test_no_request_fails_but_by_the_version_that_answered_it(good, bad, service):
    for round_, _ in (good, bad):
        answers = round_.answers[service]
        assert answers.tools == []
        assert sum(answers.seen.values()) > 20
        assert {name for name, count in answers.versions_own.items() if count} <= {BAD}


def test_recreate_fails_requests_only_in_the_gap_that_it_announces(good):
    answers = good[0].answers["recreate"]
    assert {reason for _, _, reason in answers.tools} == {"503 no healthy upstream"}
    began = max(answers.last["plain", STABLE], answers.last["preview", STABLE])
    ended = min(answers.first["plain", GOOD], answers.first["preview", GOOD])
    # One visitor asks one request after the other: what it wrote down is in that order.
    assert all(began <= at <= ended for at, _, _ in answers.tools)


@pytest.mark.parametrize("service", WITHOUT_GAP)
def test_every_version_always_has_the_replicas_that_its_share_needs(good, bad, service):
    for round_, _ in (good, bad):
        seen = round_.seen[service]
        for (phase, (split, ready)), (_, (_, later)) in itertools.pairwise([*seen, seen[-1]]):
            for version, weight in split.weights.items():
                needed = -(-REPLICAS * weight // FULL_WEIGHT)
                # Replicas and split are not read at one instant.
                assert max(ready.get(version, 0), later.get(version, 0)) >= needed, (phase, split)


def test_visitors_of_a_canary_with_affinity_never_go_back_to_the_old_version(good):
    round_, _ = good
    assert set(round_.answers["affinity"].moves) <= {(STABLE, GOOD)}
    stages = [dict(split.weights) for phase, (split, _) in round_.seen["affinity"] if split.sticky]
    assert {STABLE: 6000, GOOD: 4000} in stages


def test_a_baseline_is_fresh_equal_to_the_canary_and_gone_in_the_end(good):
    round_, state = good
    shares = [dict(split.weights) for _, (split, _) in round_.seen["baseline"]]
    assert {STABLE: 2000, f"{STABLE}-baseline": 4000, GOOD: 4000} in shares
    assert not [one for one in state.replicas if one.version.endswith("-baseline")]


def test_blue_green_shows_the_new_version_to_the_preview_before_anybody_else(good, bad):
    answers = good[0].answers["bluegreen"]
    assert answers.first["preview", GOOD] < answers.first["plain", GOOD]
    switched = [dict(split.weights) for _, (split, _) in good[0].seen["bluegreen"]]
    assert {weights.get(GOOD, 0) for weights in switched} == {0, FULL_WEIGHT}


def test_nobody_sees_an_answer_of_a_mirrored_version_that_is_bad(bad):
    round_, _ = bad
    assert {version for _, version in round_.answers["mirror"].seen} == {GOOD}
    assert any(split.mirror for _, (split, _) in round_.seen["mirror"])


def test_only_the_segment_meets_a_bad_version_of_an_ab_test(bad):
    seen = bad[0].answers["ab"].seen
    assert seen["plain", BAD] == 0
    assert seen["preview", BAD] > 0


@pytest.mark.parametrize("service", ["rolling", "queue", "onebyone"])
def test_rolling_replicas_are_never_fewer_than_before(good, service):
    round_, _ = good
    seen = [ready for _, (_, ready) in round_.seen[service]]
    for ready, later in itertools.pairwise([*seen, seen[-1]]):
        most = {name: max(ready.get(name, 0), later.get(name, 0)) for name in (STABLE, GOOD)}
        assert sum(most.values()) >= POLICIES[service].stable_replicas
    ups = [ready.get(GOOD, 0) for ready in seen]
    if service == "onebyone":
        assert all(new - old <= 1 for old, new in itertools.pairwise(ups))


@pytest.mark.parametrize("service", WORKERS)
def test_workers_of_all_versions_share_the_queue_and_only_the_bad_one_fails(
    world, good, bad, service
):
    folder = world.place.root / "data" / service
    queue = labels.connect(folder)
    rows = queue.execute("SELECT version, outcome, count(*) FROM jobs GROUP BY 1, 2").fetchall()
    queue.close()
    found = {(version, outcome): count for version, outcome, count in rows if version}
    assert found[STABLE, "done"] > 0
    assert found[GOOD, "done"] > 0
    assert found[BAD, "failed"] > 0
    assert {version for version, outcome in found if outcome == "failed"} == {BAD}


def test_the_controller_met_no_problem_on_the_way(world, good, bad):
    assert world.problems == []
