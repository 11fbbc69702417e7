"""A base with overlays gives each version back, as the estate's own merge reads them."""

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from telford.basics import yamltext
from telford.estate import layers
from telford.estate.kinds import structure
from telford.intake.environments.layering import CannotSayError, Layering
from telford.road import patch, yamlout

Value = dict[str, Any]
LAYERING = Layering(structure.Service, "shop")

_scalars = st.sampled_from(["a", "b", 1, True, "1", 1.5])
_leaves = st.one_of(_scalars, st.just({}), st.just([]), st.lists(_scalars, max_size=2))
_trees = st.recursive(
    _leaves,
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
_nullable = st.recursive(
    st.one_of(_leaves, st.none()),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)


def _named(key: str, names: str) -> st.SearchStrategy[list[Value]]:
    """A list whose items have different names."""
    items = st.fixed_dictionaries({key: st.sampled_from(names)}, optional={"x": _trees})
    return st.lists(items, max_size=4, unique_by=lambda item: item[key])


def _services(tree: st.SearchStrategy[Any]) -> st.SearchStrategy[Value]:
    run = st.fixed_dictionaries(
        {},
        optional={
            "ports": _named("name", "pqr"),
            "sidecars": _named("name", "pqr"),
            "env": tree,
        },
    )
    return st.fixed_dictionaries(
        {"kind": st.just("Service")},
        optional={"run": run, "uses": _named("service", "pqr"), "labels": tree},
    )


def _node(value: Value) -> yamltext.Mapping:
    nodes, problems = yamltext.read(yamlout.document(value), "x.yaml")
    assert not problems
    assert isinstance(nodes[0], yamltext.Mapping)
    return nodes[0]


def _applied(base: Value, overlay: Value) -> Value:
    merged = layers.merge(_node(base), _node(overlay), structure.Service, "shop")
    value = yamltext.plain(merged)
    assert isinstance(value, dict)
    return value


def _normal(value: Value) -> Value:
    """Without the order of dependencies, which means nothing."""
    uses = (
        {"uses": sorted(value["uses"], key=lambda use: str(use["service"]))}
        if "uses" in value
        else {}
    )
    return value | uses


@hypothesis.given(st.lists(_services(_trees), min_size=1, max_size=4))
@hypothesis.settings(max_examples=300)
def test_every_version_is_given_back(versions: list[Value]) -> None:
    base = LAYERING.base(versions)
    for version in versions:
        given = _applied(base, LAYERING.overlay(base, version))
        assert patch.same(_normal(given), _normal(version))


@hypothesis.given(st.lists(_services(_nullable), min_size=1, max_size=3))
@hypothesis.settings(max_examples=200)
def test_explicit_nulls_are_given_back_or_refused(versions: list[Value]) -> None:
    base = LAYERING.base(versions)
    for version in versions:
        try:
            overlay = LAYERING.overlay(base, version)
        except CannotSayError:
            continue
        assert patch.same(_normal(_applied(base, overlay)), _normal(version))


def test_a_null_of_one_version_is_in_the_base() -> None:
    versions: list[Value] = [{"labels": {}}, {"labels": {"x": None}}]
    base = LAYERING.base(versions)
    assert base == {"labels": {"x": None}}
    assert LAYERING.overlay(base, versions[0]) == {"labels": {"x": None}}
    assert LAYERING.overlay(base, versions[1]) == {}


def test_the_base_says_what_most_say() -> None:
    versions = [{"tier": 1}, {"tier": 2}, {"tier": 2}]
    assert LAYERING.base(versions) == {"tier": 2}


@pytest.mark.parametrize(
    ("versions", "base"),
    [
        ([{"tier": 1}, {"tier": 2}], {"tier": 1}),
        ([{}, {"tier": 2}], {}),
        ([{"tier": 2}, {}], {"tier": 2}),
        ([{"tier": 2}, {}, {}], {}),
    ],
)
def test_of_as_many_the_first_counts(versions: list[Value], base: Value) -> None:
    assert LAYERING.base(versions) == base


def test_an_item_that_is_not_everywhere_is_in_overlays_only() -> None:
    one: Value = {"uses": [{"service": "a"}, {"service": "b"}, {"service": "c"}]}
    other: Value = {"uses": [{"service": "a"}, {"service": "c", "port": 1}]}
    base = LAYERING.base([one, other])
    assert base == {"uses": [{"service": "a"}, {"service": "c"}]}
    assert LAYERING.overlay(base, one) == {"uses": [{"service": "b"}]}
    assert LAYERING.overlay(base, other) == {"uses": [{"service": "c", "port": 1}]}


def test_containers_keep_their_order() -> None:
    one: Value = {"run": {"sidecars": [{"name": "a"}, {"name": "x"}, {"name": "b"}]}}
    other: Value = {"run": {"sidecars": [{"name": "a"}, {"name": "b"}]}}
    base = LAYERING.base([one, other])
    assert base == {"run": {"sidecars": [{"name": "a"}]}}
    assert LAYERING.overlay(base, one) == {"run": {"sidecars": [{"name": "x"}, {"name": "b"}]}}


def test_a_port_without_a_name_is_called_http() -> None:
    one: Value = {"run": {"ports": [{"port": 1}]}}
    other: Value = {"run": {"ports": [{"port": 2}]}}
    base = LAYERING.base([one, other])
    assert LAYERING.overlay(base, other) == {"run": {"ports": [{"port": 2}]}}
    assert _applied(base, LAYERING.overlay(base, other)) == other


def test_variables_made_of_others_keep_their_order() -> None:
    one: Value = {"run": {"env": {"A": "1", "X": "2", "B": "$(X)$(A)"}}}
    other: Value = {"run": {"env": {"A": "1", "B": "$(A)"}}}
    base = LAYERING.base([one, other])
    assert base == {"run": {"env": {"A": "1"}}}
    given = _applied(base, LAYERING.overlay(base, one))
    assert list(given["run"]["env"]) == ["A", "X", "B"]
