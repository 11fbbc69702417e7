"""Folders as texts, and texts as files: limits on size, count and links; writes are atomic.

Reading never fails as a whole: what cannot be read becomes a diagnostic beside the texts that
could. Used by `telford.app.loading` for estates, by import, build and init for theirs.
"""

import datetime as dt
import hashlib
import itertools
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.errors import PermanentError, UsageError

SUFFIXES = (".yaml", ".yml")
# An estate of 10,000 services, one file each with room to spare; rendered trees are smaller.
MAX_FILES = 50_000
MAX_FILE_BYTES = 16 * 1024 * 1024
# Entries of folders, whatever they are called: a tree of this size is no estate.
MAX_LOOKED_AT = 500_000
# As nodes, a text takes some fifty times its size.
MAX_TOTAL_BYTES = 128 * 1024 * 1024
# Folders nested deeper are a loop of links or a mistake.
MAX_DEPTH = 30
_CHUNK = 64 * 1024
# Contracts of 1,000 services in a few versions each.
MAX_ATTACHED = 10_000
# What may be the file of a contract: a file too many costs time, nothing else.
_CONTRACT = re.compile(r"""\A(?:\s|#.*\n|---|[{"'])*(?:openapi|asyncapi|swagger)["']?\s*:""")
_NAMED = re.compile(r"""\bfile["']?\s*:\s*["']?([^\s"',}\]#]+\.(?:json|proto|ya?ml))""")
_NO_FILE = "this is no regular file, so it is not opened"
# Folders that are never an estate's own, beside hidden ones.
SKIPPED = frozenset({"node_modules", "__pycache__"})


@dataclass(slots=True)
class Texts:
    """What was read: file name -> text, and what could not be. `digests` are SHA-256 hashes of the
    bytes, where they were read from files. `attached` are files of other formats that documents
    name (a contract's): their text, or None where there is none to be had; what is not in it nobody
    looked for. `today` is the day to judge by, where one is given.
    """

    texts: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    size: int = 0
    digests: dict[str, str] = field(default_factory=dict)
    attached: dict[str, str | None] = field(default_factory=dict)
    today: dt.date | None = None

    def hashes(self) -> Mapping[str, str]:
        """A hash of every file's content."""
        for name in self.texts.keys() - self.digests.keys():
            data = self.texts[name].encode("utf-8", "surrogatepass")
            self.digests[name] = hashlib.sha256(data).hexdigest()
        return self.digests


def read(paths: Iterable[Path], suffixes: tuple[str, ...] = SUFFIXES) -> Texts:
    """Every file with one of the suffixes under the paths; a path that is a file is read as it is.

    Names are the paths as given, joined with ``/``, so that an editor finds them from here. Hidden
    folders are left out, and so is a link that leads out of the folder (with a diagnostic); what a
    link inside leads to is read once, where it lies. Only regular files are opened: a pipe, a
    socket or a device is a diagnostic. Raises `UsageError` for a path that is not there.
    """
    found = Texts()
    for path in paths:
        try:
            folder, file, there = path.is_dir(), path.is_file(), path.exists()
        except OSError as error:
            raise UsageError(f"{path} cannot be looked at: {error.strerror}") from error
        if folder:
            for name in _Walk(path, suffixes, found).files():
                if not _add(name, found):
                    break
        elif file:
            _add(path.as_posix(), found)
        elif there:
            _report(found, path.as_posix(), "TEL106", _NO_FILE)
        else:
            raise UsageError(f"there is no file or folder {path}", fix="check the path")
        if folder or file:
            _attach(found, os.path.realpath(path if folder else path.parent))
    return found


def named(found: Texts) -> Iterator[str]:
    """The files that contracts among the texts name, as paths beside them."""
    for name, text in list(found.texts.items()):
        if "Contract" in text:
            for match in _NAMED.finditer(text):
                yield os.path.normpath(PurePosixPath(name).parent / match[1])


def set_aside(found: Texts) -> None:
    """Take contracts in YAML that lie among the documents, and are none of them, out of those."""
    for beside in named(found):
        if beside in found.texts and _CONTRACT.search(found.texts[beside]):
            found.attached[beside] = found.texts.pop(beside)


def _attach(found: Texts, root: str) -> None:
    """Read the files that contracts among the texts name, where they lie under the same folder.

    Of YAML they were read already, as if they were documents of an estate.
    """
    set_aside(found)
    for beside in named(found):
        if beside in found.texts or found.attached.get(beside) is not None:
            continue
        if len(found.attached) >= MAX_ATTACHED:
            return
        content = _beside(beside, root, found)
        found.attached[beside] = content
        said = "" if content is None else content
        found.digests[beside] = hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()


def _beside(name: str, root: str, found: Texts) -> str | None:
    """The text of a file under `root`; None where it is not there, no text, too large or outside."""
    real = os.path.realpath(name)
    if not real.startswith(root.rstrip("/") + "/"):
        return None
    scratch = Texts(size=found.size)
    try:
        data = _bytes(real, scratch)
    except OSError:
        return None
    found.size += len(data or b"")
    return decoded(data, PurePosixPath(name), scratch) if data is not None else None


class _Walk:
    """One folder, file by file, in a stable order, depth first."""

    def __init__(self, folder: Path, suffixes: tuple[str, ...], found: Texts) -> None:
        self._top = folder.as_posix()
        self._root = os.path.realpath(folder)
        self._suffixes = suffixes
        self._found = found
        self._looked_at = 0

    def files(self) -> Iterator[str]:
        """The names of the files."""
        pending = [(self._top, 0)]
        while pending:
            current, depth = pending.pop()
            below: list[tuple[str, int]] = []
            prefix = "" if current == "." else current if current == "/" else f"{current}/"
            for entry in self._entries(current):
                name = prefix + entry.name
                if entry.name.startswith(".") or entry.name in SKIPPED:
                    continue
                if entry.is_symlink() and not self._follows(entry, name):
                    continue
                if entry.is_dir():
                    # A link to a folder inside is read where it points to, once.
                    if depth < MAX_DEPTH and not entry.is_symlink():
                        below.append((name, depth + 1))
                elif not entry.name.endswith(self._suffixes):
                    continue
                elif entry.is_file():
                    yield name
                else:
                    # Opening a pipe would wait for a writer, and a device may act on it.
                    _report(self._found, name, "TEL106", _NO_FILE)
            pending.extend(reversed(below))

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        room = MAX_LOOKED_AT - self._looked_at
        try:
            with os.scandir(folder) as entries:
                listed = list(itertools.islice(entries, room + 1))
        except OSError as error:
            _report(self._found, folder, "TEL106", f"the folder cannot be read: {error.strerror}")
            return []
        if len(listed) > room:
            summary = f"there are more than {MAX_LOOKED_AT:,} files; the rest is left unread"
            _report(self._found, folder, "TEL103", summary)
            del listed[room:]
        self._looked_at += len(listed)
        return sorted(listed, key=lambda entry: entry.name)

    def _follows(self, entry: os.DirEntry[str], name: str) -> bool:
        """Whether what a link leads to is to be read under the link's name."""
        try:
            target = os.path.realpath(name, strict=True)
        except OSError:
            if entry.name.endswith(self._suffixes):
                _report(self._found, name, "TEL107", "a link that leads nowhere is not followed")
            return False
        if target != self._root and not target.startswith(self._root.rstrip("/") + "/"):
            summary = "a link that leads out of the estate is not followed"
            _report(self._found, name, "TEL107", summary)
            return False
        return not self._is_read_there(target)

    def _is_read_there(self, target: str) -> bool:
        """Whether the walk comes to a path of the folder by itself, as far as its name tells."""
        parts = os.path.relpath(target, self._root).split("/")
        hidden = any(part.startswith(".") or part in SKIPPED for part in parts)
        return not hidden and target.endswith(self._suffixes) and len(parts) <= MAX_DEPTH + 1


def _add(name: str, found: Texts) -> bool:
    """Read one file. Whether there is room for more."""
    if name in found.texts:
        return True
    if len(found.texts) + len(found.diagnostics) >= MAX_FILES:
        summary = f"there are more than {MAX_FILES:,} files; the rest is left unread"
        _report(found, name, "TEL103", summary)
        return False
    if not _is_text(name):
        _report(found, name, "TEL106", "the file's name is not UTF-8")
        return True
    try:
        data = _bytes(name, found)
    except OSError as error:
        _report(found, name, "TEL106", f"the file cannot be read: {error.strerror}")
        return True
    if data is not None:
        found.size += len(data)
        text = _plain(data) or decoded(data, PurePosixPath(name), found)
        if text is not None:
            found.texts[name] = text
            found.digests[name] = hashlib.sha256(data).hexdigest()
    return True


def _bytes(name: str, found: Texts) -> bytes | None:
    """The content of a regular file within the limits; None where that was reported."""
    handle = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(handle)
        size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            _report(found, name, "TEL106", _NO_FILE)
            return None
        room = min(MAX_FILE_BYTES, MAX_TOTAL_BYTES - found.size)
        data = os.read(handle, size + 1) if size <= room else b""
        # Some files do not say their size, and others grow while they are read.
        while size <= room and len(data) <= room and (more := os.read(handle, _CHUNK)):
            data += more
    finally:
        os.close(handle)
    if size > room or len(data) > room:
        _report(
            found, name, "TEL103", f"the file is too large to read ({max(size, len(data)):,} bytes)"
        )
        return None
    return data


def _plain(data: bytes) -> str:
    """The text of a file that is UTF-8 without a mark; "" for every other."""
    if data.startswith((b"\xef", b"\xff", b"\xfe")):
        return ""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def decoded(data: bytes, path: PurePath, found: Texts) -> str | None:
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


def _is_text(name: str) -> bool:
    """Whether a name can be written down: the system gives bytes that are no text as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _report(found: Texts, name: str, code: str, summary: str) -> None:
    severity = Severity.WARNING if code == "TEL107" else Severity.ERROR
    shown = name.encode("utf-8", "backslashreplace").decode()
    found.diagnostics.append(Diagnostic(code, severity, summary, position=Position(shown)))


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a file so that a reader sees the old or the new text, never half of one.

    Raises `OSError`; the permissions of an existing file stay. A `private` file is for its owner
    alone.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
        if not private:
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
