"""What the demo tells is what the ledger holds: real recorded entries, told again."""

import dataclasses

import ledgers
import pytest

from telford.app import demo, demo_story
from telford.app.demo_customers import Seen
from telford.deliver.state import Decision, Harm

GOOD, BAD = ledgers.recorded("good"), ledgers.recorded("bad")
# Requests that 1.2.0 failed are its own fault.
SEEN = Seen(sent=9_000, answered={"storefront/1.2.0": 150}, failed={"storefront/1.2.0": 5})


def test_a_promotion_is_told_with_each_step_and_what_it_rests_on() -> None:
    _, lines = ledgers.told(GOOD)
    assert lines == [
        "1 replica of 1.1.0 starts beside 1.0.0",
        "1.1.0 is ready",
        "Envoy confirms: 10% of the requests go to 1.1.0",
        (
            "the gate at 10% is met, so on to 50%: good enough at 32:1: errors below 0.02 "
            "(new 0 bad of 198, stable 0 of 1,872); slowness below 0.1 "
            "(new 0 bad of 198, stable 0 of 1,872)"
        ),
        "Envoy confirms: 50% of the requests go to 1.1.0",
        (
            "the gate at 50% is met, so all of it: good enough at 620:1: errors below 0.02 "
            "(new 0 bad of 556, stable 0 of 2,185); slowness below 0.1 "
            "(new 0 bad of 556, stable 0 of 2,185)"
        ),
        "Envoy confirms: every request goes to 1.1.0",
    ]


def test_a_rollback_is_told_with_its_reason_and_the_end_of_its_traffic() -> None:
    _, lines = ledgers.told(BAD)
    assert lines == [
        "1 replica of 1.2.0 starts beside 1.1.0",
        "1.2.0 is ready",
        "Envoy confirms: 10% of the requests go to 1.2.0",
        (
            "rolling back: errors: worse than the stable version at 770:1 "
            "(bound 222:1; new 4 bad of 150, stable 0 of 1,259)"
        ),
        "Envoy confirms: no request goes to 1.2.0 any more",
    ]


def test_while_it_runs_the_rates_and_the_evidence_on_both_sides_are_shown_with_their_bounds() -> (
    None
):
    story = demo_story.Story(BAD.state.policy, BAD.row.created_at)
    shown = [story.now()]
    for entry in BAD.entries:
        story.hear(entry)
        shown.append(story.now())
    assert shown[0] == ("waiting for the controller",)
    assert shown[1] == ("1.2.0 is starting, without traffic",)
    assert shown[5] == (
        "1.2.0 at 10%: not counted yet (warm-up: the tick began before it was over)",
    )
    assert shown[13] == (
        "1.2.0 at 10%: 3 of 101 failed (at most 12.97%); 1.1.0: 0 of 814 (at most 0.93%)",
        "evidence to roll back: 102:1 of 222:1 (errors); to go on: none of 25:1 (errors)",
    )


def test_a_live_line_fits_a_terminal_of_a_hundred_columns() -> None:
    for found in (GOOD, BAD):
        story = demo_story.Story(found.state.policy, found.row.created_at)
        for entry in found.entries:
            story.hear(entry)
            assert all(len(line) < 98 for line in story.now())


def test_the_harm_is_the_excess_over_the_stable_version_beside_the_raw_numbers() -> None:
    assert demo_story.harm_sentence(BAD.state) == (
        "5.0 requests harmed: 5 of 205 failed on 1.2.0, 0 of 2,451 on 1.1.0 meanwhile"
    )
    assert demo_story.harm_sentence(GOOD.state).startswith("no request harmed: 0 of 1,295")


def test_slow_requests_are_harm_as_well() -> None:
    slow = Harm("slowness", stable=(2_000, 2), canary=(200, 9))
    state = dataclasses.replace(BAD.state, harm=(Harm("errors"), slow))
    assert demo_story.harm_sentence(state) == (
        "8.8 requests harmed: 9 of 200 were too slow on 1.2.0, 2 of 2,000 on 1.1.0 meanwhile"
    )


def test_the_end_says_how_long_the_bad_version_had_traffic() -> None:
    line = demo_story.ending(BAD.row, BAD.entries, BAD.state)
    first = next(entry for entry in BAD.entries if entry.weight_bp)
    decided = next(entry for entry in BAD.entries if entry.decision is Decision.ROLLBACK)
    assert f"decided {decided.at - first.at:.1f} s after its first traffic" in line.text
    assert line.tone == demo_story.BAD


def test_a_demo_that_went_as_promised_has_no_shortcoming() -> None:
    assert demo.shortcomings([GOOD.played(), BAD.played()], SEEN) == ()


def _by(certificate: str) -> demo.Played:
    entries = [
        dataclasses.replace(one, certificate=certificate if one.certificate else "")
        for one in GOOD.entries
    ]
    return dataclasses.replace(GOOD.played(), entries=entries)


def _ended(played: demo.Played, phase: str) -> demo.Played:
    return dataclasses.replace(played, row=dataclasses.replace(played.row, phase=phase))


@pytest.mark.parametrize(
    ("good", "bad", "seen", "said"),
    [
        (_ended(GOOD.played(), "rolled-back"), BAD.played(), SEEN, "was to be promoted, it is"),
        (_by("deadline"), BAD.played(), SEEN, "promoted, but not by its evidence"),
        (_by("by hand"), BAD.played(), SEEN, "promoted, but not by its evidence"),
        (GOOD.played(), _ended(BAD.played(), "promoted"), SEEN, "was to be rolled back, it is"),
        (
            GOOD.played(),
            dataclasses.replace(BAD.played(), entries=[]),
            SEEN,
            "rolled back, but not by evidence",
        ),
        (
            GOOD.played(),
            dataclasses.replace(BAD.played(), agrees=False, differences=("tick 3: other odds",)),
            SEEN,
            "disagrees: tick 3: other odds",
        ),
        (
            GOOD.played(),
            BAD.played(),
            dataclasses.replace(SEEN, failed={"storefront/1.2.0": 5, "storefront/1.1.0": 46}),
            "46 requests failed that storefront/1.1.0 answered",
        ),
        (
            GOOD.played(),
            BAD.played(),
            dataclasses.replace(SEEN, transport={"timeout": 50}),
            "50 requests: timeout",
        ),
        (GOOD.played(), BAD.played(), dataclasses.replace(SEEN, not_sent=3), "could not be sent"),
        (
            GOOD.played(),
            BAD.played(),
            dataclasses.replace(SEEN, lost=True),
            "ended before its time",
        ),
    ],
)
def test_whatever_is_not_as_promised_is_said(
    good: demo.Played, bad: demo.Played, seen: Seen, said: str
) -> None:
    found = demo.shortcomings([good, bad], seen)
    assert len(found) == 1
    assert said in found[0]


def test_a_hiccup_of_the_machine_within_the_shops_own_objective_is_no_shortcoming() -> None:
    hiccup = dataclasses.replace(SEEN, failed={"storefront/1.2.0": 5, "storefront/1.1.0": 45})
    assert demo.shortcomings([GOOD.played(), BAD.played()], hiccup) == ()


class _Customers:
    """Failures counted so far, one value each look; the last one stays."""

    def __init__(self, *failed: int) -> None:
        self._failed = list(failed)

    def seen(self) -> Seen:
        count = self._failed.pop(0) if len(self._failed) > 1 else self._failed[0]
        return Seen(failed={"storefront/1.0.0": count})


class _Clock:
    """Passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class _Voice:
    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str, tone: str = "") -> None:
        self.said.append(text)

    def live(self, lines: object) -> None:
        raise AssertionError("nothing moves while it settles")


def _settled(customers: _Customers) -> tuple[float, list[str]]:
    clock, voice = _Clock(), _Voice()
    demo.settle(demo.Stage(None, None, clock, voice, "ann"), customers)  # type: ignore[arg-type]
    return clock.seconds, voice.said


def test_the_first_release_waits_for_calm_after_the_last_failure() -> None:
    calm = pytest.approx(demo.CALM_SECONDS, abs=demo.POLL_SECONDS * 2)
    assert _settled(_Customers(0)) == (calm, [])
    seconds, said = _settled(_Customers(1, 2, 3))
    assert said == []
    assert seconds == pytest.approx(demo.CALM_SECONDS + 3 * demo.POLL_SECONDS, abs=0.5)


def test_a_machine_that_never_calms_down_is_told_of_and_not_waited_for() -> None:
    seconds, said = _settled(_Customers(*range(1000)))
    assert seconds == pytest.approx(demo.SETTLE_LIMIT_SECONDS, abs=1)
    assert "busy" in said[0]
