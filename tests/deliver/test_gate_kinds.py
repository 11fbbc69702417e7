"""Every kind of gate: closed with why and what opens it, open, and when it opens by itself."""

import datetime as dt
from dataclasses import replace

import pytest

from telford.analysis.people import Group
from telford.deliver import gate_judging, gate_settings, gates
from telford.deliver.gate_judging import Act, Answer, Facts, Standing
from telford.deliver.gates import Gate, GateView
from telford.deliver.state import Phase
from telford.road.holding import Hours, Rule

AT = dt.datetime(2026, 11, 25, 11, 0, tzinfo=dt.UTC).timestamp()  # a Wednesday
FACTS = Facts(
    at=AT, who="ann", reason="CHG-77: the new till", asked_at=AT - 100, moment="step", step=1,
    served_at=AT - 60, soak_seconds=40.0, zones={"UTC": dt.UTC},
)  # fmt: skip


def gate(settings: gate_settings.Settings, at: str = "step", override: Group | None = None) -> Gate:
    kinds = {made: kind for kind, made in gate_settings.KINDS.items()}
    kind = kinds[type(settings)]
    return Gate("g", kind, at, gate_settings.pairs(settings, override))


def view(
    settings: gate_settings.Settings,
    facts: Facts = FACTS,
    at: str = "step",
    override: Group | None = None,
) -> GateView:
    (found,) = gate_judging.views((gate(settings, at, override),), facts)
    return found


def said(
    verb: str, who: str = "bob", at: float = AT, reason: str = "checked", step: int = 1
) -> Act:
    return Act("g", step, verb, who, f"person/{who}", reason, at)


# --- the error budget -------------------------------------------------------------------------

BUDGET = gate_settings.Budget(("objective/a", "objective/b"), factor=3.0)


def budget(pace: str, left: float, resets: float | None = None, **more: object) -> Facts:
    standing = Standing("objective/a", "ok", pace, left, resets)
    return replace(FACTS, standings={"objective/a": standing}, **more)  # type: ignore[arg-type]


def test_a_budget_that_was_never_measured_is_whole() -> None:
    assert view(BUDGET).open


def test_a_normal_pace_is_open_and_says_what_is_left() -> None:
    found = view(BUDGET, budget("normal", 0.8))
    assert (found.open, found.why) == (
        True,
        "objective/a has 80.0% of its budget left: releases go on as declared",
    )


def test_a_slow_pace_soaks_longer_and_says_until_when() -> None:
    """40 s of warm-up and soak, three times: 120 s after it was served, 60 s ago."""
    found = view(BUDGET, budget("slow", 0.1))
    assert (found.open, found.until) == (False, AT + 60)
    assert "3 times as long as declared" in found.opens
    assert view(BUDGET, budget("slow", 0.1, at=AT + 60)).open
    assert not view(BUDGET, budget("slow", 0.1, served_at=None)).open
    assert view(BUDGET, budget("slow", 0.1, moment="start"), at="start").open
    assert not view(replace(BUDGET, slow="closed"), budget("slow", 0.1)).open
    assert view(replace(BUDGET, slow="open"), budget("slow", 0.1)).open


def test_a_frozen_budget_opens_when_its_period_begins_anew_or_by_nobody_knows_when() -> None:
    rolling = view(BUDGET, budget("freeze", -0.5))
    assert (rolling.open, rolling.until) == (False, None)
    assert "0.0% of its budget left: no release now" in rolling.why
    assert view(BUDGET, budget("freeze", 0.0, AT + 900)).until == AT + 900


# --- people -----------------------------------------------------------------------------------

TWO = gate_settings.Approval(2, Group(("team/till",), "P5"))


def test_an_approval_counts_different_people_but_never_the_one_who_started_it() -> None:
    acts = (said("approve"), said("approve"), said("approve", "ann"))
    found = view(TWO, replace(FACTS, acts=acts))
    assert (found.open, found.why) == (False, "1 of 2 approvals (bob)")
    assert found.opens == (
        "one more person approves: team/till with level P5 or above, and not ann, who started it"
    )
    assert view(TWO, replace(FACTS, acts=(*acts, said("approve", "eve")))).open


def test_a_person_of_the_starters_name_is_the_starter() -> None:
    mine = (said("approve"), Act("g", 1, "approve", "ann@example.com", "person/ann", "x", AT))
    assert not view(TWO, replace(FACTS, acts=mine)).open


def test_one_refusal_is_enough_until_it_is_withdrawn() -> None:
    acts = (said("approve", "eve"), said("approve"), said("refuse", "zoe", reason="too late"))
    found = view(TWO, replace(FACTS, acts=acts))
    assert (found.open, found.why) == (False, "refused by zoe: too late")
    assert found.opens == "zoe withdraws the refusal"
    assert view(TWO, replace(FACTS, acts=(*acts, said("withdraw", "zoe", reason="")))).open


def test_a_gate_of_every_step_wants_approval_at_every_step() -> None:
    one = gate_settings.Approval(1)
    before = replace(FACTS, acts=(said("approve", step=0),))
    assert not view(one, before).open
    assert view(one, before, at="promote").open
    assert view(one, replace(FACTS, acts=(said("approve"),))).open


def test_a_change_record_is_in_the_reason_or_given_later() -> None:
    record = gate_settings.Record(r"CHG-\d+")
    assert view(record).why == "change record CHG-77"
    silent = replace(FACTS, reason="in a hurry")
    assert not view(record, silent).open
    assert "telford approve --gate g --reason ID" in view(record, silent).opens
    assert view(record, replace(silent, acts=(said("approve", reason="see CHG-8"),))).open


def test_a_record_that_is_looked_up_wants_a_yes() -> None:
    looked = gate_settings.Record(r"CHG-\d+", gate_settings.Webhook("http://tickets"))
    assert not view(looked).open
    yes = {"g@step": Answer(1, open=True, why="tickets answered 200", at=AT)}
    assert view(looked, replace(FACTS, answers=yes)).open
    assert not view(looked, replace(FACTS, answers=yes, reason="none")).open


# --- time -------------------------------------------------------------------------------------

OFFICE = Rule("office", False, "UTC", (Hours((0, 1, 2, 3, 4), 9 * 60, 17 * 60),))
FREEZE = Rule("sale", True, "UTC", (Hours((2,), 10 * 60, 12 * 60),), reason="the great sale")


def test_a_freeze_says_why_and_when_it_is_over() -> None:
    found = view(gate_settings.Window((OFFICE, FREEZE)))
    assert (found.open, found.until) == (False, AT + 3600)
    assert found.why == "window sale freezes changes (the great sale)"
    assert found.opens == "Wed 2026-11-25 12:00 UTC has come"


def test_outside_of_what_allows_nothing_goes() -> None:
    night = replace(FACTS, at=AT + 12 * 3600)
    found = view(gate_settings.Window((OFFICE,)), night)
    assert (found.open, found.until) == (False, AT + 22 * 3600)
    assert view(gate_settings.Window((OFFICE,))).open
    assert view(gate_settings.Window(())).open


def test_a_zone_that_the_machine_does_not_know_closes_the_gate() -> None:
    found = view(gate_settings.Window((replace(OFFICE, zone="Europe/Oslo"),)))
    assert (found.open, found.why) == (False, "this machine knows no time zone Europe/Oslo")


def test_an_override_opens_a_window_for_the_whole_release_until_it_is_withdrawn() -> None:
    window, group = gate_settings.Window((FREEZE,)), Group(("person/bob",))
    given = replace(FACTS, acts=(said("override", reason="an outage", step=0),))
    found = view(window, given, override=group)
    assert (found.open, found.why) == (True, "overridden by bob: an outage")
    back = replace(given, acts=(*given.acts, said("withdraw", at=AT + 1)))
    assert not view(window, back, override=group).open
    assert not view(window, given).open, "a gate without `override` has none"


def test_soak_counts_from_when_the_step_is_served_or_the_release_was_asked_for() -> None:
    soak = gate_settings.Soak(90.0)
    assert (view(soak).open, view(soak).until) == (False, AT + 30)
    assert view(soak, replace(FACTS, at=AT + 30)).open
    assert not view(soak, replace(FACTS, served_at=None)).open
    assert view(soak, replace(FACTS, moment="start"), at="start").open
    early = view(soak, at="promote")
    assert (early.open, early.why) == (False, "it is not its turn yet")


# --- what it needs ----------------------------------------------------------------------------

TILL = "service/shop.till"


@pytest.mark.parametrize(
    ("needs", "facts", "why"),
    [
        ({}, {"releases": {TILL: "till-1"}}, "is being released (till-1)"),
        ({"worst": "ok", "objectives": ("o",)}, {}, "nothing is known of o"),
        (
            {"worst": "watch", "objectives": ("o",)},
            {"standings": {"o": Standing("o", "burning", "slow", 0.5)}},
            "o is burning",
        ),
        ({"version": "2.0"}, {"versions": {TILL: "1.9.9"}}, "is 1.9.9 here"),
        ({"version": "2.0"}, {}, "does not run here"),
        ({"contract": "c", "offers": "3", "offered": ("1", "2")}, {}, "not offered: 1, 2 is"),
        (
            {"contract": "c", "offers": "2", "offered": ("2",), "sunset": "2026-11-25"},
            {},
            "may not be counted on since 2026-11-25",
        ),
    ],
)
def test_a_dependency_that_is_not_as_it_must_be(needs: dict, facts: dict, why: str) -> None:
    found = view(gate_settings.Dependency(TILL, **needs), replace(FACTS, **facts))
    assert not found.open
    assert why in found.why
    assert found.opens


def test_a_dependency_that_is_as_it_must_be() -> None:
    needs = gate_settings.Dependency(
        TILL, ("o",), "watch", version="2.0", contract="c", offers="2", offered=("1", "2"),
        sunset="2026-11-26",
    )  # fmt: skip
    standings = {"o": Standing("o", "watch", "normal", 0.5)}
    assert view(needs, replace(FACTS, standings=standings, versions={TILL: "2.0.1"})).open


@pytest.mark.parametrize(
    ("version", "least", "older"),
    [
        ("1.9", "1.10", True), ("1.10", "1.9", False), ("2", "2.0.0", False), ("v2.1", "2.0", False),
        ("2.0.0-rc1", "2.0.0", True), ("2.0.0", "2.0.0-rc1", False), ("1.0+b7", "1.0", False),
    ],
)  # fmt: skip
def test_versions_are_compared_by_their_numbers(version: str, least: str, older: bool) -> None:
    assert gate_judging.older(version, least) is older


# --- whoever is asked -------------------------------------------------------------------------

HOOK = gate_settings.Webhook("http://qa", retries=2)


@pytest.mark.parametrize(
    ("answer", "opened", "why"),
    [
        (None, False, "no answer has come yet"),
        (Answer(1), False, "no answer has come yet"),
        (Answer(0, open=True, why="yes"), False, "no answer has come yet"),
        (Answer(1, open=True, why="yes"), True, "yes"),
        (Answer(1, open=False, why="not now"), False, "not now"),
        (Answer(1, failures=1, problem="dead"), False, "no answer in 1 call: dead"),
        (Answer(1, open=True, why="yes", failures=2, problem="dead"), True, "yes; no answer in 2"),
        (Answer(1, open=True, why="yes", failures=3, problem="dead"), False, "no answer in 3"),
    ],
)
@pytest.mark.parametrize("settings", [HOOK, gate_settings.Command(("x",), retries=2)])
def test_an_open_gate_survives_some_silence_and_a_closed_one_opens_on_a_yes(
    settings: gate_settings.Settings, answer: Answer | None, opened: bool, why: str
) -> None:
    answers = {} if answer is None else {"g@step": answer}
    found = view(settings, replace(FACTS, answers=answers))
    assert found.open is opened
    assert why in found.why


# --- moments ----------------------------------------------------------------------------------


def test_a_moment_that_lies_behind_stays_as_it_was() -> None:
    start = gate(gate_settings.Window((FREEZE,)), "start")
    before = GateView("g", "window", "start", True, "no window keeps changes out now")
    for moment in ("step", "promote", ""):
        facts = replace(FACTS, moment=moment)
        assert gate_judging.views((start,), facts, (before,)) == (before,)
    (again,) = gate_judging.views((start,), replace(FACTS, moment="start"), (before,))
    assert not again.open


@pytest.mark.parametrize(
    ("phase", "last", "moment"),
    [
        (Phase.PLANNED, False, "start"), (Phase.STARTING, True, ""), (Phase.STEPPING, False, "step"),
        (Phase.HELD, True, "promote"), (Phase.PAUSED, False, "step"), (Phase.PROMOTING, True, ""),
    ],
)  # fmt: skip
def test_moments_follow_the_phase(phase: Phase, last: bool, moment: str) -> None:
    assert gate_judging.moment(phase, last=last) == moment


def test_finishing_is_a_step_as_well() -> None:
    shut = GateView("g", "soak", "step", False, "x")
    assert gates.closed((shut,), "promote") == (shut,)
    assert gates.closed((shut,), "start") == ()


@pytest.mark.parametrize("kind", sorted(gate_settings.KINDS))
def test_settings_survive_the_policys_json(kind: str) -> None:
    made = {
        "budget": BUDGET, "approval": TWO, "window": gate_settings.Window((OFFICE, FREEZE)),
        "soak": gate_settings.Soak(1.5), "dependency": gate_settings.Dependency(TILL, ("o",), "ok"),
        "webhook": replace(HOOK, expect=(gate_settings.Expected("/a", "1"),)),
        "command": gate_settings.Command(("a", "b"), (("X", "1"),)),
        "record": gate_settings.Record("x", HOOK),
    }[kind]  # fmt: skip
    kept = gate(made, override=Group(level="P6"))
    assert gate_settings.read(gate_settings.KINDS[kind], kept) == made
    assert gate_settings.override(kept) == Group(level="P6")


@pytest.mark.parametrize(
    "strange",
    [
        Gate("g", "moon", "step"),
        Gate("g", "soak", "step", (("seconds", '"long"'),)),
        Gate("g", "webhook", "step", (("url", "1"),)),
    ],
)
def test_a_gate_of_another_version_is_closed_and_stops_nobody_else(strange: Gate) -> None:
    (found,) = gate_judging.views((strange,), FACTS)
    assert not found.open
    assert "this version of Telford cannot read" in found.why


def test_a_pattern_that_is_none_finds_nothing() -> None:
    assert not view(gate_settings.Record("CHG-[")).open
