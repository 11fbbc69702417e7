"""Every test starts without the wishes that a shell has for colours."""

import gc
import os

pytest_plugins = ["postgres"]

for wish in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PY_COLORS"):
    os.environ.pop(wish, None)


def pytest_collection_finish() -> None:
    """What has been imported by now stays: the collector need not look at it again and again, which
    is a quarter of what small tests cost.
    """
    gc.collect()
    gc.freeze()
