"""The cache on disk: one small file a key, written atomically, bounded in number."""

import contextlib
import os
from pathlib import Path

from telford.backends import files

# A check result of 1,000 services is a few kilobytes: at most some tens of megabytes in all.
MAX_ENTRIES = 500
# Entries to leave after a clean-up, so that not every write cleans up.
_KEPT = 400


class FileCache:
    """Implements `telford.ports.cache.Cache` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> str | None:
        """See `Cache.get`."""
        try:
            return self._path(key).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def put(self, key: str, text: str) -> None:
        """See `Cache.put`."""
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write_text(self._path(key), text)
            self._clean()

    def _path(self, key: str) -> Path:
        assert key.isalnum(), "a cache key is a hash in hex digits"
        return self._folder / f"{key}.json"

    def _clean(self) -> None:
        entries = [entry for entry in os.scandir(self._folder) if entry.name.endswith(".json")]
        if len(entries) <= MAX_ENTRIES:
            return
        entries.sort(key=lambda entry: entry.stat().st_mtime)
        for entry in entries[: len(entries) - _KEPT]:
            Path(entry.path).unlink(missing_ok=True)


def default_folder(setting: str, environment_home: str = "") -> Path:
    """Where caches live: the setting, else ``telford`` in the user's cache folder."""
    if setting:
        return Path(setting)
    base = Path(environment_home) if environment_home else Path.home() / ".cache"
    return base / "telford"
