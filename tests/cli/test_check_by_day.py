"""`telford check --day` judges what runs out by that day, and keeps the days apart in its cache."""

import pathlib

import pytest
from cli_runs import run

DRILL = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Drill
name: restore
owner: team/shop
scenario: A disk is gone.
every: 30d
last: "2026-01-01"
"""


def test_what_is_overdue_depends_on_the_day(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "estate.yaml").write_text(DRILL)
    early = run(capsys, "check", str(tmp_path), "--day", "2026-01-31", "--json").json
    late = run(capsys, "check", str(tmp_path), "--day", "2026-02-01", "--json").json
    assert early["diagnostics"] == []
    assert [d["summary"] for d in late["diagnostics"]] == [
        "the drill was due 1 day ago (every 30d)"
    ]
    assert run(capsys, "check", str(tmp_path), "--day", "2026-01-31", "--json").json == early


def test_a_day_that_is_none(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "check", str(tmp_path), "--day", "soon")
    assert ran.code == 2
    assert "soon is no day" in ran.err
