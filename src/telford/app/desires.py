"""What a build wants to lie in its folder, and what was wanted of the same texts before.

Light on purpose: a warm `telford build` imports this and none of the modules that render. Called
by `telford.app.rendering`, `telford.app.building` and the CLI.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field

from telford.app import remembered
from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Severity
from telford.plan.actions import Entry
from telford.ports.cache import Cache

# The code and data that a rendered text depends on.
_CODE = (
    "analysis",
    "basics",
    "estate",
    "intake",
    "rules",
    "road",
    "render",
    "app/rendering.py",
    "app/shares.py",
)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which part of an estate is built: some targets (all where empty), one environment or region
    of one (all where empty).
    """

    targets: tuple[str, ...] = ()
    place: str = ""

    def covers(self, entry: Entry) -> bool:
        """Whether a file belongs to it, going by what the inventory says of it."""
        return (not self.targets or entry.target in self.targets) and self.covers_place(entry.place)

    def covers_place(self, place: str) -> bool:
        """Whether a place is, or lies in, the one that is asked for."""
        return not self.place or place == self.place or place.startswith(f"{self.place}/")


@dataclass(frozen=True, slots=True)
class Desires:
    """Every file that is wanted, what is wrong, and how to get a file's text.

    `text` is None where the desires were recalled: whoever needs a text renders again. `lasting`
    says that the same texts always want the same: of third parties' targets nobody knows.
    """

    entries: Mapping[str, Entry]
    diagnostics: tuple[Diagnostic, ...]
    text: Callable[[str], str] | None = field(default=None, compare=False)
    lasting: bool = field(default=True, compare=False)

    @property
    def ok(self) -> bool:
        """Whether there is no error: with one, nothing is wanted at all."""
        return not any(d.severity is Severity.ERROR for d in self.diagnostics)


def code_version() -> str:
    """A hash of everything that a text is made by: an upgrade makes every key void."""
    return remembered.code_version(_CODE)


def cache_key(found: files.Texts, scope: Scope, code: str) -> str:
    """Names these very texts, this part of them, and this code."""
    return remembered.key(f"{code} {scope.place} {sorted(scope.targets)}", found.hashes())


def recall(key: str, found: files.Texts, cache: Cache) -> Desires | None:
    """What was wanted of the same texts, where it is kept."""
    if found.diagnostics:
        return None
    kept = cache.get(key)
    if kept is None:
        return None
    try:
        data = json.loads(kept)
        entries = {row[0]: Entry(*row) for row in data["entries"]}
        return Desires(entries, tuple(map(remembered.restored, data["diagnostics"])))
    except (ValueError, KeyError, TypeError, IndexError):
        return None


def keep(key: str, found: files.Texts, wanted: Desires, cache: Cache) -> None:
    """Keep what is wanted; an estate with an error is looked at again each time."""
    if found.diagnostics or not wanted.ok or not wanted.lasting:
        return
    rows = [list(asdict(entry).values()) for entry in wanted.entries.values()]
    said = remembered.kept(wanted.diagnostics)
    cache.put(key, json.dumps({"entries": rows, "diagnostics": said}))
