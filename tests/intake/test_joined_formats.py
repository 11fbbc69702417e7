"""Several formats that speak of one thing give one document; what they differ on is said."""

import re
from dataclasses import replace
from typing import Any

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.intake import joining
from telford.intake.imported import (
    Document,
    Edge,
    Fate,
    Imported,
    Options,
    Ownership,
    Report,
    Status,
)
from telford.road import conventions

OPTIONS = Options(fallback="stray")


def service(name: str, system: str = "stray", file: str = "k8s.yaml", **more: Any) -> Document:
    value = {"apiVersion": "telford/v1", "kind": "Service", "name": name, "system": system}
    owner = {"owner": "team/unassigned"} | more
    return Document(f"{system}/{name}.yaml", value | owner, (Position(file, 1, 1),))


def system(name: str) -> Document:
    value = {"apiVersion": "telford/v1", "kind": "System", "name": name, "owner": "team/unassigned"}
    return Document("systems.yaml", value)


def part(*documents: Document, **more: Any) -> Imported:
    return Imported(documents, Report(**more), ())


def joined(*parts: Imported) -> dict[str, Any]:
    answer = joining.join(parts, OPTIONS)
    found = {
        str(d.value["name"]): d.value for d in answer.documents if d.value["kind"] == "Service"
    }
    assert len(found) == sum(d.value["kind"] == "Service" for d in answer.documents)
    return found


def test_a_descriptor_fills_in_what_a_manifest_does_not_say():
    found = joined(
        part(service("cart", run={"image": "cart:1"})),
        part(service("cart", owner="team/shop", tier=1, run={"image": "other"})),
    )
    assert found["cart"]["owner"] == "team/shop"
    assert found["cart"]["tier"] == 1
    assert found["cart"]["run"] == {"image": "cart:1"}


def test_a_contradiction_is_reported_once_with_its_place():
    answer = joining.join(
        [
            part(service("cart", owner="team/a", run={"image": "x"})),
            part(service("cart", owner="team/b", file="b.yaml", run={"image": "y"})),
        ],
        OPTIONS,
    )
    assert [item.code for item in answer.diagnostics] == ["TEL691", "TEL691"]
    assert {item.position.file for item in answer.diagnostics if item.position} == {"b.yaml"}
    assert any("run.image" in item.summary for item in answer.diagnostics)


def test_what_has_no_system_follows_the_one_that_knows():
    use = {"service": "stray.cart", "inferred": {"from": "env CART"}}
    answer = joining.join(
        [
            part(
                system("stray"),
                service("cart"),
                service("front", uses=[use]),
                edges=(Edge("service/stray.front", "service/stray.cart", "env CART"),),
                fates=(Fate("f", 1, "Deployment/cart", "a", Status.MAPPED, "service/stray.cart"),),
            ),
            part(system("shop"), service("cart", "shop", "catalog.yaml")),
        ],
        OPTIONS,
    )
    values = {(d.value["kind"], d.value["name"]): d.value for d in answer.documents}
    assert values["Service", "cart"]["system"] == "shop"
    assert values["Service", "front"]["uses"][0]["service"] == "shop.cart"
    assert answer.report.edges[0].target == "service/shop.cart"
    assert answer.report.fates[0].to == "service/shop.cart"
    assert ("System", "stray") in values


def test_a_name_that_two_systems_have_stays_where_it_is():
    found = joining.join(
        [part(service("cart")), part(service("cart", "a"), service("cart", "b"))], OPTIONS
    )
    systems = {d.value["system"] for d in found.documents if d.value["kind"] == "Service"}
    assert systems == {"stray", "a", "b"}


def test_a_declared_dependency_needs_no_inference():
    inferred = {"service": "cart", "inferred": {"from": "env CART"}}
    declared = {"service": "cart", "critical": False}
    found = joined(part(service("front", uses=[inferred])), part(service("front", uses=[declared])))
    assert found["front"]["uses"] == [{"service": "cart", "critical": False}]


def test_what_nobody_owns_goes_to_the_owner_of_its_files():

    rule = Ownership("", re.compile("^shop/"), ("shop",), Position("CODEOWNERS", 1, 1))
    owners = Imported((), Report(), (), (rule,))
    found = joined(part(service("cart", file="shop/k8s.yaml"), service("x", file="y.yaml")), owners)
    assert found["cart"]["owner"] == "team/shop"
    assert found["x"]["owner"] == "team/unassigned"


def test_open_keys_of_both_are_kept():
    found = joined(
        part(service("a", **{"x-compose": {"b": 1}})), part(service("a", **{"x-other": 2}))
    )
    assert found["a"]["x-compose"] == {"b": 1}
    assert found["a"]["x-other"] == 2


def test_joining_loses_no_leaf():
    fates = tuple(Fate("f", i, "Kind/x", str(i), Status.MAPPED) for i in range(5))
    answer = joining.join([part(fates=fates), part(fates=fates[:2])], OPTIONS)
    assert len(answer.report.fates) == 7


def called(name: str, what: str, **more: Any) -> Document:
    return replace(service(name, **more), called=what)


def test_two_things_of_one_format_that_get_the_same_name_both_survive_and_are_told():
    fates = tuple(
        Fate("c.yaml", 1, what, "x", Status.MAPPED, "service/stray.a-b")
        for what in ("Component/a_b", "Component/A.B")
    )
    one = part(
        called("a-b", "Component/a_b", tier=1),
        called("a-b", "Component/A.B", tier=2),
        fates=fates,
    )
    answer = joining.join([one], OPTIONS)
    first, second = (document.value for document in answer.documents)
    assert (first["name"], first["tier"], second["tier"]) == ("a-b", 1, 2)
    assert second["name"].startswith("a-b-")
    assert [item.code for item in answer.diagnostics] == ["TEL614"]
    assert "Component/A.B" in answer.diagnostics[0].summary
    assert [fate.to for fate in answer.report.fates] == [
        "service/stray.a-b",
        f"service/stray.{second['name']}",
    ]


def test_what_a_format_describes_twice_is_one_and_is_told_where_it_differs():
    twice = [called("a", "Component/a", tier=1), called("a", "Component/a", owner="team/x")]
    answer = joining.join([part(*twice)], OPTIONS)
    (only,) = answer.documents
    assert (only.value["tier"], only.value["owner"]) == (1, "team/x")
    assert [item.code for item in answer.diagnostics] == ["TEL614"]
    assert not joining.join([part(twice[0], twice[0])], OPTIONS).diagnostics


def test_one_format_that_knows_a_name_in_two_systems_means_two_things():
    answer = joining.join([part(service("api"), service("api", "shop", tier=1))], OPTIONS)
    assert {(d.value["system"], d.value.get("tier")) for d in answer.documents} == {
        ("stray", None),
        ("shop", 1),
    }


def test_a_project_that_only_its_folder_names_is_joined_with_what_names_its_system():
    compose = part(
        service("cart", "cart-folder", uses=[{"service": "db"}, {"service": "api"}]),
        service("db", "cart-folder", tier=1),
        service("db", "other-folder", tier=2),
        service("api", "cart-folder"),
        service("api", "other-folder"),
    )
    compose = replace(compose, guessed=frozenset({"cart-folder", "other-folder"}))
    known = part(service("cart", "shop", owner="team/shop"), service("api", "shop"))
    answer = joining.join([compose, known, part(service("cart", tier=3))], OPTIONS)
    found = {(d.value["system"], d.value["name"]): d.value for d in answer.documents}
    # Two folders have an `api`, so nobody knows which of them is the one of the shop.
    assert {one for one in found if one[1] == "api"} == {
        ("cart-folder", "api"),
        ("other-folder", "api"),
        ("shop", "api"),
    }
    cart = found["shop", "cart"]
    assert (cart["owner"], cart["tier"]) == ("team/shop", 3)
    # It meant the ones beside it, and says so now that it is somewhere else.
    assert cart["uses"] == [{"service": "cart-folder.db"}, {"service": "cart-folder.api"}]
    assert ("stray", "cart") not in found


def test_a_dependency_that_two_formats_know_is_there_once():
    found = joined(
        part(service("cart", "shop", uses=[{"service": "db", "inferred": {"from": "env X"}}])),
        part(service("cart", "shop", uses=[{"service": "shop.db"}])),
    )
    assert found["cart"]["uses"] == [{"service": "db"}]


def test_what_has_a_port_is_no_worker():
    port = [{"name": "web", "ports": [{"port": 80}]}]
    parts = [part(service("a", type="worker")), part(service("a", type="http", endpoints=port))]
    answer = joining.join(parts, OPTIONS)
    assert answer.documents[0].value["type"] == "http"
    assert [item.code for item in answer.diagnostics] == ["TEL606"]


def test_only_what_nobody_owns_in_the_end_is_said_to_be_unowned():
    note = Diagnostic("TEL606", Severity.INFO, "2 things belong to team/unassigned: a, b")
    first = replace(part(service("a"), service("b")), diagnostics=(note,))
    answer = joining.join([first, part(service("a", owner="team/x"))], OPTIONS)
    (item,) = answer.diagnostics
    assert item.summary == "1 things belong to team/unassigned: service/stray.b"


def test_what_one_format_heard_of_and_another_describes_is_not_inferred():
    heard = {conventions.ANNOTATION_INFERRED_FROM: "the service of SLO/a"}
    stand_in = service("a", annotations=heard)
    found = joined(part(service("a", tier=1)), part(stand_in))
    assert "annotations" not in found["a"]
    found = joined(part(stand_in), part(service("a", annotations={"x": "y"})))
    assert found["a"]["annotations"] == {"x": "y"}
    assert joined(part(stand_in))["a"]["annotations"] == heard
