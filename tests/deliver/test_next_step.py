"""`next_step`, row by row; then what `confirm`, `owed` and `command` do."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from simulated_release import ERRORS, SLOWNESS, begin

from telford.basics.errors import RefusedError, UsageError
from telford.deliver import hands, owing, release
from telford.deliver.policy import Policy
from telford.deliver.state import (
    Arm,
    Cause,
    Decision,
    Facts,
    Phase,
    Probe,
    Remove,
    ReplaceReplica,
    Route,
    Scale,
    State,
)
from telford.deliver.weighing import Replica
from telford.estate.observation import Observation, Series, Tally
from telford.estate.workload import PlaceState, ReplicaState, Split

POLICY = Policy(
    (ERRORS,), weights=(1000, 5000), soak_seconds=(30.0,), warmup_seconds=5.0, stale_seconds=20.0
)
TWO = replace(POLICY, canary_replicas=2, stable_replicas=2)


def seen(at, weight, generation, canary=(("0", "a"),), stable=1, **canary_fields) -> Facts:
    """A look at the place: its split, the ready canaries, how many of the old version run."""
    weights = {"v1": 10_000 - weight, "v2": weight}
    split = Split("orders", generation, {name: one for name, one in weights.items() if one})
    count = len(canary)
    arm = Arm(canary, count, count or None, present=bool(count))
    old = tuple((str(n), "a") for n in range(stable))
    whole = Arm(old, stable, stable or None, present=bool(stable))
    return Facts(at, split, replace(arm, **canary_fields), whole)


def stepping(policy=POLICY, **changes) -> State:
    """In the first step since 100 s, at its weight, data until 199 s; the next tick is 50 at 200 s."""
    state = begin(policy)
    state = release.next_step(state, None, 90.0).state
    ready = tuple((str(n), "a") for n in range(policy.canary_replicas))
    state = release.confirm(state, seen(95.0, 0, 7, ready, policy.stable_replicas))
    state = release.confirm(state, seen(100.0, policy.weights[0], 8, ready, policy.stable_replicas))
    clocks = replace(state.clocks, fresh_at=199.0)
    return replace(state, tick=49, at=199.0, clocks=clocks, **changes)


def strong(state: State, name: str, log_e: float, indicator: int = 0) -> State:
    """With that much of one kind of evidence."""
    one = state.evidence[indicator]
    changed = replace(one, **{name: (log_e,) * len(getattr(one, name))})
    evidence = list(state.evidence)
    evidence[indicator] = changed
    return replace(state, evidence=tuple(evidence))


def counts(k1=0, n1=10, k0=0, n0=90, *, tick=50, at=200.0, sli="errors", replicas=1):
    """One tick of both versions."""
    tallies = []
    for version, total, bad in (("v1", n0, k0), ("v2", n1, k1)):
        for number in range(replicas):
            part = total // replicas
            series = Series("orders", version, str(number))
            tallies.append(Tally(series, sli, part, bad if number == 0 else 0))
    return Observation(tick, at, tuple(tallies))


def only(version: str) -> Observation:
    whole = counts()
    kept = tuple(one for one in whole.tallies if one.series.version == version)
    gone = tuple(one.series for one in whole.tallies if one.series.version != version)
    return replace(whole, tallies=kept, missing=gone)


GOOD = strong(stepping(), "good", 10.0)
BAD = strong(stepping(), "bad", 10.0)
BOTH = strong(strong(stepping(), "good", 10.0), "bad", 10.0)
LAST = replace(GOOD, step=1, desired_bp=5000)
UNCONFIRMED = replace(stepping(), clocks=replace(stepping().clocks, confirmed_at=None))
LATE = replace(stepping(), clocks=replace(stepping().clocks, deadline_from=-4000.0))
FUSED = strong(stepping(), "fuse", 10.0)
CAPPED = strong(GOOD, "cap", 10.0)
SPLIT = replace(stepping(), split=(20.0,) * 4)
PAUSED = replace(BAD, phase=Phase.PAUSED)
HELD = replace(GOOD, phase=Phase.HELD, cause=Cause.DEADLINE, reason="late")
STALE = replace(stepping(), phase=Phase.HELD, cause=Cause.STALE, reason="stale")
SILENT = replace(stepping(), clocks=replace(stepping().clocks, fresh_at=150.0))
LONELY = replace(
    strong(stepping(TWO), "bad", 10.0),
    evidence=(
        replace(
            strong(stepping(TWO), "bad", 10.0).evidence[0],
            stable=(1000, 1),
            canary=(200, 12),
            replicas=(Replica("0", 100, 12), Replica("1", 100, 0)),
        ),
    ),
)
SHARED = replace(
    LONELY,
    evidence=(replace(LONELY.evidence[0], replicas=(Replica("0", 100, 7), Replica("1", 100, 5))),),
)
PROBING = replace(LONELY, probe=Probe("0", "a", 190.0))
NOWHERE = replace(LONELY, replicas=(("other", "a"),))
PROMOTES = replace(LATE, policy=replace(POLICY, on_deadline="promote"))
ROLLS = replace(LATE, policy=replace(POLICY, on_deadline="rollback"))
SLOW_TOO = strong(stepping(replace(POLICY, indicators=(ERRORS, SLOWNESS))), "good", 10.0)
YOUNG = replace(GOOD, clocks=replace(GOOD.clocks, confirmed_at=180.0))

ROWS = [
    # what it shows, state, observation, now, decision, phase after, weight after, words
    ("no evidence: goes on", stepping(), counts(), 200, "continue", "stepping", 1000, "looking"),
    ("planned starts", begin(POLICY), None, 10, "continue", "starting", 0, "starting version v2"),
    ("starting waits", replace(begin(POLICY), phase=Phase.STARTING), None, 100, "continue",
     "starting", 0, ""),
    ("a start that takes too long fails", replace(begin(POLICY), phase=Phase.STARTING), None, 121,
     "rollback", "rolling-back", 0, "not ready within 2 min"),
    ("evidence of worse rolls back", BAD, counts(), 200, "rollback", "rolling-back", 0, "worse"),
    ("one tick of failures can be enough", stepping(), counts(10), 200, "rollback",
     "rolling-back", 0, "new 10 bad of 10"),
    ("evidence of good advances", GOOD, counts(), 200, "advance", "stepping", 5000, "good enough"),
    ("the last step promotes", LAST, counts(n1=50, n0=50), 200, "promote", "promoting", 10_000, "good enough"),
    ("rollback goes before promotion", BOTH, counts(), 200, "rollback", "rolling-back", 0, "worse"),
    ("soak holds the gate", YOUNG, counts(), 200, "continue", "stepping", 1000, "15 s of soak"),
    ("a shared outage is no verdict", stepping(), counts(5, 10, 45, 90), 200, "continue",
     "stepping", 1000, "looking"),
    ("every indicator must be good", SLOW_TOO, counts(), 200, "continue", "stepping", 1000,
     "slowness good enough at 1:1"),
    ("the ratio cap stops an objective", CAPPED, counts(), 200, "continue", "stepping", 1000,
     "10 times"),
    ("the fuse rolls back", FUSED, counts(), 200, "rollback", "rolling-back", 0, "fuse"),
    ("a wrong split holds", SPLIT, counts(), 200, "hold", "held", 1000,
     "the split you asked for is not the split you got"),
    ("a wrong split does not hide a bad version", replace(BAD, split=(20.0,) * 4), counts(), 200,
     "rollback", "rolling-back", 0, "worse"),
    ("no reading: nothing happens", stepping(), None, 200, "continue", "stepping", 1000,
     "no counts from both"),
    ("no reading opens no gate", GOOD, None, 200, "continue", "stepping", 1000, "no counts"),
    ("one version missing is no verdict", GOOD, only("v2"), 200, "continue", "stepping", 1000,
     "no counts"),
    ("long silence holds", SILENT, None, 200, "hold", "held", 1000, "no counts"),
    ("silence that ends goes on", STALE, counts(), 200, "continue", "stepping", 1000, "looking"),
    ("silence that lasts stays held", replace(STALE, clocks=SILENT.clocks), None, 201, "hold",
     "held", 1000, "holding"),
    ("an unconfirmed weight counts nothing", UNCONFIRMED, counts(10), 200, "continue", "stepping",
     1000, "not confirmed"),
    ("a weight never confirmed holds", replace(UNCONFIRMED, clocks=replace(UNCONFIRMED.clocks,
     fresh_at=150.0)), counts(), 200, "hold", "held", 1000, "the weight is not confirmed"),
    ("warm-up counts nothing", replace(stepping(), clocks=replace(stepping().clocks,
     confirmed_at=198.0)), counts(10), 200, "continue", "stepping", 1000, "warm-up"),
    ("the deadline holds by default", LATE, counts(), 200, "hold", "held", 1000, "no verdict"),
    ("the deadline can promote", PROMOTES, counts(), 200, "advance", "stepping", 5000,
     "without evidence"),
    ("the deadline promotes nothing over the cap", strong(PROMOTES, "cap", 10.0), counts(), 200,
     "hold", "held", 1000, "10 times"),
    ("the deadline can roll back", ROLLS, counts(), 200, "rollback", "rolling-back", 0,
     "as declared"),
    ("evidence in time beats the deadline", strong(LATE, "good", 10.0), counts(), 200, "advance",
     "stepping", 5000, "good enough"),
    ("a pause does not stop a rollback", PAUSED, counts(), 200, "rollback", "rolling-back", 0,
     "worse"),
    ("a pause stops an advance", replace(GOOD, phase=Phase.PAUSED), counts(), 200, "hold",
     "paused", 1000, ""),
    ("held for the deadline waits for hands", HELD, counts(), 200, "hold", "held", 1000, "late"),
    ("held still rolls back", replace(BAD, phase=Phase.HELD, cause=Cause.BY_HAND), counts(), 200,
     "rollback", "rolling-back", 0, "worse"),
    ("one bad replica is moved first", LONELY, counts(replicas=2), 200, "hold", "stepping", 1000,
     "bad host or bad version"),
    ("bad on both replicas rolls back", SHARED, counts(replicas=2), 200, "rollback",
     "rolling-back", 0, "worse"),
    ("a replica that the place does not know is not moved", NOWHERE, counts(replicas=2), 200,
     "rollback", "rolling-back", 0, "worse"),
    ("while it is moved nothing is decided", PROBING, counts(10, replicas=2), 200, "hold",
     "stepping", 1000, "being replaced"),
    ("a move that takes too long rolls back", PROBING, counts(replicas=2), 311, "rollback",
     "rolling-back", 0, "could not be replaced"),
    ("still bad after the move rolls back", replace(LONELY, probe=Probe("0", "a", 1.0, done=True)),
     counts(replicas=2), 200, "rollback", "rolling-back", 0, "also after replica 0 was replaced"),
    ("promoting waits for the place", replace(stepping(), phase=Phase.PROMOTING), counts(10), 200,
     "continue", "promoting", 1000, ""),
    ("rolling back waits for the place", replace(stepping(), phase=Phase.ROLLING_BACK), counts(10),
     200, "continue", "rolling-back", 1000, ""),
]  # fmt: skip


@pytest.mark.parametrize(("row"), ROWS, ids=[row[0] for row in ROWS])
def test_row(row):
    _, state, observation, now, decision, phase, weight, words = row
    step = release.next_step(state, observation, float(now))
    assert step.verdict.decision == decision, step.verdict.reason
    assert step.state.phase == phase
    assert step.state.desired_bp == weight
    assert words in step.state.reason
    assert step.entry is not None
    assert step.entry.decision == decision
    assert (
        step.state.tick == step.entry.tick == (observation.tick if observation else state.tick + 1)
    )
    grows = (
        step.state.desired_bp != state.desired_bp
        or step.state.phase == "rolling-back" != state.phase
    )
    assert step.state.generation == state.generation + grows
    assert State.from_json(json.loads(json.dumps(step.state.to_json()))) == step.state


def test_the_table_has_more_than_25_rows():
    assert len({row[0] for row in ROWS}) == len(ROWS) > 25


class TestEvidenceKept:
    def test_rollback_evidence_survives_an_advance_and_promotion_evidence_does_not(self):
        before = strong(GOOD, "bad", 2.0)
        after = release.next_step(before, counts(), 200.0).state
        assert after.step == 1
        assert after.evidence[0].bad != (0.0,) * 9
        assert after.evidence[0].good == (0.0,) * 5
        assert after.evidence[0].baseline.requests > before.evidence[0].baseline.requests
        assert not after.confirmed

    @pytest.mark.parametrize("observation", [None, only("v1"), only("v2")])
    def test_missing_data_leave_the_evidence_as_it_was(self, observation):
        before = strong(stepping(), "bad", 1.0)
        after = release.next_step(before, observation, 200.0).state
        assert after.evidence == before.evidence
        assert after.split == before.split

    def test_a_tick_without_requests_leaves_the_evidence_as_it_was(self):
        before = stepping()
        after = release.next_step(before, counts(0, 0, 0, 0), 200.0)
        assert after.entry.counted
        assert [one.log_e for one in after.verdict.evidence] == [0.0] * 5

    def test_warm_up_is_excluded_for_both_versions_and_until_a_whole_tick_lies_after_it(self):
        state = replace(stepping(), clocks=replace(stepping().clocks, confirmed_at=195.0))
        state = replace(state, at=199.0)
        early = release.next_step(state, counts(tick=50, at=200.0), 200.0)
        edge = release.next_step(early.state, counts(tick=51, at=201.0), 201.0)
        assert (early.entry.counted, edge.entry.counted) == (False, True)
        assert early.state.evidence == state.evidence

    def test_harm_counts_every_request_of_the_canary_also_in_warm_up(self):
        state = replace(stepping(), clocks=replace(stepping().clocks, confirmed_at=198.0))
        after = release.next_step(state, counts(4, 10, 9, 90), 200.0).state
        assert after.harm[0].canary == (10, 4)
        assert after.harm[0].excess_bad == pytest.approx(3.0)

    def test_e4_skips_a_tick_in_which_a_replica_is_missing(self):
        policy = replace(TWO, engine="E4", weights=(5000,))
        state = stepping(policy)
        whole = counts(5, 50, 1, 50, replicas=2)
        part = replace(whole, tallies=whole.tallies[:-1], missing=(whole.tallies[-1].series,))
        full, holed = (release.next_step(state, one, 200.0).state for one in (whole, part))
        assert full.evidence[0].bad != state.evidence[0].bad
        assert holed.evidence[0].bad == state.evidence[0].bad
        assert holed.evidence[0].good != state.evidence[0].good
        assert holed.split == state.split

    def test_a_tick_is_decided_once(self):
        state = release.next_step(stepping(), counts(), 200.0).state
        with pytest.raises(RefusedError, match="already decided"):
            release.next_step(state, counts(), 200.0)

    def test_after_the_end_nothing_is_owed_and_nothing_enters_the_ledger(self):
        done = replace(stepping(), phase=Phase.PROMOTED)
        step = release.next_step(done, counts(), 200.0)
        assert (step.state, step.entry) == (done, None)
        assert owing.owed(done, seen(200.0, 1000, 8)) == ()


class TestConfirm:
    def test_the_way_up(self):
        state = release.next_step(begin(POLICY), None, 1.0).state
        down = seen(2.0, 0, 7, ())
        assert owing.owed(state, down) == (Scale(7, "canary", 1),)
        starting = seen(2.5, 0, 7, (), running=1, wanted=1, present=True)
        none = release.confirm(release.confirm(state, down), starting)
        assert none.phase is Phase.STARTING
        assert owing.owed(none, starting) == ()
        assert owing.waits(none, starting) == "0 of 1 replicas of v2 are ready"
        up = seen(3.0, 0, 7)
        ready = release.confirm(none, up)
        assert (ready.phase, ready.generation, ready.desired_bp) == (Phase.STEPPING, 8, 1000)
        assert owing.owed(ready, up) == (Route(8, Split("orders", 8, {"v1": 9000, "v2": 1000})),)
        routed = seen(4.0, 1000, 8)
        served = release.confirm(ready, routed)
        assert (served.clocks.confirmed_at, owing.owed(served, routed)) == (4.0, ())
        assert release.confirm(served, replace(routed, at=5.0)) == served

    @pytest.mark.parametrize(("weight", "generation"), [(999, 8), (1000, 9), (None, None)])
    def test_another_weight_or_generation_is_not_ours(self, weight, generation):
        facts = seen(200.0, weight or 0, generation or 0)
        facts = facts if weight else replace(facts, split=None)
        state = release.confirm(stepping(), facts)
        assert not state.confirmed
        assert owing.owed(state, facts) == (Route(8, Split("orders", 8, {"v1": 9000, "v2": 1000})),)

    def test_promoting_ends_when_the_old_version_is_gone(self):
        state = release.next_step(LAST, counts(n1=50, n0=50), 200.0).state
        everything = Split("orders", 9, {"v2": 10_000})
        assert owing.owed(state, seen(200.0, 5000, 8)) == (Route(9, everything),)
        facts = seen(201.0, 10_000, 9)
        served = release.confirm(state, facts)
        assert owing.owed(served, facts) == (Remove(9, "stable"),)
        gone = seen(202.0, 10_000, 9, stable=0)
        done = release.confirm(served, gone)
        assert (done.phase, owing.owed(done, gone)) == (Phase.PROMOTED, ())

    def test_rolling_back_ends_when_the_new_version_is_gone(self):
        state = release.next_step(BAD, counts(), 200.0).state
        everything = Split("orders", 9, {"v1": 10_000})
        assert owing.owed(state, seen(200.0, 1000, 8)) == (Route(9, everything),)
        facts = seen(201.0, 0, 9)
        served = release.confirm(state, facts)
        assert owing.owed(served, facts) == (Remove(9, "canary"),)
        done = release.confirm(served, seen(202.0, 0, 9, ()))
        assert (done.phase, done.final) == (Phase.ROLLED_BACK, True)
        assert "worse" in done.reason

    def test_a_new_version_that_gives_up_fails_or_is_rolled_back(self):
        starting = replace(begin(POLICY), phase=Phase.STARTING)
        gone = seen(9.0, 0, 7, (), failed=True)
        assert release.confirm(starting, gone).outcome is Phase.FAILED
        assert release.confirm(stepping(), gone).outcome is Phase.ROLLED_BACK

    def test_a_replica_that_fails_is_no_other_shape(self):
        state = stepping(TWO)
        one = seen(201.0, 1000, 8, (("0", "a"),), stable=2, wanted=2)
        assert release.confirm(state, one).confirmed

    def test_a_replaced_replica_begins_the_rollback_evidence_again(self):
        asked = release.next_step(LONELY, counts(replicas=2), 200.0)
        effect = ReplaceReplica(8, Series("orders", "v2", "0"), "a")
        same = seen(201.0, 1000, 8, (("0", "a"), ("1", "a")), stable=2)
        assert owing.owed(asked.state, same) == (effect,)
        down = seen(202.0, 1000, 8, (("1", "a"),), stable=2, wanted=2)
        moved = seen(203.0, 1000, 8, (("0", "b"), ("1", "a")), stable=2)
        waiting = release.confirm(release.confirm(asked.state, same), down)
        assert owing.owed(waiting, down) == (effect,)
        again = release.confirm(waiting, moved)
        assert owing.owed(again, moved) == ()
        assert again.evidence[0].bad == (0.0,) * 9
        assert again.evidence[0].replicas == ()
        assert (again.rollback_epoch, again.clocks.confirmed_at) == (1, 203.0)
        assert again.evidence[0].fuse == asked.state.evidence[0].fuse

    def test_facts_come_from_a_place_state(self):
        def replica(version, number, phase):
            return ReplicaState("orders", version, number, phase, 80, 11, 0)

        place = PlaceState(
            replicas=(
                replica("v1", "0", "ready"),
                replica("v2", "0", "ready"),
                replica("v2", "1", "starting"),
                ReplicaState("other", "v2", "0", "ready", 80, 12, 0),
            ),
            workloads=(),
            splits=(Split("orders", 8, {"v1": 9000, "v2": 1000}),),
        )
        found = owing.facts(place, stepping(), 5.0)
        one = (("0", "11"),)
        assert found == Facts(5.0, place.splits[0], Arm(one, 2), Arm(one, 1))
        dead = replace(place, replicas=(replica("v2", "0", "failed"),), splits=())
        assert owing.facts(dead, stepping(), 5.0) == Facts(5.0, None, Arm(failed=True), Arm())


class TestCommands:
    @pytest.mark.parametrize(
        ("verb", "state", "phase"),
        [
            ("promote", stepping(), Phase.PROMOTING),
            ("promote", HELD, Phase.PROMOTING),
            ("abort", stepping(), Phase.ROLLING_BACK),
            ("abort", begin(POLICY), Phase.ROLLING_BACK),
            ("abort", replace(UNCONFIRMED, phase=Phase.PROMOTING), Phase.ROLLING_BACK),
            ("pause", stepping(), Phase.PAUSED),
            ("resume", replace(stepping(), phase=Phase.PAUSED), Phase.STEPPING),
            ("resume", HELD, Phase.STEPPING),
            ("hold", stepping(), Phase.HELD),
            ("hold", replace(stepping(), phase=Phase.PAUSED), Phase.HELD),
        ],
    )
    def test_possible(self, verb, state, phase):
        step = hands.command(state, verb, who="ada", reason="because", now=200.0)
        assert step.state.phase is phase
        assert step.state.who == "ada"
        assert step.state.reason == f"{verb} by ada: because"
        assert step.entry is None

    @pytest.mark.parametrize(
        ("verb", "state"),
        [
            ("promote", begin(POLICY)),
            ("promote", replace(stepping(), phase=Phase.PROMOTING)),
            ("pause", replace(stepping(), phase=Phase.PAUSED)),
            ("pause", HELD),
            ("resume", stepping()),
            ("hold", HELD),
            ("abort", replace(stepping(), phase=Phase.ROLLING_BACK)),
            ("abort", replace(stepping(), phase=Phase.PROMOTING)),
            ("abort", replace(stepping(), phase=Phase.PROMOTED)),
            ("promote", replace(stepping(), phase=Phase.ROLLED_BACK)),
        ],
    )
    def test_refused(self, verb, state):
        with pytest.raises(RefusedError, match=f"cannot {verb} r1"):
            hands.command(state, verb, who="ada", reason="", now=200.0)

    def test_unknown(self):
        with pytest.raises(UsageError, match="there is no launch"):
            hands.command(stepping(), "launch", who="ada", reason="", now=200.0)

    def test_an_abort_ends_as_aborted(self):
        state = hands.command(stepping(), "abort", who="ada", reason="", now=200.0).state
        done = release.confirm(state, seen(202.0, 0, 9, ()))
        assert done.phase is Phase.ABORTED

    def test_resume_counts_the_deadline_and_the_silence_from_now(self):
        state = replace(LATE, phase=Phase.HELD, cause=Cause.DEADLINE, clocks=SILENT.clocks)
        resumed = hands.command(state, "resume", who="ada", reason="", now=200.0).state
        step = release.next_step(resumed, None, 201.0)
        assert step.verdict.decision is Decision.CONTINUE

    def test_resume_after_a_wrong_split_asks_the_split_again(self):
        held = release.next_step(SPLIT, counts(), 200.0).state
        still = release.next_step(held, counts(tick=51, at=201.0), 201.0).state
        assert still.cause is Cause.SPLIT
        resumed = hands.command(still, "resume", who="ada", reason="", now=202.0).state
        assert (resumed.split, resumed.split_epoch) == ((0.0,) * 4, 1)


def test_begin_refuses_a_policy_with_problems_and_a_release_of_nothing():
    with pytest.raises(RefusedError, match="ascend"):
        begin(replace(POLICY, weights=(5000, 1000)))
    with pytest.raises(RefusedError, match="nothing to release"):
        release.begin(
            POLICY, release="r", service="s", stable="v1", canary="v1", generation=0, at=0.0
        )


def test_an_unknown_key_in_a_stored_state_is_an_error():
    data = stepping().to_json()
    with pytest.raises(UsageError, match="knows no colour"):
        State.from_json({**data, "colour": 1})
    with pytest.raises(UsageError, match="expected int"):
        State.from_json({**data, "generation": "8"})
    assert data["policy"]["indicators"][0]["objective_target"] == str(Decimal("0.99"))
