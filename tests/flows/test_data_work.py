"""Data plans beside releases: what waits for what, at whose hands, and after kills anywhere."""

import dataclasses
import pathlib

import flow_scenes as scenes
import pytest

import stores
from telford.app import data, data_plan
from telford.basics.errors import RefusedError, TemporaryError
from telford.deliver.data_changes import AFTER_PROMOTION, DataStep
from telford.flows import boundaries as edges
from telford.store.data_plans import DataPlan
from telford.testing.data import FakeData
from telford.testing.kills import KillAt, Killed
from telford.testing.simulation import CANARY, PLACE, STABLE, Simulation, address

ADD = DataStep("add", "expand")
FILL = DataStep("fill", "migrate")
TIDY = DataStep("tidy", "migrate", settings=(("when", AFTER_PROMOTION),))
DROP = DataStep("drop", "contract", reversible=False)
PLAN = (ADD, FILL, TIDY, DROP)
SERVICE = address("orders")


def world(tmp_path: pathlib.Path, **fields: object) -> Simulation:
    return Simulation(
        stores.fresh(tmp_path / "store.db"),
        behaviours={("orders", CANARY): scenes.STEADY, ("orders", STABLE): scenes.STEADY},
        data=FakeData(),
        rate=scenes.RATE,
        **fields,  # type: ignore[arg-type]
    )


def release(made: Simulation, steps: tuple[DataStep, ...] = PLAN, **policy: object) -> None:
    declared = dataclasses.replace(scenes.SHORT, data=steps, **policy)  # type: ignore[arg-type]
    made.release(declared)
    with made.store.writing() as writing:
        data_plan.begin(
            made.store,
            writing,
            steps,
            service=(SERVICE, "orders"),
            place=PLACE,
            version=CANARY,
            release="r1",
            who="ann",
        )


def plan(made: Simulation) -> DataPlan:
    found = made.store.data_plans.latest(PLACE, SERVICE)
    assert found is not None
    return found


def stood(made: Simulation) -> dict[str, str]:
    return {one["name"]: one["status"] for one in plan(made).views}


def steps_until(made: Simulation, done: object, limit: int = 200) -> None:
    for _ in range(limit):
        if done():  # type: ignore[operator]
            return
        made.step()
    raise AssertionError((made.row(), plan(made)))


def test_a_release_waits_for_its_data_and_what_is_taken_away_waits_for_the_old_version(
    tmp_path: pathlib.Path,
) -> None:
    made = world(tmp_path)
    release(made)
    store = made.data
    assert isinstance(store, FakeData)
    seen: list[tuple[str, dict[str, str]]] = []
    for _ in range(200):
        if not made.row().active:
            break
        made.step()
        seen.append((made.row().phase, stood(made)))
        if made.weights().get(CANARY):
            assert stood(made)["fill"] == "done", "it has requests before its data are there"
        if any(one.version == CANARY for one in made.place.state().workloads):
            assert stood(made)["add"] == "done"
    assert made.row().phase == "promoted"
    assert all(one["drop"] in {"waiting", "locked"} for _, one in seen)
    steps_until(made, lambda: stood(made)["tidy"] == "done")
    assert "waits for a person" in plan(made).why
    data.wish(made.store, plan(made), "contract", who="ann")
    steps_until(made, lambda: not plan(made).active)
    assert store.order == ["add", "fill", "tidy", "drop"]
    assert set(store.touched.values()) == {2}, "two steps, each row once in each"
    said = [one.verb for one in made.store.audit.tail(subject=f"data/{plan(made).id}")]
    assert said.count("data done") == 4


def test_contracting_is_refused_while_an_old_replica_runs(tmp_path: pathlib.Path) -> None:
    made = world(tmp_path)
    release(made)
    made.run()
    steps_until(made, lambda: stood(made)["tidy"] == "done")
    old = dataclasses.replace(made.place.state().workloads[0], version=STABLE, generation=900)
    made.place.apply(old)
    data.wish(made.store, plan(made), "contract", who="ann")
    for _ in range(5):
        made.step()
    assert stood(made)["drop"] == "locked"
    assert f"{STABLE} in {PLACE} (replicas of it still run)" in plan(made).why
    made.place.remove("orders", STABLE, 901)
    steps_until(made, lambda: stood(made)["drop"] == "done")


def test_what_says_when_it_is_contracted_needs_no_person(tmp_path: pathlib.Path) -> None:
    made = world(tmp_path)
    later = dataclasses.replace(DROP, settings=(("after", "5"),))
    release(made, (ADD, later))
    made.run()
    promoted_at = made.store.bindings.get(PLACE, SERVICE).since  # type: ignore[union-attr]
    steps_until(made, lambda: stood(made)["drop"] == "done")
    assert made.clock.now() >= promoted_at + 5


def test_another_region_of_the_environment_keeps_it_locked(tmp_path: pathlib.Path) -> None:
    made = world(tmp_path, site="prod/eu")
    other = dataclasses.replace(
        made.store.bindings.get("prod/eu", SERVICE), place="prod/us", version=STABLE
    )
    lease = made.store.leases.take("prod/us", "them", 10.0, gone=lambda one: True)
    with made.store.writing(lease) as writing:
        made.store.bindings.bind(writing, other, "ann")
    declared = dataclasses.replace(scenes.SHORT, data=(DROP,))
    made.release(declared)
    with made.store.writing() as writing:
        data_plan.begin(
            made.store,
            writing,
            (DROP,),
            service=(SERVICE, "orders"),
            place="prod/eu",
            version=CANARY,
            release="r1",
            who="ann",
        )
    made.run()
    found = made.store.data_plans.latest("prod/eu", SERVICE)
    data.wish(made.store, found, "contract", who="ann")
    for _ in range(3):
        made.step()
    found = made.store.data_plans.latest("prod/eu", SERVICE)
    assert found is not None
    assert f"{STABLE} in prod/us (it is the stable version there)" in found.why


def test_an_abort_before_the_irreversible_step_goes_back_and_the_rest_is_left(
    tmp_path: pathlib.Path,
) -> None:
    made = world(tmp_path)
    made.data.rows = 10_000  # type: ignore[union-attr]
    release(made)
    steps_until(made, lambda: stood(made)["fill"] == "running")
    made.ask("abort", reason="no")
    assert made.run().phase == "aborted"
    steps_until(made, lambda: not plan(made).active)
    assert stood(made) == {"add": "done", "fill": "paused", "tidy": "waiting", "drop": "waiting"}


def test_after_an_irreversible_step_there_is_no_abort_and_no_rollback(
    tmp_path: pathlib.Path,
) -> None:
    made = world(tmp_path)
    release(made, (ADD, dataclasses.replace(FILL, reversible=False)))
    steps_until(made, lambda: made.row().phase == "stepping")
    made.ask("abort", reason="no")
    made.step()
    outcome = made.store.commands.of("r1")[0].outcome
    assert "cannot be undone" in outcome
    assert made.row().phase == "stepping"
    assert made.run().phase == "promoted"
    with pytest.raises(RefusedError, match="cannot go to version"):
        data_plan.refuse_old(made.store, SERVICE, PLACE, STABLE)


def test_there_is_no_way_back_from_the_moment_the_step_is_ordered(tmp_path: pathlib.Path) -> None:
    """Before anybody knows whether it has begun."""
    made = world(tmp_path, idling=1.0)
    release(made, (dataclasses.replace(FILL, reversible=False),))
    steps_until(made, lambda: plan(made).progress)
    assert stood(made)["fill"] == "waiting"
    made.ask("abort", reason="no")
    made.step()
    assert "cannot be undone" in made.store.commands.of("r1")[0].outcome


def test_a_step_that_fails_holds_the_release_up_until_a_person_says_go_on(
    tmp_path: pathlib.Path,
) -> None:
    made = world(tmp_path)
    release(made, (ADD, FILL))
    made.data.failing.add("fill")  # type: ignore[union-attr]
    for _ in range(60):
        made.step()
    assert "fill, which is failed (on purpose)" in made.row().state["reason"] or (
        "fill, which is failed" in made.row().state["reason"]
    )
    assert CANARY not in made.weights()
    made.data.failing.clear()  # type: ignore[union-attr]
    data.wish(made.store, plan(made), "resume", who="ann")
    assert made.run().phase == "promoted"


def test_a_data_store_that_is_away_is_waited_for(tmp_path: pathlib.Path) -> None:
    made = world(tmp_path)
    release(made, (ADD,))
    made.data.away = TemporaryError("the data store does not answer")  # type: ignore[union-attr]
    for _ in range(5):
        made.step()
    assert plan(made).views[0]["why"] == "the data store does not answer"
    made.data.away = None  # type: ignore[union-attr]
    assert made.run().phase == "promoted"


def test_a_pause_holds_and_a_stop_ends_it(tmp_path: pathlib.Path) -> None:
    made = world(tmp_path)
    made.data.rows = 10_000  # type: ignore[union-attr]
    release(made, (ADD, FILL))
    steps_until(made, lambda: stood(made)["fill"] == "running")
    data.wish(made.store, plan(made), "pause", who="ann")
    steps_until(made, lambda: stood(made)["fill"] == "paused")
    done = plan(made).views[1]["done"]
    for _ in range(5):
        made.step()
    assert plan(made).views[1]["done"] == done
    data.wish(made.store, plan(made), "resume", who="ann")
    steps_until(made, lambda: plan(made).views[1]["done"] > done)
    data.wish(made.store, plan(made), "stop", who="ann")
    steps_until(made, lambda: not plan(made).active)
    assert stood(made)["fill"] == "paused"


@pytest.mark.parametrize(
    ("name", "when", "nth"),
    [
        (edges.DATA_CHANGE, "before", 3),
        (edges.DATA_CHANGE, "after", 3),
        (edges.ORDER_SUBMIT, "after", 3),
        (edges.STORE_COMMIT, "before", 4),
    ],
)
def test_killed_again_and_again_it_comes_to_the_same_end(
    tmp_path: pathlib.Path, name: str, when: str, nth: int
) -> None:
    """Every life of the controller ends at its nth such instant, until the release is over."""
    made = world(tmp_path, boundaries=KillAt(name, when, nth))
    release(made, (ADD, FILL))
    kills = 0
    for _ in range(150):
        if not made.row().active:
            break
        try:
            made.step()
        except Killed:
            kills += 1
            made.restart(KillAt(name, when, nth))
    assert made.row().phase == "promoted"
    assert kills >= 2
    assert isinstance(made.data, FakeData)
    assert set(made.data.touched.values()) == {1}
    assert made.data.order == ["add", "fill"]
