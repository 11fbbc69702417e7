"""A folder's texts as they were at a revision, read from Git's own objects: nothing is checked out.

Only `rev-parse`, `ls-tree`, `cat-file --batch` and `log` are asked: they run no hook, filter, pager or
text converter, and `GIT_*` variables of the caller do not reach them. Links are not followed,
submodules are left out, a Git LFS pointer is said to be one. Limits are those of
`telford.backends.files`. Called by `telford.app.diff` and `telford.app.drift_folder`.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from telford.backends import files
from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.basics.errors import PermanentError, UsageError

# A repository of a million files answers in seconds; more is a machine in trouble.
LIMIT_SECONDS = 60
# The names of a million files.
MAX_LISTING_BYTES = 256 * 1024 * 1024
MAX_REVISION_CHARACTERS = 500

_LINK = "120000"
_FILES = frozenset({"100644", "100755", "100664"})
_POINTER = b"version https://git-lfs.github.com/spec/"
# A pointer has three short lines; a text that begins like one and goes on is none.
_MAX_POINTER_BYTES = 1024
_NEUTRAL = (
    "--no-pager",
    "--literal-pathspecs",
    "--no-optional-locks",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "protocol.allow=never"),
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folder at a revision: what was asked for, the commit it is, and the texts."""

    revision: str
    commit: str
    found: files.Texts


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file of a tree: its path under the folder."""

    mode: str
    object: str
    size: int
    path: str


def snapshot(folder: Path, revision: str, suffixes: tuple[str, ...] = files.SUFFIXES) -> Snapshot:
    """The texts of a folder at a revision, under the names that `files.read` gives them today.

    Raises `UsageError` for a folder that is in no repository or a revision that there is not,
    `PermanentError` where Git cannot be run or gives up.
    """
    where = _existing(folder)
    prefix = _prefix(where, folder)
    commit = _commit(where, revision)
    found = files.Texts()
    entries = list(_chosen(_listing(where, commit, prefix), folder, suffixes, found))
    _read(where, entries, folder, found)
    files.set_aside(found)
    _read_named(where, _listing(where, commit, prefix), folder, found)
    return Snapshot(revision, commit, found)


def require_work_tree(folder: Path) -> None:
    """Raise `UsageError` where a folder has no files of its own: in a bare repository."""
    said = _run(_existing(folder), ["rev-parse", "--is-inside-work-tree"]).decode().strip()
    if said != "true":
        raise UsageError(
            f"{folder} is in a bare repository, which has no work tree", fix="name two revisions"
        )


@dataclass(frozen=True, slots=True)
class Author:
    """Who last committed a file, and when (ISO 8601); `name` is "" where what lies there was never
    committed.
    """

    name: str = ""
    at: str = ""


def last_author(file: Path) -> Author | None:
    """Who last committed a file as it lies there; None where it is in no work tree.

    Its content is hashed here: `git status` might run a filter that the repository names.
    """
    folder, name = _existing(file.parent), file.name
    try:
        listed = _call(folder, ["ls-tree", "-z", "HEAD", "--", name])
    except PermanentError:
        return None
    if listed.returncode:
        return None
    committed = listed.stdout.partition(b"\t")[0].split()
    if len(committed) < 3 or committed[2].decode() != _blob(file, len(committed[2])):
        return Author()
    asked = ["log", "-1", "--no-show-signature", "--format=%an%x00%aI", "HEAD", "--", name]
    author, _, at = _run(folder, asked).decode(errors="replace").strip().partition("\0")
    return Author(author, at)


def _blob(file: Path, digits: int) -> str:
    """The name of a file's content, as long as the repository's names are; "" where it is none."""
    try:
        data = file.read_bytes()
    except OSError:
        return ""
    # A name that Git chose, not a proof of anything.
    hashed = hashlib.sha1(usedforsecurity=False) if digits == 40 else hashlib.sha256()
    hashed.update(b"blob %d\0" % len(data))
    hashed.update(data)
    return hashed.hexdigest()


def without_links(found: files.Texts) -> files.Texts:
    """What was read from a work tree without the files that are links, as revisions have it."""
    texts = {name: text for name, text in found.texts.items() if not Path(name).is_symlink()}
    return files.Texts(texts, list(found.diagnostics), found.size, attached=dict(found.attached))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there: it may be gone, or not yet be there."""
    for candidate in (folder, *folder.absolute().parents):
        if candidate.is_dir():
            return candidate
    return Path()


def _prefix(where: Path, folder: Path) -> str:
    """The folder's path from the root of the repository, "" for the root or a bare repository."""
    said = _run(where, ["rev-parse", "--is-inside-work-tree", "--show-prefix"]).decode()
    inside, _, prefix = said.partition("\n")
    if inside != "true":
        return ""
    below = folder.absolute().relative_to(where.absolute()) if where != folder else PurePosixPath()
    return str(PurePosixPath(prefix.strip("\n")) / below.as_posix()).removeprefix(".").strip("/")


def _commit(where: Path, revision: str) -> str:
    """The commit of a revision's text. Raises `UsageError` where there is none."""
    bad = not revision.strip() or revision.startswith("-") or not revision.isprintable()
    if bad or len(revision) > MAX_REVISION_CHARACTERS:
        raise UsageError(
            f"{revision[:60]!r} is not a revision",
            fix="name a branch, a tag or a commit, such as main or HEAD~1",
        )
    asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"]
    done = _call(where, asked)
    if done.returncode:
        raise UsageError(
            f"there is no revision {revision}",
            fix="`git branch --all` and `git log --oneline` list them; a shallow clone lacks old ones",
        )
    return done.stdout.decode().strip()


def _listing(where: Path, commit: str, prefix: str) -> Iterator[_Entry]:
    """Every entry of the tree under a prefix, its path from there."""
    below = [f"{prefix}/"] if prefix else []
    listed = _run(where, ["ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--", *below])
    if len(listed) > MAX_LISTING_BYTES:
        raise UsageError("the tree is too large to list", fix="name the estate's own folder")
    for line in listed.split(b"\0"):
        head, tab, path = line.partition(b"\t")
        if tab:
            mode, _, name, size = head.split()
            number = int(size) if size.isdigit() else 0
            short = os.fsdecode(path).removeprefix(f"{prefix}/")
            yield _Entry(mode.decode(), name.decode(), number, short)


def _chosen(
    entries: Iterator[_Entry], folder: Path, suffixes: tuple[str, ...], found: files.Texts
) -> Iterator[_Entry]:
    """The entries that are texts of an estate, within the limits."""
    count = 0
    for entry in entries:
        parts = entry.path.split("/")
        hidden = any(part.startswith(".") or part in files.SKIPPED for part in parts)
        if hidden or not entry.path.endswith(suffixes) or len(parts) > files.MAX_DEPTH + 1:
            continue
        if entry.mode == _LINK:
            _report(found, folder, entry, "TEL107", "a link is not followed in a revision")
        elif entry.mode in _FILES:
            count += 1
            if count > files.MAX_FILES:
                raise UsageError(
                    f"there are more than {files.MAX_FILES:,} files",
                    fix="name the estate's own folder",
                )
            if _fits(entry, folder, found):
                yield entry


def _fits(entry: _Entry, folder: Path, found: files.Texts) -> bool:
    total = found.size + entry.size
    if entry.size > files.MAX_FILE_BYTES or total > files.MAX_TOTAL_BYTES:
        summary = f"the file is too large to read ({entry.size:,} bytes)"
        _report(found, folder, entry, "TEL103", summary)
        return False
    found.size = total
    return True


def _read(where: Path, entries: Sequence[_Entry], folder: Path, found: files.Texts) -> None:
    """Fill in the texts of entries, asking for each object once."""
    objects = list(dict.fromkeys(entry.object for entry in entries))
    if not objects:
        return
    # Objects of a partial clone that are not here are not fetched: they are said to be missing.
    data = _contents(_run(where, ["cat-file", "--batch"], "\n".join(objects).encode() + b"\n"))
    for entry in entries:
        content = data.get(entry.object)
        if content is None:
            _report(
                found, folder, entry, "TEL106", "the repository does not have the file's content"
            )
        elif content.startswith(_POINTER) and len(content) < _MAX_POINTER_BYTES:
            _report(
                found, folder, entry, "TEL106", "the file is in Git LFS: only a pointer is here"
            )
        else:
            path = folder / entry.path
            text = files.decoded(content, path, found)
            if text is not None:
                found.texts[path.as_posix()] = text


def _read_named(where: Path, entries: Iterable[_Entry], folder: Path, found: files.Texts) -> None:
    """Attach the other files that contracts name: those of the revision, never those of today."""
    lacking = set(files.named(found)) - found.texts.keys() - found.attached.keys()
    if not lacking:
        return
    wanted = [
        entry
        for entry in entries
        if (folder / entry.path).as_posix() in lacking
        and entry.mode in _FILES
        and _fits(entry, folder, found)
    ]
    beside = files.Texts()
    _read(where, wanted[: files.MAX_ATTACHED], folder, beside)
    found.attached.update(beside.texts)
    found.diagnostics += beside.diagnostics


def _contents(batch: bytes) -> dict[str, bytes]:
    """Object -> content, from the answer of ``cat-file --batch``; a missing one is left out."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(batch):
        line_end = batch.index(b"\n", at)
        head = batch[at:line_end].split()
        at = line_end + 1
        if len(head) == 3 and head[2].isdigit():
            size = int(head[2])
            found[head[0].decode()] = batch[at : at + size]
            at += size + 1
    return found


def _report(found: files.Texts, folder: Path, entry: _Entry, code: str, summary: str) -> None:
    severity = Severity.WARNING if code == "TEL107" else Severity.ERROR
    position = Position((folder / entry.path).as_posix())
    found.diagnostics.append(Diagnostic(code, severity, summary, position=position))


def _run(where: Path, arguments: Sequence[str], given: bytes = b"") -> bytes:
    """What Git answers. Raises with Git's own words where it fails."""
    done = _call(where, arguments, given)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        first = said.partition("\n")[0] or f"it ended with {done.returncode}"
        if "not a git repository" in first:
            raise UsageError(
                f"{where} is not in a Git repository", fix="run it where the estate is under Git"
            )
        raise PermanentError(f"git {arguments[0]} failed: {first}", fix=_advice(said))
    return done.stdout


def _advice(said: str) -> str:
    if "safe.directory" in said:
        return "the repository belongs to another user: `git config --global --add safe.directory`"
    return "`git fsck` says whether the repository is whole"


def _call(
    where: Path, arguments: Sequence[str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(where), *_NEUTRAL, *arguments],
            input=given,
            capture_output=True,
            env=_environment(),
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise PermanentError("git is not installed", fix="install Git") from error
    except subprocess.TimeoutExpired as error:
        raise PermanentError(
            f"git {arguments[0]} did not answer within {LIMIT_SECONDS} s",
            fix="name the estate's own folder, or try again",
        ) from error


def _environment() -> dict[str, str]:
    """The caller's environment without anything that changes what Git does."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return kept | {
        "LC_ALL": "C",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
