"""A controller in a world of fakes: every way a release can go, and everything that can go wrong."""

import dataclasses
import pathlib
import uuid
from decimal import Decimal

import pytest
from flow_scenes import STEADY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stores
from telford.app import control, evidence
from telford.basics.errors import RefusedError, TemporaryError
from telford.estate.workload import Split
from telford.flows import boundaries
from telford.flows.controller import Report
from telford.operate.promise import Promise
from telford.store.database import Writing
from telford.store.leases import Leases
from telford.testing.kills import KillAt
from telford.testing.place import Behaviour, a_workload
from telford.testing.simulation import CANARY, PLACE, QUICK, STABLE, Simulation, address


@pytest.fixture
def url(tmp_path: pathlib.Path) -> str:
    return stores.fresh(tmp_path / "store.db")


def a_world(url: str, canary: Behaviour = STEADY, **fields: object) -> Simulation:
    behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): canary}
    return Simulation(url, behaviours, **fields)  # type: ignore[arg-type]


def test_a_good_version_goes_through_its_steps_and_becomes_the_stable_one(url: str) -> None:
    world = a_world(url)
    world.release()
    row = world.run()
    assert row.phase == "promoted"
    assert [call for call in world.place.calls if call[0] == "route"] == [
        ("route", "orders", "1.0.0=10000"),
        ("route", "orders", "1.0.0=9000/1.1.0=1000"),
        ("route", "orders", "1.0.0=5000/1.1.0=5000"),
        ("route", "orders", "1.1.0=10000"),
    ]
    bound = world.store.bindings.get(PLACE, address("orders"))
    assert bound is not None
    assert (bound.version, bound.release) == (CANARY, "r1")
    assert world.place.lost == 0


def test_the_new_version_has_the_old_ones_size_before_it_gets_all_traffic(url: str) -> None:
    world = a_world(url)
    world.release()
    world.run()
    calls = [(what, name) for what, _, name in world.place.calls]
    assert calls.index(("apply", "1.1.0x2")) < calls.index(("route", "1.1.0=10000"))
    assert calls.index(("route", "1.1.0=10000")) < calls.index(("remove", "1.0.0"))


def test_a_bad_version_is_rolled_back_and_every_verdict_can_be_recomputed(url: str) -> None:
    world = a_world(url, Behaviour(bad=0.3))
    world.release()
    row = world.run()
    assert (row.phase, world.weights()) == ("rolled-back", {STABLE: 10_000})
    found = evidence.recompute(world.store, row)
    assert (found.agrees, found.last.decision.value) == (True, "rollback")


def test_a_promoted_versions_ledger_agrees_as_well(url: str) -> None:
    world = a_world(url)
    world.release()
    found = evidence.recompute(world.store, world.run())
    assert found.differences == ()
    assert any(entry.certificate for entry in found.entries)


def test_a_changed_ledger_does_not_agree(url: str) -> None:
    world = a_world(url, Behaviour(bad=0.3))
    world.release()
    row = world.run()
    engine = world.store._database.engine
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE ledger SET entry = replace(entry, '\"bad\":3', '\"bad\":2')"
        )
        connection.commit()
    assert not evidence.recompute(world.store, row).agrees


def test_a_version_that_never_gets_ready_fails_without_a_request(url: str) -> None:
    world = a_world(url, Behaviour(ready_seconds=None))
    world.release()
    assert world.run().phase == "failed"
    assert not any(CANARY in call[2] for call in world.place.calls if call[0] == "route")


def test_a_sick_replica_is_replaced_before_the_version_is_judged(url: str) -> None:
    world = a_world(url, dataclasses.replace(STEADY, sick=0.4))
    policy = dataclasses.replace(QUICK, canary_replicas=2, weights=(5000,))
    world.release(policy)
    assert world.run().phase == "promoted"
    replaced = [call for call in world.place.calls if call[0] == "replace"]
    assert replaced == [("replace", "orders", "1.1.0-0")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_the_replacement_replaces_once(url: str, when: str) -> None:
    killer = KillAt(boundaries.CLUSTER_REPLACE, when, 1)
    world = a_world(url, dataclasses.replace(STEADY, sick=0.4), boundaries=killer)
    world.release(dataclasses.replace(QUICK, canary_replicas=2, weights=(5000,)))
    kills = 0
    while world.row().active:
        try:
            world.step()
        except BaseException as error:
            if type(error).__name__ != "Killed":
                raise
            kills += 1
            world.restart()
    assert (kills, world.row().phase) == (1, "promoted")
    assert len([call for call in world.place.calls if call[0] == "replace"]) == 1


def test_people_promote_abort_pause_and_resume(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    world.ask("pause", reason="lunch")
    world.until("paused")
    for _ in range(30):
        world.step()
    assert (world.row().phase, world.weights()) == ("paused", {STABLE: 9000, CANARY: 1000})
    world.ask("resume")
    world.until("stepping")
    world.ask("promote")
    assert world.run().phase == "promoted"
    said = [(record.who, record.verb) for record in world.store.audit.tail(subject="release/r1")]
    assert ("bob", "paused") in said
    assert world.store.audit.verify() == ""


def test_a_command_that_is_impossible_is_refused_with_the_reason(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    world.ask("resume")
    world.step()
    (command,) = world.store.commands.of("r1")
    assert command.outcome.startswith("refused: cannot resume r1: it is stepping")


def test_a_command_to_a_release_that_just_ended_is_refused(url: str) -> None:
    world = a_world(url, Behaviour(bad=0.3))
    world.release()
    world.until("rolling-back")
    world.step()
    world.ask("promote")
    world.run()
    world.step()
    assert all(one.taken_at is not None for one in world.store.commands.of("r1"))
    with pytest.raises(RefusedError, match="is over"):
        control.ask(world.store, "r1", "abort", who="bob")


def test_asking_and_waiting_gives_the_controllers_answer(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    asked = control.ask(world.store, "r1", "pause", who="bob", key="mine")
    assert control.ask(world.store, "r1", "pause", who="bob", key="mine").id == asked.id
    world.step()
    assert control.wait(world.store, world.clock, "mine", 1.0).outcome == "done"
    assert len(world.store.commands.of("r1")) == 1


def test_missing_counters_hold_a_release_and_never_fail_it(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    world.place.blind = True
    world.until("held")
    assert "no counts" in world.row().state["reason"]
    world.place.blind = False
    assert world.run().phase == "promoted"


def test_a_place_that_cannot_be_reached_is_waited_for(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    world.place.down = True
    for _ in range(3):
        assert world.step().problems
    world.place.down = False
    assert world.run().phase == "promoted"


def test_an_order_that_fails_is_asked_for_again(url: str) -> None:
    world = a_world(url)
    world.release()
    world.place.refuses = "apply"
    for _ in range(5):
        world.step()
    asked = world.row().progress["asked"]
    assert [one["problem"] for one in asked.values()] == ["the place cannot apply now"]
    assert [one["attempt"] for one in asked.values()] == [2]
    world.place.refuses = ""
    assert world.run().phase == "promoted"


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 10**6),
    idle=st.sampled_from([0.3, 0.6, 0.9]),
    verb=st.sampled_from(["", "abort", "promote"]),
    after=st.integers(0, 25),
)
def test_orders_that_come_late_and_out_of_order_leave_nothing_behind(
    memory: pathlib.Path, seed: int, idle: float, verb: str, after: int
) -> None:
    """An order that was overtaken (a start that is carried out after the release was aborted) is
    refused by the place, because whatever overtook it has raised the generation there.
    """
    world = a_world(stores.fresh(memory / f"{uuid.uuid4()}.db"), seed=seed, idling=idle)
    world.release(QUICK)
    for number in range(200):
        if verb and number == after and world.row().active:
            world.ask(verb)
        world.step()
        if not world.row().active:
            break
    world.idling = 0.0
    for _ in range(3):
        world.step()
    row = world.row()
    expected = row.to_version if row.phase == "promoted" else row.from_version
    assert world.weights() == {expected: 10_000}
    assert sorted(world.place.workloads) == [("orders", expected)]
    assert world.place.lost == 0
    world.store.close()


def test_a_start_that_comes_after_the_abort_is_refused(url: str) -> None:
    world = a_world(url, idling=1.0)
    world.release()
    world.step()
    world.step()  # the start is ordered, and left lying
    world.ask("abort")
    for _ in range(20):
        world.step()
        lying = iter([True])
        world.engine.work(lambda lying=lying: next(lying, False))  # type: ignore[misc]
        if not world.row().active:
            break
    assert world.row().phase == "aborted"
    world.engine.work()
    assert world.idle()
    assert sorted(world.place.workloads) == [("orders", STABLE)]


def test_a_reset_of_the_data_planes_counters_is_no_evidence(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    for _ in range(4):
        world.step()
        world.place.reset_counters()
    assert world.run().phase == "promoted"
    assert evidence.recompute(world.store, world.row()).agrees


def test_a_gap_without_controller_is_counted_once(url: str) -> None:
    """Killed between two ticks, away for ten seconds: every request is measured exactly once."""
    world = a_world(url)
    world.step()
    served = world.place.served
    world.restart()
    for _ in range(10):
        world.clock.advance(1.0)
        world.place.flow(1.0)
    world.restart()
    world.step()
    sums = world.store.measurements.sums(PLACE, {"all": 0.0})
    (found,) = sums.values()
    assert found["all"].total == world.place.served - served


def test_after_a_gap_a_release_goes_on_with_the_tick_of_its_time(url: str) -> None:
    world = a_world(url)
    world.release(dataclasses.replace(QUICK, soak_seconds=(30.0,)))
    world.until("stepping")
    for _ in range(3):
        world.step()
    before = world.row().tick
    for _ in range(10):
        world.clock.advance(1.0)
        world.place.flow(1.0)
    world.restart()
    world.step()
    ticks = [entry.tick for entry in world.store.ledger.of("r1")]
    assert ticks[-2:] == [before, before + 11]
    last = world.store.ledger.last("r1")
    assert last is not None
    assert sum(one["requests"] for one in last.entry["series"]) == 1100


def test_a_second_release_of_the_service_is_refused(url: str) -> None:
    world = a_world(url)
    world.release()
    with pytest.raises(RefusedError, match="already has a release"):
        world.release(key="r2")


def test_several_services_release_at_once_and_do_not_wait_for_each_other(url: str) -> None:
    names = ("orders", "stock", "web")
    behaviours = {
        ("stock", CANARY): Behaviour(ready_seconds=None),
        ("web", CANARY): Behaviour(bad=0.4),
    }
    world = Simulation(url, behaviours, services=names)
    for name in names:
        world.release(service=name, key=name)
    for name in names:
        while world.row(name).active:
            world.step()
    ends = {name: world.row(name).phase for name in names}
    assert ends == {"orders": "promoted", "stock": "failed", "web": "rolled-back"}


def test_a_controller_that_was_overtaken_stops_and_changes_nothing(url: str) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    old = world.controller
    world.restart()
    before = world.row()
    world.clock.advance(1.0)
    with pytest.raises(RefusedError, match="taken over"):
        old.tick()
    assert world.row() == before


def test_the_next_release_begins_above_every_generation_seen(url: str) -> None:
    world = a_world(url)
    world.release()
    first = world.run().generation
    behaviours = {("orders", CANARY): STEADY, ("orders", STABLE): STEADY}
    world.place.behaviours = behaviours
    stored = world.store.bindings.get(PLACE, address("orders"))
    assert stored is not None
    assert stored.issued == first


def test_a_row_of_another_version_of_telford_stops_nobody_else(url: str) -> None:
    world = Simulation(url, services=("orders", "stock"))
    world.release(service="orders", key="odd")
    world.release(service="stock", key="even")
    engine = world.store._database.engine
    with engine.connect() as connection:
        connection.exec_driver_sql("UPDATE releases SET state = '{\"x\": 1}' WHERE id = 'odd'")
        connection.commit()
    for _ in range(40):
        report = world.step()
    assert world.row("even").phase == "promoted"
    assert "odd" in report.problems[0]


def test_in_a_place_that_was_started_anew_a_release_goes_back_to_its_weight(url: str) -> None:
    """After a power cut `telford up` starts the stable versions; the rest is the controller's."""
    world = a_world(url)
    world.release(dataclasses.replace(QUICK, soak_seconds=(30.0,)))
    world.until("stepping")
    for _ in range(3):
        world.step()
    generation = world.row().generation
    world.place.workloads.clear()
    world.place.vanish()
    world.place.apply(a_workload("orders", STABLE, generation=generation))
    world.place.route(Split("orders", generation, {STABLE: 10_000}))
    world.restart()
    for _ in range(4):
        world.step()
    assert world.weights() == {STABLE: 9000, CANARY: 1000}
    assert world.run().phase == "promoted"


def test_a_commit_that_fails_is_made_up_for_and_nothing_is_counted_twice(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = a_world(url)
    world.release()
    world.until("stepping")
    served = world.place.served
    before = world.store.measurements.sums(PLACE, {"all": 0.0})
    beat = type(world.store.leases).beat
    failures = iter([TemporaryError("the disk is full")] * 3)

    def failing(self: Leases, writing: Writing) -> None:
        error = next(failures, None)
        if error is not None:
            raise error
        beat(self, writing)

    monkeypatch.setattr(type(world.store.leases), "beat", failing)
    for _ in range(3):
        with pytest.raises(TemporaryError, match="disk is full"):
            world.step()
    world.step()
    after = world.store.measurements.sums(PLACE, {"all": 0.0})
    key = (address("orders"), "errors")
    assert after[key]["all"].total - before[key]["all"].total == world.place.served - served
    assert world.run().phase == "promoted"
    assert evidence.recompute(world.store, world.row()).agrees


def test_the_loop_reports_what_fails_outside_and_goes_on_until_it_is_told_to_stop(
    url: str,
) -> None:
    world = a_world(url)
    world.release()
    waits = iter([False] * 5 + [True])
    reports: list[Report] = []
    world.place.blind = True

    def wait(seconds: float) -> bool:
        assert 0 <= seconds <= world.tick_seconds
        world.clock.advance(world.tick_seconds)
        return next(waits)

    world.controller.run(wait, reports.append)
    assert len(reports) == 6
    assert all("cannot be read" in report.problems[0] for report in reports)
    assert [change.after.phase.value for report in reports for change in report.changes][:1] == [
        "starting"
    ]


def test_the_loop_ends_when_another_controller_has_taken_the_place(url: str) -> None:
    world = a_world(url)
    old = world.controller
    world.restart()
    with pytest.raises(RefusedError, match="taken over"):
        old.run(lambda _seconds: False, lambda _report: None)


def test_objectives_are_evaluated_recorded_and_their_changes_audited(url: str) -> None:
    promised = Promise("objective/o", address("orders"), "errors", Decimal("0.99"))
    world = a_world(url, promises=(promised,))
    for _ in range(12):
        world.step()
    found = world.store.objectives.get(PLACE, "objective/o")
    assert found is not None
    # At the eleventh tick, from what was committed before it; the first look counts nothing.
    assert (found.state, found.evaluation["total"]) == ("ok", 900)
    world.place.behaviours = {("orders", STABLE): Behaviour(bad=0.5)}
    for _ in range(12):
        world.step()
    found = world.store.objectives.get(PLACE, "objective/o")
    assert found is not None
    assert (found.state, found.evaluation["pace"]) == ("exhausted", "freeze")
    verbs = [record.verb for record in reversed(world.store.audit.tail(subject="objective/o"))]
    assert verbs[-1] == "exhausted"
    assert "ok" in verbs
