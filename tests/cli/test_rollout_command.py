"""`telford rollout`: how one stands, and acts on the whole of it, over records that are there."""

import pathlib

import pytest
from cli_runs import run

import stores
from telford.app import release as releases
from telford.app import rollout as rollouts
from telford.cli import rollout as command
from telford.deliver import forecast
from telford.deliver.waves import Wave, Waves
from telford.flows import orders
from telford.testing.place import Behaviour, a_workload
from telford.testing.simulation import CANARY, QUICK, STABLE, Simulation, address

PLACES = ("prod/a", "prod/b")


@pytest.fixture
def first(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Simulation:
    """The first of two places that a rollout was begun to."""
    monkeypatch.setenv("TELFORD_STATE", str(tmp_path))
    monkeypatch.setenv("TELFORD_ESTATE", str(tmp_path))
    monkeypatch.setenv("TELFORD_WHO", "ann")
    behaviours = dict.fromkeys((("orders", STABLE), ("orders", CANARY)), Behaviour(bad=0.002))
    url = stores.fresh(tmp_path / "store.db")
    worlds = [Simulation(url, behaviours, site=place) for place in PLACES]
    ready = {
        place: releases.Prepared(
            service=address("orders"),
            name="orders",
            place=place,
            digest="0" * 64,
            policy=QUICK,
            tick_seconds=1.0,
            stable=orders.workload(worlds[0].store.bindings.of(place)[0].workload),
            canary=a_workload("orders", CANARY),
            traffic=releases.Traffic(60.0, {}),
            forecast=forecast.forecast(QUICK, 60.0, {}),
        )
        for place in PLACES
    }
    plan = Waves(tuple(Wave((place,)) for place in PLACES))
    rollouts.start(worlds[0].store, ready, plan, who="ann", now=worlds[0].clock.now())
    monkeypatch.setattr(command, "SystemClock", lambda: worlds[0].clock)
    return worlds[0]


def test_a_whole_rollout_is_stopped(first: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    first.step()
    shown = run(capsys, "rollout", "orders")
    assert "is in 0 of 2 places, in wave 1 of 2; now in prod/a." in shown.out
    assert "prod/b planned: wave 1 of 2 is not finished" in shown.out
    paused = run(capsys, "rollout", "pause", "orders", "--reason", "lunch", "--json")
    assert (paused.code, paused.json["paused"]) == (0, "paused by ann: lunch")
    done = run(capsys, "rollout", "abort", "orders", "--keep-promoted", "--reason", "enough")
    assert done.code == 0
    assert f"prod/b: {CANARY} does not begin there." in done.err
    assert "turns back: aborted by ann: enough" in done.out
    first.until("aborted", release=first.store.rollouts.find()[0].releases["prod/a"])
    late = run(capsys, "rollout", "resume", "orders")
    assert (late.code, "it turns back already" in late.err) == (1, True)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("abort",), "say which rollout to abort"),
        (("skip", "orders"), "cannot be told to 'skip'"),
        (("pause", "orders", "--keep-promoted"), "go with abort alone"),
        (("abort", "orders", "--begin"), "it begins none"),
        (("abort", "cart"), "there is no rollout 'cart'"),
    ],
)
def test_what_cannot_be_asked_is_said(
    first: Simulation, capsys: pytest.CaptureFixture[str], asked: tuple[str, ...], said: str
) -> None:
    found = run(capsys, "rollout", *asked)
    assert (found.code, said in found.err) == (2, True)
