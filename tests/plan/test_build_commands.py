"""`telford build` and `telford plan` as commands: what they print and how they end."""

import json
import pathlib
from typing import Any

import pytest

from telford.cli import main, options

KIOSK = pathlib.Path(__file__).resolve().parents[1] / "golden" / "build-kiosk" / "estate"


@pytest.fixture
def run(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Run a command line on a copy of the kiosk's estate; (exit code, stdout)."""
    monkeypatch.setenv("TELFORD_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TELFORD_ESTATE", raising=False)
    options.settings.cache_clear()
    estate = tmp_path / "estate"
    estate.mkdir()
    (estate / "kiosk.yaml").write_text((KIOSK / "kiosk.yaml").read_text())

    def command(verb: str, *arguments: str) -> tuple[int, str]:
        out = ("--estate", str(estate), "--out", str(tmp_path / "out"))
        return main.run([verb, *out, *arguments]), capsys.readouterr().out

    command.estate = estate / "kiosk.yaml"
    yield command
    options.settings.cache_clear()


def _edit(run: Any, old: str, new: str) -> None:
    text = run.estate.read_text()
    assert old in text
    run.estate.write_text(text.replace(old, new))


def test_build_says_how_many_files_it_wrote_and_then_that_nothing_changed(run: Any):
    code, text = run("build")
    assert code == 0
    assert text.endswith("out: 16 created\n")
    code, text = run("build")
    assert code == 0
    assert text.endswith("out: 16 unchanged\n")


def test_plan_names_the_address_the_file_and_the_fields(run: Any):
    run("build")
    _edit(run, "printer:1.0.4", "printer:1.0.5")
    code, text = run("plan", "--in", "dev")
    assert code == 0
    assert text.startswith("service/kiosk.printer\n  ~ kubernetes/dev/kiosk/printer.yaml\n")
    assert "containers[main].image: registry.example.com/kiosk/printer:1.0.4 -> " in text
    assert text.endswith("0 to create, 1 to change, 0 to delete, 7 unchanged\n")


def test_plan_can_fail_on_a_change(run: Any):
    assert run("plan")[0] == 0
    assert run("plan", "--fail-on-change")[0] == 1
    run("build")
    assert run("plan", "--fail-on-change")[0] == 0


def test_plan_as_json_holds_fields_and_diff(run: Any):
    run("build")
    _edit(run, "counter:2.1.0", "counter:2.2.0")
    code, text = run("plan", "--json", "--diff", "--target", "kubernetes")
    answer = json.loads(text)
    assert code == 0
    assert answer["counts"]["change"] == 2
    assert {action["address"] for action in answer["actions"]} == {"service/kiosk.counter"}
    assert answer["actions"][0]["fields"][-1]["new"].endswith(":2.2.0")
    assert answer["actions"][0]["diff"].startswith("--- a/kubernetes/")


def test_an_edited_file_ends_a_build_with_1_and_is_named(run: Any, tmp_path: pathlib.Path):
    run("build")
    (tmp_path / "out" / "kubernetes" / "dev" / "kiosk" / "printer.yaml").write_text("mine\n")
    code, text = run("build")
    assert code == 1
    assert "TEL520" in text
    assert run("build", "--force")[0] == 0


def test_an_error_in_the_estate_ends_with_1_and_writes_nothing(run: Any, tmp_path: pathlib.Path):
    _edit(run, "tier: 1", "teir: 1")
    code, text = run("build")
    assert code == 1
    assert text.endswith("nothing was written\n")
    assert not (tmp_path / "out").exists()


def test_an_unknown_place_is_a_usage_error(run: Any):
    assert run("build", "--in", "mars")[0] == 2
