"""Whole builds, word for word: tests/golden/build-*/{estate,expected}."""

import os
import pathlib
import shutil

import pytest

from telford.app import build

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
CASES = sorted(path for path in GOLDEN.glob("build-*") if path.is_dir())


def _tree(folder: pathlib.Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.yaml"))
    }


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_golden_build_gives_the_expected_files(case: pathlib.Path, tmp_path: pathlib.Path):
    """TELFORD_GOLDENS=write refreshes; read the difference."""
    proposal = build.build(case / "estate", tmp_path)
    assert proposal.ok
    assert proposal.diagnostics == ()
    expected = case / "expected"
    if os.environ.get("TELFORD_GOLDENS") == "write":
        shutil.rmtree(expected, ignore_errors=True)
        for name, text in _tree(tmp_path).items():
            (expected / name).parent.mkdir(parents=True, exist_ok=True)
            (expected / name).write_text(text, encoding="utf-8")
    assert _tree(tmp_path) == _tree(expected)


def test_there_is_a_golden_build():
    assert CASES
