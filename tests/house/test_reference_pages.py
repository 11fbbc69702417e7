"""The reference pages are made from the code and say what it says."""

import importlib.util
import os
import pathlib
import types

import pytest

from telford.cli.table import COMMANDS
from telford.estate.kinds import registry as kinds

ROOT = pathlib.Path(__file__).resolve().parents[2]


def reference() -> types.ModuleType:
    """tools/reference.py, which is no package."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


NAMES = [
    "commands.md",
    "diagnostics.md",
    "exit-codes.md",
    "kinds.md",
    "proofs.md",
    "targets.md",
    *(f"kinds/{family}.md" for family in kinds.FAMILIES),
    "kinds/parts.md",
]


@pytest.mark.parametrize("name", NAMES)
def test_golden_reference_page_is_current(name: str):
    """Refresh with `python tools/reference.py`, or with TELFORD_GOLDENS=write."""
    made = reference()
    if os.environ.get("TELFORD_GOLDENS") == "write":
        made.write()
    stored = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert stored == made.pages()[name], "run `python tools/reference.py`"


def test_every_kind_and_every_built_command_has_its_section():
    pages = reference().pages()
    assert set(pages) == set(NAMES)
    for family, members in kinds.FAMILIES.items():
        for kind in members:
            assert f"\n## {kind.__name__}\n" in pages[f"kinds/{family}.md"]
            assert f"kinds/{family}.md#{kind.__name__.lower()})" in pages["kinds.md"]
    for command in COMMANDS:
        if importlib.util.find_spec(f"telford.cli.{command.module}") is not None:
            assert f"\n## telford {command.verb}\n" in pages["commands.md"]
