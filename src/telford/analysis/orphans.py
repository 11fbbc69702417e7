"""What nobody would miss: things that nothing needs, or that nobody can reach.

Called by `telford graph --orphans`. A finding is a question to the owner, not a verdict: what is
used by another company, or by hand, looks the same from here.
"""

from dataclasses import dataclass

from telford.estate.graph import Graph
from telford.estate.kinds.base import Kind
from telford.estate.kinds.structure import Service
from telford.estate.links import walk

_SELF_STARTING = frozenset({"worker", "job", "cron", "function"})


@dataclass(frozen=True, slots=True)
class Orphans:
    """Addresses, sorted; a thing is in at most one of the first three.

    `isolated`: it needs nothing and nothing needs it. `unused`: it needs something, but nothing
    needs it and it is no entry. `unreachable`: something needs it, yet following what the entries
    need never leads there. `unread`: a stream that somebody publishes to and nobody consumes;
    `unfed`: one that somebody consumes and nobody publishes to (dead letters are fed by the
    platform).

    An entry is where work comes in: a route, a service that a route leads to, a service that
    starts by itself (worker, job, cron, function), a pipeline. `entries` counts them; where there
    is none, `unreachable` is empty, for then nothing could be said.
    """

    isolated: tuple[str, ...]
    unused: tuple[str, ...]
    unreachable: tuple[str, ...]
    unread: tuple[str, ...]
    unfed: tuple[str, ...]
    entries: int

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "isolated": list(self.isolated),
            "unused": list(self.unused),
            "unreachable": list(self.unreachable),
            "unread": list(self.unread),
            "unfed": list(self.unfed),
            "entries": self.entries,
        }


def orphans(estate: Graph) -> Orphans:
    """All of them. O(n + m)."""
    links, number = estate.links, estate.number
    things = {a: number[a] for a in estate.things}
    entries = {n for a, n in things.items() if _entry(estate.spec(a))}
    alone = {a for a, n in things.items() if not links.forward[n] and not links.backward[n]}
    unused = {a for a, n in things.items() if not links.backward[n] and n not in entries} - alone
    reached = {n for level in walk(entries, links.forward) for n in level}
    far = {a for a, n in things.items() if entries and n not in reached} - alone - unused
    unread, unfed = _streams(estate)
    return Orphans(
        tuple(sorted(alone - {estate.nodes[n] for n in entries})),
        tuple(sorted(unused)),
        tuple(sorted(far)),
        unread,
        unfed,
        len(entries),
    )


def _entry(spec: Kind) -> bool:
    if isinstance(spec, Service):
        return bool(spec.routes) or spec.type in _SELF_STARTING
    return spec.kind in {"Route", "Pipeline"}


def _streams(estate: Graph) -> tuple[tuple[str, ...], tuple[str, ...]]:
    unread, unfed = [], []
    for address in estate.things:
        if not address.startswith("stream/"):
            continue
        incoming = estate.incoming(address)
        roles = {edge.role for edge in incoming}
        if "publish" in roles and "consume" not in roles:
            unread.append(address)
        letters = any(edge.kind == "dead-letter" for edge in incoming)
        if "consume" in roles and "publish" not in roles and not letters:
            unfed.append(address)
    return tuple(unread), tuple(unfed)
