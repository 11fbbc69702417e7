"""A patch either does not fit, and says where, or leaves the same object in the same form."""

import random
from typing import Any

import pytest

from telford.road import fitting, patch

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "orders", "namespace": "shop", "labels": {"a": "b"}},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {"name": "main", "image": "x:1", "ports": [{"containerPort": 80}], "args": ["a"]}
                ],
                "tolerations": [{"key": "k"}],
            }
        },
    },
}  # fmt: skip


def wheres(merge: dict[str, Any]) -> list[str]:
    return [found.where for found in fitting.misfits(DEPLOYMENT, merge)]


def inside(containers: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": containers}}}}


POD = "spec.template.spec"


@pytest.mark.parametrize(
    "merge",
    [
        {"metadata": {"labels": {"c": "d", "a": None}, "annotations": {"x": "y"}}},
        {"spec": {"replicas": 3, "paused": True, "strategy": {"type": "Recreate"}}},
        inside([{"name": "main", "image": "y:2", "ports": [{"containerPort": 81}]}]),
        inside([{"name": "proxy", "image": "p:1"}]),
        inside([{"$patch": "replace"}, {"name": "other", "image": "o:1"}]),
        inside([{"name": "main", "args": ["b", "c"]}]),
        {"spec": {"template": {"spec": {"tolerations": [{"key": "k"}, {"key": "l"}]}}}},
        {"spec": {"template": {"spec": {"tolerations": [{"$patch": "each"}, {"effect": "e"}]}}}},
    ],
)
def test_a_patch_that_fits_is_merged(merge: dict[str, Any]):
    assert wheres(merge) == []
    assert patch.merge(DEPLOYMENT, merge) != DEPLOYMENT


@pytest.mark.parametrize(
    ("merge", "where"),
    [
        (inside([{"name": "app", "tty": True}]), f"{POD}.containers[app]"),
        (inside([{"name": "app", "$patch": "delete"}]), f"{POD}.containers[app]"),
        (inside({"name": "main"}), f"{POD}.containers"),
        (inside([{"name": "main", "env": [{"name": "A", "$patch": "delete"}]}]), f"{POD}.containers[main].env[A]"),
        ({"spec": {"replicas": [2]}}, "spec.replicas"),
        ({"metadata": "x"}, "metadata"),
        ({"kind": "Job"}, "kind"),
        ({"spec": {"template": {"spec": {"tolerations": [{"$patch": "each"}]}}}}, f"{POD}.tolerations"),
    ],
)  # fmt: skip
def test_a_patch_that_does_not_fit_says_where(merge: dict[str, Any], where: str):
    assert where in wheres(merge)


def anything(chance: random.Random, depth: int = 0) -> Any:
    """Some value, of words that the object has and of others."""
    words = (
        "name",
        "main",
        "kind",
        "metadata",
        "spec",
        "containers",
        "env",
        "$patch",
        "delete",
        "x",
    )
    pick = chance.randrange(8 if depth < 5 else 5)
    if pick > 5:
        return {
            chance.choice(words): anything(chance, depth + 1) for _ in range(chance.randrange(4))
        }
    if pick == 5:
        return [anything(chance, depth + 1) for _ in range(chance.randrange(4))]
    return (None, 7, chance.choice(words), True, 0.5)[pick]


def test_whatever_is_written_no_patch_breaks_and_what_fits_stays_the_same_object():
    chance = random.Random(7)
    fitted = 0
    for _ in range(4000):
        merge = {"spec": anything(chance), "metadata": anything(chance)}
        if any(True for _ in fitting.misfits(DEPLOYMENT, merge)):
            continue
        fitted += 1
        merged = patch.merge(DEPLOYMENT, merge)
        assert merged["kind"] == "Deployment"
        assert merged["metadata"]["name"] == "orders"
        assert isinstance(merged.get("spec", {}), dict)
    assert fitted > 100
