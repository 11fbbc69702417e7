"""Recipes: which one holds for what, why, and what it makes of the road's defaults."""

import typing

import pytest

from telford.basics import resources
from telford.estate import loading, overlays
from telford.estate import place as places
from telford.estate.kinds import paving, standards, structure
from telford.render import registry
from telford.road import architecture, defaults, realisation, recipes, targets
from telford.road.realisation import Realisation

PLACES = """\
apiVersion: telford/v1
kind: Region
name: eu
provider: aws
---
apiVersion: telford/v1
kind: Account
name: live
provider: gcp
---
apiVersion: telford/v1
kind: Environment
name: dev
accounts: [live]
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 1
production: true
regions: [eu]
---
apiVersion: telford/v1
kind: Service
name: orders
tier: 0
run: {image: "x:1"}
---
apiVersion: telford/v1
kind: Datastore
name: orders
engine: postgres
"""


def recipe(name: str, match: str, fields: str) -> str:
    return f"---\napiVersion: telford/v1\nkind: Recipe\nname: {name}\nmatch: {match}\n{fields}\n"


def realised(text: str, place: str = "prod/eu", address: str = "service/orders") -> Realisation:
    loaded = loading.load({"estate.yaml": PLACES + text})
    assert loaded.diagnostics == ()
    binding = overlays.bind(loaded.estate, places.parse(place))
    realiser = recipes.Realiser(binding)
    return realiser.realise(binding.entities[address]) if address else realiser.place()


def cpu(number: int) -> str:
    return f"defaults: {{resources: {{cpu: {number}m}}}}"


ARCHITECTURE = f"---\napiVersion: telford/v1\nkind: Architecture\nname: road\n{cpu(1)}\n"


def test_without_a_word_the_road_holds_and_nothing_is_digested():
    held = realised("")
    assert held == realisation.own()
    assert held.digest == ""


def test_an_architecture_that_repeats_the_road_changes_no_key():
    own = defaults.defaults()
    text = ARCHITECTURE.replace("cpu: 1m", f"cpu: {own.cpu}, memory: {own.memory}")
    held = realised(text)
    assert (held.digest, held.defaults) == ("", own)
    assert held.reasons["defaults.resources.cpu"].recipe == "architecture/road"


MATCHES = [
    ("{name: orders}", True), ("{name: [x, orders]}", True), ("{name: x}", False),
    ("{kind: Service}", True), ("{kind: Datastore}", False), ("{class: http}", True),
    ("{class: [worker, cron]}", False), ("{tier: [0, 1]}", True), ("{tier: 1}", False),
    ("{environment: prod}", True), ("{environment: dev}", False), ("{region: eu}", True),
    ("{provider: aws}", True), ("{provider: gcp}", False), ("{}", True),
    ("{kind: Service, tier: 0, provider: [aws, azure]}", True),
    ("{kind: Service, tier: 0, provider: azure}", False),
]  # fmt: skip


@pytest.mark.parametrize(("match", "held"), MATCHES)
def test_a_recipe_holds_where_every_criterion_does(match: str, held: bool):
    assert (realised(recipe("r", match, cpu(7))).defaults.cpu == "7m") is held


def test_a_place_without_a_region_is_the_providers_of_its_accounts():
    text = recipe("r", "{provider: gcp}", cpu(7))
    assert realised(text, "dev").defaults.cpu == "7m"
    assert realised(text).defaults.cpu == defaults.defaults().cpu


def test_the_class_of_a_store_is_its_engine():
    text = recipe("r", "{class: postgres}", "defaults: {storage: {size: 9Gi}}")
    assert realised(text, address="datastore/orders").defaults.storage_size == "9Gi"
    assert realised(text).digest == ""


def test_the_most_special_recipe_wins_entry_by_entry():
    """More criteria before fewer; of as many, the criterion that comes first in `CRITERIA`."""
    text = ARCHITECTURE
    text += recipe("few", "{name: orders}", cpu(2))
    text += recipe("more", "{kind: Service, tier: 0}", cpu(3))
    assert realised(text).defaults.cpu == "3m"
    text += recipe("other", "{name: orders, provider: aws}", "defaults: {resources: {memory: 1Gi}}")
    held = realised(text)
    assert (held.defaults.cpu, held.defaults.memory) == ("3m", "1Gi")
    text += recipe("named", "{name: orders, environment: prod}", cpu(4))
    held = realised(text)
    assert held.defaults.cpu == "4m"
    said = [reason.recipe for reason in held.said["defaults.resources.cpu"]]
    assert said == ["architecture/road", "recipe/few", "recipe/more", "recipe/named"]


def test_a_reason_says_which_recipe_what_it_matched_and_where_it_is_written():
    text = recipe(
        "r", "{tier: [0, 1], environment: prod}", "why: Because.\nchoices: {traffic: istio}"
    )
    held = realised(text)
    (reason,) = held.reasons.values()
    assert list(held.reasons) == ["choices.traffic"]
    assert (reason.recipe, reason.why) == ("recipe/r", "tier 0, environment prod")
    assert (reason.value, reason.words) == ("istio", "Because.")
    assert reason.position is not None
    line = (PLACES + text).splitlines()[reason.position.line - 1]
    assert line[reason.position.column - 1 :].startswith("traffic: istio")
    assert held.choice("traffic", ("gateway-api",)) == "istio"


def test_what_is_about_the_place_asks_recipes_that_ask_for_a_place_alone():
    text = ARCHITECTURE + recipe("thing", "{environment: prod, kind: Service}", cpu(6))
    assert realised(text, address="").defaults.cpu == "1m"
    text += recipe("place", "{environment: prod}", cpu(7))
    assert realised(text, address="").defaults.cpu == "7m"
    assert realised(text, "dev", address="").defaults.cpu == "1m"


def test_an_overlay_of_a_recipe_holds_in_its_place():
    text = recipe("r", "{name: orders}", cpu(7) + "\nin: {dev: {defaults: {resources: {cpu: 8m}}}}")
    assert realised(text).defaults.cpu == "7m"
    assert realised(text, "dev").defaults.cpu == "8m"


def test_equal_facts_are_looked_at_once():
    """A thousand services that differ in nothing a recipe asks for share one realisation."""
    text = PLACES + ARCHITECTURE + recipe("r", "{tier: 0}", cpu(2))
    for index in range(1000):
        text += f"---\napiVersion: telford/v1\nkind: Service\nname: s{index}\n"
    binding = overlays.bind(loading.load({"e.yaml": text}).estate, places.parse("prod/eu"))
    realiser = recipes.Realiser(binding)
    services = list(binding.of_kind("Service"))
    assert len({id(realiser.realise(bound)) for bound in services}) == 2


def test_an_architecture_is_read_with_the_pins_of_all_documents():
    text = (
        "---\napiVersion: telford/v1\nkind: Architecture\nname: a\nversion: 3\ntargets: [kubernetes]\n"
        "repository: {url: 'https://x.example/y.git', path: deploy}\nissuer: https://x.example\n"
        "choices: {delivery: flux}\ntelemetry: {logs: 'https://l.example'}\n"
    )
    for name, digit in (("one", "1a"), ("two", "2b")):
        pins = f"{{{name}@v1: {{digest: {digit * 20}, date: 2026-11-22}}}}"
        text += f"---\napiVersion: telford/v1\nkind: Pins\nname: {name}\npins: {pins}\n"
    found = architecture.of(loading.load({"e.yaml": text}).estate.entities.values())
    assert (found.name, found.version, found.address) == ("a", "3", "architecture/a")
    assert found.repository == architecture.Repository("https://x.example/y.git", path="deploy")
    assert (found.targets, found.choices) == (("kubernetes",), {"delivery": "flux"})
    assert found.telemetry == architecture.Telemetry(logs="https://l.example")
    assert {name: pin.digest for name, pin in found.pins.items()} == {
        "one@v1": "1a" * 20,
        "two@v1": "2b" * 20,
    }
    pin = found.pins["two@v1"]
    assert pin.position is not None
    assert text.splitlines()[pin.position.line - 1].startswith("pins: {two@v1")
    assert architecture.of(()) is architecture.ROAD


# What an organisation writes is what the road knows.


def test_every_entry_of_the_defaults_can_be_written_in_yaml_and_no_other():
    written = {
        (table, info.alias if table == "engines" else name)
        for table, group in standards.Defaults.model_fields.items()
        for name, info in typing.cast("typing.Any", group.annotation).model_fields.items()
    }
    tables = resources.toml("telford.road", "defaults.toml")
    known = {(table, entry) for table, entries in tables.items() for entry in entries}
    assert {(table, entry.replace("objectStore", "object-store")) for table, entry in written} == (
        known | {("security", "run_as_user")}
    )


def test_every_entry_that_is_written_changes_the_defaults():
    for table, entries in resources.toml("telford.road", "defaults.toml").items():
        for entry in entries:
            other = defaults.with_entries({(table, entry): ["other"]})
            assert other != defaults.defaults(), (table, entry)


def choices_of(annotation: object) -> set[object]:
    """All that a Literal, or a union of Literals, allows."""
    found: set[object] = set()
    for part in typing.get_args(annotation):
        found |= choices_of(part) if typing.get_args(part) else {part}
    return found - {type(None), ...}


def test_the_aspects_and_ways_are_those_of_the_road():
    written = {
        name: choices_of(info.annotation) for name, info in paving.Choices.model_fields.items()
    }
    assert written == {aspect: set(ways) for aspect, ways in realisation.ASPECTS.items()}


def test_the_classes_are_the_types_and_engines():
    fields = [
        structure.Service.model_fields["type"],
        structure.Datastore.model_fields["engine"],
        structure.Stream.model_fields["engine"],
    ]
    known = set().union(*(choices_of(info.annotation) for info in fields))
    assert choices_of(paving.Class) == known


def test_every_criterion_of_a_recipe_has_its_place_in_the_order():
    assert set(recipes.CRITERIA) == set(paving.Criteria.model_fields)


def test_the_rules_know_every_target():
    assert targets.names() == tuple(sorted(registry.BY_NAME)), "name it in road/targets.toml"
