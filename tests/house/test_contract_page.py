"""The page about contracts lists every change that is told."""

import pathlib

from telford.analysis.contracts.change import CODES

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "concepts" / "contracts.md"


def test_the_page_lists_every_change():
    text = PAGE.read_text(encoding="utf-8")
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning} |" in text
