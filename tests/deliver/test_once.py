"""What is worked out once for each value: found by identity, never for another, in bounded room."""

import dataclasses
import gc
from decimal import Decimal

from telford.deliver import once, strategies
from telford.deliver.policy import Indicator, Policy

POLICY = Policy(indicators=(Indicator("errors", Decimal("0.99")),))


def test_a_value_is_asked_about_once():
    asked = []
    name_of = once.once(lambda one: asked.append(one) or one.indicators[0].name)
    assert [name_of(POLICY), name_of(POLICY)] == ["errors", "errors"]
    assert asked == [POLICY]


def test_equal_values_are_asked_about_apart():
    """A target of 0.90 equals one of 0.9, but is another text."""
    first, second = (
        dataclasses.replace(POLICY, indicators=(Indicator("errors", Decimal(target)),))
        for target in ("0.9", "0.90")
    )
    assert first == second
    told = once.once(lambda one: str(one.indicators[0].objective_target))
    assert [told(first), told(second)] == ["0.9", "0.90"]
    assert [one.to_json()["indicators"][0]["objective_target"] for one in (first, second)] == [
        "0.9",
        "0.90",
    ]


def test_a_new_value_is_never_taken_for_one_that_is_gone():
    weights = once.once(lambda one: one.weights)
    for weight in range(1, 2 * once.KEPT):
        assert weights(dataclasses.replace(POLICY, weights=(weight,))) == (weight,)
    gc.collect()
    assert weights(POLICY) == POLICY.weights


def test_shapes_of_a_policy_are_one_object():
    assert strategies.final(POLICY) is strategies.final(POLICY)
    assert strategies.stages(POLICY) is strategies.stages(POLICY)
