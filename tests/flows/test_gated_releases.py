"""Gates of releases that run: nothing passes a closed one, and no kill makes a call count twice."""

import dataclasses
import itertools
import pathlib
from decimal import Decimal

import pytest
from flow_scenes import SHORT, STEADY, end

import stores
from telford.analysis.people import Group
from telford.basics.errors import TemporaryError
from telford.deliver import gate_settings
from telford.deliver.gates import Gate
from telford.deliver.policy import Policy
from telford.flows import boundaries, gating
from telford.operate.promise import Promise
from telford.ports import Said
from telford.road.holding import Days, Rule
from telford.store.approvals import Act
from telford.testing.hooks import FakeHooks
from telford.testing.kills import KillAt, Killed
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, PLACE, STABLE, Simulation, address

NO = Said(open=False, why="not yet")
YES = Said(open=True, why="12 of 12 checks passed")
HOOK = gate_settings.Webhook("http://qa", interval=3.0, retries=0)


def gated(*gates: Gate) -> Policy:
    return dataclasses.replace(SHORT, gates=gates)


def a_gate(settings: gate_settings.Settings, at: str = "step", override: Group | None = None):
    kinds = {made: kind for kind, made in gate_settings.KINDS.items()}
    pairs = gate_settings.pairs(settings, override)
    return Gate("g", kinds[type(settings)], at, pairs)


def a_world(url: str, policy: Policy, hooks: FakeHooks | None = None, **more: object) -> Simulation:
    behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): STEADY}
    world = Simulation(url, behaviours, rate=60.0, hooks=hooks, **more)  # type: ignore[arg-type]
    world.release(policy)
    return world


def say(world: Simulation, verb: str, who: str = "bob", reason: str = "checked") -> None:
    step = world.row().state["step"]
    with world.store.writing() as writing:
        act = Act(f"{verb}-{who}-{writing.at}", "r1", "g", step, verb, who, f"person/{who}", "P5",
                  reason, writing.at)  # fmt: skip
        world.store.approvals.add(writing, act)


def steps(world: Simulation, count: int) -> None:
    for _ in range(count):
        world.step()


@pytest.fixture
def url(memory: pathlib.Path) -> str:
    return stores.fresh(memory / "store.db")


@pytest.mark.parametrize("at", ["start", "step", "promote"])
def test_an_approval_holds_a_release_at_its_moment_and_nowhere_else(url: str, at: str) -> None:
    world = a_world(url, gated(a_gate(gate_settings.Approval(1), at)))
    steps(world, 25)
    held = {"start": ("planned", 0), "step": ("stepping", 0), "promote": ("stepping", 1)}[at]
    assert (world.row().phase, world.row().state["step"]) == held
    assert "the gate g is closed: 0 of 1 approvals" in world.row().state["reason"]
    say(world, "approve", "ann")
    steps(world, 5)
    assert (world.row().phase, world.row().state["step"]) == held, "ann started it"
    say(world, "approve")
    if at == "step":
        steps(world, 15)
        assert world.row().state["step"] == 1, "the second step has an approval of its own"
        say(world, "approve")
    assert world.run().phase == "promoted"
    assert world.place.lost == 0


def test_nobody_waits_at_a_gate_longer_than_a_deadline_allows(url: str) -> None:
    """People need longer than a step may take: the deadline does not run against them."""
    quick = dataclasses.replace(gated(a_gate(gate_settings.Approval(1))), deadline_seconds=20.0)
    world = a_world(url, quick)
    steps(world, 60)
    assert world.row().phase == "stepping"


def test_a_bad_version_goes_back_through_closed_gates(url: str) -> None:
    world = a_world(url, gated(a_gate(gate_settings.Approval(1))))
    world.place.behaviours = {("orders", CANARY): Behaviour(bad=0.7)}
    assert world.run().phase == "rolled-back"


def test_a_person_does_not_go_past_a_gate_by_hand(url: str) -> None:
    world = a_world(url, gated(a_gate(gate_settings.Approval(1))))
    world.until("stepping")
    world.ask("promote")
    world.step()
    (asked,) = world.store.commands.of("r1")
    assert asked.outcome.startswith("refused:")
    assert "gate g is closed" in asked.outcome
    assert world.row().phase == "stepping"


def test_a_freeze_ends_by_itself_and_an_override_ends_it_sooner(url: str) -> None:
    ever = gate_settings.Window(
        (Rule("sale", True, "UTC", (), (Days("2000-01-01", "2099-12-31"),)),)
    )
    world = a_world(url, gated(a_gate(ever, "start", Group())))
    steps(world, 10)
    assert world.row().phase == "planned"
    say(world, "override", "zoe", "an outage")
    assert world.run().phase == "promoted"


def test_a_spent_budget_stops_releases_and_a_new_one_lets_them_go(url: str) -> None:
    """Real rows: evaluated by the controller from what it counted, over a period of a minute."""
    promised = Promise("objective/o", address("orders"), "errors", Decimal("0.9"), 60)
    budget = gate_settings.Budget(("objective/o",))
    behaviours = {("orders", STABLE): Behaviour(bad=0.5), ("orders", CANARY): STEADY}
    world = Simulation(url, behaviours, rate=60.0, promises=(promised,))
    steps(world, 15)
    world.release(gated(a_gate(budget, "start")))
    steps(world, 10)
    found = world.store.objectives.get(PLACE, "objective/o")
    assert found is not None
    assert found.evaluation["pace"] == "freeze"
    assert world.row().phase == "planned"
    assert "objective/o has 0.0% of its budget left: no release now" in world.row().state["reason"]
    world.place.behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): STEADY}
    assert world.run().phase == "promoted"


def test_a_slow_pace_makes_every_step_soak_longer(url: str) -> None:
    promised = Promise(
        "objective/o", address("orders"), "errors", Decimal("0.9"), slow_below=Decimal(1)
    )
    faulty = Behaviour(bad=0.01)
    behaviours = {("orders", STABLE): faulty, ("orders", CANARY): faulty}
    slow = Simulation(url, behaviours, rate=60.0, promises=(promised,))
    steps(slow, 12)
    slow.release(gated(a_gate(gate_settings.Budget(("objective/o",), factor=10.0))))
    slow.until("promoting")
    begun = [entry.at for entry in slow.store.ledger.of("r1") if entry.phase == "stepping"]
    assert begun[-1] - begun[0] >= 2 * 10.0, "two steps of a second, ten times as long"


def test_a_webhook_is_asked_until_it_says_yes_and_anew_at_each_step(url: str) -> None:
    hooks = FakeHooks([NO, NO, YES])
    world = a_world(url, gated(a_gate(HOOK)), hooks)
    assert world.run().phase == "promoted"
    assert {about["step"] for about in hooks.asked} == {"0", "1"}
    assert hooks.asked[0]["service"] == address("orders")
    assert len(hooks.asked) >= 4
    opened = [entry.entry["gates"] for entry in world.store.ledger.of("r1")]
    assert any("not yet" in str(one) for one in opened)


def test_silence_keeps_a_gate_closed_and_is_asked_again_later_each_time(url: str) -> None:
    dead = TemporaryError("qa does not answer")
    hooks = FakeHooks([dead, dead, dead, YES])
    world = a_world(url, gated(a_gate(dataclasses.replace(HOOK, interval=60.0))), hooks)
    asked_at = []
    for _ in range(40):
        before = len(hooks.asked)
        world.step()
        if len(hooks.asked) > before:
            asked_at.append(world.clock.now())
        if len(asked_at) == 3:
            assert "calls: qa does not answer" in str(world.row().state["gates"])
        if len(asked_at) == 4:
            break
    pauses = [later - sooner for sooner, later in itertools.pairwise(asked_at)]
    assert pauses == sorted(pauses)
    assert pauses[0] >= 2.0
    assert pauses[-1] >= 8.0
    assert world.until("promoted").phase == "promoted"


def test_a_controller_that_asks_nobody_says_so(url: str) -> None:
    world = a_world(url, gated(a_gate(HOOK)))
    steps(world, 12)
    assert "asks no webhooks and runs no commands" in world.row().state["reason"]


def test_few_calls_are_under_way_at_once_and_everybody_has_a_turn(url: str) -> None:
    """Twelve releases ask: never more than the limit at a time, and nobody is forgotten."""
    names = tuple(f"s{number:02}" for number in range(12))
    behaviours = {(name, version): STEADY for name in names for version in (STABLE, CANARY)}
    hooks = FakeHooks()
    world = Simulation(url, behaviours, services=names, rate=20.0, hooks=hooks)
    for name in names:
        world.release(gated(a_gate(HOOK, "start")), name, f"r-{name}")
    for _ in range(6):
        before = len(hooks.asked)
        world.step()
        assert len(hooks.asked) - before <= gating.MAX_CALLS
    assert {about["release"] for about in hooks.asked} == {f"r-{name}" for name in names}


KILLED_AT = (
    boundaries.HOOK_CALL,
    boundaries.ORDER_SUBMIT,
    boundaries.ORDER_BEGIN,
    boundaries.STORE_COMMIT,
)


@pytest.mark.parametrize("name", KILLED_AT)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("occurrence", [1, 3])
def test_a_kill_about_a_call_comes_to_the_same_end(
    url: str, name: str, when: str, occurrence: int
) -> None:
    hooks = FakeHooks([NO, YES])
    world = a_world(url, gated(a_gate(HOOK), a_gate(gate_settings.Soak(2.0), "promote")), hooks)
    world.restart(KillAt(name, when, occurrence))
    kills = 0
    for _ in range(200):
        if not world.store.releases.revisions(PLACE) and world.idle():
            break
        try:
            world.step()
        except Killed:
            kills += 1
            world.restart()
    found = end(world)
    assert (found["phase"], found["lost"], found["audit"]) == ("promoted", 0, "")
    assert kills == 1
    assert {about["step"] for about in hooks.asked} == {"0", "1"}
    assert world.row().progress["gates"]["g@step"]["id"] == ""
