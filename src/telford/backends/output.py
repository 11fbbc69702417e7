"""A folder of artifacts and the inventory of what was written to it.

Writes are atomic file by file; the inventory is written first with what is about to be written
(`pending`) and last without, so that a killed build is finished by the next one. One build at a
time: the folder itself is locked. Called by `telford.app.building`.
"""

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from telford.backends import files
from telford.basics.errors import PermanentError, RefusedError, TemporaryError
from telford.plan.actions import Entry, Inventory

INVENTORY = ".telford-inventory.json"
VERSION = 1


def inventory(folder: Path) -> Inventory:
    """What was written to a folder; nothing where there is none.

    Raises `RefusedError` where the file is not an inventory that this version reads.
    """
    path = folder / INVENTORY
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        entries = {name: Entry(name, **row) for name, row in data["entries"].items()}
        return Inventory(entries, int(data["generation"]), data.get("pending", {}))
    except FileNotFoundError:
        return Inventory()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(
            f"{path} is not an inventory that this version of telford reads",
            fix="remove it and build with --force: what lies there is then overwritten",
        ) from error
    except OSError as error:
        raise _failed(path, "read", error) from error


def keep_inventory(folder: Path, kept: Inventory) -> None:
    """Write the inventory, atomically."""
    rows = {}
    for name, entry in kept.entries.items():
        row = asdict(entry)
        del row["path"]
        rows[name] = row
    data = {
        "version": VERSION,
        "generation": kept.generation,
        "pending": dict(kept.pending),
        "entries": rows,
    }
    path = folder / INVENTORY
    try:
        files.write_text(path, json.dumps(data, indent=1) + "\n")
    except OSError as error:
        raise _failed(path, "written", error) from error


def digest(data: bytes) -> str:
    """The name of a text: its SHA-256."""
    return hashlib.sha256(data).hexdigest()


def observe(folder: Path, paths: Iterable[str]) -> dict[str, str]:
    """The digest of each of the paths that is a file; a link or a folder has none of ours."""
    found = {}
    base = str(folder)
    for path in paths:
        data = _data(f"{base}/{path}")
        if data is not None:
            found[path] = digest(data)
    return found


def _data(path: str) -> bytes | None:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        # Something is there that is no file of ours (a link, a folder in between): it is not
        # ours to overwrite, and no text of ours has the digest of nothing but an error.
        return f"not a file: {error.strerror}".encode()
    with os.fdopen(handle, "rb") as stream:
        try:
            return stream.read()
        except OSError as error:
            return f"not a file: {error.strerror}".encode()


def text(folder: Path, path: str) -> str:
    """The text of a file; "" where it is not there or is no text."""
    data = _data(f"{folder}/{path}")
    return "" if data is None else data.decode("utf-8", "replace")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder, made where it is missing, for this process alone.

    Raises `TemporaryError` while another build writes to it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise _failed(folder, "used", error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise TemporaryError(
            f"another build is writing to {folder}", fix="wait until it has ended, then try again"
        ) from error
    finally:
        os.close(handle)


def write(folder: Path, texts: Mapping[str, bytes]) -> None:
    """Write files (relative path -> bytes), each atomically."""
    made: set[str] = set()
    for path, data in texts.items():
        where = _inside(folder, path, made)
        try:
            _replace(where, data)
        except OSError as error:
            raise _failed(Path(where), "written", error) from error


def _replace(where: str, data: bytes) -> None:
    head, _, name = where.rpartition("/")
    temporary = f"{head}/.{name}.telford"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(where)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _inside(folder: Path, path: str, made: set[str]) -> str:
    """The whole path, its folders made. Raises `RefusedError` where a link leads out of `folder`."""
    parts = path.split("/")
    assert not {"", ".", ".."} & set(parts), f"{path} leaves the folder"
    parent = "/".join(parts[:-1])
    if parent not in made:
        whole = folder / parent
        if not whole.resolve().is_relative_to(folder.resolve()):
            raise RefusedError(f"{whole} is a link that leads out of {folder}", fix="remove it")
        try:
            whole.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(whole, "made", error) from error
        made.add(parent)
    return f"{folder}/{path}"


def remove(folder: Path, paths: Iterable[str]) -> None:
    """Remove files, and the folders that this leaves empty."""
    for path in paths:
        whole = folder / path
        try:
            whole.unlink(missing_ok=True)
        except OSError as error:
            raise _failed(whole, "removed", error) from error
        _prune(folder, whole.parent)


def _prune(folder: Path, empty: Path) -> None:
    while empty != folder:
        try:
            empty.rmdir()
        except OSError:
            return
        empty = empty.parent


def _failed(path: Path, done: str, error: OSError) -> PermanentError:
    return PermanentError(
        f"{path} cannot be {done}: {error.strerror}",
        fix="check the folder's permissions and the space on its disk",
    )
