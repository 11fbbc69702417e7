"""Plans and states, as ``terraform show -json`` writes them, become an estate."""

import json

import infrastructure_cases as cases
import pytest
from import_cases import errors, loaded

from telford.intake.imported import Imported, Status
from telford.intake.terraform.reading import FORMAT


@pytest.fixture(scope="module", params=["plan", "state"])
def name(request: pytest.FixtureRequest) -> str:
    """The file that is read."""
    return f"shown/{request.param}.json"


@pytest.fixture(scope="module")
def answer(name: str) -> Imported:
    """What one file gives."""
    return cases.read(FORMAT, {name: (cases.FOLDER / name).read_text()})


def test_every_leaf_of_the_file_is_counted_once(name: str, answer: Imported) -> None:
    plain = json.loads((cases.FOLDER / name).read_text())
    assert len(answer.report.fates) >= cases.plain_leaves(plain)
    # The lists that held the resources are empty without them: nothing else is counted besides.
    assert len(answer.report.fates) - cases.plain_leaves(plain) <= 1
    cases.accounted(answer)


def test_the_estate_is_right(answer: Imported) -> None:
    assert errors(loaded(answer)) == []


def test_what_terraform_calls_sensitive_enters_nothing(answer: Imported) -> None:
    assert cases.SECRET not in cases.written(answer)
    reasons = answer.report.reasons()
    assert reasons["terraform calls it sensitive"] >= 1


def _read(name: str) -> Imported:
    return cases.read(FORMAT, {name: (cases.FOLDER / name).read_text()})


def test_a_plan_knows_dependencies_from_its_configuration() -> None:
    answer = _read("shown/plan.json")
    # The last one goes from one module through another, and around a circle on the way.
    assert cases.edges(answer) == {
        ("mailer", "mail-receipts"),
        ("mailer", "mail-reminders"),
        ("invoicer", "mail-receipts"),
    }
    found = cases.documents(answer)
    assert found["datastore/orders"]["machine"] == "db.r6g.large"
    assert found["service/invoicer"]["function"]["memory"] == "256Mi"
    assert "region/eu-west-1" in found


def test_a_state_knows_dependencies_from_addresses() -> None:
    """Neither expression nor reference is left in a state: values name other things' addresses."""
    answer = _read("shown/state.json")
    assert cases.edges(answer) == {("worker", "orders"), ("worker", "sessions")}
    env = cases.documents(answer)["service/worker"]["run"]["env"]
    assert env == {"LEVEL": "info", "DB_PASSWORD": {"secret": "worker", "key": "DB_PASSWORD"}}


def test_a_state_file_as_terraform_keeps_it_is_left_out() -> None:
    text = json.dumps({"version": 4, "terraform_version": "1.11.4", "serial": 3, "lineage": "x"})
    answer = cases.read(FORMAT, {"terraform.tfstate": text})
    assert cases.codes(answer.diagnostics) == ["TEL646"]
    assert cases.count(answer, Status.DROPPED) == 4


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '{"format_version": "9.0", "terraform_version": "x"}',
        '{"format_version": "1.0", "values": 3}',
        '{"format_version": "1.0", "values": {"root_module": {"resources": [3, {"type": []}, {}]}}}',
        '{"format_version": "1.0", "planned_values": {"root_module": {"child_modules": [[]]}}}',
        '{"format_version": {}, "configuration": {"root_module": {"module_calls": 2}}}',
    ],
)
def test_what_is_no_plan_is_told(text: str) -> None:
    answer = cases.read(FORMAT, {"plan.json": text})
    cases.accounted(answer)
