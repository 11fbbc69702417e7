"""What a release waits for beside evidence: gates that are closed, data that are not ready."""

from dataclasses import replace
from decimal import Decimal

import pytest
from simulated_release import Place, begin, same, simulate
from test_next_step import BAD, GOOD, LAST, POLICY, counts, seen, stepping

from telford.basics.errors import RefusedError
from telford.deliver import evidence, hands, owing, release
from telford.deliver.data_changes import DataStep, DataView
from telford.deliver.gates import GateView
from telford.deliver.policy import Indicator
from telford.deliver.state import Cause, Decision, Phase, State


def gate(at: str, *, is_open: bool = False) -> GateView:
    return GateView("board", "approval", at, is_open, "nobody agreed", "ann says yes")


@pytest.mark.parametrize(
    ("state", "at", "decision"),
    [
        (GOOD, "step", Decision.CONTINUE),
        (GOOD, "promote", Decision.ADVANCE),
        (GOOD, "start", Decision.ADVANCE),
        (LAST, "step", Decision.CONTINUE),
        (LAST, "promote", Decision.CONTINUE),
        (LAST, "start", Decision.PROMOTE),
        (BAD, "step", Decision.ROLLBACK),
    ],
)
def test_a_closed_gate_stops_what_it_is_for_and_never_a_rollback(
    state: State, at: str, decision: Decision
) -> None:
    looked = counts(n1=50, n0=50) if state is LAST else counts()
    step = release.next_step(state, looked, 200.0, (gate(at),))
    assert step.verdict.decision is decision
    opened = release.next_step(state, looked, 200.0, (gate(at, is_open=True),))
    assert opened.verdict.decision is not Decision.CONTINUE
    if decision is Decision.CONTINUE:
        assert (
            "the gate board is closed: nobody agreed; it opens when ann says yes"
            in step.state.reason
        )
        assert step.entry is not None
        assert step.entry.gates == (gate(at),)


def test_a_release_is_planned_until_its_gate_opens() -> None:
    state = release.next_step(begin(POLICY), None, 1.0, (gate("start"),)).state
    assert state.phase is Phase.PLANNED
    assert owing.owed(state, Place(POLICY).facts(1.0)) == ()
    opened = release.next_step(state, None, 2.0, (gate("start", is_open=True),)).state
    assert opened.phase is Phase.STARTING


def test_no_deadline_runs_against_a_gate() -> None:
    late = replace(GOOD, clocks=replace(GOOD.clocks, deadline_from=-9999.0))
    for choice in ("hold", "promote", "rollback"):
        declared = replace(late, policy=replace(POLICY, on_deadline=choice))
        step = release.next_step(declared, counts(), 200.0, (gate("step"),))
        assert step.verdict.decision is Decision.CONTINUE


@pytest.mark.parametrize("verb", ["promote", "step"])
def test_a_hand_does_not_pass_a_closed_gate(verb: str) -> None:
    shut = replace(stepping(), gates=(gate("step"), gate("promote")))
    with pytest.raises(RefusedError, match="the gate board is closed"):
        hands.command(shut, verb, who="ada", reason="", now=200.0)
    assert hands.command(shut, "abort", who="ada", reason="", now=200.0)


LOOSE = Indicator("errors", Decimal("0.8"))
DROP = DataStep("drop", "expand", reversible=False)
FILL = DataStep("fill", "migrate")


def with_data(state: State, *views: DataView, steps: tuple[DataStep, ...]) -> State:
    return replace(state, policy=replace(state.policy, data=steps), data=views)


def test_nothing_starts_before_the_data_are_ready_and_its_time_does_not_run() -> None:
    starting = replace(begin(POLICY), phase=Phase.STARTING)
    waiting = with_data(starting, DataView("drop", "expand", "running"), steps=(DROP,))
    down = seen(900.0, 0, 7, ())
    assert owing.owed(waiting, down) == ()
    assert "drop" in owing.waits(waiting, down)
    looked = release.confirm(waiting, down)
    assert looked.clocks.phase_at == 900.0
    assert release.next_step(looked, None, 950.0).state.phase is Phase.STARTING


def test_nobody_is_switched_before_the_data_are_filled() -> None:
    starting = replace(begin(POLICY), phase=Phase.STARTING)
    waiting = with_data(starting, DataView("fill", "migrate", "running", 3, 9), steps=(FILL,))
    up = seen(900.0, 0, 7)
    assert release.confirm(waiting, up).phase is Phase.STARTING
    filled = with_data(starting, DataView("fill", "migrate", "done"), steps=(FILL,))
    assert release.confirm(filled, up).phase is Phase.STEPPING


def test_where_data_cannot_go_back_a_bad_release_holds_and_says_why() -> None:
    done = with_data(BAD, DataView("drop", "expand", "done"), steps=(DROP,))
    step = release.next_step(done, counts(), 200.0)
    assert (step.state.phase, step.state.cause) == (Phase.HELD, Cause.DATA)
    assert "mend it forward" in step.state.reason
    with pytest.raises(RefusedError, match="cannot be undone"):
        hands.command(step.state, "abort", who="ada", reason="", now=201.0)
    promoted = hands.command(step.state, "promote", who="ada", reason="", now=201.0)
    assert promoted.state.phase is Phase.PROMOTING
    gone = release.confirm(stepping(), seen(201.0, 1000, 8, (), failed=True))
    assert gone.phase is Phase.ROLLING_BACK
    stays = with_data(stepping(), DataView("drop", "expand", "done"), steps=(DROP,))
    kept = release.confirm(stays, seen(201.0, 1000, 8, (), failed=True))
    assert (kept.phase, kept.cause) == (Phase.HELD, Cause.DATA)


def test_the_ledger_says_which_gates_were_closed_so_that_it_can_be_recomputed() -> None:
    def closed_until_ninety(tick: int) -> tuple[GateView, ...]:
        return (gate("step", is_open=tick > 90),)

    policy = replace(POLICY, soak_seconds=(5.0,), indicators=(LOOSE,))
    run = simulate(policy, same(0.0, 0.0), seed=3, gates=closed_until_ninety)
    assert run.end.phase is Phase.PROMOTED
    waited = [one for one in run.entries if "the gate board is closed" in one.reason]
    assert len(waited) > 5
    assert evidence.disagreements(policy, run.entries) == ()
    forgotten = [replace(one, gates=()) for one in run.entries]
    assert any("the counts say advance" in one for one in evidence.disagreements(policy, forgotten))
