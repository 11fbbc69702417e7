"""`telford diff`: what changed between two revisions by meaning, and whom each change touches."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from telford.app import loading, offered
from telford.backends import files, git
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.errors import UsageError
from telford.estate import diff, overlays
from telford.estate.comparing import FieldChange
from telford.estate.diff import Change, Diff
from telford.estate.edges import THINGS
from telford.estate.graph import BlastRadius
from telford.estate.kinds import registry
from telford.estate.model import Loaded

WORK_TREE = "work tree"


@dataclass(frozen=True, slots=True)
class Revision:
    """One side: what was asked for ("" is the work tree), its commit, and what is wrong there."""

    name: str
    commit: str
    errors: tuple[Diagnostic, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.commit[:10]})" if self.commit else WORK_TREE

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "revision": self.name or None,
            "commit": self.commit or None,
            "errors": [item.as_json() for item in self.errors],
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """Both sides, what changed between them, and the blast radius of each change by address.

    `unread` are addresses that an error hides in one of the two: nothing is said about them.
    """

    before: Revision
    after: Revision
    found: Diff
    radii: Mapping[str, BlastRadius]
    unread: tuple[str, ...]

    @property
    def different(self) -> bool:
        """Whether anything changed that takes effect, or places came or went."""
        return bool(self.found.changes or self.found.gained or self.found.lost)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "different": self.different,
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "places": {
                "compared": list(self.found.places),
                "gained": list(self.found.gained),
                "lost": list(self.found.lost),
            },
            "unread": list(self.unread),
            "changes": [
                _change(change, self.radii[change.address]) for change in self.found.changes
            ],
        }


def run(
    folder: Path, before: str, after: str = "", *, where: str = "", kinds: Collection[str] = ()
) -> Answer:
    """Compare a folder's estate at two revisions; `after` is the work tree where it is "".

    Errors in either are in the answer, and what they hide is left out of it. Raises `UsageError`
    for a revision, a place or a kind that there is not, `PermanentError` where Git fails.
    """
    if not before.strip():
        raise UsageError(
            "the revision to compare with is empty", fix="name one, such as main or HEAD~1"
        )
    wanted = [_kind(name) for name in kinds]
    (first, was), (second, now) = _read(folder, before), _read(folder, after)
    old, new = loading.of_both(first, second)
    _known_place(where, old, new)
    with loading.undisturbed():
        found = diff.compare(old.estate, new.estate, where=where, kinds=wanted)
        if not wanted or "Contract" in wanted:
            found = offered.with_documents(found, first, second)
        hidden = _hidden(old) | _hidden(new)
        shown = tuple(c for c in found.changes if not {c.address, c.was} & hidden)
        found = replace(found, changes=shown)
        sides = _side(before, was, old), _side(after, now, new)
        return Answer(*sides, found, found.radii(), tuple(sorted(hidden)))


def touched(change: Change, radius: BlastRadius) -> Mapping[str, tuple[str, ...]]:
    """Whom a change touches: names, by what they are. Environments are those in which it takes
    effect.
    """
    here = {place.partition("/")[0] for place in change.places}
    runs = change.kind in THINGS or bool(here)
    return {
        "services": tuple(reached.address for reached in radius.services),
        "teams": radius.teams,
        "objectives": radius.objectives,
        "environments": tuple(e for e in radius.environments if runs and (not here or e in here)),
    }


def _read(folder: Path, revision: str) -> tuple[files.Texts, str]:
    """The texts of a side, and its commit."""
    if not revision:
        git.require_work_tree(folder)
        return git.without_links(files.read([folder])), ""
    snapshot = git.snapshot(folder, revision)
    return snapshot.found, snapshot.commit


def _side(revision: str, commit: str, loaded: Loaded) -> Revision:
    errors = tuple(d for d in loaded.diagnostics if d.severity is Severity.ERROR)
    return Revision(revision, commit, errors)


def _kind(name: str) -> str:
    """A kind in any case. Raises `UsageError` where there is none."""
    for known in registry.BY_NAME:
        if known.lower() == name.lower():
            return known
    raise UsageError(f"there is no kind {name}", fix=f"the kinds: {', '.join(registry.BY_NAME)}")


def _known_place(where: str, *sides: Loaded) -> None:
    every = {str(place) for side in sides for place in overlays.places(side.estate)}
    if where and not any(place == where or place.startswith(f"{where}/") for place in every):
        known = ", ".join(sorted(every)) or "none"
        raise UsageError(f"neither side has a place {where}", fix=f"the places: {known}")


def _hidden(loaded: Loaded) -> set[str]:
    """What is there, but not readable enough to be compared."""
    drafted = loaded.draft.entities.keys() if loaded.draft is not None else set()
    return {*drafted, *map(str, loaded.broken)} - loaded.estate.entities.keys()


def _change(change: Change, radius: BlastRadius) -> dict[str, object]:
    return {
        "address": change.address,
        "kind": change.kind,
        "change": change.what,
        "was": change.was or None,
        "before": _at(change.before),
        "after": _at(change.after),
        "effects": list(change.effects),
        "places": list(change.places),
        "appears": list(change.appears),
        "leaves": list(change.leaves),
        "unclear": change.unclear,
        "fields": [_field(item) for item in change.fields],
        "touches": {name: list(found) for name, found in touched(change, radius).items()},
    }


def _field(change: FieldChange) -> dict[str, object]:
    return {
        "field": change.field,
        "effect": change.effect,
        "old": change.old,
        "new": change.new,
        "before": _at(change.before),
        "after": _at(change.after),
        "layers": {"before": change.layers[0] or None, "after": change.layers[1] or None},
        "places": [place for place in change.places if place],
        "hidden": not change.places,
        "dependency": change.target or None,
    }


def _at(position: Position | None) -> dict[str, object] | None:
    if position is None:
        return None
    return {"file": position.file, "line": position.line, "column": position.column}
