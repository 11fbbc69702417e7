"""A cache of texts by content hash: what was computed once need not be computed again.

A key is a hash of everything that the value depends on, code version included, so an entry is
never stale; losing all of them costs time only.
"""

from typing import Protocol


class Cache(Protocol):
    """Keeps texts (JSON, never pickle) under keys of hex digits."""

    def get(self, key: str) -> str | None:
        """The text under a key, or None. Never fails: a cache that cannot be read is empty."""
        ...

    def put(self, key: str, text: str) -> None:
        """Keep a text. Never fails: a cache that cannot be written stays as it is."""
        ...
