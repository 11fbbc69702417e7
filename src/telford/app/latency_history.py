"""How fast the stable version answers, as the service's last release counted it.

Measurements between releases count what is over a threshold; only a release whose delivery says
`latency: true` counts whole histograms, and its ledger keeps them. A forecast of how soon slower
answers would be found stands on these. Called by `telford.app.release` before a release starts.
"""

from collections.abc import Iterable
from typing import Any

from telford.store.ledger import Entry
from telford.store.releases import Release
from telford.store.store import Store

RELEASES = 5
"""The newest that are looked at: an emergency among them counted nothing."""
RECENT_TICKS = 60
"""The end of a ledger says how the version that stayed answers; the whole of it may be thousands."""


def shape(store: Store, place: str, service: str) -> tuple[float, ...]:
    """The requests in each bucket of the version that stayed, lowest first; () where no release of
    the service in this place has counted any.
    """
    for row in store.releases.find(place=place, service=service, active=False, limit=RELEASES):
        found = _summed(row, store.ledger.of(row.id, after=row.tick - RECENT_TICKS))
        if any(found):
            return found
    return ()


def _summed(row: Release, entries: Iterable[Entry]) -> tuple[float, ...]:
    """Of the last ticks with the same buckets."""
    stayed = row.to_version if row.phase == "promoted" else row.from_version
    counts = [
        one["buckets"]
        for entry in entries
        for one in entry.entry["series"]
        if one["version"] == stayed and _buckets(one)
    ]
    alike = (one for one in counts if len(one) == len(counts[-1]))
    return tuple(float(sum(column)) for column in zip(*alike, strict=True))


def _buckets(series: dict[str, Any]) -> list[int]:
    # Rows of before there were histograms have no such key.
    found: list[int] = series.get("buckets", [])
    return found
