"""The list of releases: what a person or a program may narrow it by, and one page of it.

Reads the store and the estate's catalogue (for systems and teams). Called by the portal's list and
by ``/api/releases``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from telford.app.catalogue import Index
from telford.basics.errors import UsageError
from telford.deliver.state import FINAL, Phase
from telford.store.releases import Query, Release
from telford.store.store import Store

PAGE_ROWS = 50
WHICH: Mapping[str, frozenset[str]] = {
    "on-the-way": frozenset(one.value for one in Phase if one not in FINAL),
    "ended": frozenset(one.value for one in FINAL),
}
STRATEGIES = ("canary", "blue-green", "rolling", "mirror", "ab", "recreate")
SINCE: Mapping[str, float] = {
    "hour": 3600.0,
    "day": 86_400.0,
    "week": 7 * 86_400.0,
    "month": 30 * 86_400.0,
}
"""Word -> seconds before now."""
MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, as the URL says it; "" asks for nothing. `page` counts from 1."""

    service: str = ""
    system: str = ""
    team: str = ""
    place: str = ""
    which: str = ""
    phase: str = ""
    strategy: str = ""
    who: str = ""
    version: str = ""
    since: str = ""
    page: int = 1

    @property
    def any(self) -> bool:
        """Whether the list is narrowed at all."""
        return replace(self, page=1) != Asked()

    def fields(self) -> dict[str, str]:
        """What a link repeats: all but the page."""
        return {name: str(getattr(self, name)) for name in Asked.__slots__ if name not in {"page"}}


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `counts` are of all that match but for phase and which: phase -> how many."""

    asked: Asked
    rows: tuple[Release, ...]
    total: int
    counts: Mapping[str, int]

    @property
    def first(self) -> int:
        """The number of the first row, from 1."""
        return (self.asked.page - 1) * PAGE_ROWS + 1

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.rows) - 1

    @property
    def more(self) -> bool:
        """Whether there is a page after this one."""
        return self.last < self.total

    def counted(self, which: str) -> int:
        """How many are on the way, or ended; all of them for ""."""
        phases = WHICH.get(which)
        return sum(n for phase, n in self.counts.items() if phases is None or phase in phases)


def read(given: Mapping[str, str]) -> Asked:
    """What a query string asks for. Raises `UsageError` where a value cannot be."""
    texts = {
        name: given.get(name, "")[:MAX_TEXT].strip() for name in Asked.__slots__ if name != "page"
    }
    _refuse("which", texts["which"], WHICH)
    _refuse("phase", texts["phase"], {one.value: 0 for one in Phase})
    _refuse("strategy", texts["strategy"], dict.fromkeys(STRATEGIES, 0))
    _refuse("since", texts["since"], SINCE)
    number = given.get("page", "1") or "1"
    if not (number.isascii() and number.isdecimal()) or not 1 <= int(number) <= 10_000_000:
        raise UsageError(f"there is no page {number[:20]!r}", fix="pages count from 1")
    return Asked(**texts, page=int(number))


def page(store: Store, index: Index, asked: Asked, now: float) -> Page:
    """One page of what is asked for."""
    wide = Query(
        place=asked.place,
        service=asked.service,
        services=_services(index, asked),
        strategy=asked.strategy,
        who=asked.who,
        version=asked.version,
        since=now - SINCE[asked.since] if asked.since else None,
    )
    counts = store.releases.tally(wide)
    phases = _phases(asked)
    total = sum(n for phase, n in counts.items() if phases is None or phase in phases)
    rows = store.releases.search(
        replace(wide, phases=phases), offset=(asked.page - 1) * PAGE_ROWS, limit=PAGE_ROWS
    )
    return Page(asked, rows, total, counts)


def _phases(asked: Asked) -> frozenset[str] | None:
    chosen = WHICH.get(asked.which)
    if not asked.phase:
        return chosen
    one = frozenset({asked.phase})
    return one if chosen is None else chosen & one


def _services(index: Index, asked: Asked) -> frozenset[str] | None:
    """The services of a system and a team; None where neither is asked for."""
    if not asked.system and not asked.team:
        return None
    return frozenset(
        row.address
        for row in index.rows
        if row.kind == "Service"
        and (not asked.system or row.system == asked.system)
        and (not asked.team or asked.team in {row.owner, row.team})
    )


def _refuse(name: str, value: str, known: Mapping[str, object]) -> None:
    if value and value not in known:
        raise UsageError(f"there is no {name} {value!r}", fix=f"one of {', '.join(known)}")
