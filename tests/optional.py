"""What not every machine has: tools and real estates, skipped by name or required by setting."""

import os
import pathlib
import shutil
import sys

import pytest

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
REQUIRED = frozenset(filter(None, os.environ.get("TELFORD_REQUIRE", "").split(",")))


def absent(what: str, group: str) -> None:
    """Skip, saying what is missing; fail instead where `TELFORD_REQUIRE` names the group."""
    if group in REQUIRED:
        pytest.fail(f"{what} is required by TELFORD_REQUIRE={group} but is not there")
    pytest.skip(f"needs {what}")


def require_tool(name: str) -> str:
    """The path of an optional system tool; `make test-tools` and `make setup` install them all."""
    folders = (REPOSITORY / ".tools" / "bin", pathlib.Path(sys.executable).parent)
    found = (shutil.which(name, path=str(folder)) for folder in folders)
    path = shutil.which(name) or next(filter(None, found), None)
    if path is None:
        absent(f"the tool {name} (make test-tools)", "tools")
    assert path is not None
    return path


def real_estates() -> pathlib.Path:
    """The folder of real public systems, from `TELFORD_ESTATES`."""
    value = os.environ.get("TELFORD_ESTATES", "")
    if not value or not pathlib.Path(value).is_dir():
        absent("TELFORD_ESTATES (a folder of real estates)", "estates")
    return pathlib.Path(value).resolve()
