"""What people may ask beyond promote and abort: a step, a hold, once more, back, and what differs."""

import dataclasses
import pathlib
from collections.abc import Mapping

import pytest
from flow_scenes import STEADY

import stores
from telford.app import evidence, release_again, release_compare
from telford.basics.errors import RefusedError, UsageError
from telford.deliver.gates import GateView
from telford.store.releases import Release, Releases
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, PLACE, QUICK, STABLE, Simulation, address


@pytest.fixture
def url(tmp_path: pathlib.Path) -> str:
    return stores.fresh(tmp_path / "store.db")


def a_world(url: str, canary: Behaviour = STEADY, **fields: object) -> Simulation:
    behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): canary}
    return Simulation(url, behaviours, **fields)  # type: ignore[arg-type]


def again(world: Simulation, target: str | Release) -> Release:
    now = world.clock.now()
    if isinstance(target, str):
        prepared = release_again.back_to(world.store, target, now=now)
    else:
        prepared = release_again.retry(world.store, target, now=now)
    return release_again.start(
        world.store, prepared, who="ann", why=f"again {target}"[:40], reason="because", now=now
    )


def end(world: Simulation, key: str) -> Release:
    world.run()
    return world.row(key)


def test_a_step_by_hand_goes_on_without_evidence_and_a_hold_stays(url: str) -> None:
    world = a_world(url)
    world.release(dataclasses.replace(QUICK, soak_seconds=(50.0,)))
    world.until("stepping")
    world.step()
    world.ask("step", reason="it is the same code")
    world.step()
    row = world.row()
    assert (row.phase, row.state["step"], row.state["desired_bp"]) == ("stepping", 1, 5000)
    world.ask("hold", reason="lunch")
    world.step()
    assert (world.row().phase, world.row().state["cause"]) == ("held", "by hand")
    world.ask("step")
    assert world.run().phase == "promoted"
    assert world.place.lost == 0


def test_a_bad_release_may_be_tried_again_and_what_ran_before_restored(url: str) -> None:
    world = a_world(url, Behaviour(bad=0.7))
    world.release()
    first = world.run()
    assert first.phase == "rolled-back"
    world.place.behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): STEADY}
    second = end(world, again(world, first).id)
    assert (second.phase, second.to_version, second.digest) == ("promoted", CANARY, first.digest)
    assert second.policy["weights"] == first.policy["weights"]
    back = end(world, again(world, f"orders@{STABLE}").id)
    assert (back.phase, back.to_version, world.weights()) == ("promoted", STABLE, {STABLE: 10_000})
    assert back.policy["skip_analysis"] is True
    assert back.reason.endswith("because")
    forth = end(world, again(world, second.id).id)
    assert (forth.phase, forth.to_version) == ("promoted", CANARY)
    assert world.place.lost == 0
    assert world.store.audit.verify() == ""


def test_only_what_ran_can_be_restored_and_only_what_ended_tried_again(url: str) -> None:
    world = a_world(url)
    row = world.release()
    now = world.clock.now()
    with pytest.raises(RefusedError, match="is not over"):
        release_again.retry(world.store, row, now=now)
    with pytest.raises(UsageError, match="never was the stable version"):
        release_again.back_to(world.store, "r1", now=now)
    with pytest.raises(UsageError, match="never was the stable version"):
        release_again.back_to(world.store, "orders@9.9.9", now=now)
    with pytest.raises(UsageError, match="there is no release 'nothing'"):
        release_again.back_to(world.store, "nothing", now=now)
    with pytest.raises(UsageError, match="nothing was ever released of carts"):
        release_again.back_to(world.store, "carts@1.0.0", now=now)
    world.run()
    with pytest.raises(RefusedError, match="already runs version"):
        release_again.retry(world.store, world.row(), now=now)
    with pytest.raises(RefusedError, match="already runs version"):
        release_again.back_to(world.store, f"orders@{CANARY}", now=now)


def test_two_releases_beside_each_other_say_what_differs_and_no_secret(url: str) -> None:
    world = a_world(url)
    first = world.release()
    first = world.run()
    env = {"env": {"TOKEN": "hunter2"}}
    other = dataclasses.replace(
        first,
        id="r2",
        policy={**first.policy, "alpha": 0.05},
        workloads={**first.workloads, "canary": {**first.workloads["canary"], **env}},
        finished_at=None,
    )
    found = release_compare.compare(first, other)
    assert [(one.what, one.first, one.second) for one in found.settings] == [
        ("alpha", "0.01", "0.05")
    ]
    assert [(one.what, one.second) for one in found.content] == [("env.TOKEN", "(not shown)")]
    assert (found.first.phase, found.second.seconds) == ("promoted", None)
    assert "hunter2" not in str(found.as_json())
    same = release_compare.compare(first, first)
    assert (same.settings, same.content) == ((), ())


def test_a_closed_gate_holds_a_release_and_a_hand_does_not_pass_it(url: str) -> None:
    """Whatever gathers the gates, the machine goes by how they stand in the row."""
    world = a_world(url)
    row = world.release()
    shut = [GateView("board", "approval", at, False, "nobody agreed", "ann says yes") for at in
            ("start", "promote")]  # fmt: skip
    held = {**row.state, "gates": [dataclasses.asdict(one) for one in shut]}
    with world.store.writing(world.controller_lease) as writing:
        world.store.releases.save(writing, [dataclasses.replace(row, state=held)])
    for _ in range(5):
        world.step()
    assert world.row().phase == "planned"
    assert (
        "the gate board is closed: nobody agreed; it opens when ann says yes"
        in world.row().state["reason"]
    )


def test_weights_are_chosen_as_the_budget_allows(url: str) -> None:
    """What the last hour left of the budget allows little until something is known."""
    world = a_world(url)
    (errors,) = QUICK.indicators
    known = dataclasses.replace(errors, history_requests=4000)
    world.release(dataclasses.replace(QUICK, indicators=(known,), exposure_share=0.05))
    assert world.run().phase == "promoted"
    weights = [
        int(what.rpartition("=")[2]) for kind, _, what in world.place.calls if kind == "route"
    ]
    assert weights[:2] == [10_000, 10_000], "the first stage begins without a request"
    chosen = weights[2:-1]
    assert chosen[0] < 1000
    assert chosen == sorted(chosen)
    assert chosen[-1] == 5000
    assert world.place.lost == 0
    recounted = evidence.recompute(world.store, world.row())
    assert recounted.differences == ()
    bound = world.store.bindings.get(PLACE, address("orders"))
    assert bound is not None
    assert bound.version == CANARY


def test_an_abort_of_a_release_that_began_while_a_tick_was_reading_is_obeyed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever starts and asks at once may do both between two questions of the controller."""
    world = a_world(url)
    reading = type(world.store.releases).revisions

    def begun_meanwhile(releases: Releases, place: str) -> Mapping[str, int]:
        found = reading(releases, place)
        if world.store.releases.get("r1") is None:
            world.release()
            world.ask("abort", reason="the wrong one")
        return found

    monkeypatch.setattr(Releases, "revisions", begun_meanwhile)
    world.step()
    assert world.run().phase == "aborted"
    assert [one.outcome for one in world.store.commands.of("r1")] == ["done"]
