"""The soak at its smallest: real processes, real Envoy, a few real SIGKILLs.

`make soak-kill` is the whole of it, with a SIGSTOP past the take-over, which depends on the time it
takes; here one service and one boundary, before and after, show that the parts fit together.
"""

import pathlib
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
LIMIT_SECONDS = 300
# Rounds are as long as the evidence takes: at this rate seconds, at the soak's own half a minute.
RATE = "60"


def test_a_controller_killed_for_real_comes_to_the_right_end() -> None:
    parts = ["--stores", "sqlite", "--parts", "kills", "--random", "0"]
    said = soak(*parts, "--each", "1", "--only", "router.route", "--rate", RATE)
    assert " 0 failed by the tool" in said


def soak(*words: str) -> str:
    command = [sys.executable, "soak_kill.py", "--strategies", "canary", "--services", "1", *words]
    done = subprocess.run(
        command, cwd=TOOLS, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].startswith("RIGHT")
    return done.stdout
