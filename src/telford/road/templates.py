"""Texts with gaps: a file that people can read as what it will be, ``<<name>>`` where values go.

A line that is nothing but a gap takes a text of several lines, each indented as the gap is. Called
by targets whose files are the same for every estate but for some values.
"""

import re
from collections.abc import Mapping

_BLOCK = re.compile(r"^([ \t]*)<<([a-z_.]+)>>\n", re.MULTILINE)
_GAP = re.compile(r"<<([a-z_.]+)>>")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every gap filled. KeyError for a gap that nothing fills."""
    whole = _BLOCK.sub(lambda found: _indented(values[found[2]], found[1]), text)
    return _GAP.sub(lambda found: values[found[1]], whole)


def _indented(value: str, margin: str) -> str:
    lines = value.splitlines()
    return "".join(f"{margin}{line}\n" if line else "\n" for line in lines)
