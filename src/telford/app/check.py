"""`telford check`: everything wrong in an estate, from the cache where the same texts were checked.

The key is a hash of every text and of the code that judges them, so an answer is never stale.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import telford
from telford.app import loading
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


def check(paths: Iterable[Path], cache: Cache | None = None) -> Report:
    """Check the estate in these files and folders. Raises `UsageError` where one is not there."""
    found = files.read(paths)
    key = _key(found.texts) if cache is not None and not found.diagnostics else ""
    known = cache.get(key) if cache is not None and key else None
    if known is not None:
        report = _restored(known)
        if report is not None:
            return report
    loaded = loading.of_texts(found)
    report = Report(loaded.diagnostics, len(found.texts), len(loaded.estate.entities))
    if cache is not None and key:
        cache.put(key, json.dumps(_kept(report), ensure_ascii=True))
    return report


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
