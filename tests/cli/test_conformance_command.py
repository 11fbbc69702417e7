"""`telford conformance` shows shares and differences, and can be a gate."""

import json
import pathlib

import pytest
from cli_runs import run

ESTATE = str(pathlib.Path(__file__).resolve().parents[2] / "examples" / "organisation" / "estate")


def test_every_workload_with_its_share(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "conformance", "--estate", ESTATE)
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert any("100%" in line and "service/booking.website" in line for line in lines)
    assert any("as-found" in line and "all its places" in line for line in lines)
    assert lines[-1].startswith("architecture/tideway 2026.4: ")
    whole = json.loads(run(capsys, "conformance", "--estate", ESTATE, "--json").out)
    assert whole["version"] == 1
    assert whole["architecture"] == {"address": "architecture/tideway", "version": "2026.4"}
    assert {row["road"] for row in whole["rows"]} == {"paved", "as-found"}


def test_one_workload_with_what_differs_and_who_waived_it(capsys: pytest.CaptureFixture[str]):
    where = ("--in", "prod/harbour", "--estate", ESTATE)
    asked = ("conformance", "service/booking.ticket-outbox", *where)
    ran = run(capsys, *asked, "--day", "2026-11-22")
    assert "100% (" in ran.out
    assert "waived (waiver/one-outbox of team/booking, until 2027-06-30)" in ran.out
    assert "booking.yaml:" in ran.out
    later = run(capsys, *asked, "--day", "2027-07-01")
    assert "overridden (waiver/one-outbox of team/booking, expired 2027-06-30)" in later.out
    assert "100% (" not in later.out


def test_it_is_a_gate_where_a_share_is_asked_for(capsys: pytest.CaptureFixture[str]):
    asked = ("conformance", "service/booking.website", "--estate", ESTATE)
    assert run(capsys, *asked, "--at-least", "100").code == 0
    found = ("conformance", "service/ferry-desk.desk", "--estate", ESTATE)
    assert run(capsys, *found, "--at-least", "90").code == 1
    assert run(capsys, *found).code == 0


def test_what_is_no_workload_or_place_is_refused(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "conformance", "team/booking", "--estate", ESTATE)
    assert ran.code == 2
    assert "team/booking is no workload" in ran.err
    ran = run(capsys, "conformance", "--in", "moon", "--estate", ESTATE)
    assert ran.code == 2
    assert "there is no" in ran.err
    assert run(capsys, "conformance", "--day", "soon", "--estate", ESTATE).code == 2


def test_the_ways_of_a_thing_are_explained(capsys: pytest.CaptureFixture[str]):
    place = ("--in", "prod/harbour", "--estate", ESTATE)
    ran = run(capsys, "explain", "service/booking.website", "choices.traffic", *place)
    assert "recipe/harbour" in ran.out
    assert "The machine room has an ingress controller of its own" in ran.out
    ran = run(capsys, "explain", "service/booking.ticket-outbox", "run.history", *place, "--json")
    (field,) = ran.json["fields"]
    assert [link["layer"] for link in field["chain"]] == ["default", "road", "architecture/tideway"]
