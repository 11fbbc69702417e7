"""`in: {PLACE: null}`: a thing that does not exist in a place."""

import pytest

from telford.app import loading
from telford.backends import files
from telford.basics.diagnostics import Diagnostic
from telford.basics.errors import UsageError
from telford.estate import overlays, place
from telford.estate.graph import Graph
from telford.estate.model import Estate, Loaded

PLACES = """\
apiVersion: telford/v1
kind: Team
name: shop
---
{apiVersion: telford/v1, kind: Environment, name: dev, order: 1}
---
{apiVersion: telford/v1, kind: Environment, name: prod, order: 2, regions: [eu, us]}
---
{apiVersion: telford/v1, kind: Region, name: eu}
---
{apiVersion: telford/v1, kind: Region, name: us}
---
"""


def service(name: str, fields: str) -> str:
    head = f"apiVersion: telford/v1\nkind: Service\nname: {name}\nowner: team/shop\n"
    return f"{head}{fields}\n"


def load(*documents: str) -> Loaded:
    return loading.of_texts(files.Texts({"e.yaml": PLACES + "---\n".join(documents)}))


def estate(*documents: str) -> Estate:
    loaded = load(*documents)
    assert loaded.diagnostics == ()
    return loaded.estate


def problems(*documents: str) -> list[Diagnostic]:
    return list(load(*documents).diagnostics)


def where(described: Estate, name: str) -> list[str]:
    entity = described.entities[f"service/{name}"]
    return [str(p) for p in overlays.places(described) if not overlays.absent(described, entity, p)]


@pytest.mark.parametrize(
    ("said", "there"),
    [
        ("{prod: null}", ["dev"]),
        ("{dev: ~}", ["prod/eu", "prod/us"]),
        ('{"dev, prod": null}', []),
        ("{us: null}", ["dev", "prod/eu"]),
        ("{prod/us: null}", ["dev", "prod/eu"]),
        ("{prod: null, prod/eu: {tier: 1}}", ["dev", "prod/eu"]),
        ("{prod: null, prod/eu: {}}", ["dev", "prod/eu"]),
        # An environment is more special than a region.
        ("{us: null, prod: {tier: 1}}", ["dev", "prod/eu", "prod/us"]),
        ("{prod: {tier: 1}, prod/us: null}", ["dev", "prod/eu"]),
    ],
)
def test_the_most_special_layer_says_whether_a_thing_exists(said: str, there: list[str]):
    described = estate(service("orders", f"in: {said}"))
    assert where(described, "orders") == there
    for where_ in overlays.places(described):
        bound = overlays.bind(described, where_)
        assert ("service/orders" in bound.entities) == (str(where_) in there)


def test_layers_above_an_absent_one_are_laid_over_the_base():
    described = estate(service("orders", "tier: 3\nin: {prod: null, prod/eu: {type: grpc}}"))
    spec = overlays.bind(described, place.parse("prod/eu")).entities["service/orders"].spec
    assert (spec.tier, spec.type) == (3, "grpc")  # type: ignore[attr-defined]


def test_whoever_asks_for_an_absent_thing_is_told_the_line_that_says_so():
    described = estate(service("orders", "in:\n  prod: null"))
    entity = described.entities["service/orders"]
    prod = place.parse("prod/eu")
    for ask in (
        lambda: overlays.at(described, entity, prod),
        lambda: overlays.resolve(described, entity, prod),
        lambda: overlays.chain(described, "service/orders", prod, "tier"),
    ):
        with pytest.raises(
            overlays.AbsentError, match=r"service/orders does not exist in prod/eu"
        ) as e:
            ask()
        assert "e.yaml:18:3" in str(e.value)
        assert isinstance(e.value, UsageError)
    assert overlays.at(described, entity, None).spec.name == "orders"


@pytest.mark.parametrize(
    "document",
    [
        "kind: Team\nname: t\nin: {prod: null}",
        "kind: Person\nname: p\nin: {prod: null}",
        "kind: System\nname: s\nowner: team/shop\nin: {prod: null}",
        "kind: Environment\nname: qa\norder: 9\nin: {prod: null}",
        "kind: Region\nname: ap\nin: {prod: null}",
        "kind: Account\nname: a\nowner: team/shop\nprovider: aws\nin: {prod: null}",
    ],
)
def test_places_people_and_systems_cannot_be_absent(document: str):
    found = problems(f"apiVersion: telford/v1\n{document}\n")
    assert "TEL125" in [d.code for d in found]


def test_an_overlay_with_nothing_under_it_is_not_taken_for_a_null():
    found = problems(service("orders", "in:\n  prod:\n"))
    assert [(d.code, d.position and d.position.line) for d in found] == [("TEL126", 18)]


def test_a_thing_cannot_both_exist_and_not_exist_in_one_layer():
    found = problems(service("orders", 'in: {prod: null, "prod, dev": {tier: 1}}'))
    assert [d.code for d in found] == ["TEL124"]


def test_a_use_of_what_is_absent_is_an_error_where_it_is_critical_and_names_both_lines():
    found = problems(
        service("orders", "uses: [{service: stock}]"), service("stock", "in:\n  prod: null")
    )
    assert [(d.code, d.severity.value) for d in found] == [("TEL172", "error")]
    only = found[0]
    assert only.position is not None
    assert only.source[only.position.column - 1 :].startswith("stock")
    assert only.detail == "in prod/eu, prod/us; `in` says null for `prod` at e.yaml:24:3"


@pytest.mark.parametrize(
    ("orders", "stock", "expected"),
    [
        ("uses: [{service: stock, critical: false}]", "in: {prod: null}", "warning"),
        ("uses: [{service: stock}]\nin: {prod: null}", "in: {prod: null}", ""),
        ("uses: [{service: stock}]\nin: {prod: null}", "in: {prod: null, dev: null}", "error"),
        ("in: {prod: {uses: [{service: stock}]}}", "in: {prod: null}", "error"),
        ("in: {dev: {uses: [{service: stock}]}}", "in: {prod: null}", ""),
        ("uses: [{service: stock}]\nin: {dev: {uses: null}}", "in: {dev: null}", ""),
        ("uses: [{service: stock}]\nin: {prod/us: null}", "in: {us: null}", ""),
    ],
)
def test_absence_is_compared_place_by_place(orders: str, stock: str, expected: str):
    found = problems(service("orders", orders), service("stock", stock))
    assert [d.severity.value for d in found] == ([expected] if expected else [])


def test_the_graph_of_a_place_has_no_edge_to_what_is_absent():
    described = estate(
        service("orders", "uses: [{service: stock}]\nin: {prod: null}"),
        service("stock", "in: {prod: null}"),
    )
    assert Graph(overlays.bind(described, place.parse("dev"))).edges
    assert not Graph(overlays.bind(described, place.parse("prod/eu"))).edges


def test_absence_is_part_of_what_an_estate_means():
    digests = {
        estate(service("orders", said)).digest
        for said in ("", "in: {prod: null}", "in: {prod: {}}", "in: {dev: null}")
    }
    assert len(digests) == 4
