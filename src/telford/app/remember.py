"""What was checked before: a report kept under the hash of its texts and of the code that judged.

Light on purpose: a warm `telford check` imports this and none of the modules that judge, so it
answers while they would still be loading. Called by `telford.cli.check` and `telford.app.check`.
"""

import json
from dataclasses import dataclass

from telford.app import remembered
from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Severity
from telford.ports.cache import Cache

# The code and data that an answer depends on; rules ask the road which alerts can fire.
_JUDGES = ("analysis", "basics", "estate", "intake", "road", "rules")


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found: the diagnostics in order, how much was read, and whether it was new."""

    diagnostics: tuple[Diagnostic, ...]
    files: int
    entities: int
    cached: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not any(d.severity is Severity.ERROR for d in self.diagnostics)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        severities = [d.severity for d in self.diagnostics]
        return {
            "ok": self.ok,
            "errors": severities.count(Severity.ERROR),
            "warnings": severities.count(Severity.WARNING),
            "files": self.files,
            "entities": self.entities,
            "diagnostics": [d.as_json() for d in self.diagnostics],
        }


def recall(found: files.Texts, cache: Cache) -> Report | None:
    """The report on these very texts, where one is kept. What could not be read is never kept."""
    if found.diagnostics:
        return None
    kept = cache.get(_key(found))
    return _restored(kept) if kept is not None else None


def keep(found: files.Texts, report: Report, cache: Cache) -> None:
    """Keep a report for the next time."""
    if not found.diagnostics:
        cache.put(_key(found), json.dumps(_kept(report), ensure_ascii=True))


def _key(found: files.Texts) -> str:
    # No file has a NUL in its name.
    day = {"\0today": found.today.isoformat()} if found.today is not None else {}
    return remembered.key(code_version(), {**found.hashes(), **day})


def code_version() -> str:
    """A hash of the modules that judge an estate: an upgrade makes every cached answer void."""
    return remembered.code_version(_JUDGES)


def _kept(report: Report) -> dict[str, object]:
    return {
        "files": report.files,
        "entities": report.entities,
        "diagnostics": remembered.kept(report.diagnostics),
    }


def _restored(text: str) -> Report | None:
    """A report from its cached text; None where the text is not one."""
    try:
        kept = json.loads(text)
        found = tuple(remembered.restored(row) for row in kept["diagnostics"])
        return Report(found, int(kept["files"]), int(kept["entities"]), cached=True)
    except (ValueError, KeyError, TypeError):
        return None
