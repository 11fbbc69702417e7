"""What was checked before: a report kept under the hash of its texts and of the code that judged.

Light on purpose: a warm `telford check` imports this and none of the modules that judge, so it
answers while they would still be loading. Called by `telford.cli.check` and `telford.app.check`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import telford
from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.ports.cache import Cache

# The code that an answer depends on.
_JUDGES = ("basics", "estate", "rules")


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
    kept = cache.get(_key(found.texts))
    return _restored(kept) if kept is not None else None


def keep(found: files.Texts, report: Report, cache: Cache) -> None:
    """Keep a report for the next time."""
    if not found.diagnostics:
        cache.put(_key(found.texts), json.dumps(_kept(report), ensure_ascii=True))


def _key(texts: Mapping[str, str]) -> str:
    total = hashlib.sha256(code_version().encode())
    for name in sorted(texts):
        for part in (name, texts[name]):
            data = part.encode("utf-8", "surrogatepass")
            total.update(b"%d:" % len(data))
            total.update(data)
    return total.hexdigest()


def code_version() -> str:
    """A hash of the modules that judge an estate: an upgrade makes every cached answer void."""
    total = hashlib.sha256()
    package = Path(telford.__file__).parent
    for folder in _JUDGES:
        for path in sorted((package / folder).rglob("*.py")):
            total.update(path.relative_to(package).as_posix().encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def _kept(report: Report) -> dict[str, object]:
    rows = [{**d.as_json(), "length": d.length} for d in report.diagnostics]
    return {"files": report.files, "entities": report.entities, "diagnostics": rows}


def _restored(text: str) -> Report | None:
    """A report from its cached text; None where the text is not one."""
    try:
        kept = json.loads(text)
        found = tuple(_diagnostic(row) for row in kept["diagnostics"])
        return Report(found, int(kept["files"]), int(kept["entities"]), cached=True)
    except (ValueError, KeyError, TypeError):
        return None


def _diagnostic(row: dict[str, object]) -> Diagnostic:
    position = None
    if row["file"] is not None:
        position = Position(str(row["file"]), int(str(row["line"])), int(str(row["column"])))
    return Diagnostic(
        str(row["code"]),
        Severity(str(row["severity"])),
        str(row["summary"]),
        address=str(row["address"]),
        position=position,
        source=str(row["source"]),
        length=int(str(row["length"])),
        detail=str(row["detail"]),
        fix=str(row["fix"]),
    )
