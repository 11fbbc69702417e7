"""Time zones by their IANA names, from this machine's data or the `tzdata` package.

Their rules lie on a disk, so that governments may change them; pure code gets them handed in.
Called by `telford.flows.gating` and by the app.
"""

import zoneinfo
from collections.abc import Iterable
from functools import lru_cache

# More than there are.
KEPT = 1024


def known(names: Iterable[str]) -> dict[str, zoneinfo.ZoneInfo]:
    """Those of the names that this machine knows; UTC always."""
    found = {name: _zone(name) for name in {*names, "UTC"}}
    return {name: zone for name, zone in found.items() if zone is not None}


@lru_cache(maxsize=KEPT)
def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
