"""Folders as texts, and texts as files: limits on size, count and links; writes are atomic.

Reading never fails as a whole: what cannot be read becomes a diagnostic beside the texts that
could. Used by `telford.app.loading` for estates, by import, build and init for theirs.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.errors import PermanentError, UsageError

SUFFIXES = (".yaml", ".yml")
# An estate of 10,000 services, one file each with room to spare; rendered trees are smaller.
MAX_FILES = 50_000
MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024
# Folders nested deeper are a loop of links or a mistake.
MAX_DEPTH = 30
# Folders that are never an estate's own, beside hidden ones.
SKIPPED = frozenset({"node_modules", "__pycache__"})


@dataclass(slots=True)
class Texts:
    """What was read: file name -> text, and what could not be."""

    texts: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    size: int = 0


def read(paths: Iterable[Path], suffixes: tuple[str, ...] = SUFFIXES) -> Texts:
    """Every file with one of the suffixes under the paths; a path that is a file is read as it is.

    Names are the paths as given, joined with ``/``, so that an editor finds them from here. Hidden
    folders are left out, and so is a link that leads out of the folder (with a diagnostic). Raises
    `UsageError` for a path that is not there.
    """
    found = Texts()
    for path in paths:
        if path.is_dir():
            for file in _walk(path, path.resolve(), suffixes, found):
                _add(file, found)
        elif path.exists():
            _add(path, found)
        else:
            raise UsageError(f"there is no file or folder {path}", fix="check the path")
    return found


def _walk(folder: Path, root: Path, suffixes: tuple[str, ...], found: Texts) -> Iterator[Path]:
    """Files in a stable order, depth first."""
    pending = [(folder, 0)]
    while pending:
        current, depth = pending.pop()
        folders = []
        for entry in _entries(current, found):
            path = current / entry.name
            if entry.name.startswith(".") or entry.name in SKIPPED:
                continue
            if entry.is_symlink() and not path.resolve().is_relative_to(root):
                _report(
                    found, path, "TEL107", "a link that leads out of the estate is not followed"
                )
                continue
            if entry.is_dir():
                # A link to a folder inside is read where it points to, once.
                if not entry.is_symlink() and depth < MAX_DEPTH:
                    folders.append((path, depth + 1))
            elif entry.name.endswith(suffixes):
                yield path
        pending.extend(reversed(folders))


def _entries(folder: Path, found: Texts) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        _report(found, folder, "TEL106", f"the folder cannot be read: {error.strerror}")
        return []


def _add(path: Path, found: Texts) -> None:
    name = path.as_posix()
    if name in found.texts:
        return
    if len(found.texts) >= MAX_FILES:
        raise UsageError(
            f"there are more than {MAX_FILES:,} files", fix="name the estate's own folder"
        )
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES or found.size + size > MAX_TOTAL_BYTES:
            _report(found, path, "TEL103", f"the file is too large to read ({size:,} bytes)")
            return
        data = path.read_bytes()
    except OSError as error:
        _report(found, path, "TEL106", f"the file cannot be read: {error.strerror}")
        return
    found.size += len(data)
    text = decoded(data, path, found)
    if text is not None:
        found.texts[name] = text


def decoded(data: bytes, path: Path, found: Texts) -> str | None:
    """The text of a file: UTF-8, or UTF-16 where its first bytes say so."""
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return data.decode("utf-16")
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before) - (before.rfind(b"\n") + 1) + 1
        position = Position(path.as_posix(), line, column)
        summary = f"the file is not UTF-8: byte 0x{data[error.start]:02x}"
        fix = "save the file as UTF-8"
        found.diagnostics.append(
            Diagnostic("TEL105", Severity.ERROR, summary, position=position, fix=fix)
        )
        return None


def _report(found: Texts, path: Path, code: str, summary: str) -> None:
    severity = Severity.WARNING if code == "TEL107" else Severity.ERROR
    found.diagnostics.append(
        Diagnostic(code, severity, summary, position=Position(path.as_posix()))
    )


def write_text(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text, never half of one.

    Raises `OSError`; the permissions of an existing file stay.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_UMASK
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_all(folder: Path, texts: Mapping[str, str]) -> list[str]:
    """Write files (relative path -> text) under a folder, each atomically; those that changed.

    A file that says the same already is left alone. Raises `PermanentError` where the disk says no,
    `AssertionError` for a path that leaves the folder.
    """
    changed = []
    root = folder.resolve()
    for name in sorted(texts):
        path = root / name
        assert path.resolve().is_relative_to(root), f"{name} leaves the folder"
        try:
            if path.is_file() and path.read_bytes() == texts[name].encode():
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, texts[name])
        except OSError as error:
            raise PermanentError(
                f"{path} cannot be written: {error.strerror}", fix="check the folder's permissions"
            ) from error
        changed.append(name)
    return changed


def _umask() -> int:
    # There is no way to read the umask but to set it, which is safe only before threads start.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


_UMASK = _umask()
