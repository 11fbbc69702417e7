"""A controller killed at any named boundary, any number of times, comes to the same end."""

import pathlib
import uuid

import pytest
from flow_scenes import ENDS, SCENES, end, play, world_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telford.flows import boundaries
from telford.testing.kills import KillAt

# Reached in every scene; cluster.replace has a test of its own (test_probe).
COMMON = {
    boundaries.TICK_READ,
    boundaries.STORE_COMMIT,
    boundaries.ORDER_SUBMIT,
    boundaries.ORDER_BEGIN,
    boundaries.CLUSTER_APPLY,
    boundaries.ROUTER_ROUTE,
    boundaries.CLUSTER_REMOVE,
    boundaries.ORDER_CONFIRM,
}

# Reached in every tick. One scene is killed every time that it reaches anything; the others the
# first and the last time that they have an effect.
EVERY_TICK = {boundaries.TICK_READ, boundaries.STORE_COMMIT}


@pytest.mark.parametrize("name", SCENES)
def test_every_single_kill_comes_to_the_same_end(name: str, memory: pathlib.Path) -> None:
    scene = SCENES[name]
    counting = KillAt()
    world = world_of(scene, memory / "none.db", counting)
    assert play(world, scene, KillAt) == 0
    expected = end(world)
    world.store.close()
    assert expected["phase"] == ENDS[name]
    assert {reached for reached, _ in counting.reached} >= COMMON
    for (boundary, when), count in sorted(counting.reached.items()):
        if name != "good" and boundary in EVERY_TICK:
            continue
        every = range(1, count + 1) if name == "good" else sorted({1, count})
        for occurrence in every:
            file = memory / f"{boundary}-{when}-{occurrence}.db"
            killer = KillAt(boundary, when, occurrence)
            world = world_of(scene, file, killer)
            assert play(world, scene, KillAt) == 1, (boundary, when, occurrence)
            assert end(world) == expected, (boundary, when, occurrence)
            world.store.close()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(sorted(SCENES)),
    kills=st.lists(
        st.tuples(
            st.sampled_from(sorted(COMMON)),
            st.sampled_from(["before", "after"]),
            st.integers(1, 4),
        ),
        min_size=2,
        max_size=6,
    ),
)
def test_many_kills_in_a_row_come_to_the_same_end(
    memory: pathlib.Path, name: str, kills: list[tuple[str, str, int]]
) -> None:
    scene = SCENES[name]
    rest = iter([KillAt(*kill) for kill in kills])
    world = world_of(scene, memory / f"{uuid.uuid4()}.db", next(rest))
    play(world, scene, lambda: next(rest, KillAt()))
    found = end(world)
    world.store.close()
    assert (found["phase"], found["lost"], found["audit"]) == (ENDS[name], 0, "")
    expected_version = "1.1.0" if ENDS[name] == "promoted" else "1.0.0"
    assert found["weights"] == {expected_version: 10_000}
    assert found["versions"] == [("orders", expected_version)]
    assert found["stable"] == expected_version
