"""PriorityClass: who stays when a cluster has too little room, by tier. Called by `target` and
`quotas`.

The classes are from `priorities.toml`. A workload that writes `priorityClass` keeps it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from telford.basics import resources
from telford.estate.kinds import structure
from telford.render.artifacts import Object
from telford.render.scene import Scene
from telford.road import conventions


@dataclass(frozen=True, slots=True)
class Tier:
    """One row of `priorities.toml`; `name` is the class's."""

    tier: int
    name: str
    value: int
    preempts: bool
    description: str
    guarded: bool


@cache
def tiers() -> tuple[Tier, ...]:
    """All of them, the most important first."""
    data = resources.toml("telford.render.kubernetes", "priorities.toml")
    return tuple(Tier(name=f"{data['name']}-{row['tier']}", **row) for row in data["tiers"])


def named(tier: int) -> str:
    """The class of a tier."""
    return next(one.name for one in tiers() if one.tier == tier)


def tier_of(scene: Scene, address: str) -> int:
    """A service's own tier; a data store is as important as the most important of its users."""
    spec = scene.bound(address).spec
    if isinstance(spec, structure.Service):
        return spec.tier
    users = (scene.bound(edge.client).spec for edge in scene.edges.inbound.get(address, ()))
    found = [user.tier for user in users if isinstance(user, structure.Service)]
    return min(found, default=_default())


@cache
def _default() -> int:
    tier: int = resources.toml("telford.render.kubernetes", "priorities.toml")["default"]
    return tier


def classes(address: str) -> Iterator[Object]:
    """The objects; the same in every place, because a cluster that several places share has one of
    each. `address` is what they are part of, "" where nothing in the estate is.
    """
    marks = {"annotations": {conventions.ANNOTATION_ADDRESS: address}} if address else {}
    for one in tiers():
        yield {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {
                "name": one.name,
                "labels": {
                    conventions.LABEL_MANAGED_BY: conventions.MANAGER,
                    conventions.LABEL_TIER: str(one.tier),
                },
                **marks,
            },
            "value": one.value,
            "preemptionPolicy": "PreemptLowerPriority" if one.preempts else "Never",
            "description": one.description,
        }
