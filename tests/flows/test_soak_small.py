"""The soak at its smallest: real processes, real Envoy, a few real SIGKILLs.

`make soak-kill` is the whole of it; here three services and a handful of boundaries show that the
parts fit together on this machine.
"""

import pathlib
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
LIMIT_SECONDS = 300


def test_a_controller_killed_for_real_comes_to_the_right_end() -> None:
    command = [sys.executable, "soak_kill.py", "--services", "3", "--each", "1", "--random", "0"]
    command += ["--strategies", "canary", "--stores", "sqlite", "--parts", "kills"]
    command += ["--only", "store.commit,router.route,order.submit"]
    done = subprocess.run(
        command, cwd=TOOLS, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert " 0 failed by the tool" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("RIGHT")
