"""`telford matrix`: one thing across all places, differences first, whatever the terminal is like."""

import pathlib
import re

import pytest
from cli_runs import run

from telford.app import matrix as use_case
from telford.cli import matrix
from telford.estate import loading

ESTATE = """\
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: staging
order: 2
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 3
regions: [eu, us, asia]
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
kind: Region
name: asia
---
apiVersion: telford/v1
kind: Service
name: orders
run:
  image: orders:1
  replicas: 2
  env: {LEVEL: info, A.B: x}
in:
  staging: null
  prod: {run: {replicas: 4, env: {LEVEL: null}}}
  prod/us: {run: {replicas: 6}}
"""


def of(text: str, *fields: str) -> use_case.Matrix:
    return use_case.matrix(loading.load({"a.yaml": text}).estate, "service/orders", fields)


def test_places_with_the_same_values_share_a_column_and_differences_stand_first() -> None:
    found = of(ESTATE)
    assert [(c.places, c.absent) for c in found.columns] == [
        (("dev",), False),
        (("prod/eu", "prod/asia"), False),
        (("prod/us",), False),
        (("staging",), True),
    ]
    assert [row.field for row in found.different] == ["run.env.LEVEL", "run.replicas"]
    replicas = found.rows[1]
    assert [(c.value, c.layer, str(c.position)) for c in replicas.cells] == [
        (2, "base", "a.yaml:34:13"),
        (4, "prod", "a.yaml:38:26"),
        (6, "prod/us", "a.yaml:39:29"),
    ]


def test_what_is_deleted_somewhere_says_the_layer_that_does() -> None:
    (row,) = of(ESTATE, "run.env.LEVEL").rows
    assert [(cell.value, cell.layer) for cell in row.cells] == [("info", "base"), (None, "prod")]


def test_fewer_fields_give_fewer_columns() -> None:
    """Places differ only in what is looked at; keys with dots are fields like others."""
    assert [c.places for c in of(ESTATE, "run.image").present] == [
        ("dev", "prod/eu", "prod/us", "prod/asia")
    ]
    assert [row.field for row in of(ESTATE, "run.env").rows] == ["run.env.LEVEL", "run.env[A.B]"]


@pytest.fixture
def estate(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "all.yaml").write_text(ESTATE)
    return tmp_path


def test_the_table_folds_what_is_the_same(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "matrix", "service/orders", "--estate", str(estate))
    assert "4 (prod)" in ran.out
    assert "run.image" not in ran.out
    assert "does not exist in staging" in ran.out
    assert "fields the same everywhere it exists (4 places); --all lists them" in ran.out
    everything = run(capsys, "matrix", "service/orders", "--all", "--estate", str(estate))
    assert "run.image" in everything.out


def test_programs_get_values_layers_and_lines(
    estate: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = run(capsys, "matrix", "service/orders", "run.replicas", "--json", "--estate", str(estate))
    (row,) = ran.json["rows"]
    assert row["differs"] is True
    assert row["cells"][1]["layer"] == "prod"
    assert ran.json["columns"][-1] == {"places": ["staging"], "absent": True}


@pytest.mark.parametrize(("width", "tables"), [(200, 1), (60, 1), (45, 2), (34, 3), (20, 0)])
def test_it_fits_the_terminal(
    estate: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    tables: int,
) -> None:
    """Fewer columns at a time, and a list where not even one fits; no line is ever longer."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(matrix.sys.stdout, "isatty", lambda: True, raising=False)
    ran = run(capsys, "matrix", "service/orders", "run", "--estate", str(estate))
    text = re.sub(r"\x1b\[\d*m", "", ran.out)
    assert len(re.findall("^ +field ", text, re.MULTILINE)) == tables
    for value in ("2", "4 (prod)", "6 (prod/us)", "info"):
        assert value in text
    told = ("fields the same", "field the same", "does not exist")
    drawn = [line for line in text.splitlines() if not any(word in line for word in told)]
    if tables:
        assert max(map(len, drawn)) <= width


def test_an_estate_without_places_says_what_to_do(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "apiVersion: telford/v1\nkind: Service\nname: orders\n"
    (tmp_path / "all.yaml").write_text(text)
    ran = run(capsys, "matrix", "service/orders", "--estate", str(tmp_path))
    assert (ran.code, "has no environment" in ran.err) == (2, True)
    (tmp_path / "all.yaml").write_text(ESTATE)
    ran = run(capsys, "matrix", "service/orders", "run.wings", "--estate", str(tmp_path))
    assert (ran.code, "has no field run.wings" in ran.err) == (2, True)
