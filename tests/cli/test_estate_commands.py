"""`check`, `explain` and `graph` on the example shop and on estates with mistakes."""

import pathlib

import pytest
from cli_runs import run

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHOP = str(ROOT / "examples" / "shop" / "estate")
MISTAKES = str(ROOT / "tests" / "golden" / "mistakes" / "estate")


def test_the_shop_has_nothing_wrong(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "check", "--estate", SHOP)
    assert ran.code == 0
    assert ran.out.endswith("good\n")
    assert run(capsys, "check", SHOP, "--json").json["diagnostics"] == []


def test_mistakes_are_shown_with_line_marker_and_fix(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "check", "--estate", MISTAKES, "--no-cache")
    assert ran.code == 1
    assert "15 | teir: 1 #! TEL113 teir\n    | ^^^^\n  fix: did you mean `tier`?" in ran.out
    assert "39 errors, 1 warning" in ran.out


def test_the_json_view_counts_and_places_everything(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "check", "--estate", MISTAKES, "--json")
    assert ran.code == 1
    found = ran.json
    assert (found["version"], found["ok"], found["errors"], found["warnings"]) == (1, False, 39, 1)
    assert set(found["diagnostics"][0]) == {
        "code", "severity", "address", "file", "line", "column", "source", "summary", "detail", "fix",
    }  # fmt: skip


def test_the_second_check_of_the_same_texts_says_the_same(capsys: pytest.CaptureFixture[str]):
    first = run(capsys, "check", "--estate", MISTAKES)
    second = run(capsys, "check", "--estate", MISTAKES)
    assert first == second


def test_a_changed_text_is_checked_again(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "e.yaml"
    path.write_text("apiVersion: telford/v1\nkind: Team\nname: t\n")
    assert run(capsys, "check", str(tmp_path)).code == 0
    path.write_text("apiVersion: telford/v1\nkind: Team\nname: T\n")
    assert run(capsys, "check", str(tmp_path)).code == 1


def test_a_damaged_cache_costs_time_only(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    first = run(capsys, "check", "--estate", MISTAKES)
    entries = list((tmp_path / "telford-cache" / "check").iterdir())
    assert len(entries) == 1
    for damage in ("", "[]", "{}", '{"diagnostics": [{}]}', "\x00"):
        entries[0].write_text(damage)
        assert run(capsys, "check", "--estate", MISTAKES) == first


def test_warnings_fail_where_strictness_is_asked_for(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "e.yaml").write_text("apiVersion: apps/v1\nkind: Deployment\n")
    assert run(capsys, "check", str(tmp_path)).code == 0
    assert run(capsys, "check", str(tmp_path), "--strict").code == 1


def test_a_folder_that_is_not_there_is_a_usage_error(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "check", "--estate", "/nowhere/at/all")
    assert ran.code == 2
    assert ran.err.startswith("telford: there is no file or folder /nowhere/at/all")


def test_the_estate_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("TELFORD_ESTATE", SHOP)
    assert run(capsys, "check").code == 0


def test_explain_shows_the_chain_and_points_at_what_is_in_force(capsys: pytest.CaptureFixture[str]):
    where = ("--in", "prod/eu-west-1", "--estate", SHOP)
    ran = run(capsys, "explain", "service/orders", "run.resources.requests.cpu", *where)
    assert ran.code == 0
    assert ran.out.startswith(
        "service/shop.orders run.resources.requests.cpu in prod/eu-west-1 = 500m\n"
    )
    decided = next(line for line in ran.out.splitlines() if "=>" in line)
    assert decided.split()[:3] == ["=>", "prod", "500m"]
    assert "orders.yaml:" in decided


def test_explain_in_json_has_the_same_chain(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "explain", "service/orders", "tier", "--estate", SHOP, "--json")
    found = ran.json
    assert found["address"] == "service/shop.orders"
    assert [link["layer"] for link in found["fields"][0]["chain"]] == ["default", "base"]
    assert found["fields"][0]["value"] == 0


def test_explain_without_a_field_shows_all_fields_with_their_origin(
    capsys: pytest.CaptureFixture[str],
):
    ran = run(capsys, "explain", "service/orders", "--in", "prod/eu-west-1", "--estate", SHOP)
    assert "uses[order-placed].role" in ran.out
    assert "overlays: prod" in ran.out


@pytest.mark.parametrize(
    ("arguments", "fix"),
    [
        (("service/order",), "service/orders"),
        (("service/orders", "tear"), "tier"),
        (("service/orders", "tier", "--in", "prd"), "prod"),
        (("service/orders", "tier", "--in", "a/b/c/d"), "prod"),
    ],
)
def test_explain_helps_with_what_is_not_there(
    arguments: tuple[str, ...], fix: str, capsys: pytest.CaptureFixture[str]
):
    ran = run(capsys, "explain", *arguments, "--estate", SHOP)
    assert ran.code == 2
    assert fix in ran.err


def test_graph_draws_the_tree_of_what_a_service_needs(capsys: pytest.CaptureFixture[str]):
    out = run(capsys, "graph", "service/storefront", "--estate", SHOP).out
    assert out.splitlines()[0] == "service/shop.storefront"
    assert "│  ├─ datastore/shop.orders  [readwrite]" in out


def test_graph_names_what_fails_with_a_service(capsys: pytest.CaptureFixture[str]):
    out = run(capsys, "graph", "service/orders", "--blast-radius", "--estate", SHOP).out
    assert out.startswith("If service/shop.orders fails:")
    assert "team/storefront" in out


@pytest.mark.parametrize(
    ("form", "first"), [("mermaid", "flowchart LR"), ("dot", "digraph estate {")]
)
def test_graph_speaks_the_languages_of_pictures(
    form: str, first: str, capsys: pytest.CaptureFixture[str]
):
    out = run(capsys, "graph", "--format", form, "--estate", SHOP).out
    assert out.splitlines()[0] == first
    assert "service/shop.storefront" in out


def test_graph_in_json_has_nodes_edges_and_reach(capsys: pytest.CaptureFixture[str]):
    found = run(capsys, "graph", "service/orders", "--dependents", "--estate", SHOP, "--json").json
    assert found["direction"] == "dependents"
    assert "service/shop.storefront" in found["nodes"]
    assert {"source", "target", "critical", "kind", "inferred"} <= set(found["edges"][0])
    blast = run(
        capsys, "graph", "service/orders", "--blast-radius", "--format", "json", "--estate", SHOP
    )
    assert set(blast.json["blastRadius"]) == {"entities", "teams", "objectives", "environments"}


@pytest.mark.parametrize(
    "arguments", [("service/orders", "--dependents", "--blast-radius"), ("--dependents",)]
)
def test_graph_refuses_questions_that_make_no_sense(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
):
    assert run(capsys, "graph", *arguments, "--estate", SHOP).code == 2


def test_an_answer_about_an_estate_with_errors_says_so(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "graph", "--estate", MISTAKES)
    assert ran.code == 0
    assert ran.err.startswith("the estate has 39 errors (see `telford check`)")
    assert run(capsys, "graph", "--estate", SHOP).err == ""


def test_a_flood_of_diagnostics_is_cut_for_people_and_whole_in_json(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    head = "apiVersion: telford/v1\nkind: Team\nname: t\n"
    (tmp_path / "e.yaml").write_text(head + "".join(f"zz{n}: 1\n" for n in range(300)))
    assert "... and 100 more: --json has all of them" in run(capsys, "check", str(tmp_path)).out
    assert len(run(capsys, "check", str(tmp_path), "--json").json["diagnostics"]) == 300
