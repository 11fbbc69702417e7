"""What single rules say at their edges."""

import pytest

from telford.app import loading
from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate import codes
from telford.estate.codes import document, documents, service
from telford.rules import schedules


def found(text: str) -> tuple[Diagnostic, ...]:
    texts = files.Texts(texts={"e.yaml": codes.PRELUDE + text})
    return loading.of_texts(texts).diagnostics


@pytest.mark.parametrize(
    "text",
    ["* * * * *", "*/5 0-6 1,15 jan-mar mon-fri", "0 0 * * 7", "@daily", "5/10 * ? * ?", "0 4 31 1,6 *",
     "0 4 31 2 mon"],
)  # fmt: skip
def test_a_schedule_that_can_run_is_one(text: str):
    assert schedules.problem(text) == ""


@pytest.mark.parametrize(
    "text",
    ["", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
     "*/0 * * * *", "5-1 * * * *", "a * * * *", "@often", "0 0 30 2 *", "- * * * *", "1,,2 * * * *",
     "* * * * mon-", "٣ * * * *"],
)  # fmt: skip
def test_a_schedule_that_cannot_run_is_refused_with_a_reason(text: str):
    assert schedules.problem(text)


def test_a_dangling_reference_names_the_nearest_thing():
    text = service("uses: [{service: catalouge}]") + "---\n" + document("Service", "catalogue", "")
    assert [d.fix for d in found(text)] == ["did you mean `catalogue`?"]


def test_a_reference_to_the_wrong_kind_names_the_right_one():
    text = documents(
        service("uses: [{service: book}]"), document("Datastore", "book", "engine: sqlite")
    )
    assert "datastore/book" in found(text)[0].fix


def test_an_ambiguous_reference_lists_every_candidate():
    systems = [f"apiVersion: telford/v1\nkind: System\nname: {n}\nowner: team/shop\n" for n in "ab"]
    twins = [document("Service", "twin", f"system: {n}") for n in "ab"]
    diagnostic = found(documents(*systems, *twins, service("uses: [{service: twin}]")))[0]
    assert diagnostic.code == "TEL131"
    assert "a.twin, b.twin" in diagnostic.summary


def test_a_bare_name_means_the_same_system_first():
    systems = [f"apiVersion: telford/v1\nkind: System\nname: {n}\nowner: team/shop\n" for n in "ab"]
    twins = [document("Service", "twin", f"system: {n}") for n in "ab"]
    assert found(documents(*systems, *twins, service("system: a\nuses: [{service: twin}]"))) == ()


def test_a_reference_to_a_document_with_errors_is_not_a_second_mistake():
    broken = document("Service", "catalogue", "tier: first")
    assert [d.code for d in found(documents(service("uses: [{service: catalogue}]"), broken))] == [
        "TEL115"
    ]


def test_a_cycle_shows_its_way_round_and_is_reported_once():
    text = documents(
        service("uses: [{service: b}]"),
        document("Service", "b", "uses: [{service: c}]"),
        document("Service", "c", "uses: [{service: orders}, {service: b}]"),
    )
    diagnostics = found(text)
    assert [d.code for d in diagnostics] == ["TEL141"]
    assert "service/b -> service/c -> service/b" in diagnostics[0].detail


def test_a_cycle_of_as_found_services_is_a_warning():
    text = documents(
        service("road: as-found\nuses: [{service: b}]"),
        document("Service", "b", "road: as-found\nuses: [{service: orders}]"),
    )
    assert [d.severity for d in found(text)] == [Severity.WARNING]


def test_a_cycle_that_only_an_overlay_closes_says_where():
    text = documents(
        "apiVersion: telford/v1\nkind: Environment\nname: prod\n",
        service(
            "uses: [{service: b, critical: false}]\nin: {prod: {uses: [{service: b, critical: true}]}}"
        ),
        document("Service", "b", "uses: [{service: orders}]"),
    )
    diagnostics = found(text)
    assert [d.code for d in diagnostics] == ["TEL141"]
    assert diagnostics[0].detail.endswith("(in prod)")


def test_what_is_as_found_needs_no_owner_and_what_is_paved_does():
    bare = "apiVersion: telford/v1\nkind: Service\nname: x\n"
    assert [d.code for d in found(bare)] == ["TEL134"]
    assert found(bare + "road: as-found\n") == ()


def test_a_system_of_as_found_things_only_needs_no_owner():
    system = "apiVersion: telford/v1\nkind: System\nname: a\n"
    member = "apiVersion: telford/v1\nkind: Service\nname: x\nsystem: a\nroad: as-found\n"
    assert found(system + "---\n" + member) == ()


def test_the_same_mistake_in_three_places_is_reported_once():
    places = "".join(
        f"apiVersion: telford/v1\nkind: Environment\nname: {name}\norder: {n}\n---\n"
        for n, name in enumerate(("dev", "staging", "prod"))
    )
    overlays = "in: {dev: {tier: 1}, staging: {tier: 2}, prod: {tier: 3}}"
    text = places + service(f"run: {{ports: [{{port: 1}}, {{name: b, port: 1}}]}}\n{overlays}")
    assert [d.code for d in found(text)] == ["TEL160"]


def test_a_mistake_that_an_overlay_makes_says_in_which_place():
    text = documents(
        "apiVersion: telford/v1\nkind: Environment\nname: prod\n",
        service("run: {ports: [{port: 1}]}\nin: {prod: {run: {ports: [{name: b, port: 1}]}}}"),
    )
    assert [(d.code, d.detail) for d in found(text)] == [("TEL160", "in prod")]
