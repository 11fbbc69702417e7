"""Whatever a cluster fills in and reorders is never drift; whatever is really changed always is, and
exactly the changed fields are named.
"""

import copy
import random
from typing import Any

import pytest
from drift_clusters import PLACES, desired, objects
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.kubernetes import api_defaults
from telford.plan.drift import Judge
from telford.road import patch, sameness

Object = dict[str, Any]
# Kinds whose defaults the API server of the tests knows.
KINDS = ("Deployment", "StatefulSet", "Service", "HorizontalPodAutoscaler", "NetworkPolicy", "CronJob",
         "PodDisruptionBudget", "ServiceAccount", "Ingress")  # fmt: skip


def samples() -> list[Object]:
    every = [item for name in PLACES for item in objects(desired(name))]
    return [item for item in every if item["kind"] in KINDS]


SAMPLES = samples()
QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def harmless(item: Object, chance: random.Random) -> Object:
    """As a cluster would give it back: defaults, a status, quantities and orders of its own."""
    live = copy.deepcopy(item)
    if chance.random() < 0.8:
        api_defaults.fill(live, chance.randrange(1000))
    if chance.random() < 0.5:
        live["status"] = {"observedGeneration": chance.randrange(9)}
        live["metadata"] |= {"uid": str(chance.random()), "resourceVersion": "7", "generation": 2}
    return rewritten(live, (), chance)


def rewritten(value: Any, path: tuple[str | int, ...], chance: random.Random) -> Any:
    if isinstance(value, dict):
        names = list(value)
        if chance.random() < 0.5:
            chance.shuffle(names)
        return {name: rewritten(value[name], (*path, name), chance) for name in names}
    if isinstance(value, list):
        items = [rewritten(one, (*path, index), chance) for index, one in enumerate(value)]
        if may_be_reordered(path, items) and chance.random() < 0.5:
            chance.shuffle(items)
        return items
    amount = len(path) > 2 and path[-2] in ("requests", "limits") and "resources" in path
    return other_amount(str(value)) if amount and chance.random() < 0.5 else value


def may_be_reordered(path: tuple[str | int, ...], items: list[Any]) -> bool:
    """Lists of type map that the API server tells apart by their keys."""
    if path[-1:] == ("env",):
        return not any("$(" in str(item.get("value", "")) for item in items)
    return path[-1:] in (("volumes",), ("volumeMounts",)) or path[-2:] == ("spec", "containers")


def other_amount(text: str) -> str:
    """500m is 0.5, and 1Gi is 1024Mi."""
    if text.endswith("m"):
        return f"{int(text[:-1]) / 1000:g}"
    for big, small in (("Gi", "Mi"), ("Mi", "Ki")):
        if text.endswith(big):
            return f"{int(text[:-2]) * 1024}{small}"
    return text


@QUICK
@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False))
def test_harmless_rewrites_are_never_drift(item: Object, chance: random.Random):
    assert Judge().fields(harmless(item, chance), item) == ()


def changeable(item: Object) -> list[patch.Path]:
    """Leaves that somebody may change, but those by which objects and items are told apart."""
    keys = {"name", "namespace", "kind", "apiVersion", "containerPort", "protocol", "port", "mountPath",
            "topologyKey", "whenUnsatisfiable", "ip"}  # fmt: skip
    return [
        path for path, value in patch.leaves(item)
        if path[-1] not in keys and not isinstance(value, dict | list) and len(path) > 1
    ]  # fmt: skip


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    # A quantity must stay one, or it would not be read as such: any other text is another value.
    return f"1{value}" if str(value)[:1].isdigit() else f"{value}-changed"


def put(item: Object, path: patch.Path, value: Any) -> None:
    node: Any = item
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value


@QUICK
@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False), st.integers(1, 3))
def test_real_changes_are_always_drift_and_exactly_they_are_named(
    item: Object, chance: random.Random, count: int
):
    live = copy.deepcopy(item)
    api_defaults.fill(live, 1)
    before = {d.steps for d in sameness.differences_of(live, item, sameness.LIVE) if not d.rule}
    assert before == set()
    able = changeable(item)
    paths = chance.sample(able, min(count, len(able)))
    for path in paths:
        value: Any = item
        for step in path:
            value = value[step]
        put(live, path, changed(value))
    live = harmless_around(live, chance)
    found = [d for d in sameness.differences_of(live, item, sameness.LIVE) if not d.rule]
    assert {named(live, d.steps) for d in found} == {named(item, p) for p in paths}
    assert len(Judge().fields(live, item)) == len(paths)


def harmless_around(live: Object, chance: random.Random) -> Object:
    """Another order of keys everywhere."""
    if chance.random() < 0.5:
        return live
    return {**dict(reversed(live.items())), "status": {"replicas": 1}}


def named(item: Object, steps: patch.Path) -> tuple[str, ...]:
    """A path with items of lists by their names, which are the same in both objects."""
    found: list[str] = []
    value: Any = item
    for step in steps:
        value = value[step]
        name = isinstance(step, int) and isinstance(value, dict) and value.get("name")
        found.append(str(name or step))
    return tuple(found)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_among_the_samples(kind: str):
    assert any(item["kind"] == kind for item in SAMPLES)
