"""The context map: which system depends on which, and through what.

A system is a bounded context (Evans, *Domain-Driven Design*, part IV); the one that is needed is
upstream, the one that needs is downstream. Derived from the edges alone; called by `telford graph
--contexts` and the portal.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from telford.estate.graph import Edge, Graph

NO_SYSTEM = ""
"""Stands for everything that belongs to no system."""


@dataclass(frozen=True, slots=True)
class Context:
    """A system as a bounded context: its name ("" for what has none), how many things are in it,
    and who owns them.
    """

    name: str
    things: int
    teams: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {"system": self.name or None, "things": self.things, "teams": list(self.teams)}


class Relation(NamedTuple):
    """`source` (downstream) depends on `target` (upstream) through `edges`.

    `mutual` says that the other direction exists too: then neither can change alone.
    """

    source: str
    target: str
    mutual: bool
    edges: tuple[Edge, ...]

    @property
    def calls(self) -> int:
        """Uses of services (and what leads to them)."""
        return self._of("call")

    @property
    def data(self) -> int:
        """Uses of data stores."""
        return self._of("data")

    @property
    def streams(self) -> int:
        """Ties through streams."""
        return self._of("stream")

    @property
    def critical(self) -> int:
        """How many of them are critical."""
        return sum(edge.critical for edge in self.edges)

    @property
    def inferred(self) -> int:
        """How many were concluded, and nobody has confirmed them."""
        return sum(not edge.policed for edge in self.edges)

    def _of(self, kind: str) -> int:
        return sum(_kind(edge) == kind for edge in self.edges)

    @property
    def words(self) -> str:
        """What it goes through, in words: "3 calls, 1 stream"."""
        parts = ((self.calls, "call"), (self.data, "data store"), (self.streams, "stream"))
        return ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in parts if count)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "source": self.source or None,
            "target": self.target or None,
            "calls": self.calls,
            "data": self.data,
            "streams": self.streams,
            "critical": self.critical,
            "inferred": self.inferred,
            "mutual": self.mutual,
            "edges": [[edge.source, edge.target] for edge in self.edges],
        }


@dataclass(frozen=True, slots=True)
class ContextMap:
    """Every context, by name, and every relation between two, by source and target."""

    contexts: tuple[Context, ...]
    relations: tuple[Relation, ...]

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "contexts": [one.as_json() for one in self.contexts],
            "relations": [one.as_json() for one in self.relations],
        }


def contexts(estate: Graph, among: Iterable[str] | None = None) -> ContextMap:
    """The context map of an estate, or of the things `among`. O(n + m).

    A consumer in one system of a stream in another is a tie to the stream's system; that it also
    needs the publishers is counted where those are in a third system.
    """
    members: dict[str, list[str]] = {}
    for address in estate.things if among is None else sorted(among):
        members.setdefault(estate.system_of(address), []).append(address)
    names = sorted(members)
    # Systems by number, -1 for what is not asked about.
    home = [-1] * len(estate.nodes)
    for number, name in enumerate(names):
        for address in members[name]:
            home[estate.number[address]] = number
    between = _between(estate, names, home)
    return ContextMap(
        tuple(_context(estate, name, members[name]) for name in names),
        tuple(_relation(names, key, between) for key in sorted(between)),
    )


def _between(
    estate: Graph, names: Sequence[str], home: Sequence[int]
) -> dict[int, tuple[Edge, ...]]:
    """The edges between two systems, by ``source * systems + target``, in the order of all edges.

    `home` is the number of each node's system. Arrays, for an estate has ten edges a service.
    """
    systems = np.array(home)
    ones, others = systems[estate.sources], systems[estate.targets]
    apart = np.flatnonzero((ones != others) & (ones >= 0) & (others >= 0))
    keys = ones[apart] * len(names) + others[apart]
    ordered = np.argsort(keys, kind="stable")
    keys, numbers = keys[ordered], apart[ordered].tolist()
    starts = np.flatnonzero(np.diff(keys, prepend=-1)).tolist()
    edges = estate.edges
    found: dict[int, tuple[Edge, ...]] = {}
    for start, end in itertools.pairwise([*starts, len(numbers)]):
        key = int(keys[start])
        target = names[key % len(names)]
        listed = [edges[number] for number in numbers[start:end]]
        kept = tuple(e for e in listed if not e.via or estate.system_of(e.via) != target)
        if kept:
            found[key] = kept
    return found


def _relation(names: Sequence[str], key: int, between: dict[int, tuple[Edge, ...]]) -> Relation:
    one, other = divmod(key, len(names))
    mutual = other * len(names) + one in between
    return Relation(names[one], names[other], mutual, between[key])


def _context(estate: Graph, name: str, members: Sequence[str]) -> Context:
    teams = {estate.owner_of(a) for a in members} - {""}
    return Context(name, len(members), tuple(sorted(teams)))


def _kind(edge: Edge) -> str:
    if edge.target.startswith("stream/") or edge.source.startswith("stream/") or edge.via:
        return "stream"
    return "data" if edge.target.startswith("datastore/") else "call"
