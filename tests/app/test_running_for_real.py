"""`telford up`, `release`, `evidence`, a SIGKILL, `up` again, `down`: with processes and Envoy."""

import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest
from running_estates import ESTATE, Estate, Traffic, until

from telford.app import serving, wiring
from telford.app.settings import Settings
from telford.backends import process
from telford.backends.local.place import LocalPlace
from telford.basics.errors import TemporaryError


def kept(estate: Estate) -> wiring.Files:
    return wiring.files(Settings(), estate.folder)


def controller_pid(estate: Estate) -> int:
    found = serving.read(kept(estate))
    assert found is not None
    pid = process.pid_of(found.process)
    assert pid is not None
    return pid


def phase(estate: Estate, release: str) -> str:
    releases = estate.asked_json("status")["releases"]
    return next(one["phase"] for one in releases if one["id"] == release)


def is_down(estate: Estate) -> bool:
    try:
        LocalPlace.connect(kept(estate).place("dev"))
    except TemporaryError:
        return True
    return False


def test_a_day_in_the_life_of_an_estate(tmp_path: pathlib.Path) -> None:
    """A bad version is rolled back, the controller is killed during a good one, which goes on and
    is promoted once it is up again; nobody's request is lost; afterwards nothing is left.
    """
    estate = Estate(tmp_path)
    try:
        up = estate.json("up", "--detach")
        assert estate.telford("up", "--detach").returncode == 1  # it is up already
        with Traffic(up["ingress"]) as traffic:
            _bad_version(estate)
            _good_version_through_a_kill(estate)
        assert traffic.failures == []
        assert {body for _, body in traffic.answers} == {"v0.0", "v0.7", "v0.001"}
        status = estate.asked_json("status", "orders")
        assert status["services"][0]["version"] == "0.001"
        assert status["services"][0]["versions"] == [
            {"version": "0.001", "weight": 1.0, "ready": 2, "wanted": 2}
        ]
        assert status["objectives"][0]["state"] in {"ok", "burning", "exhausted"}
    finally:
        down = estate.telford("down")
    assert down.returncode == 0
    assert is_down(estate)
    assert serving.read(kept(estate)) is None
    assert "was not up" in estate.asked("down").stdout


def _bad_version(estate: Estate) -> None:
    done = estate.telford("release", "orders", "--version", "0.7", "--yes", "--watch")
    assert done.returncode == 1, done.stderr
    assert "rolled-back" in done.stdout
    assert "this gate needs about" in done.stderr
    evidence = estate.asked_json("evidence", "orders")
    assert (evidence["agrees"], evidence["decision"]) == (True, "rollback")
    told = estate.asked("evidence", "orders").stdout
    assert "the ledger agrees" in told
    seen = estate.asked("status").stdout
    assert "dev runs at http://127.0.0.1:" in seen
    assert "0.0 -> 0.7" in seen


def _good_version_through_a_kill(estate: Estate) -> None:
    row = estate.json("release", "orders", "--version", "0.001", "--yes")
    until(lambda: phase(estate, row["id"]) != "planned", "the controller takes it up")
    os.kill(controller_pid(estate), signal.SIGKILL)
    again = estate.json("up", "--detach")
    assert again["ingress"]
    until(lambda: phase(estate, row["id"]) == "promoted", "it is promoted")
    assert estate.asked("abort", row["id"]).returncode == 1  # it is over


def test_a_failed_start_stops_everything_and_says_why(tmp_path: pathlib.Path) -> None:
    estate = Estate(tmp_path, ESTATE.replace("[python, STUB", "[/no/such/program"))
    done = estate.telford("up", "--detach")
    assert done.returncode == 3
    assert "there is no program /no/such/program" in done.stderr
    assert "Traceback" not in done.stderr
    assert is_down(estate)


def test_an_interrupt_stops_everything(tmp_path: pathlib.Path) -> None:
    estate = Estate(tmp_path)
    words = ["up", "--estate", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-m", "telford.cli.main", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        until(lambda: serving.read(kept(estate)), "it serves")
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=180)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert is_down(estate)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("status",), 1, "nothing has run here yet"),
        (("release", "orders", "--version", "1"), 1, "nothing has run here yet"),
        (("pause", "orders"), 1, "nothing has run here yet"),
        (("evidence", "orders"), 1, "nothing has run here yet"),
        (("up", "--in", "moon"), 2, "there is no place 'moon'"),
    ],
)
def test_before_anything_ran_each_command_says_what_to_do(
    tmp_path: pathlib.Path, words: tuple[str, ...], code: int, said: str
) -> None:
    done = Estate(tmp_path).asked(*words, "--json")
    assert done.returncode == code
    error = json.loads(done.stdout)["error"]
    assert said in error["message"]
    assert error["fix"]
