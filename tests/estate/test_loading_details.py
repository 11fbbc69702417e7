"""Loading: heads, foreign documents, order, free keys, and one diagnostic a mistake."""

import pytest

from telford import api
from telford.basics.diagnostics import Severity
from telford.estate import loading

HEAD = "apiVersion: telford/v1\nkind: Service\nname: orders\n"


def found(text: str, **more: str) -> list[tuple[str, int, int]]:
    loaded = loading.load({"a.yaml": text, **{f"{k}.yaml": v for k, v in more.items()}})
    return [(d.code, d.position.line, d.position.column) for d in loaded.diagnostics if d.position]


def test_foreign_documents_of_a_file_are_one_warning():
    text = "apiVersion: v1\nkind: Service\n---\napiVersion: apps/v1\nkind: Deployment\n---\n" + HEAD
    loaded = loading.load({"a.yaml": text})
    assert [(d.code, d.severity) for d in loaded.diagnostics] == [("TEL111", Severity.WARNING)]
    assert loaded.diagnostics[0].summary.startswith("2 documents")
    assert list(loaded.estate.entities) == ["service/orders"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Service\nname: a\n", [("TEL111", 1, 1)]),
        ("apiVersion: telford/v1\nname: a\n", [("TEL112", 1, 1)]),
        ("apiversion: telford/v1\nkind: Team\nname: a\n", [("TEL113", 1, 1)]),
        ("apiVersion: telford/v1\nKind: Team\nname: a\n", [("TEL113", 2, 1)]),
        ("apiVersion: telfrod/v1\nkind: Team\nname: a\n", [("TEL111", 1, 13)]),
        ("apiVersion: 1\nkind: Team\nname: a\n", [("TEL111", 1, 13)]),
        ("apiVersion: telford/v1\nkind: [Team]\nname: a\n", [("TEL112", 2, 7)]),
        ("services: {}\n", [("TEL110", 1, 1)]),
        ("just text\n", [("TEL110", 1, 1)]),
        (HEAD + "owner:\n", []),
        (HEAD + "in:\n", []),
        (HEAD + "in: [prod]\n", [("TEL115", 4, 5)]),
        (HEAD + "in: {prod: 3}\n", [("TEL115", 4, 12)]),
        (HEAD + "name: other\n", [("TEL101", 4, 1)]),
        (HEAD + "run: {ports: [{name: http}]}\n", [("TEL114", 4, 15)]),
        (HEAD + "run: {env: {A: }}\n", [("TEL115", 4, 16)]),
        (HEAD + "run: {ports: [null]}\n", [("TEL115", 4, 15)]),
        (HEAD + "run: {env: {A: {config: c, secret: s}}}\n", [("TEL119", 4, 16)]),
        (HEAD + "run: {disruption: {minAvailable: 25}}\n", []),
        (HEAD + "run: {disruption: {minAvailable: 2.5}}\n", [("TEL116", 4, 34)]),
        (HEAD + "run: {disruption: {minAvailable: a lot}}\n", [("TEL116", 4, 34)]),
        (HEAD + "run: {replicas: -1}\n", [("TEL119", 4, 17)]),
        (HEAD + "run: {replicas: {min: 1, max: -2}}\n", [("TEL119", 4, 31)]),
        (HEAD + "run: {replicas: [1]}\n", [("TEL115", 4, 17)]),
        (HEAD + "tier: 1.5\n", [("TEL115", 4, 7)]),
        (HEAD + "tier: true\n", [("TEL115", 4, 7)]),
        (HEAD + "labels: {a: 1}\n", [("TEL115", 4, 13)]),
        (HEAD + "labels: {x-a: b}\n", []),
        (HEAD + "x-any: {thing: [1, {at: all}]}\n", []),
        (HEAD + "run: {x-own: 1, health: {x-own: 2}}\n", []),
        (HEAD + "run: {health: {ready: {path: /, prot: 1}}}\n", [("TEL113", 4, 33)]),
    ],
)  # fmt: skip
def test_one_mistake_is_one_diagnostic_at_its_token(
    text: str, expected: list[tuple[str, int, int]]
):
    assert found(text) == expected


def test_the_second_of_two_equal_addresses_is_reported_with_both_places():
    loaded = loading.load({"b.yaml": HEAD, "a.yaml": HEAD})
    assert [str(d.position) for d in loaded.diagnostics] == ["b.yaml:3:7"]
    assert loaded.diagnostics[0].detail == "the first is at a.yaml:3:7"


def test_a_file_that_is_no_yaml_hides_nothing_of_the_others():
    assert found("a: 'b", b=HEAD + "tear: 1\n")[-1] == ("TEL113", 4, 1)


def test_diagnostics_come_in_the_order_of_files_lines_and_columns():
    loaded = loading.load(dict.fromkeys(("b", "a", "c"), HEAD + "b: 1\na: 2\n"))
    keys = [d.position for d in loaded.diagnostics]
    assert keys == sorted(keys, key=lambda p: (p.file, p.line, p.column) if p else ("", 0, 0))


def test_an_anchor_used_twice_is_blamed_once():
    text = HEAD + "x-shared: &env {A: 1}\nrun: {env: *env, sidecars: [{name: s, env: *env}]}\n"
    assert [code for code, _, _ in found(text)] == ["TEL115"]


def test_windows_line_ends_change_nothing():
    assert found((HEAD + "teir: 1\n").replace("\n", "\r\n")) == [("TEL113", 4, 1)]


def test_the_estate_has_one_digest_whatever_the_files_are_called():
    one = loading.load({"a": HEAD, "b": HEAD.replace("orders", "x")}).estate.digest
    other = loading.load({"c": HEAD.replace("orders", "x") + "---\n" + HEAD}).estate.digest
    assert one == other


def test_the_interface_for_python_programs_reads_judges_and_resolves():
    environment = "apiVersion: telford/v1\nkind: Environment\nname: prod\n---\n"
    text = environment + HEAD + "road: as-found\nin: {prod: {tier: 1}}\n"
    loaded = api.load({"estate.yaml": text})
    assert api.check({"estate.yaml": text}) == loaded.diagnostics == ()
    spec = api.bind(loaded.estate, api.Place("prod")).entities["service/orders"].spec
    assert spec.model_dump()["tier"] == 1
    explanation = api.explain(loaded.estate, "service/orders", "tier", "prod")
    assert explanation.origins[0].decided.layer == "prod"
