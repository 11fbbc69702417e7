"""Settings in files (nginx.conf, application.yaml, .properties, .env, .json), line by line: the key
and the value of each, for the importers to look for addresses in.

Not a parser of any of these formats: what reads like ``key = value``, ``key: value`` or
``key value;`` on one line is one, comments are passed over, and so is what says where a program
itself listens. Called by `telford.intake.kubernetes.dependencies`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SUFFIXES = (
    *(".conf", ".cfg", ".config", ".env", ".ini", ".json", ".properties", ".toml", ".xml"),
    *(".yaml", ".yml"),
)
_COMMENTS = ("#", ";", "//", "<!--", "--", "*")
_LINE = re.compile(
    r"""^[-\s{<]*["']?(?P<key>[A-Za-z_][\w.-]{0,99})["']?(?:\s*=|\s*:(?=\s)|\s)\s*(?P<value>.+)$"""
)
# Keys that say what a program is called or where it listens: no address of anything else.
_OWN = re.compile(r"server[-_]?name|bind|listen|advertised", re.IGNORECASE)
# A longer file is data.
MAX_LINES = 2000


@dataclass(frozen=True, slots=True)
class Setting:
    """One line: its number in the file (from 1), the key, the value without quotes."""

    line: int
    key: str
    value: str


def settings(name: str, text: str) -> Iterator[Setting]:
    """The settings of a file; none of one whose name does not say that it holds settings."""
    if not name.lower().endswith(_SUFFIXES):
        return
    for number, line in enumerate(text.split("\n")[:MAX_LINES], start=1):
        if line.strip().startswith(_COMMENTS):
            continue
        found = _LINE.match(line)
        if found and not _OWN.search(found["key"]):
            value = found["value"].partition(" #")[0].strip().rstrip(",;").strip("\"'")
            yield Setting(number, found["key"], value)
