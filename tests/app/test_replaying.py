"""`telford replay`: an estate's settings against the releases that were, from store and ledger."""

import json
import pathlib
from collections.abc import Iterator

import pytest

import stores
from telford.app import loading, places, replay
from telford.backends import files
from telford.basics.errors import UsageError
from telford.cli import main
from telford.estate import overlays
from telford.estate.model import Binding
from telford.estate.place import Place
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, Simulation

ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: System
name: shop
owner: team/shop
---
apiVersion: telford/v1
kind: Environment
name: dev
---
apiVersion: telford/v1
kind: Service
name: orders
system: shop
owner: team/shop
delivery: canary
routes:
  - path: /
run:
  image: shop/orders:1.1.0
  local:
    command: [python, stub.py]
    replicas: 2
---
apiVersion: telford/v1
kind: Delivery
name: canary
system: shop
owner: team/shop
steps:
  - {weight: 10%, soak: 3s}
  - {weight: 50%, soak: 3s}
warmup: 1s
deadline: 2m
---
apiVersion: telford/v1
kind: Objective
name: orders-availability
system: shop
owner: team/shop
service: orders
target: 95%
sli:
  availability: {}
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulation]:
    """One release that was rolled back, and one that is still planned."""
    folder = tmp_path_factory.mktemp("replay")
    bad = {("orders", CANARY): Behaviour(bad=0.3)}
    made = Simulation(stores.fresh(folder / "store.db"), bad, site="dev")
    made.release(key="r1")
    made.until("rolled-back")
    made.release(key="r2")
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def binding(tmp_path_factory: pytest.TempPathFactory) -> Binding:
    folder: pathlib.Path = tmp_path_factory.mktemp("estate")
    (folder / "estate.yaml").write_text(ESTATE, encoding="utf-8")
    estate = loading.require(loading.load_folder(folder))
    return overlays.bind(estate, places.choose(estate, "dev"))


def test_each_past_release_has_what_happened_beside_what_would_have(
    world: Simulation, binding: Binding
) -> None:
    found = replay.over_last(world.store, binding, "orders")
    (one,) = found.found
    assert (one.release, one.happened.decision, one.would.decision) == (
        "r1",
        "rolled back",
        "rolled back",
    )
    assert one.known
    assert found.skipped == ()
    assert found.sentence.startswith("of 1 releases these settings would have decided 0 otherwise")
    plain = json.loads(json.dumps(found.as_json()))
    assert plain["releases"][0]["would"]["decision"] == "rolled back"


def test_what_only_a_cluster_runs_is_replayed_as_well(world: Simulation) -> None:
    head, _, rest = ESTATE.partition("  local:")
    text = head + rest[rest.index("---") :]
    estate = loading.require(loading.of_texts(files.Texts(texts={"estate.yaml": text})))
    found = replay.over_last(world.store, overlays.bind(estate, Place("dev")), "orders")
    assert [one.release for one in found.found] == ["r1"]


def test_single_settings_may_be_changed(world: Simulation, binding: Binding) -> None:
    changes = {"alpha": "1e-9", "fuse_alpha": "0", "soak_seconds": "3,4"}
    found = replay.over_last(world.store, binding, "orders", changes=changes)
    assert found.policy.alpha == 1e-9
    assert found.policy.soak_seconds == (3.0, 4.0)
    assert not found.found[0].known
    assert found.found[0].unknown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": "1,2"}, "weights cannot be changed"),
        ({"alpha": "much"}, "alpha is a number"),
        ({"alpha": "0.9"}, "contradict themselves"),
    ],
)
def test_a_wrong_setting_is_said(
    world: Simulation, binding: Binding, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        replay.over_last(world.store, binding, "orders", changes=changes)
    with pytest.raises(UsageError, match="ask for 1 to"):
        replay.over_last(world.store, binding, "orders", last=0)


def test_settings_are_read_from_text() -> None:
    assert replay.parsed(["alpha=0.05", "on-deadline = hold"]) == {
        "alpha": "0.05",
        "on_deadline": "hold",
    }
    with pytest.raises(UsageError, match="sets nothing"):
        replay.parsed(["alpha"])


def test_the_command_says_it_for_people_and_for_programs(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE, encoding="utf-8")
    (tmp_path / ".telford").mkdir()
    bad = {("orders", CANARY): Behaviour(bad=0.3)}
    made = Simulation(stores.fresh(tmp_path / ".telford" / "store.db"), bad, site="dev")
    made.release(key="r1")
    made.until("rolled-back")
    made.store.close()
    arguments = ["replay", "orders", "--estate", str(tmp_path), "--in", "dev"]
    assert main.run(arguments) == 0
    said = capsys.readouterr().out
    assert "rolled back" in said
    assert "of 1 releases these settings would have decided 0 otherwise" in said
    assert main.run([*arguments, "--set", "alpha=1e-9", "--set", "fuse_alpha=0", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["releases"][0]["unknown"]
    assert main.run([*arguments, "--set", "alpha"]) == 2
    assert "sets nothing" in capsys.readouterr().err
