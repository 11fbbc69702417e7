"""`telford drift` against a folder: one that `telford build` wrote, or any folder of manifests.

Of a folder that was built every file is compared, whatever its format, and what the inventory owns
and the estate does not want is extra; of any other folder the Kubernetes objects are. Who changed a
file is asked of Git, where the folder is in a work tree. Called by `telford.cli.drift`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from telford.app import desires, drift_wanted, rendering
from telford.app.desires import Desires, Scope
from telford.backends import files, git, output
from telford.basics import diagnostics
from telford.basics.diagnostics import Diagnostic, Severity, ordered
from telford.basics.errors import RefusedError, UsageError
from telford.intake import yamlstream
from telford.intake.kubernetes import objects
from telford.plan import drift as plans
from telford.plan import fields as texts
from telford.plan.actions import Entry, Inventory
from telford.plan.drift import Cause, Drift, Field, Item, Judge, Observed, Owned, State, Wanted
from telford.road import sameness
from telford.road.sameness import Key, View

Progress = Callable[[str], None]
# Git is asked once a file; a folder in which more has changed was not changed by hand.
MAX_ASKED = 300
_BUILT = View(live=False, marks=False)
_YAML = (".yaml", ".yml")
# What differs in no field: comments, layout, quotes.
_LAYOUT = "layout"


def of_folder(found: files.Texts, scope: Scope, folder: Path, progress: Progress) -> Drift:
    """Compare an estate, or one place of it, with a folder.

    Raises `UsageError` where there is no such folder, place or target, `RefusedError` where the
    estate has errors.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", fix="check the path")
    progress("rendering the estate")
    if (folder / output.INVENTORY).exists():
        return _Built.of(found, scope, folder).drift(progress)
    return _of_manifests(drift_wanted.read(found, scope), folder, progress)


def remembered(folder: Path, scope: Scope) -> Iterator[Wanted]:
    """The Kubernetes objects that an earlier build wrote to a folder for a scope, as far as its
    files still lie there as they were written.
    """
    last = output.inventory(folder)
    for path, entry in last.entries.items():
        mine = scope.covers_place(entry.place) and entry.target not in drift_wanted.FORMS
        if not mine or not path.endswith(_YAML):
            continue
        text = output.text(folder, path)
        if last.ours(path, output.digest(text.encode())):
            for item in (_objects_of(text, path) or {}).values():
                yield Wanted(item, Owned(entry.owner))


@dataclass(slots=True)
class _Authors:
    """Who last changed each file; asked of Git so many times and no more."""

    folder: Path
    _known: dict[str, git.Author | None] = field(default_factory=dict)

    def of(self, path: str) -> tuple[str, str]:
        """(Who, when) of a file under the folder, "" where nobody knows."""
        if path not in self._known and len(self._known) < MAX_ASKED:
            self._known[path] = git.last_author(self.folder / path)
        author = self._known.get(path)
        if author is None:
            return "", ""
        return author.name or "somebody who has not committed it", author.at


@dataclass(slots=True)
class _Built:
    """A folder with an inventory beside what the estate wants there."""

    folder: Path
    scope: Scope
    wanted: Desires
    last: Inventory
    owned: Mapping[str, Owned]
    left: dict[str, int] = field(default_factory=dict)
    said: list[Diagnostic] = field(default_factory=list)

    @staticmethod
    def of(found: files.Texts, scope: Scope, folder: Path) -> "_Built":
        wanted = rendering.desires(found, scope, Inventory(), desires.code_version())
        if not wanted.ok:
            count = diagnostics.summary_line(wanted.diagnostics)
            raise RefusedError(
                f"the estate has errors ({count}), so it wants nothing that could be compared",
                fix="run `telford check` and `telford plan`",
            )
        owned = drift_wanted.everywhere(found)
        return _Built(folder, scope, wanted, output.inventory(folder), owned)

    def drift(self, progress: Progress) -> Drift:
        """Every file, one by one."""
        authors = _Authors(self.folder)
        items = [item for item in self._items(authors, progress) if item is not None]
        items.sort(key=lambda item: (item.owned.address, item.subject))
        count = len(self.wanted.entries)
        amiss = sum(item.state is not State.EXTRA for item in items)
        return Drift(
            f"folder {self.folder}", self.scope.place or "all places", count, count - amiss,
            tuple(items), self.left, ordered(self.said),
        )  # fmt: skip

    def _items(self, authors: _Authors, progress: Progress) -> Iterator[Item | None]:
        observed = output.observe(self.folder, [*self.wanted.entries, *self.last.entries])
        for number, (path, entry) in enumerate(self.wanted.entries.items(), 1):
            if number % 500 == 0:
                progress(f"{number:,} of {len(self.wanted.entries):,} files")
            if path not in observed:
                yield Item(State.MISSING, path, self._whose(entry.owner))
            elif observed[path] != entry.digest:
                yield self._different(entry, observed[path], authors)
        for path, entry in self.last.entries.items():
            gone = path not in self.wanted.entries and self.scope.covers(entry)
            if gone and path in observed:
                detail = "an earlier build wrote it, and the estate does not want it any more"
                yield Item(State.EXTRA, path, self._whose(entry.owner), detail=detail)

    def _whose(self, address: str) -> Owned:
        return self.owned.get(address, Owned(address))

    def _different(self, entry: Entry, seen: str, authors: _Authors) -> Item | None:
        """A file whose bytes differ; None where they mean the same all the same."""
        assert self.wanted.text is not None, "the texts were rendered"
        path = entry.path
        there, wanted = output.text(self.folder, path), self.wanted.text(path)
        found = tuple(self._fields(path, there, wanted))
        if not found:
            self.left[_LAYOUT] = self.left.get(_LAYOUT, 0) + 1
            return None
        if self.last.ours(path, seen):
            behind = tuple(replace(one, cause=Cause.BEHIND) for one in found)
            detail = "it is as an earlier build wrote it, and the estate has changed since"
            return Item(State.DIFFERENT, path, self._whose(entry.owner), behind, detail)
        by, at = authors.of(path)
        return Item(State.DIFFERENT, path, self._whose(entry.owner), found, "", by, at)

    def _fields(self, path: str, there: str, wanted: str) -> Iterator[Field]:
        if not path.endswith(_YAML):
            yield Field("", "another text", "the estate's text", Cause.CHANGED)
            return
        one, other = _objects_of(there, path), _objects_of(wanted, path)
        if one is not None and other is not None:
            yield from self._by_object(one, other)
        else:
            for change in texts.changes(there, wanted):
                yield _changed(change)

    def _by_object(self, there: Mapping[Key, Any], wanted: Mapping[Key, Any]) -> Iterator[Field]:
        judge = Judge(_BUILT)
        for key, item in wanted.items():
            name = sameness.label(item)
            if key not in there:
                yield Field(name, "(not there)", "the object", Cause.ABSENT)
                continue
            for one in judge.fields(there[key], item):
                yield replace(one, path=f"{name} {one.path}")
        for key, item in there.items():
            if key not in wanted:
                yield Field(sameness.label(item), "an object", "(not wanted)", Cause.ADDED)
        for rule, count in judge.left.items():
            self.left[rule] = self.left.get(rule, 0) + count


def _changed(change: texts.Change) -> Field:
    cause = Cause.CHANGED
    if change.old is None:
        cause = Cause.ABSENT
    elif change.new is None:
        cause = Cause.ADDED
    return Field(change.path, change.old or "(not there)", change.new or "(not there)", cause)


def _objects_of(text: str, path: str) -> dict[Key, Any] | None:
    """The Kubernetes objects of a text by key; None where it holds anything else."""
    sources, problems = yamlstream.read(text, path)
    values = [source.value for source in sources if source.value is not None]
    whole = all(isinstance(v, dict) and "kind" in v and "apiVersion" in v for v in values)
    if problems or not values or not whole:
        return None
    return {sameness.key(value): value for value in values}


def _of_manifests(desired: drift_wanted.Desired, folder: Path, progress: Progress) -> Drift:
    """Compare a place with Kubernetes objects that somebody keeps in a folder."""
    progress(f"reading {folder}")
    read = files.read([folder])
    found = objects.read(read.texts)
    wanted = list(desired.objects())
    spaces = _namespaces(wanted)
    lying, names = {}, {}
    for one in found.objects:
        item = one.original if one.namespace else _within(one.original, spaces)
        lying[sameness.key(item)] = item
        names[sameness.label(item)] = one.file
    judge = Judge(View(live=False, marks=True))
    authors = _Authors(Path())
    items = [
        item and _authored(item, names, authors)
        for item in plans.compare(wanted, Observed(lying), desired.place, judge, desired.owned)
    ]
    said = ordered([*read.diagnostics, *_unread(found)])
    base = Drift(f"folder {folder}", desired.place, diagnostics=said)
    return plans.finished(items, judge, base, len(wanted))


def _namespaces(wanted: list[Wanted]) -> dict[tuple[str, str, str], set[str]]:
    """Kind, group and name -> the namespaces in which the estate wants one."""
    found: dict[tuple[str, str, str], set[str]] = {}
    for one in wanted:
        kind, group, namespace, name = sameness.key(one.item)
        found.setdefault((kind, group, name), set()).add(namespace)
    return found


def _within(
    item: Mapping[str, Any], spaces: Mapping[tuple[str, str, str], set[str]]
) -> Mapping[str, Any]:
    """An object that names no namespace, in the only one in which the estate wants it."""
    kind, group, _, name = sameness.key(item)
    known = spaces.get((kind, group, name), set())
    if len(known) != 1 or known == {""}:
        return item
    return {**item, "metadata": {**item.get("metadata", {}), "namespace": min(known)}}


def _authored(item: Item, names: Mapping[str, str], authors: _Authors) -> Item:
    """With the file in which it lies, and who last changed that."""
    file = names.get(item.subject)
    if file is None:
        return item
    by, at = authors.of(file)
    return replace(item, detail=item.detail or file, by=by, at=at)


def _unread(found: objects.Found) -> Iterator[Diagnostic]:
    """What the reader of manifests said, as something to know here and no error."""
    for said in found.diagnostics:
        if said.severity is Severity.ERROR:
            yield replace(said, code="TEL703", severity=Severity.WARNING)
