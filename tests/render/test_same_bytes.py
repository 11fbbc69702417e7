"""The same estate gives the same bytes, wherever and however it is built."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

import estate_edits
import optional
from telford.render import registry

# Two machines as different as one can pretend: hash seed, locale, time zone, coding of texts.
HERE = {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC", "PYTHONUTF8": "1"}
THERE = {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Pacific/Kiritimati"}


def _built(source: pathlib.Path, folder: pathlib.Path, said: dict[str, str]) -> dict[str, bytes]:
    """Build a copy of an estate, from inside of the folder that holds it."""
    folder.mkdir(parents=True)
    shutil.copytree(source, folder / "estate")
    # The organisation says all that any target needs to know; the others build what they ask for.
    every = registry.BY_NAME if source.parent.name == "organisation" else ()
    targets = [word for name in every for word in ("--target", name)]
    telford = pathlib.Path(sys.executable).with_name("telford")
    command = [str(telford), "build", "--no-cache", *targets, "--estate", "estate", "--out", "out"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=folder, env=environment | said, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    out = folder / "out"
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("name", estate_edits.ESTATES)
def test_two_machines_build_the_same_bytes(name: str, tmp_path: pathlib.Path):
    """Every target, the inventory included; the folders have names of different lengths."""
    source = optional.REPOSITORY / "examples" / name / "estate"
    one = _built(source, tmp_path / "a", HERE)
    other = _built(source, tmp_path / "somewhere" / "else entirely", THERE)
    assert one.keys() == other.keys()
    assert [path for path, text in one.items() if other[path] != text] == []
