"""`telford diff`: the answer for people and for programs, exit codes and errors."""

import pathlib
import subprocess

import pytest
from cli_runs import run

from optional import require_tool

TEXT = """\
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
regions: [eu, us]
---
apiVersion: telford/v1
kind: Region
name: eu
---
apiVersion: telford/v1
kind: Region
name: us
---
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: System
name: store
owner: shop
---
apiVersion: telford/v1
kind: Service
name: catalogue
system: store
owner: shop
run: {image: shop/catalogue:1.0.0}
---
apiVersion: telford/v1
kind: Service
name: orders
system: store
owner: shop
tier: 1
uses: [{service: catalogue, timeout: 1s}]
run: {image: shop/orders:1.0.0}
"""


def git(folder: pathlib.Path, *arguments: str) -> None:
    names = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
    command = [require_tool("git"), "-C", str(folder), *names, *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def estate(tmp_path: pathlib.Path) -> pathlib.Path:
    """The sample under Git, in a folder of a repository."""
    folder = tmp_path / "work" / "estate"
    folder.mkdir(parents=True)
    (folder / "all.yaml").write_text(TEXT)
    git(tmp_path / "work", "init", "-q", "-b", "main")
    git(tmp_path / "work", "add", "-A")
    git(tmp_path / "work", "commit", "-qm", "one")
    return folder


def test_the_work_tree_is_the_second_side_as_it_is(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Uncommitted changes and files that Git does not know yet count."""
    (estate / "all.yaml").write_text(TEXT.replace("shop/catalogue:1.0.0", "shop/catalogue:2"))
    (estate / "new.yaml").write_text("apiVersion: telford/v1\nkind: Team\nname: new\n")
    ran = run(capsys, "diff", "main", "--estate", str(estate))
    assert ran.code == 0
    assert "~ service/store.catalogue changed: restart" in ran.out
    assert "run.image: shop/catalogue:1.0.0 -> shop/catalogue:2  [restart] everywhere" in ran.out
    assert f"at main:{estate}/all.yaml:34:14 -> {estate}/all.yaml:34:14" in ran.out
    assert "+ team/new added: ownership" in ran.out
    assert ran.out.rstrip().endswith("-> work tree: 1 added, 1 changed")


def test_programs_get_every_position_and_an_exit_code(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "all.yaml").write_text(TEXT.replace("shop/catalogue:1.0.0", "shop/catalogue:2"))
    ran = run(capsys, "diff", "main", "--json", "--exit-code", "--estate", str(estate))
    assert ran.code == 1
    (change,) = ran.json["changes"]
    assert change["address"] == "service/store.catalogue"
    assert change["fields"][0]["before"]["line"] == 34
    assert set(change["touches"]) == {"services", "teams", "objectives", "environments"}
    same = run(capsys, "diff", "main", "main", "--exit-code", "--estate", str(estate))
    assert (same.code, "nothing changed" in same.out) == (0, True)


def test_what_an_error_hides_is_left_out_and_said(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A document that cannot be read is not called removed."""
    (estate / "all.yaml").write_text(TEXT.replace("tier: 1\n", "tier: many\n"))
    ran = run(capsys, "diff", "main", "--json", "--estate", str(estate))
    assert ran.json["unread"] == ["service/store.orders"]
    assert "service/store.orders" not in [c["address"] for c in ran.json["changes"]]
    assert len(ran.json["after"]["errors"]) >= 1
    said = run(capsys, "diff", "main", "--estate", str(estate))
    assert "what they hide is left out" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "there is no revision nope"),
        (["main", "--in", "mars"], "neither side has a place mars"),
        (["main", "--kind", "Planet"], "there is no kind Planet"),
    ],
)
def test_a_wrong_question_is_answered_with_what_there_is(
    estate: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    ran = run(capsys, "diff", *arguments, "--estate", str(estate))
    assert (ran.code, message in ran.err, "fix:" in ran.err) == (2, True, True)


def test_only_one_place_is_looked_at_where_asked(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (estate / "all.yaml").write_text(TEXT.replace("shop/catalogue:1.0.0", "shop/catalogue:2"))
    ran = run(capsys, "diff", "main", "--in", "prod", "--json", "--estate", str(estate))
    assert ran.json["changes"][0]["places"] == ["prod/eu", "prod/us"]


def test_an_empty_revision_is_refused(capsys, estate):
    """`diff "$BASE"` with the variable unset must not pass for no change."""
    ran = run(capsys, "diff", "", "--estate", str(estate))
    assert ran.code == 2
    assert "empty" in ran.err


CONTRACT = """\
apiVersion: telford/v1
kind: Team
name: pricing
---
apiVersion: telford/v1
kind: Contract
name: prices
owner: team/pricing
type: openapi
versions: [{version: 1.0.0, file: prices.json}]
"""
API = (
    '{"openapi": "3.0.0", "info": {"title": "p", "version": "1.0.0"},'
    ' "paths": {"/prices": {"get": {"responses": {"200": {"description": "ok"}}}}}}'
)


def test_a_document_that_a_contract_names_is_compared_by_what_it_breaks(capsys, estate):
    """The contract says the same file name in both; what the file offers is not the same."""
    (estate / "contract.yaml").write_text(CONTRACT)
    (estate / "prices.json").write_text(API)
    git(estate, "add", "-A")
    git(estate, "commit", "-qm", "two")
    (estate / "prices.json").write_text(API.replace(", ", ",\n"))
    same = run(capsys, "diff", "HEAD", "--exit-code", "--estate", str(estate))
    assert same.code == 0
    (estate / "prices.json").write_text(API.replace("/prices", "/costs"))
    ran = run(capsys, "diff", "HEAD", "--json", "--exit-code", "--estate", str(estate))
    assert ran.code == 1
    (change,) = ran.json["changes"]
    assert change["address"] == "contract/prices"
    (field,) = change["fields"]
    assert field["effect"] == "promise"
    assert "breaks callers" in field["new"]
    assert "/prices" in field["new"]
