"""A controller killed at any effect of any strategy comes to the end that it would have come to:
here at the first time of each; tools/soak_kill.py kills at all of them.
"""

import pathlib

import pytest
import strategy_scenes
from flow_scenes import end, play

from telford.flows import boundaries
from telford.testing.kills import KillAt

# In every tick and every order of any release; test_kills kills there, each time, in a canary's.
COMMON = {
    boundaries.TICK_READ,
    boundaries.STORE_COMMIT,
    boundaries.ORDER_BEGIN,
    boundaries.ORDER_CONFIRM,
}
# What a kill may change: recreate loses as many requests as its gap is long.
GAPS = {"lost"}


def _end(name: str, world: strategy_scenes.Simulation) -> dict[str, object]:
    found = end(world) | {"doubled": world.place.doubled}
    hidden = GAPS if name.startswith("recreate") else set()
    return {key: value for key, value in found.items() if key not in hidden}


@pytest.mark.parametrize("name", strategy_scenes.KILLED)
def test_every_single_kill_comes_to_the_same_end(name: str, memory: pathlib.Path) -> None:
    counting, scene = KillAt(), strategy_scenes.SCENES[name]
    world = strategy_scenes.world_of(name, memory / "none.db", counting)
    assert play(world, scene, KillAt) == 0
    expected = _end(name, world)
    world.store.close()
    assert expected["phase"] == strategy_scenes.ends_as(name)
    for boundary, when in sorted(counting.reached):
        if boundary in COMMON:
            continue
        file = memory / f"{boundary}-{when}.db"
        world = strategy_scenes.world_of(name, file, KillAt(boundary, when, 1))
        assert play(world, scene, KillAt) == 1, (boundary, when)
        assert _end(name, world) == expected, (boundary, when)
        world.store.close()
