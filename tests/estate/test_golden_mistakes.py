"""Forty mistakes in one file give forty diagnostics, each at its own line and column."""

import json
import os
import pathlib
import re

from telford.app import loading
from telford.backends import files
from telford.basics.diagnostics import Diagnostic

CASE = pathlib.Path(__file__).resolve().parent.parent / "golden" / "mistakes"
# A mark: ``#! CODE TOKEN`` at the end of a line, in mistakes.yaml itself.
MARK = re.compile(r" #! (TEL\d{3}) (.+)$")


def found() -> tuple[Diagnostic, ...]:
    """Everything wrong in the estate of mistakes, with file names that are the same everywhere."""
    read = files.read([CASE / "estate"])
    texts = {pathlib.PurePath(name).name: text for name, text in read.texts.items()}
    return loading.of_texts(files.Texts(texts=texts)).diagnostics


def marked() -> list[tuple[str, int, int]]:
    """What the marks say: code, line and column."""
    marks = []
    text = (CASE / "estate" / "mistakes.yaml").read_text()
    for number, line in enumerate(text.splitlines(), 1):
        match = MARK.search(line)
        if match and not line.startswith("#"):
            # The last occurrence: a value follows its key.
            column = line[: match.start()].rindex(match[2]) + 1
            marks.append((match[1], number, column))
    return marks


def test_forty_mistakes_give_exactly_forty_diagnostics_at_their_tokens():
    marks = marked()
    assert len(marks) == 40
    places = [
        (d.code, d.position.line, d.position.column)
        for d in found()
        if d.position is not None and d.position.file == "mistakes.yaml"
    ]
    assert places == marks


def test_the_files_beside_the_mistakes_are_blamed_for_nothing():
    assert {d.position.file for d in found() if d.position is not None} == {"mistakes.yaml"}


def test_every_mistake_shows_its_line_and_says_what_to_do():
    lines = (CASE / "estate" / "mistakes.yaml").read_text().splitlines()
    for diagnostic in found():
        assert diagnostic.position is not None
        assert diagnostic.source == lines[diagnostic.position.line - 1]
        assert diagnostic.fix, diagnostic.summary


def test_golden_diagnostics_read_as_they_did():
    """Every word of the forty diagnostics; TELFORD_GOLDENS=write refreshes."""
    golden = CASE / "expected.json"
    text = json.dumps([d.as_json() for d in found()], indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("TELFORD_GOLDENS") == "write":
        golden.write_text(text)
    assert golden.read_text() == text
