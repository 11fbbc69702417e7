"""From a delivery's gates to what a release freezes: addresses whole, windows written out."""

import datetime as dt

from app_estates import ESTATE

from telford.analysis.people import Group
from telford.app import gate_policy, workloads
from telford.app.loading import of_texts
from telford.backends import files
from telford.deliver import gate_settings
from telford.deliver.gates import Gate
from telford.estate import overlays
from telford.estate.kinds.change import Delivery
from telford.estate.model import Binding
from telford.estate.place import Place
from telford.road.holding import Days, Hours

MORE = """
---
apiVersion: telford/v1
kind: Delivery
name: careful
system: shop
owner: team/shop
steps: [{weight: 10%}]
gates:
  - {name: budget, budget: {factor: 2}}
  - name: sign-off
    approval: {count: 2, by: [team/shop], level: P5, forbid: [person/ann]}
  - {name: hours, at: [step], window: {}, override: {level: P6}}
  - {name: sale, window: {of: [sale]}}
  - {name: bake, soak: {time: 30m}}
  - {name: stock, dependency: {on: service/stock, objectives: watch, version: "2.0", offers: {contract: stock-api, version: "2"}}}
  - name: qa
    webhook: {url: "https://qa.example/{version}", expect: [{at: /ok, equals: true}], signedWith: QA_KEY, limit: 5s}
  - {name: check, command: {run: [python, check.py], env: {A: "1"}}}
  - {name: change, record: {pattern: 'CHG-\\d+', lookup: {url: "https://tickets.example/{record}"}}}
in:
  dev: {gates: [{name: bake, soak: {time: 1m}}]}
---
apiVersion: telford/v1
kind: Window
name: nights
owner: team/shop
type: freeze
timezone: Europe/Dublin
weekly: [{days: [sun, mon], from: "22:00", to: "06:00"}]
---
apiVersion: telford/v1
kind: Window
name: sale
owner: team/shop
type: freeze
of: [system/shop]
environments: [prod]
spans: [{first: "2026-11-27", last: "2026-11-30"}]
reason: the great sale
---
apiVersion: telford/v1
kind: Window
name: others
owner: team/shop
type: freeze
of: [service/stock]
spans: [{first: "2026-11-27", last: "2026-11-30"}]
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 1
---
apiVersion: telford/v1
kind: Objective
name: stock-availability
system: shop
owner: team/shop
service: stock
target: 99%
sli: {availability: {}}
---
apiVersion: telford/v1
kind: Contract
name: stock-api
system: shop
owner: team/shop
type: openapi
service: stock
versions:
  - {version: "1", document: {}}
  - {version: "2", document: {}, sunset: "2027-01-01"}
"""


def bound_in(environment: str) -> Binding:
    estate = of_texts(files.Texts({"estate.yaml": ESTATE + MORE})).estate
    return overlays.bind(estate, Place(environment))


def frozen(environment: str = "dev") -> dict[str, Gate]:
    binding = bound_in(environment)
    bound = workloads.one(binding, "orders")
    delivery = binding.entities["delivery/shop.careful"].spec
    assert isinstance(delivery, Delivery)
    return {one.key: one for one in gate_policy.declared(binding, bound, delivery)}


def test_each_gate_is_there_once_for_each_of_its_moments() -> None:
    assert sorted(frozen()) == [
        "bake@promote", "budget@start", "budget@step", "change@start", "check@step", "hours@step",
        "qa@step", "sale@start", "sale@step", "sign-off@promote", "stock@start", "stock@step",
    ]  # fmt: skip


def test_a_budget_is_of_the_services_own_objectives() -> None:
    found = gate_settings.read(gate_settings.Budget, frozen()["budget@step"])
    assert found.factor == 2.0
    assert found.objectives
    assert all(one.startswith("objective/shop.orders") for one in found.objectives)


def test_people_and_overrides() -> None:
    gates = frozen()
    approval = gate_settings.read(gate_settings.Approval, gates["sign-off@promote"])
    assert approval == gate_settings.Approval(2, Group(("team/shop",), "P5", ("person/ann",)))
    assert gate_settings.override(gates["hours@step"]) == Group(level="P6")
    assert gate_settings.override(gates["sign-off@promote"]) is None


def test_windows_are_those_that_hold_for_the_service_here() -> None:
    here = gate_settings.read(gate_settings.Window, frozen()["hours@step"]).rules
    assert [one.name for one in here] == ["nights"]
    assert here[0].zone == "Europe/Dublin"
    assert here[0].hours == (Hours((0, 6), 22 * 60, 6 * 60),)
    there = gate_settings.read(gate_settings.Window, frozen("prod")["hours@step"]).rules
    assert sorted(one.name for one in there) == ["nights", "sale"]
    (named,) = gate_settings.read(gate_settings.Window, frozen()["sale@step"]).rules
    assert (named.spans, named.reason) == ((Days("2026-11-27", "2026-11-30"),), "the great sale")


def test_an_overlay_changes_a_gate_by_its_name() -> None:
    assert gate_settings.read(gate_settings.Soak, frozen()["bake@promote"]).seconds == 60.0
    assert gate_settings.read(gate_settings.Soak, frozen("prod")["bake@promote"]).seconds == 1800.0


def test_a_dependency_knows_what_is_offered() -> None:
    found = gate_settings.read(gate_settings.Dependency, frozen()["stock@step"])
    assert found == gate_settings.Dependency(
        on="service/shop.stock",
        objectives=("objective/shop.stock-availability",),
        worst="watch",
        version="2.0",
        contract="contract/shop.stock-api",
        offers="2",
        offered=("1", "2"),
        sunset=dt.date(2027, 1, 1).isoformat(),
    )


def test_hooks_keep_names_of_variables_and_never_values() -> None:
    hook = gate_settings.read(gate_settings.Webhook, frozen()["qa@step"])
    assert (hook.key, hook.limit) == ("QA_KEY", 5.0)
    assert hook.expect == (gate_settings.Expected("/ok", "true"),)
    command = gate_settings.read(gate_settings.Command, frozen()["check@step"])
    assert (command.run, command.env) == (("python", "check.py"), (("A", "1"),))
    record = gate_settings.read(gate_settings.Record, frozen()["change@start"])
    assert record.lookup is not None
    assert record.lookup.url == "https://tickets.example/{record}"
