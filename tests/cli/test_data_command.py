"""`telford data`: what it shows without records, what it finds, and what it refuses in a sentence."""

import json
import pathlib

import cli_runs
import pytest

import data_plans as plans

ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: dev
---
apiVersion: telford/v1
kind: Datastore
name: book
owner: team/shop
engine: postgres
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
uses: [{{datastore: book, access: readwrite}}]
dataChanges:
  - datastore: book
    url: {url}
    folder: migrations
    steps:
      - {{name: add-email, phase: expand, revision: r1}}
      - name: fill-email
        phase: migrate
        backfill:
          table: customers
          key: id
          statement: UPDATE customers SET email = contact WHERE id BETWEEN :first AND :last
      - {{name: drop-contact, phase: contract, sql: ALTER TABLE customers DROP COLUMN contact}}
"""
GOOD = 'op.add_column("customers", sa.Column("email", sa.Text()))'
BAD = 'op.add_column("customers", sa.Column("email", sa.Text(), nullable=False))'


@pytest.fixture
def estate(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "estate"
    folder.mkdir()
    (folder / "estate.yaml").write_text(ESTATE.format(url="env:BOOK_URL"), encoding="utf-8")
    return folder


def test_the_plan_says_what_happens_when_and_from_where_there_is_no_way_back(
    capsys: pytest.CaptureFixture[str],
    estate: pathlib.Path,
) -> None:
    found = cli_runs.run(capsys, "data", "orders", "plan", "--estate", str(estate))
    assert "add-email (expand) before the new version starts" in found.out
    assert "Once drop-contact has begun there is no way back" in found.out
    found = cli_runs.run(capsys, "data", "orders", "plan", "--json", "--estate", str(estate))
    said = json.loads(found.out)
    assert [one["name"] for one in said["steps"]] == ["add-email", "fill-email", "drop-contact"]


@pytest.mark.parametrize(("upgrade", "code"), [(GOOD, 0), (BAD, 1)])
def test_the_check_names_the_line_of_a_migration_that_does_not_only_expand(
    capsys: pytest.CaptureFixture[str], estate: pathlib.Path, upgrade: str, code: int
) -> None:
    plans.alembic_project(estate / "migrations", ("r1", upgrade, "pass"))
    found = cli_runs.run(capsys, "data", "orders", "check", "--estate", str(estate))
    assert found.code == code, found.out
    said = "add-email (versions/r1.py:12): adds the column email to customers as NOT NULL"
    assert (said in found.out) == bool(code)


def test_an_address_in_the_estate_is_refused_and_the_password_is_not_repeated(
    capsys: pytest.CaptureFixture[str],
    estate: pathlib.Path,
) -> None:
    text = ESTATE.format(url="postgresql://bob:hunter2@db/book")
    (estate / "estate.yaml").write_text(text, encoding="utf-8")
    found = cli_runs.run(capsys, "check", str(estate), "--json")
    assert "write env:VARIABLE" in found.out
    assert "hunter2" not in found.out + found.err


def test_what_cannot_be_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], estate: pathlib.Path
) -> None:
    found = cli_runs.run(capsys, "data", "orders", "dance", "--estate", str(estate))
    assert found.code == 2
    assert "there is no act 'dance'" in found.err
    found = cli_runs.run(capsys, "data", "orders", "--estate", str(estate))
    assert found.code == 1
    assert "nothing has run here yet" in found.err
