"""What is wrong, where, why and how to fix it: a value, never an exception.

Every check collects all of its diagnostics; `ordered` gives them one stable order. The human and
the JSON view are two renderings of the same value. Called by every floor above.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad: an error makes the answer no, a warning wants eyes, info is for the curious."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a text. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem.

    `code` is stable and documented (``TEL101``); `address` is the thing it is about, or "";
    `source` is the offending line of text, or ""; `length` is how many characters of it to mark.
    """

    code: str
    severity: Severity
    summary: str
    address: str = ""
    position: Position | None = None
    source: str = ""
    length: int = 1
    detail: str = ""
    fix: str = ""

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        position = self.position
        return {
            "code": self.code,
            "severity": self.severity.value,
            "address": self.address,
            "file": position.file if position else None,
            "line": position.line if position else None,
            "column": position.column if position else None,
            "source": self.source,
            "summary": self.summary,
            "detail": self.detail,
            "fix": self.fix,
        }


# The password of a URL, ``scheme://user:password@``.
_PASSWORD = re.compile(r"(?<=://)([^\s/:@]*:)([^\s@]+)(?=@)")


def without_passwords(text: str) -> str:
    """A line of text as it may be shown: passwords of URLs as stars, of the same length."""
    return _PASSWORD.sub(lambda found: found[1] + "*" * len(found[2]), text)


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """By file, line, column, then severity, code and summary; equal ones once."""
    unique = dict.fromkeys(diagnostics)
    return tuple(
        sorted(
            unique,
            key=lambda d: (
                d.position or Position(""),
                _RANK[d.severity],
                d.code,
                d.address,
                d.summary,
            ),
        )
    )


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True where at least one is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)


def human(diagnostic: Diagnostic) -> str:
    """The view for people: headline, place, the offending line with a marker, detail, fix."""
    lines = [f"{diagnostic.severity.value}[{diagnostic.code}]: {diagnostic.summary}"]
    where = str(diagnostic.position) if diagnostic.position else ""
    about = f"({diagnostic.address})" if diagnostic.address else ""
    if where or about:
        lines.append(" ".join(part for part in ("  -->", where, about) if part))
    if diagnostic.source and diagnostic.position:
        number = str(diagnostic.position.line)
        pad = " " * len(number)
        column = max(diagnostic.position.column, 1)
        text = diagnostic.source.replace("\t", " ")
        lines.append(f" {pad} |")
        lines.append(f" {number} | {text}")
        lines.append(f" {pad} | {' ' * (column - 1)}{'^' * max(diagnostic.length, 1)}")
    if diagnostic.detail:
        lines.append(f"  {diagnostic.detail}")
    if diagnostic.fix:
        lines.append(f"  fix: {diagnostic.fix}")
    return "\n".join(lines)


def summary_line(diagnostics: Sequence[Diagnostic]) -> str:
    """One line: how many of each."""
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    warnings = sum(d.severity is Severity.WARNING for d in diagnostics)
    return f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}"
