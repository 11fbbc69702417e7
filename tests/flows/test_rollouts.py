"""A rollout over three places, each with a controller of its own, over one store."""

import dataclasses
import pathlib

import pytest
from rollout_worlds import LIMIT, PLAN, begin, every, prepared, worlds

from telford.app import rollout as rollouts
from telford.app.rollout_undo import Report, Undoing
from telford.basics.errors import RefusedError
from telford.deliver.quarantine import Quarantine
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, STABLE


def test_a_good_version_reaches_place_after_place(memory: pathlib.Path):
    here = worlds(memory, {})
    rollout = begin(here)
    out: list[int] = []
    for _ in range(LIMIT):
        phases = here.phases(rollout)
        out.append(sum(phase not in {"planned", "promoted"} for phase in phases.values()))
        if phases["prod/a"] != "promoted":
            assert (phases["prod/b"], phases["prod/c"]) == ("planned", "planned")
        if set(phases.values()) == {"promoted"}:
            break
        here.step()
    assert set(out) == {0, 1}
    assert set(here.versions().values()) == {CANARY}
    view = rollouts.standing(here.first.store, rollout.id, here.first.clock.now()).view
    assert view.done
    assert view.stop == ""


def test_a_place_that_rolls_back_turns_the_others_back(memory: pathlib.Path):
    plan = dataclasses.replace(PLAN, at_most_unavailable=2)
    here = worlds(memory, {"prod/b": Behaviour(bad=0.8)})
    rollout = begin(here, plan)
    phases = here.until(
        lambda now: "planned" not in now.values() or "rolled-back" in now.values(), rollout
    )
    phases = here.until(
        lambda now: now["prod/c"] in {"aborted", "rolled-back", "promoted"}, rollout
    )
    assert phases["prod/b"] == "rolled-back"
    assert phases["prod/c"] == "aborted"
    standing = rollouts.standing(here.first.store, "orders", here.first.clock.now())
    assert standing.view.undo == ("prod/a",)
    said = here.first.store.commands.of(rollout.releases["prod/c"])
    assert [one.who for one in said] == ["rollout"]
    assert said[0].reason.startswith("prod/b: ")


def test_a_place_that_had_finished_gets_its_old_version_back_once(memory: pathlib.Path):
    here = worlds(memory, {"prod/b": Behaviour(bad=0.8)})
    rollout = begin(here)
    here.until(lambda now: now["prod/b"] == "rolled-back", rollout)
    assert here.versions()["prod/a"] == CANARY
    store, now = here.first.store, here.first.clock.now()
    assert Undoing(store, "prod/b").step(now) == Report()
    undoing = Undoing(store, "prod/a")
    (row,) = undoing.step(now).begun
    assert (row.to_version, row.reason) == (STABLE, f"rollout {rollout.id} turned back")
    assert undoing.step(now) == Report()
    assert Undoing(store, "prod/a").step(now) == Report()
    here.first.until("promoted", release=row.id)
    assert here.versions()["prod/a"] == STABLE
    assert undoing.step(now) == Undoing(store, "prod/a").step(now) == Report()


def test_a_closed_turn_says_what_it_waits_for(memory: pathlib.Path):
    here = worlds(memory, {})
    rollout = begin(here)
    here.step()
    here.step()
    row = here.first.store.releases.get(rollout.releases["prod/b"])
    assert row is not None
    (gate,) = row.state["gates"]
    assert not gate["open"]
    assert gate["why"].startswith("wave 1 of 2 is not finished: prod/a is ")


def test_a_controller_that_is_silent_makes_its_place_unavailable(memory: pathlib.Path):
    here = worlds(memory, {})
    rollout = begin(here)
    here.until(lambda phases: phases["prod/a"] == "promoted", rollout)
    silent = here.places.pop("prod/b")
    for world in here.places.values():
        world.clock.advance(80.0)
    for _ in range(10):
        here.step()
    phases = here.phases(rollout)
    assert phases["prod/c"] == "planned"
    view = rollouts.standing(here.first.store, rollout.id, here.first.clock.now()).view
    assert "prod/b is not heard of: its controller is silent" in view.turns[-1].why
    silent.clock.advance(90.0)
    here.places["prod/b"] = silent
    here.until(every("promoted"), rollout)


def test_nothing_is_written_where_one_place_would_get_something_else(memory: pathlib.Path):
    here = worlds(memory, {})
    ready = {place: prepared(world) for place, world in here.places.items()}
    ready["prod/c"] = dataclasses.replace(ready["prod/c"], digest="1" * 64)
    with pytest.raises(RefusedError, match="prod/c would get"):
        rollouts.start(here.first.store, ready, PLAN, who="ann", now=0.0)
    busy = prepared(here.places["prod/c"])
    here.places["prod/c"].release(busy.policy)
    with pytest.raises(RefusedError, match="already has a release on its way"):
        begin(here)
    kept_out = Quarantine(
        "q1", "prod/b", busy.service, CANARY, busy.digest, "", "leaks", "ann", at=0.0
    )
    with here.first.store.writing() as writing:
        here.first.store.quarantines.add(writing, kept_out)
    with pytest.raises(RefusedError, match="quarantine"):
        begin(here)
    assert here.first.store.rollouts.find() == ()
    assert here.first.store.releases.find(place="prod/a") == ()
