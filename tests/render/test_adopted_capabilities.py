"""What something as-found adopts of the road: exactly what a capability says, and nothing replaced."""

import copy
import typing
from typing import Any

import pytest
from kubernetes_schemas import errors, versions

from telford.estate import loading, overlays
from telford.estate.kinds import structure
from telford.render import registry
from telford.render.kubernetes import adopted, target
from telford.road import capabilities, found, patch, yamlout

HEAD = """\
apiVersion: telford/v1
kind: Environment
name: prod
production: true
---
apiVersion: telford/v1
kind: Service
name: stock
system: shop
road: as-found
labels: {app: stock}
run: {image: "stock:1", ports: [{port: 80}]}
endpoints: [{name: stock, ports: [{port: 80}]}]
---
"""
ORDERS = """\
apiVersion: telford/v1
kind: Service
name: orders
system: shop
owner: team/a
road: as-found
labels: {app: orders}
uses: [{service: stock}]
run:
  container: server
  image: orders:1
  replicas: 3
  ports: [{port: 8080}]
  resources: {requests: {cpu: 300m}}
  sidecars: [{name: proxy, image: "proxy:1"}]
"""
CRON = """\
apiVersion: telford/v1
kind: Service
name: nightly
type: cron
road: as-found
labels: {app: nightly}
run: {image: "nightly:1", schedule: "0 3 * * *", restart: Never}
"""


def built(document: str, address: str) -> list[dict[str, Any]]:
    """The objects of one thing in prod."""
    loaded = loading.load({"a.yaml": HEAD + document})
    assert not [d for d in loaded.diagnostics if d.severity == "error"], loaded.diagnostics
    binding = overlays.bind(loaded.estate, overlays.places(loaded.estate)[0])
    (unit,) = target.entity(registry.scene(binding, [target.NAME]), address).units
    assert unit is not None
    bound = binding.entities[address]
    workload = target.found_workload(binding, address, bound)
    if workload is None:
        return list(found.objects(bound.spec))
    made = list(adopted.objects(workload))
    assert unit.make() == yamlout.documents(made)
    return made


def with_adopted(document: str, *names: str) -> str:
    return document + f"adopted: [{', '.join(names)}]\n"


def leaves(objects: list[dict[str, Any]]) -> dict[tuple[Any, ...], Any]:
    named = {f"{item['kind']}/{item['metadata']['name']}": item for item in objects}
    return dict(patch.leaves(named))


def differences(names: tuple[str, ...], document: str = ORDERS) -> dict[str, Any]:
    """Dotted path -> value of every leaf that adopting adds; nothing else may differ."""
    address = "service/nightly" if document is CRON else "service/shop.orders"
    before = leaves(built(document, address))
    after = leaves(built(with_adopted(document, *names), address))
    assert {key: after[key] for key in before if after.get(key) != before[key]} == {}
    return {".".join(map(str, key)): value for key, value in after.items() if key not in before}


POD = "Deployment/orders.spec.template.spec"


def test_every_capability_is_described_and_has_a_name_in_the_model() -> None:
    names = [one.name for one in capabilities.every()]
    assert names == list(typing.get_args(structure.Capability))
    assert all(one.why and one.adds for one in capabilities.every())


def test_probes_are_added_to_the_main_container_only() -> None:
    found_paths = differences(("probes",))
    probed = {path.split(".")[5] + "." + path.split(".")[6] for path in found_paths}
    assert probed == {"0.readinessProbe", "0.livenessProbe", "0.startupProbe"}
    assert found_paths[f"{POD}.containers.0.readinessProbe.httpGet.port"] == 8080


def test_what_is_written_stays_and_decides_about_the_rest() -> None:
    """A request that is there is kept; the limit follows from the memory that is added."""
    assert differences(("resources",)) == {
        f"{POD}.containers.0.resources.requests.memory": "128Mi",
        f"{POD}.containers.0.resources.limits.memory": "128Mi",
        f"{POD}.containers.1.resources.requests.cpu": "50m",
        f"{POD}.containers.1.resources.requests.memory": "128Mi",
        f"{POD}.containers.1.resources.limits.memory": "128Mi",
    }
    ready = ORDERS + "  health: {ready: {path: /up, port: 8080}}\n"
    added = differences(("probes",), ready)
    assert f"{POD}.containers.0.readinessProbe.periodSeconds" not in added
    assert added[f"{POD}.containers.0.startupProbe.httpGet.path"] == "/up"


def test_selectors_and_labels_that_were_found_stay() -> None:
    """Immutable selectors keep selecting; policies and spread use the labels that pods have."""
    after = {
        item["kind"]: item
        for item in built(
            with_adopted(ORDERS, "labels", "spread", "disruption", "network"), "service/shop.orders"
        )
    }
    pods = {"app": "orders"}
    assert after["Deployment"]["spec"]["selector"]["matchLabels"] == pods
    spread = after["Deployment"]["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {str(one["labelSelector"]["matchLabels"]) for one in spread} == {str(pods)}
    assert after["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == pods
    policy = after["NetworkPolicy"]
    assert policy["spec"]["podSelector"]["matchLabels"] == pods
    assert policy["spec"]["egress"][1]["to"] == [{"podSelector": {"matchLabels": {"app": "stock"}}}]
    assert "namespace" not in policy["metadata"]


def test_a_dependency_that_is_only_inferred_makes_no_policy() -> None:
    guessed = ORDERS.replace("{service: stock}", "{service: stock, inferred: {from: env STOCK}}")
    made = differences(("network",), guessed)
    assert not any("egress" in path for path in made)


def test_one_replica_is_neither_spread_nor_guarded() -> None:
    single = ORDERS.replace("  replicas: 3\n", "")
    assert differences(("spread", "disruption"), single) == {}
    assert differences(("replicas",), single) == {"Deployment/orders.spec.replicas": 2}


def test_a_cron_gets_limits_and_no_probes() -> None:
    made = differences(("jobs",), CRON)
    assert made == {
        "CronJob/nightly.spec.concurrencyPolicy": "Forbid",
        "CronJob/nightly.spec.jobTemplate.spec.backoffLimit": 3,
        "CronJob/nightly.spec.jobTemplate.spec.ttlSecondsAfterFinished": 86400,
    }
    spec = structure.Service.model_validate(
        {"kind": "Service", "name": "nightly", "type": "cron", "road": "as-found"}
    )
    assert "probes" not in [one.name for one in capabilities.of(spec)]


@pytest.mark.parametrize(
    ("document", "address"), [(ORDERS, "service/shop.orders"), (CRON, "service/nightly")]
)
def test_everything_adopted_is_valid_kubernetes(document: str, address: str) -> None:
    names = [one.name for one in capabilities.every()]
    for item in built(with_adopted(document, *names), address):
        assert [said for version in versions() for said in errors(item, version)] == []


def test_adopting_in_any_order_or_twice_gives_the_same_objects() -> None:
    names = [one.name for one in capabilities.every()]
    one = built(with_adopted(ORDERS, *names), "service/shop.orders")
    other = built(with_adopted(ORDERS, *reversed(names), *names), "service/shop.orders")
    assert leaves(one) == leaves(other)


def test_nothing_adopted_changes_nothing() -> None:
    loaded = loading.load({"a.yaml": HEAD + ORDERS})
    spec = copy.copy(loaded.estate.entities["service/shop.orders"].spec)
    assert built(ORDERS, "service/shop.orders") == list(found.objects(spec))
