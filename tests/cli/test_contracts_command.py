"""`telford contracts` lists what is offered to whom, and compares two documents."""

import json
import pathlib

import pytest
from cli_runs import run

ESTATE = pathlib.Path(__file__).resolve().parents[2] / "examples" / "organisation" / "estate"
FILES = ESTATE / "contracts"


def test_contracts_of_an_estate_with_their_consumers(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "contracts", "--estate", str(ESTATE), "--json")
    assert ran.code == 0
    found = {one["address"]: one for one in ran.json["contracts"]}
    timetable = found["contract/booking.timetable"]
    assert timetable["keepers"] == ["service/booking.timetable"]
    assert "service/booking.website" in timetable["consumers"]
    (step,) = timetable["steps"]
    assert (step["from"], step["to"], step["major"]) == ("1.2.0", "2.0.0", True)
    assert "contract/booking.timetable" in run(capsys, "contracts", "--estate", str(ESTATE)).out


def test_two_documents_are_compared(capsys: pytest.CaptureFixture[str]):
    old, new = str(FILES / "timetable-1.json"), str(FILES / "timetable-2.json")
    ran = run(capsys, "contracts", old, new)
    assert ran.code == 1
    assert "property-required" in ran.out
    assert f"{old}:" in ran.out
    assert run(capsys, "contracts", old, old).out == "openapi: 0 breaking, 0 risky\n"


def test_types_are_told_by_the_text(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "a.yaml").write_text("info: {}\nasyncapi: 3.0.0\nchannels: {c: {address: a}}\n")
    (tmp_path / "b.yaml").write_text("asyncapi: 3.0.0\nchannels: {}\n")
    found = run(capsys, "contracts", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--json")
    assert [change["code"] for change in found.json["changes"]] == ["channel-removed"]
    proto = FILES / "charge-1.proto"
    (tmp_path / "c.proto").write_text(proto.read_text().replace("cents = 2", "cents = 9"))
    assert "field-renumbered" in run(capsys, "contracts", str(proto), str(tmp_path / "c.proto")).out


@pytest.mark.parametrize(
    ("text", "code", "problem"),
    [
        ("swagger: '2.0'", 1, "Swagger 2"),
        (None, 2, "no file or folder"),
        ("syntax = ", 1, "protobuf"),
    ],
)
def test_what_is_no_contract_says_so(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    text: str | None,
    code: int,
    problem: str,
):
    other = tmp_path / "other.yaml"
    if text is not None:
        other.write_text(text)
    ran = run(capsys, "contracts", str(FILES / "timetable-1.json"), str(other))
    assert ran.code == code
    assert problem in ran.err
    one = run(capsys, "contracts", str(FILES / "timetable-1.json"))
    assert (one.code, "compare it with what?" in one.err) == (2, True)


def test_its_json_is_plain(capsys: pytest.CaptureFixture[str]):
    old, new = str(FILES / "booking-events-1.json"), str(FILES / "booking-events-2.json")
    ran = run(capsys, "contracts", old, new, "--compatibility", "full", "--json")
    assert json.loads(ran.out)["ok"] is True
