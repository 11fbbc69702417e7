"""Overlays: their order, how they merge, what they may not do, and who set each value."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telford.basics.errors import UsageError
from telford.estate import loading, overlays
from telford.estate.model import Estate
from telford.estate.place import Place

PLACES = """
{apiVersion: telford/v1, kind: Environment, name: dev, order: 1}
---
{apiVersion: telford/v1, kind: Environment, name: prod, order: 2, regions: [eu, us], clusters: [eu/a, eu/b]}
---
{apiVersion: telford/v1, kind: Region, name: eu}
---
{apiVersion: telford/v1, kind: Region, name: us}
---
"""
# From the least special to the most.
ORDER = ["eu", "prod", "prod/eu", "prod/eu/a"]


def service(fields: str) -> Estate:
    text = PLACES + "apiVersion: telford/v1\nkind: Service\nname: orders\nowner: team/t\n" + fields
    loaded = loading.load({"e.yaml": text})
    assert loaded.diagnostics == ()
    return loaded.estate


def resolved(estate: Estate, place: Place) -> dict[str, object]:
    return overlays.bind(estate, place).entities["service/orders"].spec.model_dump(by_alias=True)


@pytest.mark.parametrize("count", range(1, len(ORDER) + 1))
@pytest.mark.parametrize("offset", [0, 1, 2])
def test_the_most_special_overlay_wins_in_whatever_order_they_are_written(count: int, offset: int):
    names = ORDER[:count]
    written = names[offset % count :] + names[: offset % count]
    block = "".join(f"  {name}: {{tier: {ORDER.index(name) + 1}}}\n" for name in written)
    estate = service(f"tier: 0\nin:\n{block}")
    assert resolved(estate, Place("prod", "eu", "a"))["tier"] == count


def test_an_overlay_applies_in_its_places_and_nowhere_else():
    estate = service("tier: 0\nin: {prod/eu: {tier: 1}, us: {tier: 2}}")
    tiers = {str(p): resolved(estate, p)["tier"] for p in overlays.places(estate)}
    assert tiers == {"dev": 0, "prod/eu/a": 1, "prod/eu/b": 1, "prod/us": 2}


def test_places_come_in_the_order_of_their_environments():
    assert [str(p) for p in overlays.places(service(""))] == [
        "dev",
        "prod/eu/a",
        "prod/eu/b",
        "prod/us",
    ]


def test_one_key_may_name_several_places():
    estate = service("tier: 0\nin: {'dev, prod/us': {tier: 3}}")
    tiers = [resolved(estate, p)["tier"] for p in overlays.places(estate)]
    assert tiers == [3, 0, 0, 3]


def test_null_deletes_and_the_default_returns():
    estate = service(
        "tier: 0\nrun: {env: {A: a, B: b}}\nin: {dev: {tier: null, run: {env: {A: null}}}}"
    )
    dev = resolved(estate, Place("dev"))
    assert dev["tier"] == 2
    assert dev["run"]["env"] == {"B": "b"}  # type: ignore[index]


def test_a_list_with_merge_keys_merges_item_by_item_and_grows_at_its_end():
    estate = service(
        "run: {ports: [{port: 80}, {name: admin, port: 90}]}\n"
        "in: {dev: {run: {ports: [{name: admin, port: 91}, {name: http, port: 81}, {name: x, port: 1}]}}}"
    )
    ports = resolved(estate, Place("dev"))["run"]["ports"]  # type: ignore[index]
    assert [(p["name"], p["port"]) for p in ports] == [("http", 81), ("admin", 91), ("x", 1)]


def test_uses_merge_by_their_typed_reference_with_or_without_the_system():
    text = PLACES + (
        "{apiVersion: telford/v1, kind: System, name: shop}\n---\n"
        "apiVersion: telford/v1\nkind: Service\nname: orders\nsystem: shop\n"
        "uses: [{service: a, timeout: 1s}, {datastore: a}]\n"
        "in: {dev: {uses: [{service: shop.a, timeout: 2s}]}}\n"
    )
    estate = loading.load({"e.yaml": text}).estate
    uses = overlays.bind(estate, Place("dev")).entities["service/shop.orders"].spec.uses  # type: ignore[attr-defined]
    assert [(u.service or u.datastore, u.timeout) for u in uses] == [("shop.a", "2s"), ("a", None)]


def test_a_list_without_merge_keys_is_replaced():
    estate = service("run: {args: [a, b]}\nin: {dev: {run: {args: [c]}}}")
    assert resolved(estate, Place("dev"))["run"]["args"] == ("c",)  # type: ignore[index]


def test_a_value_of_another_shape_replaces():
    estate = service("run: {replicas: 3}\nin: {prod: {run: {replicas: {min: 3, max: 9}}}}")
    replicas = resolved(estate, Place("prod", "us"))["run"]["replicas"]  # type: ignore[index]
    assert {key: value for key, value in replicas.items() if value} == {"min": 3, "max": 9}


def test_the_chain_names_every_line_that_had_a_say():
    estate = service("tier: 0\nin:\n  prod/eu: {tier: 1}\n  prod: {tier: 3}\n")
    links = overlays.chain(estate, "service/orders", Place("prod", "eu", "b"), "tier")
    assert [(link.layer, link.value) for link in links] == [
        ("default", 2), ("base", 0), ("prod", 3), ("prod/eu", 1),
    ]  # fmt: skip
    lines = [link.position.line for link in links if link.position]
    assert lines == [14, 17, 16]


def test_the_chain_of_a_list_item_finds_the_same_item_in_every_layer():
    estate = service(
        "run: {ports: [{name: a, port: 1}, {name: b, port: 2}]}\n"
        "in: {dev: {run: {ports: [{name: b, port: 3}]}}}"
    )
    for field in ("run.ports.1.port", "run.ports[b].port", "run.ports[name:b].port"):
        links = overlays.chain(estate, "service/orders", Place("dev"), field)
        assert [(link.layer, link.value) for link in links] == [("base", 2), ("dev", 3)]


def test_a_deleted_value_says_who_deleted_it():
    estate = service("tier: 0\nin: {dev: {tier: null}}")
    links = overlays.chain(estate, "service/orders", Place("dev"), "tier")
    assert [(link.layer, link.value) for link in links] == [
        ("default", 2),
        ("base", 0),
        ("dev", None),
    ]


@pytest.mark.parametrize(
    ("address", "place", "field", "fix"),
    [
        ("service/order", Place("dev"), "tier", "service/orders"),
        ("service/orders", Place("qa"), "tier", "dev, prod"),
        ("service/orders", Place("prod", "ap"), "tier", "eu, us"),
        ("service/orders", Place("dev"), "teir", "tier"),
        ("service/orders", Place("dev"), "run.replica", "run.replicas"),
    ],
)
def test_what_is_not_there_is_a_usage_error_with_a_way_out(
    address: str, place: Place, field: str, fix: str
):
    with pytest.raises(UsageError) as error:
        overlays.chain(service(""), address, place, field)
    assert fix in error.value.fix


def test_entities_without_overlays_for_a_place_are_shared_not_copied():
    estate = service("tier: 0\nin: {prod: {tier: 1}}")
    bound = overlays.bind(estate, Place("dev")).entities["service/orders"]
    assert bound.spec is estate.entities["service/orders"].spec
    assert bound.layers == ()


def test_the_digest_of_an_entity_ignores_overlays_comments_and_order():
    one = service("tier: 0\ntype: http\n").entities["service/orders"].digest
    other = (
        service("# c\ntype: http\ntier: 0\nin: {dev: {tier: 1}}\n")
        .entities["service/orders"]
        .digest
    )
    different = service("tier: 1\ntype: http\n").entities["service/orders"].digest
    assert one == other
    assert one != different


# No test of ours depends on how busy the machine is.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@PATIENT
@given(st.dictionaries(st.sampled_from(["tier", "delivery", "description"]), st.sampled_from(["a", None])),
       st.permutations(["prod", "eu", "prod/eu"]))  # fmt: skip
def test_the_order_of_keys_in_the_block_changes_nothing(base: dict[str, object], order: list[str]):
    layers = {"eu": 1, "prod": 2, "prod/eu": 3}
    block = "".join(
        f"  {name}: {{tier: {layers[name]}, labels: {{l{layers[name]}: x}}}}\n" for name in order
    )
    spec = resolved(service(f"in:\n{block}"), Place("prod", "eu", "a"))
    assert spec["tier"] == 3
    assert spec["labels"] == {"l1": "x", "l2": "x", "l3": "x"}


def test_every_pair_of_layers_is_ordered():
    for weak, strong in itertools.combinations(ORDER, 2):
        estate = service(f"in: {{{strong}: {{tier: 4}}, {weak}: {{tier: 0}}}}")
        assert resolved(estate, Place("prod", "eu", "a"))["tier"] == 4
