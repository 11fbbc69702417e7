"""Every test starts without the wishes that a shell has for colours; what tests start is quick."""

import gc
import os

pytest_plugins = ["postgres"]

for wish in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PY_COLORS"):
    os.environ.pop(wish, None)

# What a process that a test starts had to compile is kept for the next one.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Checkers written in Go clean up a quarter as often: a fifth of the time of promtool.
os.environ.setdefault("GOGC", "400")


def pytest_collection_finish() -> None:
    """What has been imported by now stays: the collector need not look at it again and again, which
    is a quarter of what small tests cost.
    """
    gc.collect()
    gc.freeze()
