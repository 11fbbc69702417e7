"""`telford schema` prints and writes one JSON Schema."""

import json
import pathlib

import jsonschema_rs
import pytest
from cli_runs import run


def test_it_prints_a_valid_schema_of_all_kinds(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "schema")
    assert ran.code == 0
    schema = json.loads(ran.out)
    jsonschema_rs.meta.validate(schema)
    assert len(schema["allOf"]) == len(schema["properties"]["kind"]["enum"])


def test_one_kind_takes_its_own_parts_only(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "team.json"
    assert run(capsys, "schema", "--kind", "Team", "--out", str(out)).code == 0
    schema = json.loads(out.read_text())
    assert set(schema["$defs"]) == {"Team", "Team.in", "Link", "Link.in", "Moved", "Moved.in"}


def test_a_kind_that_there_is_not(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "schema", "--kind", "Servise")
    assert ran.code == 2
    assert "did you mean `Service`?" in ran.err
