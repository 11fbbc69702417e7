"""`telford gates`, `approve`, `refuse`, `withdraw` and `override` over the records of a folder."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator

import pytest
from cli_runs import Ran, run

import stores
from telford.analysis.people import Group
from telford.cli import options
from telford.deliver import gate_settings
from telford.deliver.gates import Gate
from telford.testing.simulation import QUICK, Simulation

ESTATE = """\
apiVersion: telford/v1
kind: Person
name: ann
---
apiVersion: telford/v1
kind: Person
name: bob
email: bob@shop.example
"""
GATES = (
    Gate("sign-off", "approval", "start", gate_settings.pairs(gate_settings.Approval(1))),
    Gate("bake", "soak", "start", gate_settings.pairs(gate_settings.Soak(1e9), Group())),
)
As = Callable[..., Ran]


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[Simulation]:
    """A release that ann started, and the folder of its estate."""
    (tmp_path / "people.yaml").write_text(ESTATE)
    state = tmp_path / ".telford"
    state.mkdir()
    made = Simulation(stores.fresh(state / "store.db"))
    made.release(dataclasses.replace(QUICK, gates=GATES))
    made.step()
    yield made
    made.store.close()


@pytest.fixture
def as_(
    world: Simulation,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> As:
    """Runs a command as somebody."""

    def called(who: str, *words: str) -> Ran:
        monkeypatch.setenv("TELFORD_WHO", who)
        options.settings.cache_clear()
        return run(capsys, *words, "--estate", str(tmp_path))

    return called


def test_gates_say_why_they_are_closed_and_who_could_open_them(as_: As) -> None:
    found = as_("bob", "gates", "orders")
    assert found.code == 0
    assert "sign-off (approval, at start): closed" in found.out
    assert "opens when somebody approves: anybody of the estate, and not ann" in found.out
    assert "who may approve: person/bob" in found.out
    assert "by itself" in found.out
    assert found.out.rstrip().endswith("it waits for: sign-off, bake")


def test_two_people_let_a_release_go(as_: As, world: Simulation) -> None:
    refused = as_("ann", "approve", "r1", "--reason", "it is mine")
    assert (refused.code, refused.out) == (1, "")
    assert "somebody else must approve" in refused.err
    assert "who can: person/bob" in refused.err
    assert as_("bob@shop.example", "refuse", "r1", "--reason", "too late").code == 0
    assert as_("bob", "withdraw", "r1").code == 0
    assert as_("bob", "approve", "r1", "--reason", "checked").code == 0
    done = as_("ann", "override", "r1", "--gate", "bake", "--reason", "an outage", "--json")
    assert done.code == 0
    assert done.json["waits_for"] == []
    assert done.json["act"] == {
        "verb": "override", "gate": "bake", "who": "ann", "person": "person/ann",
        "reason": "an outage",
    }  # fmt: skip
    assert world.run().phase == "promoted"


def test_what_makes_no_sense_is_a_usage_error(as_: As) -> None:
    assert as_("bob", "approve", "r1").code == 2
    assert as_("bob", "approve", "nothing", "--reason", "x").code == 2
    wrong = as_("bob", "approve", "r1", "--gate", "x", "--reason", "x")
    assert wrong.code == 2
    assert "its gates: sign-off, bake" in wrong.err
    nobody = as_("root", "approve", "r1", "--reason", "x")
    assert nobody.code == 1
    assert "TELFORD_WHO" in nobody.err


def test_json_has_every_gate_and_choice(as_: As) -> None:
    found = as_("bob", "gates", "r1", "--json").json
    assert (found["moment"], found["waits_for"]) == ("start", ["sign-off", "bake"])
    first, second = found["gates"]
    assert [one["verb"] for one in first["choices"]] == ["approve", "refuse"]
    assert second["moments"][0]["until"] > 1e6
