"""Waves: whose turn it is, when all turn back, and that alpha holds for the whole rollout."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from telford.deliver import binomial, mixture, waves
from telford.deliver.state import Phase
from telford.deliver.turns import Asked
from telford.deliver.waves import Member, Wave, Waves

NOW = 1_000_000.0
THREE = Waves(
    waves=(Wave(("prod/a",), 60.0), Wave(("prod/b", "prod/c"))),
    at_most_unavailable=1,
)


def members(**phases: str) -> dict[str, Member]:
    found = {f"prod/{name}": Member(f"prod/{name}", Phase(phase)) for name, phase in phases.items()}
    return {
        place: dataclasses.replace(one, finished_at=NOW - 10.0) if one.done else one
        for place, one in found.items()
    }


def turns(view: waves.View) -> dict[str, bool]:
    return {one.place: one.open for one in view.turns}


def test_the_first_wave_begins_and_the_others_say_what_they_wait_for():
    view = waves.look(THREE, members(a="planned", b="planned", c="planned"), NOW)
    assert turns(view) == {"prod/a": True, "prod/b": False, "prod/c": False}
    assert view.turns[1].why == "wave 1 of 2 is not finished: prod/a is planned"
    assert (view.wave, view.stop, view.undo, view.done) == (0, "", (), False)


def test_a_finished_wave_is_looked_at_before_the_next():
    at_first = members(a="promoted", b="planned", c="planned")
    waiting = waves.look(THREE, at_first, NOW).turns[0]
    assert not waiting.open
    assert waiting.until == NOW + 50.0
    assert turns(waves.look(THREE, at_first, NOW + 50.0)) == {"prod/b": True, "prod/c": False}


def test_no_more_places_are_out_at_once_than_declared():
    view = waves.look(THREE, members(a="promoted", b="stepping", c="planned"), NOW + 60.0)
    assert view.turns[0].why == "prod/b is stepping: at most 1 place may be out at once"
    two = dataclasses.replace(THREE, at_most_unavailable=2)
    assert turns(waves.look(two, members(a="promoted", b="stepping", c="planned"), NOW + 60)) == {
        "prod/c": True
    }


def test_a_place_that_is_unavailable_counts_as_out():
    here = members(a="promoted", b="planned", c="planned")
    here["prod/a"] = dataclasses.replace(here["prod/a"], unavailable="out of its error budget")
    view = waves.look(THREE, here, NOW + 60.0)
    assert turns(view) == {"prod/b": False, "prod/c": False}
    assert "prod/a is out of its error budget" in view.turns[0].why


def test_one_place_that_turns_back_turns_all_back():
    view = waves.look(THREE, members(a="promoted", b="rolling-back", c="planned"), NOW + 60.0)
    assert view.stop == "prod/b: rolling-back"
    assert view.undo == ("prod/a",)
    assert not any(turns(view).values())
    keeps = dataclasses.replace(THREE, on_failure="stop")
    assert waves.look(keeps, members(a="promoted", b="aborted", c="planned"), NOW).undo == ()


def test_weak_evidence_of_several_places_is_strong_together():
    one = mixture.log_bound(THREE.place_alpha)
    weak = {"errors": one * 0.6}
    here = {place: Member(place, Phase.STEPPING, weak) for place in ("prod/a", "prod/b", "prod/c")}
    view = waves.look(THREE, here, NOW)
    assert view.evidence[0].log_e == pytest.approx(3 * 0.6 * one)
    assert view.stop.startswith("errors: worse than the stable version at ")


def test_what_people_ask_decides_who_begins_and_who_goes_back():
    here = members(a="promoted", b="planned", c="stepping")
    paused = Asked("pause", "ann", "lunch", NOW)
    view = waves.look(THREE, here, NOW + 60.0, (paused,))
    assert (view.paused, view.stop, view.undo) == ("paused by ann: lunch", "", ())
    assert not view.turns[0].open
    resumed = Asked("resume", "ann", "", NOW)
    free = waves.look(THREE, here, NOW + 60.0, (paused, resumed))
    assert free == waves.look(THREE, here, NOW + 60.0)
    for keep, undo in ((False, ("prod/a",)), (True, ())):
        abort = Asked("abort", "bob", "", NOW, keep)
        later = Asked("abort", "eve", "", NOW, not keep)
        view = waves.look(THREE, here, NOW, (paused, abort, later))
        assert (view.stop, view.undo, view.paused) == ("aborted by bob", undo, "")
        ended = waves.look(THREE, members(a="promoted", b="promoted", c="promoted"), NOW, (abort,))
        assert not ended.done


def test_it_is_done_when_every_place_has_it():
    view = waves.look(THREE, members(a="promoted", b="promoted", c="promoted"), NOW)
    assert view.done
    assert view.turns == ()
    assert view.stop == ""


@given(
    phases=st.lists(st.sampled_from([one.value for one in Phase]), min_size=5, max_size=5),
    ill=st.lists(st.booleans(), min_size=5, max_size=5),
    limit=st.integers(1, 5),
    cut=st.integers(1, 4),
)
def test_those_that_may_begin_never_break_the_limit(
    phases: list[str], ill: list[bool], limit: int, cut: int
):
    """Whichever of the open turns are taken, at the same moment and by whomever."""
    names = [f"prod/{name}" for name in "abcde"]
    declared = Waves(
        (Wave(tuple(names[:cut])), Wave(tuple(names[cut:]))), at_most_unavailable=limit
    )
    here = {
        name: Member(name, Phase(phase), {}, "ill" if bad else "", NOW)
        for name, phase, bad in zip(names, phases, ill, strict=True)
    }
    begun = [one.place for one in waves.look(declared, here, NOW).turns if one.open]
    out_before = {one.place for one in here.values() if one.under_way or one.unavailable}
    for taken in itertools.chain.from_iterable(
        itertools.combinations(begun, size) for size in range(len(begun) + 1)
    ):
        if set(taken) - out_before:
            assert len(out_before | set(taken)) <= max(limit, len(out_before))


def test_every_contradiction_is_named():
    wrong = Waves(
        waves=(Wave(("prod/a", "prod/b")), Wave(("prod/a",), -1.0), Wave(())),
        alpha=0.7,
        together=1.0,
        at_most_unavailable=0,
        on_failure="hope",
        indicators=(("errors", 1.4),),
    )
    assert len(waves.problems(wrong)) == 8
    assert waves.problems(THREE) == ()
    assert waves.problems(Waves(()))[0] == "there is no wave"
    assert Waves.from_json(THREE.to_json()) == THREE


def test_the_whole_rollout_keeps_its_alpha():
    """Four places, versions alike: how often any place or the product says "worse"."""
    draw = np.random.default_rng(20261122)
    declared = Waves((Wave(("a", "b", "c", "d")),), alpha=0.05)
    runs = 600
    wrong = sum(_says_worse(declared, draw) for _ in range(runs))
    low = stats.binomtest(wrong, runs).proportion_ci(0.999, method="exact").low
    assert low <= declared.alpha
    assert wrong > 0, "a test that never fires has no power to be wrong"


def _says_worse(declared: Waves, draw: np.random.Generator) -> bool:
    logs = {place: mixture.start(len(mixture.RATIOS)) for place in declared.places}
    single = mixture.log_bound(declared.place_alpha)
    for _ in range(40):
        for place in declared.places:
            k1, k0 = int(draw.binomial(20, 0.02)), int(draw.binomial(60, 0.02))
            logs[place] = binomial.update(logs[place], 20, k1, 60, k0)
        here = {
            place: Member(place, Phase.STEPPING, {"errors": mixture.log_e(logs[place])})
            for place in declared.places
        }
        if waves.together(declared, here)[0].crossed:
            return True
        if any(one.logs["errors"] >= single for one in here.values()):
            return True
    return False


def test_a_fault_too_weak_for_one_place_shows_in_all_of_them():
    """Each place at half of what it needs: alone nobody would know."""
    declared = Waves((Wave(("a", "b", "c", "d")),), alpha=0.01)
    half = mixture.log_bound(declared.place_alpha) / 2
    here = {one: Member(one, Phase.STEPPING, {"errors": half}) for one in declared.places}
    assert all(
        one.logs["errors"] < mixture.log_bound(declared.place_alpha) for one in here.values()
    )
    assert waves.together(declared, here)[0].crossed
    assert math.isclose(declared.place_alpha, 0.01 * 0.5 / 4)
