"""The ledger in memory: entries are never changed, so each is read and decoded once.

A release page and its charts look at the whole ledger each second; without this every look would
decode every entry again. Bounded by `MAX_KEPT` entries over all releases.
"""

import threading
from collections import OrderedDict

from telford.deliver.state import Entry
from telford.store.store import Store

MAX_KEPT = 20_000
"""About 50 MB; five releases of an hour with ticks of a second."""


class Entries:
    """The ledger entries of releases, oldest first."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: OrderedDict[str, list[Entry]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, release: str) -> tuple[Entry, ...]:
        """All entries of one release up to now."""
        with self._lock:
            kept = self._kept.setdefault(release, [])
            self._kept.move_to_end(release)
            after = kept[-1].tick if kept else -1
            kept += [
                Entry.from_json(one.entry) for one in self._store.ledger.of(release, after=after)
            ]
            self._forget(release)
            return tuple(kept)

    def _forget(self, newest: str) -> None:
        while len(self._kept) > 1 and sum(map(len, self._kept.values())) > MAX_KEPT:
            oldest = next(iter(self._kept))
            assert oldest != newest, "the newest was moved to the end"
            del self._kept[oldest]
