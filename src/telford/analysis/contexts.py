"""The context map: which system depends on which, and through what.

A system is a bounded context (Evans, *Domain-Driven Design*, part IV); the one that is needed is
upstream, the one that needs is downstream. Derived from the edges alone; called by `telford graph
--contexts` and the portal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Relation:
    """`source` (downstream) depends on `target` (upstream): how many calls of services, uses of
    data stores and ties through streams; how many of them are critical, and inferred.

    `mutual` says that the other direction exists too: then neither can change alone.
    """

    source: str
    target: str
    calls: int
    data: int
    streams: int
    critical: int
    inferred: int
    mutual: bool
    edges: tuple[Edge, ...] = field(repr=False)

    @property
    def count(self) -> int:
        """All ties together."""
        return len(self.edges)

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
    things = estate.things if among is None else tuple(sorted(among))
    home = {a: estate.system_of(a) for a in things}
    members: dict[str, list[str]] = {}
    for address, system in home.items():
        members.setdefault(system, []).append(address)
    between: dict[tuple[str, str], list[Edge]] = {}
    for edge in estate.edges:
        source, target = home.get(edge.source), home.get(edge.target)
        if source is None or target is None or source == target:
            continue
        if edge.via and estate.system_of(edge.via) == target:
            continue
        between.setdefault((source, target), []).append(edge)
    return ContextMap(
        tuple(_context(estate, name, members[name]) for name in sorted(members)),
        tuple(_relation(ends, between[ends], ends[::-1] in between) for ends in sorted(between)),
    )


def _context(estate: Graph, name: str, members: Sequence[str]) -> Context:
    teams = {estate.owner_of(a) for a in members} - {""}
    return Context(name, len(members), tuple(sorted(teams)))


def _relation(ends: tuple[str, str], edges: Sequence[Edge], mutual: bool) -> Relation:
    kinds = [_kind(edge) for edge in edges]
    return Relation(
        source=ends[0],
        target=ends[1],
        calls=kinds.count("call"),
        data=kinds.count("data"),
        streams=kinds.count("stream"),
        critical=sum(edge.critical for edge in edges),
        inferred=sum(not edge.policed for edge in edges),
        mutual=mutual,
        edges=tuple(edges),
    )


def _kind(edge: Edge) -> str:
    if edge.target.startswith("stream/") or edge.source.startswith("stream/") or edge.via:
        return "stream"
    return "data" if edge.target.startswith("datastore/") else "call"
