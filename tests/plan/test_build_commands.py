"""`telford build` and `telford plan` as commands: what they print and how they end."""

import json
import pathlib
import re
from typing import Any

import pytest

from telford.app import plan_markdown
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
    created = re.search(r"out: (\d+) created\n$", text)
    assert created
    code, text = run("build")
    assert code == 0
    assert text.endswith(f"out: {created[1]} unchanged\n")


def test_plan_names_the_address_the_file_and_the_fields(run: Any):
    run("build")
    _edit(run, "printer:1.0.4", "printer:1.0.5")
    code, text = run("plan", "--in", "dev")
    assert code == 0
    cause = f"service/kiosk.printer run.image ({run.estate}:"
    assert text.startswith(
        "1 thing: another version runs\n"
        "1 thing: takes effect when it next runs or is next replaced\n\n"
        "service/kiosk.printer\n"
        "  another version runs\n"
        "  takes effect when it next runs or is next replaced\n"
        f"  ~ kubernetes/dev/kiosk/printer.yaml  <- {cause}"
    )
    assert "containers[main].image: registry.example.com/kiosk/printer:1.0.4 -> " in text
    assert re.search(r"0 to create, 1 to change, 0 to delete, \d+ unchanged\n$", text)


def test_plan_can_fail_on_a_change(run: Any):
    assert run("plan")[0] == 0
    assert run("plan", "--fail-on-change")[0] == 1
    run("build")
    assert run("plan", "--fail-on-change")[0] == 0


def test_plan_can_fail_on_a_meaning(run: Any):
    run("build")
    _edit(run, "printer:1.0.4", "printer:1.0.5")
    assert run("plan", "--fail-on", "loses-data,loosens")[0] == 0
    assert run("plan", "--fail-on", "loosens, releases")[0] == 1
    assert run("plan", "--fail-on", "louder")[0] == 2


def test_plan_as_markdown_is_a_comment(run: Any):
    run("build")
    assert run("plan", "--markdown") == (0, "### Plan: nothing changes\n")
    _edit(run, "printer:1.0.4", "printer:1.0.5")
    code, text = run("plan", "--markdown", "--in", "dev")
    assert code == 0
    assert text.startswith("### Plan: files 1 changed\n\n| things | what it means |\n")
    assert "| 1 | another version runs |\n" in text
    assert f"`service/kiosk.printer run.image` ({run.estate}:" in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.count("```") == 2


def test_a_plan_that_is_longer_than_a_comment_may_be_is_cut_and_closed(
    run: Any, monkeypatch: pytest.MonkeyPatch
):
    run("build")
    _edit(run, "printer:1.0.4", "printer:1.0.5")
    monkeypatch.setattr(plan_markdown, "MAX_CHARACTERS", 450)
    _, text = run("plan", "--markdown")
    assert text.endswith("</details>\n\nThe rest: run `telford plan`.\n")
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0


def test_a_plan_of_a_broken_estate_says_so_as_markdown(run: Any):
    _edit(run, "tier: 1", "teir: 1")
    code, text = run("plan", "--markdown")
    assert code == 1
    assert text.startswith("### Plan: none, for the estate has errors\n\n```text\nerror")


def test_source_names_the_line_of_the_estate(run: Any, tmp_path: pathlib.Path):
    run("build")
    path = "kubernetes/dev/kiosk/printer.yaml"
    lines = (tmp_path / "out" / path).read_text().splitlines()
    number = next(i for i, line in enumerate(lines, 1) if "image:" in line)
    written = run.estate.read_text().splitlines()
    wanted = next(i for i, line in enumerate(written, 1) if "printer:1.0.4" in line)
    code, text = run("source", f"{path}:{number}")
    assert code == 0
    assert re.search(rf"exact +{run.estate}:{wanted} +service/kiosk.printer run.image ", text)
    code, text = run("source", f"{tmp_path / 'out' / path}:{number}", "--json")
    (line,) = json.loads(text)["lines"]
    assert (line["line"], line["origins"][0]["line"]) == (number, wanted)


def test_source_of_a_whole_file_has_every_line(run: Any, tmp_path: pathlib.Path):
    run("build")
    path = "kubernetes/dev/kiosk/printer.yaml"
    found = json.loads(run("source", path, "--json")[1])
    assert found["address"] == "service/kiosk.printer"
    lines = (tmp_path / "out" / path).read_text().splitlines()
    assert [line["text"] for line in found["lines"]] == lines
    assert all(line["origins"] for line in found["lines"])


def test_source_refuses_what_it_cannot_tell(run: Any, tmp_path: pathlib.Path):
    run("build")
    path = "kubernetes/dev/kiosk/printer.yaml"
    assert run("source", "kubernetes/dev/none.yaml:1")[0] == 2
    assert run("source", f"{path}:100000")[0] == 2
    lines = (tmp_path / "out" / path).read_text().splitlines()
    (tmp_path / "out" / path).write_text("\n".join(["mine: 1", *lines]) + "\n")
    assert run("source", f"{path}:1")[0] == 1
    assert run("source", f"{path}:2")[0] == 0


def test_plan_as_json_holds_fields_and_diff(run: Any):
    run("build")
    _edit(run, "counter:2.1.0", "counter:2.2.0")
    code, text = run("plan", "--json", "--diff", "--target", "kubernetes")
    answer = json.loads(text)
    assert code == 0
    assert answer["counts"]["change"] == 2
    assert {action["address"] for action in answer["actions"]} == {"service/kiosk.counter"}
    assert answer["actions"][0]["fields"][-1]["new"].endswith(":2.2.0")
    assert answer["summary"] == {"restarts": 1, "releases": 1}
    assert answer["actions"][0]["meanings"] == ["restarts", "releases"]
    assert answer["actions"][0]["cause"]["field"] == "run.image"
    assert answer["actions"][0]["fields"][-1]["cause"]["how"] == "exact"
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
