"""`telford demo` itself: its exit code, its folder, its screen."""

import contextlib
import dataclasses
import io
import json
import pathlib
import signal
import types
from collections.abc import Iterator
from typing import Any

import ledgers
import pytest
import rich.console

from telford.app import demo, demo_customers, demo_folder, wiring
from telford.app.demo_customers import Seen
from telford.app.settings import Settings
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError, UsageError
from telford.cli import demo as cli
from telford.cli import main, options

SEEN = Seen(sent=9_000, failed={"storefront/1.2.0": 5})


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Iterator[dict[str, Any]]:
    """The command with recorded releases instead of live ones; "bad" may be exchanged."""
    played = {
        "1.1.0": ledgers.recorded("good").played(),
        "1.2.0": ledgers.recorded("bad").played(),
    }
    customers = types.SimpleNamespace(leave=lambda _clock: SEEN, seen=lambda: SEEN)
    monkeypatch.setattr(
        cli,
        "_open",
        lambda stage, ports, crowd, ends: cli._Show(stage, None, customers, "http://portal"),
    )
    monkeypatch.setattr(demo, "play", lambda stage, running, act: played[act.version])
    monkeypatch.setenv("TELFORD_STATE", str(tmp_path / "state"))
    options.settings.cache_clear()
    yield played
    options.settings.cache_clear()


def test_the_exit_code_is_0_where_all_went_as_promised(
    staged: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["demo", "--once"]) == 0
    out = capsys.readouterr().out
    assert "storefront 1.2.0: rolled back after 19 s" in out
    assert "customers saw 5 of 9,000 requests fail" in out
    assert "not as promised" not in out


def test_the_exit_code_is_1_and_the_reason_said_where_the_bad_version_was_promoted(
    staged: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = staged["1.2.0"]
    staged["1.2.0"] = dataclasses.replace(bad, row=dataclasses.replace(bad.row, phase="promoted"))
    assert main.run(["demo", "--once", "--json"]) == 1
    captured = capsys.readouterr()
    assert "not as promised: storefront 1.2.0 was to be rolled back, it is promoted" in captured.err
    found = json.loads(captured.out)
    assert found["as_promised"] is False
    assert len(found["troubles"]) == 1


def test_without_once_it_stays_until_it_is_interrupted_and_ends_well(
    staged: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def until_interrupted(stage: demo.Stage, running: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(demo, "tell_others", until_interrupted)
    assert main.run(["demo"]) == 0
    assert "portal: http://portal" in capsys.readouterr().out


def files(folder: pathlib.Path) -> wiring.Files:
    return wiring.files(Settings(state=str(folder)), folder)


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: pathlib.Path) -> None:
    kept = files(tmp_path / "state")
    clock = SystemClock()
    with demo_folder.taken(kept, clock):
        with (
            pytest.raises(RefusedError, match="a demo runs already"),
            demo_folder.taken(kept, clock),
        ):
            pass
        (kept.state / "store.db").write_text("old")
    with demo_folder.taken(kept, clock) as left:
        assert not left
        assert [one.name for one in kept.state.iterdir()] == [demo_folder.LOCK]


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: pathlib.Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(RefusedError, match="not the demo's"),
        demo_folder.taken(files(tmp_path), SystemClock()),
    ):
        pass
    assert (tmp_path / "thesis.tex").exists()


def test_the_example_is_found_from_a_checkout_and_named_where_it_is_missing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert demo_folder.example(tmp_path).estate.is_dir()
    monkeypatch.setattr(demo_folder, "_PACKAGE", tmp_path / "site-packages" / "telford")
    with pytest.raises(RefusedError, match="not in the installed package"):
        demo_folder.example(tmp_path)


def test_the_demo_never_uses_the_records_of_an_estate_of_ones_own(tmp_path: pathlib.Path) -> None:
    chosen = demo_folder.settings(Settings(store="postgresql://records"), tmp_path)
    assert chosen.store == ""
    assert chosen.state == str(tmp_path / ".telford" / "demo")


def test_the_rate_has_bounds() -> None:
    assert main.run(["demo", "--rate", "100000"]) == UsageError.exit_code


def test_the_summary_of_the_load_generator_is_read_by_server_and_by_request() -> None:
    answers = [("POST", "/orders", 201, 90), ("POST", "/orders", 500, 3), ("GET", "/", 503, 1)]
    seen = demo_customers.read(
        {
            "sent": 96,
            "not_sent": 0,
            "transport": {"reset": 2},
            "latency_ms": {"p50": 4.0},
            "responses": [
                {"method": m, "route": r, "status": s, "count": n, "served_by": "storefront/1.2.0"}
                for m, r, s, n in answers
            ],
        }
    )
    assert seen.answered == {"storefront/1.2.0": 94}
    assert seen.failed_of("storefront/1.2.0") == 4
    assert seen.kinds == {"POST /orders": 3, "GET /": 1}
    assert seen.unexplained("storefront/1.2.0") == ("2 requests: reset",)


@contextlib.contextmanager
def screen(*, terminal: bool) -> Iterator[tuple[cli.Screen, io.StringIO]]:
    out = io.StringIO()
    console = rich.console.Console(file=out, force_terminal=terminal, width=40, color_system=None)
    yield cli.Screen(console, SystemClock()), out


def test_on_a_terminal_the_moving_lines_are_taken_back_before_the_next_line() -> None:
    with screen(terminal=True) as (shown, out):
        shown.live(("weights", "evidence " * 10))
        shown.say("it happened")
    assert out.getvalue() == (
        "  weights\n" + ("  " + "evidence " * 10)[:39] + "\r\x1b[2K\x1b[1A\r\x1b[2K  it happened\n"
    )


def test_in_a_file_every_line_is_whole_and_none_moves() -> None:
    with screen(terminal=False) as (shown, out):
        shown.live(("weights", "evidence"))
        shown.say("it happened")
    assert out.getvalue() == "  it happened\n"
