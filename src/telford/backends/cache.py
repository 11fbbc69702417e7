"""The cache on disk: one file a key, written atomically, bounded in number and size.

Nothing that it holds is believed unseen: a file counts only if it is ours alone to write and its
checksum is right. What is damaged, truncated or anybody else's is as good as not there, and a disk
that is full or read-only makes the cache an empty one, never a failure.
"""

import contextlib
import hashlib
import os
import stat
from pathlib import Path

from telford.backends import files

# Check and build results are kilobytes; what is kept of an estate of 10,000 services is 21 MB.
MAX_ENTRIES = 500
MAX_ENTRY_BYTES = 128 * 1024 * 1024
MAX_TOTAL_BYTES = 512 * 1024 * 1024
# Entries and bytes to leave after a clean-up, so that not every write cleans up.
_KEPT = 400
_KEPT_BYTES = MAX_TOTAL_BYTES // 2
# What a writer that was killed left behind is removed after this long.
_ABANDONED_SECONDS = 3600
_HEAD = "telford-cache 1 "
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


class FileCache:
    """Implements `telford.ports.cache.Cache` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> str | None:
        """See `Cache.get`."""
        try:
            data = _trusted(self._path(key))
            head, _, text = data.partition(b"\n")
            if head.decode("ascii") != _HEAD + hashlib.sha256(text).hexdigest():
                return None
            return text.decode()
        except (OSError, UnicodeDecodeError):
            return None

    def put(self, key: str, text: str) -> None:
        """See `Cache.put`."""
        with contextlib.suppress(OSError, UnicodeEncodeError):
            data = text.encode()
            if len(data) > MAX_ENTRY_BYTES:
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            head = _HEAD + hashlib.sha256(data).hexdigest()
            files.write_text(self._path(key), f"{head}\n{text}", private=True)
            self._clean()

    def _path(self, key: str) -> Path:
        assert key.isalnum(), "a cache key is a hash in hex digits"
        return self._folder / f"{key}.json"

    def _clean(self) -> None:
        """Remove the oldest entries beyond the bounds, and what killed writers left."""
        found = _oldest_last(self._folder)
        newest = found[0][0].st_mtime if found else 0.0
        entries = [one for one in found if one[1].suffix == ".json"]
        total = sum(status.st_size for status, _ in entries)
        if len(entries) > MAX_ENTRIES or total > MAX_TOTAL_BYTES:
            total = 0
            for number, (status, path) in enumerate(entries):
                total += status.st_size
                if number and (number >= _KEPT or total > _KEPT_BYTES):
                    path.unlink(missing_ok=True)
        for status, path in found:
            if path.suffix != ".json" and status.st_mtime < newest - _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)


def _oldest_last(folder: Path) -> list[tuple[os.stat_result, Path]]:
    """The files of a folder with their status, the newest first."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            # Somebody else may be cleaning up as well.
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode):
                    found.append((status, Path(entry.path)))
    return sorted(found, key=lambda one: one[0].st_mtime, reverse=True)


def _trusted(path: Path) -> bytes:
    """The bytes of a file that nobody else can have written. Raises `OSError` for any other."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        ours = status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE
        if not stat.S_ISREG(status.st_mode) or not ours or status.st_size > MAX_ENTRY_BYTES + 100:
            raise PermissionError("this is not a file of ours")
        return stream.read(MAX_ENTRY_BYTES + 100)


def default_folder(setting: str, environment_home: str = "") -> Path:
    """Where caches live: the setting, else ``telford`` in the user's cache folder."""
    if setting:
        return Path(setting)
    base = Path(environment_home) if environment_home else Path.home() / ".cache"
    return base / "telford"
