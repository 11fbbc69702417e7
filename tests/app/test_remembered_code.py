"""A remembered answer is void once any code that it was made by has changed."""

import ast
import pathlib

import pytest

import telford
from telford.app import desires, remember

PACKAGE = pathlib.Path(telford.__file__).parent


def _floors_read(folder: pathlib.Path) -> set[str]:
    """The floors of Telford that the modules of a folder import."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            found |= {name.split(".")[1] for name in names if name.startswith("telford.")}
    return found


@pytest.mark.parametrize("named", [remember._JUDGES, desires._CODE])
def test_the_code_behind_an_answer_is_named_with_all_that_it_reads(named: tuple[str, ...]) -> None:
    floors = [name for name in named if (PACKAGE / name).is_dir()]
    assert len(floors) >= 4
    read = set().union(*(_floors_read(PACKAGE / floor) for floor in floors))
    assert read <= set(floors)
