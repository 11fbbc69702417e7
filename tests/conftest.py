"""Every test starts without the wishes that a shell has for colours."""

import os

pytest_plugins = ["postgres"]

for wish in ("FORCE_COLOR", "CLICOLOR_FORCE", "NO_COLOR", "PY_COLORS"):
    os.environ.pop(wish, None)
