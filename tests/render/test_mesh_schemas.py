"""What gateways, meshes and scalers are told is accepted by the resource types of their projects."""

import collections
import copy
from typing import Any

import custom_schemas
import mesh_estates
import pytest

from telford.render import registry

# How many objects of each estate at least, or nothing would be proven.
LEAST = {
    "gateway-api": {
        "shop": 8,
        "boutique": 4,
        "organisation": 20,
        "online-boutique": 0,
        "govuk": 30,
    },
    "istio": {"shop": 60, "boutique": 60, "organisation": 300, "online-boutique": 30, "govuk": 800},
    "linkerd": {
        "shop": 60,
        "boutique": 60,
        "organisation": 60,
        "online-boutique": 30,
        "govuk": 100,
    },
    "keda": {"shop": 4, "boutique": 3, "organisation": 8, "online-boutique": 0, "govuk": 0},
}


def _problems(estate: str, target: str) -> list[str]:
    objects = mesh_estates.objects(estate, target)
    assert len(objects) >= LEAST[target][estate]
    return [said for item in objects for said in custom_schemas.errors(item)]


@pytest.mark.proves(
    "gateway-api",
    tool="the Gateway API's own types and validation (npm @kubernetes-models/gateway-api)",
    shows="every Gateway, route and grant of three estates and of real ones is valid",
)
@pytest.mark.parametrize("estate", [*mesh_estates.EXAMPLES, *mesh_estates.REAL])
def test_the_gateway_api_accepts_every_object(estate: str):
    assert _problems(estate, "gateway-api") == []


@pytest.mark.proves(
    "istio",
    tool="Istio's own resource schemas (npm @kubernetes-models/istio)",
    shows="every resource of three estates and of real ones is valid",
)
@pytest.mark.parametrize("estate", [*mesh_estates.EXAMPLES, *mesh_estates.REAL])
def test_istio_accepts_every_object(estate: str):
    assert _problems(estate, "istio") == []


@pytest.mark.proves(
    "linkerd",
    tool="schemas written by hand after Linkerd's resource definitions",
    shows="every resource of three estates and of real ones has their fields and no others",
)
@pytest.mark.parametrize("estate", [*mesh_estates.EXAMPLES, *mesh_estates.REAL])
def test_every_object_has_the_fields_that_linkerd_knows(estate: str):
    assert _problems(estate, "linkerd") == []


@pytest.mark.proves(
    "keda",
    tool="KEDA's own types and validation (npm @kubernetes-models/keda)",
    shows="every scaler of three estates and of real ones is valid",
)
@pytest.mark.parametrize("estate", [*mesh_estates.EXAMPLES, *mesh_estates.REAL])
def test_keda_accepts_every_object(estate: str):
    assert _problems(estate, "keda") == []


@pytest.mark.parametrize("target", sorted(LEAST))
def test_a_broken_object_of_each_target_is_refused(target: str):
    """Or the tests above would prove nothing."""
    objects = mesh_estates.objects("shop", target)
    for kind in sorted({item["kind"] for item in objects}):
        item = copy.deepcopy(next(item for item in objects if item["kind"] == kind))
        item["spec"]["speling"] = True
        assert custom_schemas.errors(item), kind


@pytest.mark.parametrize("target", sorted(LEAST))
def test_every_object_says_what_it_was_made_of(target: str):
    objects = mesh_estates.objects("organisation", target)
    assert objects
    assert all("telford.dev/address" in item["metadata"]["annotations"] for item in objects)


@pytest.mark.parametrize("estate", mesh_estates.EXAMPLES)
@pytest.mark.parametrize("mesh", ["istio", "linkerd"])
def test_what_is_built_together_makes_no_object_twice(estate: str, mesh: str):
    """The shop and the boutique by what is built, the organisation by what it chose."""
    built = ("gateway-api", "keda", "kubernetes", mesh)
    for scene in mesh_estates.scenes(estate, "", built):
        found = collections.Counter(
            _key(item)
            for target in built
            for unit in registry.BY_NAME[target].in_place(scene).units
            for item in unit.objects()
        )
        assert [key for key, count in found.items() if count > 1] == []


def _key(item: dict[str, Any]) -> tuple[str, str, str, str]:
    """What an object is called in a cluster: its group, not its version."""
    metadata = item["metadata"]
    group = item["apiVersion"].rpartition("/")[0]
    return group, item["kind"], metadata.get("namespace", ""), metadata["name"]
