"""The frame: help without weight, exit codes, errors as sentences, JSON envelopes."""

import importlib
import inspect
import json
import pathlib
import subprocess
import sys

import pytest
from cli_runs import run

from telford.basics import errors
from telford.cli import main, output, table
from telford.cli.table import COMMANDS, Command

HEAVY = (
    "pydantic",
    "numpy",
    "scipy",
    "sqlalchemy",
    "dbos",
    "fastapi",
    "rustworkx",
    "yaml",
    "httpx",
)
BUILT = [c for c in COMMANDS if importlib.util.find_spec(f"telford.cli.{c.module}") is not None]


def test_help_lists_every_command_and_imports_nothing_heavy():
    script = (
        "import sys; from telford.cli import main; code = main.run(['--help']);"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]; sys.exit(code or len(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for command in COMMANDS:
        assert f"  {command.verb} " in done.stdout


def test_a_recalled_check_imports_none_of_the_judges(tmp_path: pathlib.Path):
    (tmp_path / "e.yaml").write_text("apiVersion: telford/v1\nkind: Team\nname: t\n")
    script = (
        "import sys; from telford.cli import main; code = main.run(['check']);"
        "print('telford.estate.loading' in sys.modules or 'rustworkx' in sys.modules)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path
        ).stdout.splitlines()
        for _ in range(2)
    ]
    assert [lines[-1] for lines in said] == ["True", "False"]
    assert said[0][0] == said[1][0] == "1 entities in 1 files: good"


@pytest.mark.parametrize("command", BUILT, ids=lambda c: c.verb)
def test_every_command_says_what_it_does_with_an_example_and_takes_json(
    command: Command, capsys: pytest.CaptureFixture[str]
):
    module = importlib.import_module(f"telford.cli.{command.module}")
    assert "Example: telford " in (inspect.getdoc(module.command) or "")
    ran = run(capsys, command.verb, "--help")
    assert ran.code == 0
    assert f"Usage: telford {command.verb}" in ran.out
    assert "--json" in ran.out
    assert ran.err == ""


def test_an_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]):
    ran = run(capsys, "chek")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "telford: there is no command chek\n  fix: did you mean `telford check`?\n"


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "check", "--nope").code == 2
    assert run(capsys, "--nope").code == 2


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "--version").out.startswith("telford 0.")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch):
    """A command that fails in the way it is told to."""

    def install(error: BaseException) -> None:
        def command() -> None:
            """Fail."""
            raise error

        module = type(sys)("telford.cli.failing")
        module.__dict__["command"] = command
        module.__spec__ = importlib.util.find_spec("telford.cli.check")
        monkeypatch.setitem(sys.modules, "telford.cli.failing", module)
        monkeypatch.setattr(main, "COMMANDS", (Command("fail", "failing", ""),))

    return install


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RefusedError("the gate is closed", fix="wait"), 1),
        (errors.UsageError("nonsense", fix="wait"), 2),
        (errors.PermanentError("the disk is full", fix="wait"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_end_has_its_exit_code_and_a_sentence(
    error: BaseException, code: int, failing, capsys: pytest.CaptureFixture[str]
):
    failing(error)
    ran = run(capsys, "fail")
    assert ran.code == code
    assert ran.out == ""
    if code == 130:
        assert ran.err == "interrupted\n"
    else:
        assert ran.err == f"telford: {error}\n  fix: wait\n"


def test_with_json_an_error_is_json_too(failing, capsys: pytest.CaptureFixture[str]):
    failing(errors.RefusedError("no", fix="wait"))
    code = main.run(["fail", "--json"])
    out = capsys.readouterr().out
    # `fail` has no such option: that, too, is said in JSON.
    assert code == 2
    assert json.loads(out)["error"]["kind"] == "UsageError"


def test_a_bug_is_a_sentence_with_a_log_and_no_traceback(
    failing, capsys: pytest.CaptureFixture[str]
):
    failing(ZeroDivisionError("oops"))
    ran = run(capsys, "fail")
    assert ran.code == 3
    assert "this is a bug in telford (ZeroDivisionError: oops)" in ran.err
    assert "Traceback" not in ran.err
    log = pathlib.Path(ran.err.split("details in ")[1].strip())
    assert "ZeroDivisionError" in log.read_text()
    log.unlink()


def test_a_bug_shows_its_traceback_where_that_is_asked_for(
    failing, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TELFORD_DEBUG", "1")
    failing(ZeroDivisionError("oops"))
    assert "Traceback" in run(capsys, "fail").err


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("apiVersion: telford/v1\nkind: Team\nname: t\n", "telford check"),
        ("apiVersion: apps/v1\nkind: Deployment\n", "telford import"),
        ("", "telford demo"),
    ],
)
def test_telford_alone_says_the_next_three_commands_for_the_folder(
    text: str, first: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    if text:
        (tmp_path / "a.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    ran = run(capsys)
    assert ran.code == 0
    steps = [line for line in ran.out.splitlines() if line.startswith("  telford")]
    assert len(steps) == 3
    assert steps[0].strip().startswith(first)


def test_verbs_and_modules_are_listed_once():
    assert len({c.verb for c in COMMANDS}) == len({c.module for c in COMMANDS}) == len(COMMANDS)


def test_a_table_in_a_pipe_is_never_cut(capsys: pytest.CaptureFixture[str]):
    output.table(("a", "b"), [("x" * 300, "[bold]not markup[/bold]")])
    out = capsys.readouterr().out
    assert "x" * 300 in out
    assert "[bold]not markup[/bold]" in out
    assert "\x1b" not in out


def test_json_carries_its_version_first(capsys: pytest.CaptureFixture[str]):
    output.json({"a": 1})
    output.json_line({"b": 2})
    first, second = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert list(json.loads(first)) == ["version", "a"]
    assert json.loads(second) == {"version": 1, "b": 2}


def test_the_slow_half_of_a_command_is_imported_by_the_table():
    assert table.load("telford.basics.errors") is errors


def test_a_full_disk_behind_the_output_is_a_sentence_and_no_bug():
    with open("/dev/full", "w") as full:  # noqa: PTH123  # a device, opened as a shell would
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from telford.cli.main import main; import sys; sys.argv[1:] = ['--help']; main()",
            ],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 3
    assert "No space left on device" in done.stderr
    assert "bug" not in done.stderr
