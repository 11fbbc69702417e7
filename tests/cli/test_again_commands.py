"""`telford promote --step`, `hold`, `retry`, `rollback` and `compare`, over records that are there."""

import pathlib

import pytest
from cli_runs import run

import stores
from telford.cli import retry, rollback
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, STABLE, Simulation

STEADY = Behaviour(bad=0.002)


@pytest.fixture
def world(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    """A release that was rolled back, in the records that the commands read."""
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("TELFORD_STATE", str(state))
    monkeypatch.setenv("TELFORD_ESTATE", str(tmp_path))
    monkeypatch.setenv("TELFORD_WHO", "ann")
    behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): Behaviour(bad=0.7)}
    made = Simulation(stores.fresh(state / "store.db"), behaviours)
    made.release()
    assert made.run().phase == "rolled-back"
    made.place.behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): STEADY}
    for module in (retry, rollback):
        monkeypatch.setattr(module, "SystemClock", lambda: made.clock)
    return made


def test_a_version_is_tried_again_compared_and_gone_back_from(
    world: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = run(capsys, "retry", "orders", "--reason", "the outage is over", "--json")
    assert (tried.code, tried.json["retries"]) == (0, "r1")
    key = tried.json["id"]
    world.run()
    row = world.row(key)
    assert (row.phase, row.who) == ("promoted", "ann")
    assert row.reason == "retry of r1: the outage is over"
    compared = run(capsys, "compare", "r1", key, "--json")
    phases = [compared.json[one]["phase"] for one in ("first", "second")]
    assert (phases, compared.json["content"]) == (["rolled-back", "promoted"], [])
    shown = run(capsys, "compare", "r1", key)
    assert "rolled-back" in shown.out
    assert "what was run: the same" in shown.out
    back = run(capsys, "rollback", f"orders@{STABLE}", "--reason", "wrong prices")
    assert back.code == 0
    assert "nothing is compared" in back.err.lower()
    assert world.store.releases.find(active=True)[0].to_version == STABLE


def test_what_cannot_be_done_is_said(world: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    never = run(capsys, "rollback", "r1")
    assert never.code != 0
    assert "r1 never was the stable version" in never.err
    assert "what ran, newest first: 1.0.0" in never.err
    over = run(capsys, "promote", "r1", "--step")
    assert over.code != 0
    assert "r1 is over" in over.err
    held = run(capsys, "hold", "r1")
    assert "r1 is over" in held.err
