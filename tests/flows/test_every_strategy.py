"""Every strategy from its start to each of its ends, in a world of fakes."""

import pathlib

import pytest
import strategy_scenes
from flow_scenes import end, play

from telford.app import evidence
from telford.flows.boundaries import Quiet
from telford.testing.simulation import CANARY, STABLE, Simulation


def played(name: str, file: pathlib.Path) -> Simulation:
    world = strategy_scenes.world_of(name, file)
    play(world, strategy_scenes.SCENES[name], Quiet)
    return world


@pytest.mark.parametrize("name", strategy_scenes.SCENES)
def test_each_ends_as_it_should_and_loses_no_request(name: str, tmp_path: pathlib.Path) -> None:
    world = played(name, tmp_path / "store.db")
    found, left = end(world), STABLE
    if strategy_scenes.ends_as(name) == "promoted":
        left = CANARY
    assert found["phase"] == strategy_scenes.ends_as(name)
    assert (found["stable"], found["versions"]) == (left, [("orders", left)])
    assert found["replicas"] == [(left, f"{left}-{n}") for n in range(strategy_scenes.REPLICAS)]
    assert (found["audit"], world.place.doubled) == ("", 0)
    if "recreate" not in name:
        assert found["lost"] == 0
    assert found["weights"] in ({left: 10_000}, {})
    assert world.place.workloads["orders", left].env == {}
    recounted = evidence.recompute(world.store, world.row())
    assert [one.differences for one in recounted.recounts if one.differences] == []
    world.store.close()


def test_only_recreate_has_a_gap(tmp_path: pathlib.Path) -> None:
    world = played("recreate", tmp_path / "store.db")
    assert world.place.lost > 0
    world.store.close()


def test_a_preview_is_reached_by_its_header_alone(tmp_path: pathlib.Path) -> None:
    world = played("blue-green", tmp_path / "store.db")
    routes = [what for kind, _, what in world.place.calls if kind == "route"]
    assert routes == ["1.0.0=10000", "1.0.0=10000", "1.1.0=10000", "1.1.0=10000"]
    world.store.close()
