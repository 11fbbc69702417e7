"""What people confirmed or refused stays so when the same input is imported again."""

from typing import Any

from telford.estate import editing
from telford.estate.address import Address
from telford.intake import settled
from telford.intake.imported import Document
from telford.intake.settled import Fact, State
from telford.road import yamlout

ORDERS: dict[str, Any] = {
    "apiVersion": "telford/v1",
    "kind": "Service",
    "name": "orders",
    "system": "shop",
    "owner": "team/found",
    "road": "as-found",
    "uses": [
        {"service": "stock", "inferred": {"from": "env STOCK in a.yaml:1"}},
        {"datastore": "db", "inferred": {"from": "env DB in a.yaml:2"}},
        {"service": "mail"},
    ],
    "in": {"prod": {"uses": [{"service": "stock", "inferred": {"from": "env STOCK in b.yaml:9"}}]}},
}
TEAM: dict[str, Any] = {
    "apiVersion": "telford/v1",
    "kind": "Team",
    "name": "found",
    "annotations": {"telford.dev/inferred-from": "label team in a.yaml:3"},
}
ADDRESS = Address("service", "shop", "orders")


def documents() -> list[Document]:
    return [Document("shop/orders.yaml", ORDERS), Document("people.yaml", TEAM)]


def settle(value: dict[str, Any], changes: list[editing.Change]) -> str:
    address = Address(value["kind"].lower(), value.get("system", ""), value["name"])
    return editing.edit(yamlout.document(value), address, changes)


def fact(text: str) -> Fact:
    return next(f for f in settled.of_document(ORDERS) if f.text == text)


def test_only_what_was_inferred_is_a_fact() -> None:
    """One fact a target, with every layer that says it; what is declared is none."""
    facts = settled.of_document(ORDERS)
    assert [(f.title, f.state, f.layers) for f in facts] == [
        ("service/stock", State.OPEN, ("", "prod")),
        ("datastore/db", State.OPEN, ("",)),
    ]
    assert settled.of_document(TEAM)[0].origin == "label team in a.yaml:3"


def test_a_confirmed_dependency_is_confirmed_again_by_an_import() -> None:
    text = settle(ORDERS, settled.confirming(fact("stock")))
    again = settled.apply(documents(), settled.of_texts({"x.yaml": text}))
    uses = again[0].value["uses"]
    assert uses[0]["inferred"] == {"from": "env STOCK in a.yaml:1", "confirmed": True}
    assert again[0].value["in"]["prod"]["uses"][0]["inferred"]["confirmed"] is True
    assert uses[1]["inferred"] == {"from": "env DB in a.yaml:2"}
    assert again[1] == documents()[1]


def test_a_refused_dependency_does_not_come_back() -> None:
    """It is taken out of base and overlays and kept as refused, also by the import after next."""
    text = settle(ORDERS, settled.refusing(fact("stock")))
    facts = settled.of_texts({"x.yaml": text})
    again = settled.apply(documents(), facts)
    value = again[0].value
    assert [use.get("service") or use.get("datastore") for use in value["uses"]] == ["db", "mail"]
    assert "uses" not in value["in"]["prod"]
    assert value["refused"] == [{"service": "stock", "from": "env STOCK in a.yaml:1"}]
    twice = settled.apply(documents(), settled.of_texts({"x.yaml": yamlout.document(value)}))
    assert twice == again


def test_what_the_input_says_no_more_stays_refused() -> None:
    text = settle(ORDERS, settled.refusing(fact("stock")))
    less = {**ORDERS, "uses": [{"service": "mail"}]}
    del less["in"]
    (again,) = settled.apply([Document("x.yaml", less)], settled.of_texts({"x.yaml": text}))
    assert again.value["refused"] == [{"service": "stock", "from": "env STOCK in a.yaml:1"}]


def test_a_refused_one_can_be_confirmed_after_all() -> None:
    text = settle(ORDERS, settled.refusing(fact("db")))
    (refused,) = settled.of_texts({"x": text}).facts
    back = editing.edit(text, ADDRESS, settled.confirming(refused))
    states = {f.text: f.state for f in settled.of_texts({"x": back}).facts}
    assert states == {"db": State.CONFIRMED}


def test_a_refused_team_owns_nothing_again() -> None:
    text = settle(TEAM, settled.refusing(settled.of_document(TEAM)[0]))
    again = settled.apply(documents(), settled.of_texts({"x": text}))
    assert again[0].value["owner"] == "team/unassigned"
    assert again[1].value["annotations"]["telford.dev/settled"] == "refused"


def test_nothing_settled_changes_nothing() -> None:
    texts = {"x.yaml": yamlout.document(ORDERS), "broken.yaml": "a: [", "other.yaml": "[]"}
    assert settled.apply(documents(), settled.of_texts(texts)) == tuple(documents())


def test_what_was_adopted_stays_adopted() -> None:
    """Part of the road, and the whole of it with the selector that must not change."""
    text = settle(ORDERS, [editing.Set(("adopted",), ["probes"])])
    again = settled.apply(documents(), settled.of_texts({"x.yaml": text}))
    assert again[0].value["adopted"] == ["probes"]
    paved = [editing.Set(("road",), "paved"), editing.Set(("run",), {"selector": {"app": "x"}})]
    text = settle(ORDERS, paved)
    found = {**ORDERS, "run": {"image": "orders:2"}}
    known = settled.of_texts({"x.yaml": text})
    (again_one,) = settled.apply([Document("x.yaml", found)], known)
    assert again_one.value["road"] == "paved"
    assert again_one.value["run"] == {"selector": {"app": "x"}, "image": "orders:2"}
