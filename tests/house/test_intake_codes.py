"""Every code that import can give is documented in its guides."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
CODE = re.compile(r"\bTEL6\d\d\b")


def test_every_code_of_intake_is_in_a_guide():
    sources = "".join(p.read_text("utf-8") for p in (ROOT / "src/telford/intake").rglob("*.py"))
    sources += "".join(p.read_text("utf-8") for p in (ROOT / "src/telford/app").glob("*.py"))
    guides = "".join(p.read_text("utf-8") for p in (ROOT / "docs/guides").glob("import*.md"))
    assert set(CODE.findall(sources)) - {"TEL600"} <= set(CODE.findall(guides))
