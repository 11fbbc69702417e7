"""Every test starts without the wishes that a shell has for colours; what tests start is quick."""

import gc
import os

import pytest

pytest_plugins = ["postgres"]

for wish in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PY_COLORS"):
    os.environ.pop(wish, None)

# What a process that a test starts had to compile is kept for the next one.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Checkers written in Go clean up a quarter as often: a fifth of the time of promtool.
os.environ.setdefault("GOGC", "400")


# What takes longest, or has tests that share a world: first, so that nobody waits for it in the end
# and no two workers make the same world.
FIRST = (
    "tests/strategies/",
    "tests/flows/test_soak_small.py",
    "tests/app/test_running_for_real.py",
    "tests/data_changes/",
    "tests/demo/",
    "tests/contract/test_cluster_counts.py",
    "tests/portal/test_portal_browser.py",
    "tests/portal/test_portal_plan_browser.py",
    "tests/render/test_pipelines_linters.py",
    "tests/render/test_manifest_linters.py",
    "tests/flows/test_kills_of_strategies.py",
    "tests/flows/test_kills.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order of files, but for those of `FIRST`."""
    items.sort(key=lambda item: _turn(item.nodeid))


def _turn(node: str) -> int:
    return next((turn for turn, begins in enumerate(FIRST) if node.startswith(begins)), len(FIRST))


def pytest_collection_finish() -> None:
    """What has been imported by now stays: the collector need not look at it again and again, which
    is a quarter of what small tests cost.
    """
    gc.collect()
    gc.freeze()
