"""Patches of as-found objects: what is taken apart goes together again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telford.road import patch

_KEYS = st.sampled_from(["name", "env", "ports", "containerPort", "containers", "a", "$patch"])
_SCALARS = st.sampled_from(["x", "y", "", 1, 2, 1.5, True, False, "delete"])
_TREES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.dictionaries(_KEYS, inner, max_size=4)
        | st.lists(inner, max_size=3)
        | st.lists(
            st.fixed_dictionaries({"name": st.sampled_from("abcd")}, optional={"value": inner}),
            max_size=3,
        )
    ),
    max_leaves=12,
)
_MAPPINGS = st.dictionaries(_KEYS, _TREES, max_size=5)


def _has(value: Any, word: str) -> bool:
    if isinstance(value, dict):
        return word in value or any(_has(item, word) for item in value.values())
    return isinstance(value, list) and any(_has(item, word) for item in value)


@given(_MAPPINGS, _MAPPINGS)
def test_a_difference_merged_gives_what_was_wanted(base: dict[str, Any], wanted: Any) -> None:
    """For every tree that does not itself use the directive's key."""
    if _has(wanted, patch.DIRECTIVE) or _has(base, patch.DIRECTIVE):
        return
    found = patch.difference(base, wanted)
    assert patch.same(patch.merge(base, found.patch), wanted)


@given(_MAPPINGS, _MAPPINGS)
def test_every_leaf_is_in_the_base_or_carried(base: dict[str, Any], wanted: Any) -> None:
    """What is not said to be carried is given by the base with the same value."""
    carried = patch.difference(base, wanted).carried
    values = [value for _, value in patch.leaves(base)]
    for path, value in patch.leaves(wanted):
        if not any(path[: len(prefix)] == prefix for prefix in carried):
            assert value in values or wanted == {}


@given(_MAPPINGS)
def test_equal_trees_need_no_patch(tree: dict[str, Any]) -> None:
    assert patch.difference(tree, tree) == patch.Difference({}, ())


@pytest.mark.parametrize(
    ("base", "wanted", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
        ({"a": "1"}, {"a": 1}, {"a": 1}),
        (
            {"ports": [{"name": "http", "containerPort": 80}]},
            {"ports": [{"containerPort": 80}]},
            {"ports": [{"containerPort": 80, "name": None}]},
        ),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]},
            {"env": [{"name": "B", "value": "2"}], "$order/env": ["B", "A"]},
        ),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": []},
            {"env": [{"name": "A", "$patch": "delete"}]},
        ),
        (
            {},
            {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
            {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        ),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "A"}, {"name": "A"}]},
            {"env": [{"name": "A"}, {"name": "A"}]},
        ),
    ],
)
def test_patches_are_small(base: Any, wanted: Any, expected: Any) -> None:
    assert patch.difference(base, wanted).patch == expected
    assert patch.merge(base, expected) == wanted


@given(_MAPPINGS, _MAPPINGS)
def test_a_patch_fits_what_it_was_made_for(base: dict[str, Any], wanted: Any) -> None:
    if _has(wanted, patch.DIRECTIVE) or _has(base, patch.DIRECTIVE):
        return
    found = patch.difference(base, wanted).patch
    assert list(patch.misfits(base, found)) == []


def test_a_list_without_names_is_patched_item_by_item_while_it_is_as_long() -> None:
    base = {"rules": [{"to": "a"}, {"to": "b"}]}
    wanted = {"rules": [{"to": "a"}, {"to": "b", "more": [1]}]}
    found = patch.difference(base, wanted)
    assert found.patch == {"rules": [{"$patch": "each"}, {}, {"more": [1]}]}
    assert found.carried == (("rules", 1, "more"),)
    edited = {"rules": [{"to": "c"}, {"to": "b"}]}
    assert patch.merge(edited, found.patch) == {"rules": [{"to": "c"}, {"to": "b", "more": [1]}]}
    shorter = {"rules": [{"to": "b"}]}
    assert patch.merge(shorter, found.patch) == shorter
    assert list(patch.misfits(shorter, found.patch)) == [("rules",)]
