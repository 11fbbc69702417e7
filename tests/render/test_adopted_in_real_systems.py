"""Everything that real systems could adopt: it only adds, and Kubernetes takes it."""

import pathlib

import pytest
from kubernetes_schemas import errors, versions

from optional import real_estates
from telford.app import importing, loading
from telford.app.importing import Order
from telford.estate import overlays
from telford.estate.kinds import structure
from telford.estate.model import Binding, Bound
from telford.render.kubernetes import adopted, target
from telford.road import capabilities, found, patch, reach

SYSTEMS = ["online-boutique", "bank-of-anthos", "sock-shop/deploy/kubernetes"]


def bindings(system: str, out: pathlib.Path) -> list[Binding]:
    answer = importing.run(Order((real_estates() / system,), recognised=False), out)
    assert answer.written
    estate = loading.load_folder(out).estate
    return [overlays.bind(estate, place) for place in overlays.places(estate)]


def with_everything(bound: Bound) -> Bound | None:
    spec = bound.spec
    if not isinstance(spec, structure.Service | structure.Datastore) or spec.road != "as-found":
        return None
    names = tuple(one.name for one in capabilities.every())
    return Bound(bound.entity, spec.model_copy(update={"adopted": names}), bound.layers, bound.node)


@pytest.mark.parametrize("system", SYSTEMS)
def test_adopting_everything_only_adds_and_stays_valid(system: str, tmp_path: pathlib.Path) -> None:
    """Every leaf that was found is there with its value; every object satisfies its schema."""
    count = 0
    for binding in bindings(system, tmp_path / "estate"):
        edges = reach.reach(binding, reach.names(binding))
        for address, bound in binding.entities.items():
            more = with_everything(bound)
            workload = more and target.found_workload(binding, address, more, edges)
            if not more or not workload:
                continue
            before = found.objects(bound.spec)
            after = {adopted.title(item): item for item in adopted.objects(workload)}
            for item in before:
                made = after[adopted.title(item)]
                for path, value in patch.leaves(item):
                    assert at(made, path, value), (address, path, value)
            for item in after.values():
                if item["apiVersion"].partition("/")[0] in ("v1", "apps", "batch", "policy"):
                    assert errors(item, versions()[-1]) == [], address
            count += 1
    assert count >= 8


def at(item: object, path: patch.Path, value: object) -> bool:
    """Whether a leaf is still there; an empty collection may have been filled."""
    for step in path:
        item = item[step]  # type: ignore[index]
    return item == value or value in ({}, [])
