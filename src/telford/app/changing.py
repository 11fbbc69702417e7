"""Edits of an estate's own files by a command: shown as a diff first, checked, then written at once.

Called by `telford.app.confirm` and `telford.app.adopt`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from telford.app import loading
from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Severity
from telford.basics.errors import RefusedError
from telford.estate import editing
from telford.estate.address import Address
from telford.estate.editing import Change
from telford.estate.model import Loaded
from telford.intake import emission
from telford.plan import texts


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes of one document of one file."""

    file: str
    address: Address
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The files of an estate before and after some edits, those that differ."""

    folder: Path
    before: Mapping[str, str]
    after: Mapping[str, str]

    def diff(self) -> str:
        """The change of every file as a unified diff."""
        return "".join(
            texts.diff(self._name(file), self.before[file], text)
            for file, text in self.after.items()
        )

    def _name(self, file: str) -> str:
        path = Path(file)
        return (
            path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else file
        )

    def write(self) -> tuple[str, ...]:
        """Write every file. Raises `RefusedError` where one was changed meanwhile, `PermanentError`
        where the disk says no.
        """
        now = files.read([Path(file) for file in self.after]).texts
        for file in self.after:
            if now.get(file) != self.before[file]:
                raise RefusedError(f"{file} was changed meanwhile", fix="try again")
        root = self.folder if self.folder.is_dir() else self.folder.parent
        inside = {
            Path(file).resolve().relative_to(root.resolve()).as_posix(): text
            for file, text in self.after.items()
        }
        files.write_all(root, inside)
        return tuple(self.after)


def rewrite(
    folder: Path,
    found: files.Texts,
    edits: Iterable[Edit],
    added: Mapping[str, str] = MappingProxyType({}),
) -> Rewrite:
    """Make edits of texts that were read from a folder; nothing is written. `added` are documents
    to be put at the end of a file.

    Raises `RefusedError` where an edit cannot be made, or where the estate would have an error that
    it has not now.
    """
    after = dict(found.texts)
    for edit in edits:
        after[edit.file] = editing.edit(after[edit.file], edit.address, edit.changes)
    for file, document in added.items():
        gap = "" if after[file].endswith("\n") else "\n"
        after[file] += f"{gap}---\n{document}"
    changed = {
        file: emission.kept(found.texts[file], text)
        for file, text in after.items()
        if text != found.texts[file]
    }
    if changed:
        _require_sound(found, {**found.texts, **changed})
    return Rewrite(folder, {file: found.texts[file] for file in changed}, changed)


def _require_sound(found: files.Texts, after: Mapping[str, str]) -> None:
    before = _errors(loading.of_texts(found))
    known = {(error.code, error.address, error.summary) for error in before}
    for error in _errors(loading.of_texts(replace(found, texts=dict(after), digests={}))):
        if (error.code, error.address, error.summary) not in known:
            raise RefusedError(
                f"the estate would have an error: {error.summary} ({error.position})",
                fix=error.fix or "change the file by hand",
            )


def _errors(loaded: Loaded) -> Sequence[Diagnostic]:
    return [item for item in loaded.diagnostics if item.severity is Severity.ERROR]
