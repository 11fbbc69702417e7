"""The whole demo, as a newcomer runs it: real services, a real Envoy, real customers.

The shop's copy promises less (98%), so that a good version is certified with fewer requests.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 240.0
RATE = "200"


@pytest.fixture
def here(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with a copy of the shop in `examples/shop`."""
    shop = tmp_path / "examples" / "shop"
    shutil.copytree(
        REPOSITORY / "examples" / "shop", shop, ignore=shutil.ignore_patterns("__pycache__")
    )
    promises = shop / "estate" / "objectives.yaml"
    text = promises.read_text(encoding="utf-8")
    assert text.count("target: 99.5%\n") == 1
    assert text.count("    target: 98%\n") == 1
    text = text.replace("target: 99.5%\n", "target: 98%\n")
    # How fast pages are depends on what else this machine does; that is not what is tested.
    promises.write_text(text.replace("    target: 98%\n", "    target: 90%\n"), encoding="utf-8")
    return tmp_path


def demo(here: pathlib.Path) -> "subprocess.Popen[str]":
    environment = {key: value for key, value in os.environ.items() if "TELFORD" not in key}
    return subprocess.Popen(
        [sys.executable, "-m", "telford.cli.main", "demo", "--once", "--json", "--rate", RATE],
        cwd=here,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_up(here: pathlib.Path, running: "subprocess.Popen[str]") -> None:
    """Until the demo says where it serves, under its own process."""
    file = here / ".telford" / "demo" / "up.json"
    deadline = time.monotonic() + LIMIT_SECONDS
    while not (file.exists() and f":{running.pid}:" in file.read_text(encoding="utf-8")):
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def processes_of(folder: pathlib.Path) -> list[str]:
    """Command lines of processes that work in a folder or name it."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            where = str((process / "cwd").readlink())
        except OSError:  # it has ended meanwhile, or is somebody else's
            continue
        if str(folder) in words or where.startswith(str(folder)):
            found.append(words)
    return found


def test_the_demo_plays_both_releases_alone_and_leaves_nothing_behind(here: pathlib.Path) -> None:
    """After one that was killed with SIGKILL, with a second one knocking meanwhile."""
    killed = demo(here)
    wait_until_up(here, killed)
    killed.kill()
    killed.communicate(timeout=LIMIT_SECONDS)
    assert processes_of(here)

    running = demo(here)
    wait_until_up(here, running)
    second = demo(here)
    refusal, _ = second.communicate(timeout=LIMIT_SECONDS)
    assert second.returncode == 1
    assert "a demo runs already" in json.loads(refusal)["error"]["message"]

    out, story = running.communicate(timeout=LIMIT_SECONDS)
    assert "an earlier demo had left its services running" in story
    if "not as promised" in story:
        # A machine that stalls for a second (a slow disk, a neighbour) turns customers away, and the
        # demo says so. It plays once more; twice in a row is no stall.
        assert running.returncode == 1, story
        running = demo(here)
        out, story = running.communicate(timeout=LIMIT_SECONDS)
    assert running.returncode == 0, story
    found = json.loads(out)
    good, bad = found["releases"]
    assert (good["phase"], bad["phase"]) == ("promoted", "rolled-back")
    assert good["evidence_agrees"]
    assert bad["evidence_agrees"]
    assert bad["excess_bad"] > 0
    # The demo itself says where others failed beyond what a busy machine may cost.
    assert found["customers"]["failed"]["storefront/1.2.0"] > 0
    assert found["as_promised"]
    assert "the gate at 10% is met" in story
    assert "rolling back: errors: worse than the stable version" in story
    assert "requests harmed" in story
    assert processes_of(here) == []
