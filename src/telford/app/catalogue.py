"""The catalogue: every entity of an estate as a row that can be searched, filtered and sorted.

`index` is made once for an estate; `find` answers one query from it in a few milliseconds at
10,000 entities, because rows carry their search text ready made. Called by the portal's catalogue
and search and by the API.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from telford.estate import graph
from telford.estate.kinds import registry
from telford.estate.kinds.base import Kind
from telford.estate.model import Entity, Estate

PAGE_SIZE = 50
"""Rows of one page: about two screens, and 20 kB of HTML."""
MAX_PAGE_SIZE = 500
"""An API caller may ask for at most this many at a time."""
Value = TypeVar("Value", int, str)
SORTS = ("name", "kind", "system", "owner", "tier")
# What people look for most comes first; other kinds follow by family, as they are documented.
_FIRST = ("Service", "Datastore", "Stream", "System", "Objective", "Team")
_KIND_RANK = {name: rank for rank, name in enumerate(dict.fromkeys((*_FIRST, *registry.BY_NAME)))}
# Family -> the names of its kinds.
_FAMILIES = {
    family: tuple(kind.__name__ for kind in kinds) for family, kinds in registry.FAMILIES.items()
}


@dataclass(frozen=True, slots=True)
class Row:
    """One entity as the catalogue shows it. `owner` is an address or ""; `tier` is None where the
    kind has none; `line` counts from 1.
    """

    address: str
    kind: str
    name: str
    system: str
    owner: str
    tier: int | None
    type: str
    road: str
    description: str
    file: str
    line: int
    haystack: str

    @property
    def team(self) -> str:
        """The owner without its kind: "shop" of "team/shop"."""
        return self.owner.rpartition("/")[2]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "kind": self.kind,
            "name": self.name,
            "system": self.system or None,
            "owner": self.owner or None,
            "tier": self.tier,
            "type": self.type or None,
            "road": self.road or None,
            "description": self.description,
            "file": self.file,
            "line": self.line,
        }


@dataclass(frozen=True, slots=True)
class Index:
    """All rows by address, and the values that the filters may take."""

    rows: tuple[Row, ...]
    by_address: Mapping[str, Row]
    kinds: Mapping[str, int]
    owners: Mapping[str, int]
    systems: Mapping[str, int]
    tiers: Mapping[int, int]

    @property
    def families(self) -> Mapping[str, Mapping[str, int]]:
        """Family -> its kinds that there are, and how many of each."""
        found = {
            family: {kind: self.kinds[kind] for kind in kinds if kind in self.kinds}
            for family, kinds in _FAMILIES.items()
        }
        return {family: kinds for family, kinds in found.items() if kinds}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: empty values filter nothing. `kind` is a kind or a family of kinds (``places``);
    `sort` is one of `SORTS`.
    """

    text: str = ""
    kind: str = ""
    owner: str = ""
    system: str = ""
    tier: int | None = None
    sort: str = "kind"
    descending: bool = False
    offset: int = 0
    limit: int = PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the answer; `total` counts all that match."""

    rows: tuple[Row, ...]
    total: int
    offset: int
    limit: int

    @property
    def first(self) -> int:
        """The number of the first row shown, from 1; 0 where there is none."""
        return self.offset + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return self.offset + len(self.rows)


def index(estate: Estate) -> Index:
    """The rows of an estate, in address order."""
    rows = tuple(row_of(entity) for entity in estate.entities.values())
    return Index(
        rows=rows,
        by_address={row.address: row for row in rows},
        kinds=_counts(row.kind for row in rows),
        owners=_counts(row.owner for row in rows if row.owner),
        systems=_counts(row.system for row in rows if row.system),
        tiers=_counts(row.tier for row in rows if row.tier is not None),
    )


def row_of(entity: Entity) -> Row:
    """One entity as a row."""
    spec = entity.spec
    address = str(entity.address)
    owner = graph.owner_of(spec)
    said = _said(spec)
    parts = (address, owner, said, *spec.labels.values())
    return Row(
        address=address,
        kind=spec.kind,
        name=spec.name,
        system=entity.address.system,
        owner=owner,
        tier=getattr(spec, "tier", None),
        type=_sort(spec),
        road=str(getattr(spec, "road", "")),
        description=said,
        file=entity.file,
        line=entity.node.line,
        haystack=" ".join(parts).lower(),
    )


# Fields that say what sort of its kind a thing is, and where it stands; the first that is there.
_SORTS = ("type", "engine", "provider", "ring", "status", "framework", "severity", "store", "level")
# Fields that say in a few words what a thing is, where it has no description.
_WORDS = ("title", "message", "summary", "scenario", "hypothesis", "reason", "goal")


def _sort(spec: Kind) -> str:
    return next((str(v) for name in _SORTS if (v := getattr(spec, name, None))), "")


def _said(spec: Kind) -> str:
    if spec.description:
        return spec.description
    return next((str(v) for name in _WORDS if (v := getattr(spec, name, None))), "")


def find(rows: Index, query: Query) -> Found:
    """The rows that match every word and every filter, sorted, one page of them."""
    words = query.text.lower().split()
    kept = [row for row in rows.rows if _matches(row, query, words)]
    kept.sort(key=_order(query), reverse=query.descending)
    limit = min(max(query.limit, 1), MAX_PAGE_SIZE)
    offset = min(max(query.offset, 0), max(len(kept) - 1, 0))
    return Found(tuple(kept[offset : offset + limit]), len(kept), offset, limit)


def best(rows: Index, text: str, limit: int) -> tuple[Row, ...]:
    """What a person who typed `text` most likely means: names that begin with it come first."""
    words = text.lower().split()
    if not words:
        return ()
    found = [row for row in rows.rows if all(word in row.haystack for word in words)]
    found.sort(key=lambda row: _rank(row, words[0]))
    return tuple(found[:limit])


def _rank(row: Row, word: str) -> tuple[int, int, str]:
    if word in {row.name, row.address}:
        place = 0
    elif row.name.startswith(word):
        place = 1
    elif word in row.address:
        place = 2
    else:
        place = 3
    return (place, 0 if row.kind == "Service" else 1, row.address)


def _matches(row: Row, query: Query, words: list[str]) -> bool:
    return (
        (not query.kind or row.kind == query.kind or row.kind in _FAMILIES.get(query.kind, ()))
        and (not query.owner or row.owner == query.owner)
        and (not query.system or row.system == query.system)
        and (query.tier is None or row.tier == query.tier)
        and all(word in row.haystack for word in words)
    )


def _order(query: Query) -> Callable[[Row], tuple[object, ...]]:
    keys: dict[str, Callable[[Row], tuple[object, ...]]] = {
        "name": lambda row: (row.name, row.address),
        "kind": lambda row: (_KIND_RANK.get(row.kind, len(_KIND_RANK)), row.kind, row.address),
        "system": lambda row: (row.system, row.address),
        "owner": lambda row: (row.owner, row.address),
        "tier": lambda row: (99 if row.tier is None else row.tier, row.address),
    }
    return keys.get(query.sort, keys["kind"])


def _counts(values: Iterable[Value]) -> dict[Value, int]:
    counted = Counter(values)
    return {value: counted[value] for value in sorted(counted)}
