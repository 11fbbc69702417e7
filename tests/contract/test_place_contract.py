"""What every place keeps: one suite for a machine and for a cluster with each way of dividing."""

import dataclasses
import os

import pytest
import worlds
from worlds import World, phases, weights

from telford.basics.errors import RefusedError, UsageError
from telford.estate.workload import Match, Split

SHARE = {"1.0.0": 6700, "1.1.0": 3300}


def _arms(world: World) -> set[str]:
    return {one.version for one in world.place.state().workloads if one.service == "orders"}


def test_what_is_applied_runs_and_is_said_as_it_was_asked_for(world: World):
    wanted = world.workload("1.0.0", 1, 2)
    world.place.apply(wanted)
    state = world.ready("1.0.0", 2)
    assert wanted in state.workloads


def test_applying_the_same_again_changes_nothing(world: World):
    world.start()
    before = {(one.replica, one.incarnation, one.pid) for one in world.place.state().replicas}
    world.place.apply(world.workload("1.0.0", 1, 2))
    world.place.route(Split("orders", 1, {"1.0.0": 10_000}))
    after = {(one.replica, one.incarnation, one.pid) for one in world.place.state().replicas}
    assert before == after


def test_a_version_grows_and_shrinks(world: World):
    world.start()
    world.place.apply(world.workload("1.0.0", 2, 3))
    world.ready("1.0.0", 3)
    world.place.apply(world.workload("1.0.0", 3, 1))
    world.ready("1.0.0", 1)


def test_a_second_version_runs_beside_the_first_and_gets_nothing_unasked(world: World):
    world.start()
    world.beside()
    assert weights(world.place.state()) == {"1.0.0": 10_000}
    assert _arms(world) == {"1.0.0", "1.1.0"}


@pytest.mark.skipif(
    bool(os.environ.get("TELFORD_TEST_IMAGE")), reason="one image comes up like another"
)
def test_a_version_that_does_not_come_up_says_why(world: World):
    world.start()
    world.place.apply(world.workload("1.1.0-broken", 2, 1))
    state = world.until(lambda now: "failed" in phases(now, "1.1.0-broken"))
    failed = [one for one in state.replicas if one.phase == "failed"]
    assert all(one.message for one in failed)
    world.place.remove("orders", "1.1.0-broken", 3)
    world.gone("1.1.0-broken")


def test_weights_are_confirmed_by_what_divides(divided: World):
    divided.start()
    divided.beside()
    divided.place.route(Split("orders", 2, SHARE))
    (split,) = divided.place.state().splits
    assert (split.generation, dict(split.weights)) == (2, SHARE)


def test_matches_mirror_and_cookies_are_served_or_refused_with_what_could(divided: World):
    divided.start()
    divided.beside()
    asked = {
        "matches": Split(
            "orders", 2, {"1.0.0": 10_000}, matches=(Match("1.1.0", "yes", header="x-preview"),)
        ),
        "mirror": Split("orders", 3, {"1.0.0": 10_000}, mirror={"1.1.0": 5000}),
        "sticky": Split("orders", 4, SHARE, sticky="arm"),
    }
    for what, split in asked.items():
        if what in divided.able:
            divided.place.route(split)
            assert split in divided.place.state().splits, what
        else:
            with pytest.raises(RefusedError, match=f"{what}: .* could"):
                divided.place.route(split)


def test_nobody_is_sent_to_a_version_that_is_not_there(world: World):
    world.start()
    with pytest.raises(RefusedError, match=r"no version 9\.9\.9"):
        world.place.route(Split("orders", 2, {"9.9.9": 10_000}))
    with pytest.raises(UsageError, match="sum to 10000"):
        world.place.route(Split("orders", 2, {"1.0.0": 5000}))


def test_a_version_with_requests_is_not_removed(world: World):
    world.start()
    world.beside()
    world.place.route(Split("orders", 2, SHARE))
    with pytest.raises(RefusedError, match="traffic"):
        world.place.remove("orders", "1.1.0", 3)
    assert phases(world.place.state(), "1.1.0") == ["ready"]


def test_an_aborted_release_leaves_no_trace(world: World):
    world.start()
    world.beside()
    world.place.route(Split("orders", 2, SHARE))
    world.place.route(Split("orders", 3, {"1.0.0": 10_000}))
    world.place.remove("orders", "1.1.0", 3)
    state = world.gone("1.1.0")
    assert [one.version for one in state.workloads] == ["1.0.0"]
    assert weights(state) == {"1.0.0": 10_000}
    world.place.remove("orders", "1.1.0", 3)


def test_a_promoted_version_stays_and_the_next_release_starts_from_it(divided: World):
    divided.start()
    for number, (old, new) in enumerate((("1.0.0", "1.1.0"), ("1.1.0", "1.2.0"))):
        generation = 2 + 3 * number
        divided.beside(new, generation, 2)
        divided.place.route(Split("orders", generation + 1, {new: 10_000}))
        divided.place.remove("orders", old, generation + 2)
        divided.gone(old)
        state = divided.ready(new, 2)
        assert [one.version for one in state.workloads] == [new]
        assert weights(state) == {new: 10_000}


def test_a_replica_is_replaced_by_another_and_only_that_one(world: World):
    world.start()
    first, second = sorted(world.place.state().replicas, key=lambda one: one.replica)
    gone = first.incarnation or str(first.pid)
    stays = second.incarnation or str(second.pid)
    world.place.replace("orders", "1.0.0", first.replica, gone, 2)

    def replaced(state) -> bool:
        now = {one.incarnation or str(one.pid) for one in state.replicas}
        return gone not in now and phases(state, "1.0.0") == ["ready"] * 2

    state = world.until(replaced)
    assert stays in {one.incarnation or str(one.pid) for one in state.replicas}
    world.place.replace("orders", "1.0.0", first.replica, gone, 2)
    assert world.place.state().replicas == state.replicas


def test_the_only_replica_gets_another_before_it_goes(world: World):
    world.start("1.0.0", 1)
    (only,) = world.place.state().replicas
    incarnation = only.incarnation or str(only.pid)
    world.place.replace("orders", "1.0.0", only.replica, incarnation, 2)
    world.until(
        lambda state: (
            phases(state, "1.0.0") == ["ready"]
            and incarnation not in {one.incarnation or str(one.pid) for one in state.replicas}
        )
    )


def test_a_lower_generation_is_refused_and_changes_nothing(world: World):
    world.start()
    world.beside("1.1.0", 5)
    world.place.route(Split("orders", 6, SHARE))
    before = world.place.state()
    stale = (
        lambda: world.place.apply(world.workload("1.1.0", 4, 3)),
        lambda: world.place.apply(world.workload("1.3.0", 4, 1)),
        lambda: world.place.route(Split("orders", 5, {"1.0.0": 10_000})),
        lambda: world.place.replace("orders", "1.1.0", before.replicas[0].replica, "x", 4),
    )
    for act in stale:
        with pytest.raises(RefusedError, match="stale"):
            act()
    after = world.place.state()
    assert after.workloads == before.workloads
    assert after.splits == before.splits


def test_a_removal_of_what_is_not_there_overtakes_a_start_that_comes_late(world: World):
    world.start()
    world.place.remove("orders", "1.1.0", 7)
    with pytest.raises(RefusedError, match="stale"):
        world.place.apply(world.workload("1.1.0", 6, 1))
    assert _arms(world) == {"1.0.0"}


def test_whoever_comes_anew_sees_the_same(world: World):
    world.start()
    world.beside()
    world.place.route(Split("orders", 2, SHARE))
    mine, other = world.place.state(), world.client().state()
    assert dataclasses.replace(mine, replicas=()) == dataclasses.replace(other, replicas=())


def test_a_version_with_all_requests_has_all_its_replicas(world: World):
    """Ready and told apart: `wait until` is the place's own, so no request meets nobody."""
    world.start("1.0.0", 3)
    world.beside("1.1.0", 2, 3)
    world.place.route(Split("orders", 3, {"1.1.0": 10_000}))
    assert phases(world.place.state(), "1.1.0") == ["ready"] * 3
    assert worlds.weights(world.place.state()) == {"1.1.0": 10_000}
