"""Which dependencies a picture shows, and what it calls the things in it.

Called by the targets that draw (`mermaid`, `structurizr`) and by `telford graph`.
"""

from collections.abc import Collection, Iterable

from telford.estate.edges import Edge
from telford.estate.kinds import network, pipelines, structure
from telford.estate.kinds.base import Kind


def strongest(edges: Iterable[Edge], shown: Collection[str]) -> list[Edge]:
    """The edges of a picture: of a consumer and a publisher both are drawn with their stream, where
    that is in the picture too; of several between the same two the strongest is drawn.
    """
    things = frozenset(shown)
    found: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        if edge.via in things:
            continue
        ends = edge.source, edge.target
        known = found.get(ends)
        if known is None or _strength(edge) > _strength(known):
            found[ends] = edge
    return [found[ends] for ends in sorted(found)]


def _strength(edge: Edge) -> tuple[bool, bool]:
    return edge.critical, not edge.inferred


def by_system(things: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The name of a system -> the addresses of what is in it, in their order; "" for the rest."""
    found: dict[str, list[str]] = {}
    for address in things:
        found.setdefault(address.partition("/")[2].rpartition(".")[0], []).append(address)
    return {system: tuple(members) for system, members in found.items()}


def technology(spec: Kind) -> str:
    """What a thing is made with, in a word or two: a type, an engine; "" where nothing says it."""
    if isinstance(spec, structure.Service):
        return spec.type
    if isinstance(spec, structure.Datastore):
        return f"{spec.engine} {spec.version}" if spec.version else spec.engine
    if isinstance(spec, structure.Stream):
        return spec.engine
    if isinstance(spec, pipelines.Pipeline):
        return spec.engine or spec.type
    if isinstance(spec, network.Route):
        return ", ".join(spec.hosts)
    return ""
