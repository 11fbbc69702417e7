"""Files of variables (``.env``, ``env_file``) as compose reads them: 05-services.md, "Env_file
format". Called by `layers` and `environment`.
"""

import re
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from telford.intake.compose import interpolation

_KEY = re.compile(r"(?:export[ \t]+)?([A-Za-z0-9_.-]+)[ \t]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$$", "'": "'"}
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"(^|[ \t])#.*$")
# More is a data set, not an environment.
MAX_VARIABLES = 5_000


@dataclass(slots=True)
class Variables:
    """What a file sets: values, the line of each, and the lines that could not be read with why.

    `inherited` are the names without a value: they come from whoever runs compose. `lost` are
    settings that a later one of the same name replaces (name, line).
    """

    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    inherited: list[str] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    lost: list[tuple[str, int]] = field(default_factory=list)


def read(
    text: str,
    around: Mapping[str, str],
    secret: Callable[[str], bool],
    *,
    raw: bool = False,
) -> Variables:
    """The variables of a text. `around` are those that are set before it, for interpolation;
    `raw` takes every value as it stands. Never raises.
    """
    reader = _Reader(text.removeprefix("\ufeff").replace("\r\n", "\n"), around, secret, raw)
    reader.run()
    return reader.found


class _Reader:
    def __init__(
        self, text: str, around: Mapping[str, str], secret: Callable[[str], bool], raw: bool
    ) -> None:
        self.found = Variables()
        self._text = text
        self._known = ChainMap(self.found.values, dict(around))
        self._secret = secret
        self._raw = raw

    def run(self) -> None:
        at, line = 0, 1
        while at < len(self._text):
            end = self._text.find("\n", at)
            end = len(self._text) if end < 0 else end
            start = self._text[at:end].strip()
            if start and not start.startswith("#"):
                end = self._statement(at, end, line)
            line += self._text.count("\n", at, end + 1)
            at = end + 1

    def _statement(self, at: int, end: int, line: int) -> int:
        """Read the setting that begins on a line; where it ends."""
        begin = at + len(self._text[at:end]) - len(self._text[at:end].lstrip())
        key = _KEY.match(self._text, begin, end)
        if key is None or (key.end() < end and self._text[key.end()] not in "=:"):
            self.found.problems.append((line, "it is no NAME=VALUE"))
            return end
        if key.end() >= end:
            self.found.inherited.append(key[1])
            return end
        start = key.end() + 1
        if self._raw:
            self._set(key[1], self._text[start:end], line)
            return end
        while start < end and self._text[start] in " \t":
            start += 1
        quote = self._text[start : start + 1]
        if quote in ("'", '"') and start < end:
            return self._quoted(key[1], start, end, line)
        value = _COMMENT.sub("", self._text[start:end]).strip()
        self._set(key[1], self._expanded(value, line), line)
        return end

    def _quoted(self, name: str, start: int, end: int, line: int) -> int:
        """A value in quotes; it may go over several lines."""
        quote = self._text[start]
        at = start + 1
        while at < len(self._text) and self._text[at] != quote:
            at += 2 if self._text[at] == "\\" else 1
        if at >= len(self._text):
            self.found.problems.append((line, "its quotes are never closed"))
            return end
        inside = self._text[start + 1 : at]
        if quote == "'":
            self._set(name, inside.replace("\\'", "'"), line)
        else:
            unescaped = _ESCAPED.sub(lambda match: _ESCAPES.get(match[1], match[0]), inside)
            self._set(name, self._expanded(unescaped, line), line)
        rest = self._text.find("\n", at)
        return len(self._text) if rest < 0 else rest

    def _expanded(self, value: str, line: int) -> str:
        try:
            return interpolation.expand(value, self._known, self._secret).text
        except interpolation.InvalidError as error:
            self.found.problems.append((line, str(error)))
            return value

    def _set(self, name: str, value: str, line: int) -> None:
        if len(self.found.values) >= MAX_VARIABLES:
            self.found.problems.append((line, f"the file sets more than {MAX_VARIABLES:,}"))
            return
        if name in self.found.values:
            self.found.lost.append((name, self.found.lines[name]))
        self.found.values[name] = value
        self.found.lines[name] = line
