"""What a policy may declare, and how its error bounds are charged."""

import copy
import json
import pickle
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_release import ERRORS, SLOWNESS

from telford.basics.errors import UsageError
from telford.deliver import release
from telford.deliver.policy import (
    Indicator,
    Policy,
    alpha_of,
    alpha_total,
    beta_of,
    certified_rate,
    fuse_alpha_of,
    fuse_rate,
    problems,
    soak_of,
)
from telford.deliver.state import State

SOUND = Policy((ERRORS, SLOWNESS))

WRONG = [
    ({"engine": "E3"}, "engine is 'E3'"),
    ({"certificate": "trust"}, "certificate is 'trust'"),
    ({"on_deadline": "pray"}, "on_deadline is 'pray'"),
    ({"indicators": ()}, "no indicator"),
    ({"indicators": (ERRORS, ERRORS)}, "declared twice"),
    ({"indicators": (replace(ERRORS, name="colour"),)}, "which is none of errors"),
    ({"indicators": (replace(ERRORS, objective_target=Decimal(1)),)}, "must lie in (0, 1)"),
    ({"indicators": (Indicator("latency"),)}, "only latency is counted"),
    (
        {
            "indicators": (ERRORS, Indicator("latency")),
            "strategy": "recreate",
            "weights": (10_000,),
        },
        "latency is a comparison of two versions",
    ),
    ({"certificate_share": 1.0}, "certificate_share is 1"),
    ({"exposure_level": 0.0}, "exposure_level is 0"),
    ({"placebo_alpha": 1.0}, "placebo_alpha is 1"),
    ({"placebo_alpha": 0.01}, "there is only one"),
    ({"objective_factor": 0.5}, "objective_factor is below 1"),
    (
        {"strategy": "recreate", "weights": (10_000,), "certificate": "ratio"},
        "compares with the objective alone",
    ),
    ({"strategy": "mirror", "exposure_share": 0.1}, "exposure chooses a canary's weights"),
    (
        {"strategy": "mirror", "engine": "E4", "canary_replicas": 2},
        "equal traffic to every replica",
    ),
    ({"indicators": (replace(ERRORS, threshold_ms=5.0),)}, "belongs to slowness"),
    ({"indicators": (replace(SLOWNESS, threshold_ms=None),)}, "belongs to slowness"),
    ({"indicators": (replace(ERRORS, alpha_weight=0.0),)}, "alpha weight"),
    ({"indicators": (replace(ERRORS, history_bad=3),)}, "history of errors"),
    ({"alpha": 0.0}, "alpha is 0"),
    ({"beta": 0.7}, "beta is 0.7"),
    ({"split_alpha": 1.0}, "split_alpha is 1"),
    ({"fuse_alpha": 0.01}, "is charged to alpha"),
    ({"fuse_factor": 1.0}, "fuse_factor"),
    ({"objective_share": 1.5}, "objective_share"),
    ({"weights": ()}, "0 weights"),
    ({"weights": (1000, 10_000)}, "basis points"),
    ({"weights": (2000, 1000)}, "ascend"),
    ({"beta_shares": (1.0,)}, "split over 1 steps"),
    ({"beta_shares": (1.0, 0.0, 1.0)}, "every share of beta"),
    ({"soak_seconds": (1.0, 2.0)}, "2 soak times for 3 steps"),
    ({"warmup_seconds": -1.0}, "negative"),
    ({"stale_seconds": 0.0}, "stale_seconds"),
    ({"deadline_seconds": 60.0}, "not before the step's deadline"),
    ({"canary_replicas": 0}, "0 replicas"),
    ({"engine": "E1", "rollback_ratio": 0.9}, "rollback_ratio is below 1"),
    ({"engine": "E1", "rollback_ratio": 2.0}, "tolerable_ratio must be above"),
    ({"ratio_cap": 1.5}, "ratio_cap"),
    ({"rollback_ratio": 1.1}, "use E1 for 1.1"),
    ({"engine": "E4", "weights": (5000,)}, "at least 2 canary replicas"),
    ({"engine": "E4", "canary_replicas": 2, "stable_replicas": 8}, "must be 2000 basis points"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_contradiction_is_said(changes, words):
    assert any(words in one for one in problems(replace(SOUND, **changes)))


def test_all_contradictions_are_said_at_once():
    bad = replace(SOUND, engine="E3", alpha=0.0, weights=(2000, 1000), stale_seconds=0.0)
    assert len(problems(bad)) >= 4


def test_sound_policies_have_no_problem():
    assert problems(SOUND) == ()
    share = replace(SOUND, engine="E4", canary_replicas=2, stable_replicas=8, weights=(2000,))
    assert problems(share) == ()


@given(
    st.floats(0.001, 0.4),
    st.floats(0, 0.9),
    st.lists(st.floats(0.1, 9), min_size=2, max_size=2),
    st.lists(st.floats(0.1, 9), min_size=3, max_size=3),
)
def test_what_is_charged_never_exceeds_what_was_declared(alpha, fuse, weights, shares):
    policy = Policy(
        (replace(ERRORS, alpha_weight=weights[0]), replace(SLOWNESS, alpha_weight=weights[1])),
        alpha=alpha,
        fuse_alpha=fuse * alpha,
        beta_shares=tuple(shares),
    )
    parts = [alpha_of(policy, one) + fuse_alpha_of(policy, one) for one in policy.indicators]
    assert sum(parts) == pytest.approx(alpha_total(policy))
    assert alpha_total(policy) <= alpha * (1 + 1e-12)
    assert sum(beta_of(policy, step) for step in range(3)) == pytest.approx(policy.beta)


def test_alpha_is_charged_in_full_where_every_indicator_has_a_fuse():
    assert alpha_total(Policy((ERRORS,))) == pytest.approx(0.01)
    assert alpha_of(Policy((ERRORS,)), ERRORS) == pytest.approx(0.009)
    half = replace(SLOWNESS, objective_target=Decimal("0.5"))
    assert fuse_rate(Policy((half,)), half) is None
    assert fuse_alpha_of(Policy((half,)), half) == 0.0


def test_rates_come_from_the_objective():
    policy = Policy((ERRORS,), objective_share=0.5, soak_seconds=(1.0, 2.0, 3.0))
    assert certified_rate(policy, ERRORS) == pytest.approx(0.005)
    assert fuse_rate(policy, ERRORS) == pytest.approx(0.144)
    assert [soak_of(policy, step) for step in range(3)] == [1.0, 2.0, 3.0]
    assert soak_of(replace(policy, soak_seconds=(4.0,)), 2) == 4.0


def test_a_policy_survives_json_exactly():
    policy = SOUND.seeded({"errors": (1234, 5)})
    assert policy.indicators[0] == replace(ERRORS, history_requests=1234, history_bad=5)
    assert policy.indicators[1] == SLOWNESS
    again = Policy.from_json(json.loads(json.dumps(policy.to_json())))
    assert again == policy
    assert isinstance(again.indicators[0].objective_target, Decimal)


def test_the_json_that_is_kept_refuses_to_be_changed_and_its_copies_do_not():
    """It is encoded once for all ticks of a release: nobody may change it under the others."""
    plain = SOUND.to_json()
    before = json.dumps(plain)
    state = State.from_json(json.loads(json.dumps(simulated().to_json())))
    for one in (plain, state.to_json()["policy"]):
        for change in (
            lambda one=one: one.update(alpha=0.5),
            lambda one=one: one.pop("alpha"),
            lambda one=one: one["weights"].append(1),
            lambda one=one: one["indicators"][0].__setitem__("name", "other"),
        ):
            with pytest.raises(TypeError, match="copy it before you change it"):
                change()
    assert json.dumps(SOUND.to_json()) == before
    for copied in (copy.deepcopy(plain), pickle.loads(pickle.dumps(plain)), json.loads(before)):
        assert copied == plain
        copied["indicators"][0]["name"] = "other"
        copied["weights"].append(9000)
    assert SOUND.to_json()["weights"] == [1000, 2500, 5000]


def simulated():
    return release.begin(
        SOUND, release="r", service="s", stable="a", canary="b", generation=0, at=0.0
    )


@pytest.mark.parametrize(
    "change", [{"alfa": 1}, {"weights": 5}, {"engine": 4}, {"alpha": "much"}, {"indicators": [3]}]
)
def test_a_wrong_key_or_type_is_an_error(change):
    with pytest.raises(UsageError, match="not the JSON form of a Policy"):
        Policy.from_json({**SOUND.to_json(), **change})


def test_an_indicator_has_a_budget():
    assert Indicator("errors", Decimal("0.995")).budget == pytest.approx(0.005)
