"""Who depends on whom, as the pages show it: the edges of `telford.estate.graph` in words.

The picture of a service, the map and the API read it; it is made once for an estate. A consumer and
a publisher are both drawn with their stream, so the graph's edges between them are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from telford.estate import graph
from telford.estate.model import Binding, Estate

# A consumer and a publisher, a reader and a pipeline: both are drawn with what lies between.
_THROUGH = frozenset({"stream", "feed"})


@dataclass(frozen=True, slots=True)
class Edge:
    """`source` uses `target` (canonical addresses). `detail` says how, in a few words; `inferred`
    is True where it was concluded and nobody has confirmed it; `count` is how many it stands for.
    """

    source: str
    target: str
    critical: bool
    detail: str
    inferred: bool
    count: int = 1

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "source": self.source,
            "target": self.target,
            "critical": self.critical,
            "detail": self.detail,
            "inferred": self.inferred,
        }


@dataclass(frozen=True)
class Connections:
    """All edges, and the same by either end; `objectives` of each service by its address."""

    graph: graph.Graph
    edges: tuple[Edge, ...]
    uses: Mapping[str, tuple[Edge, ...]]
    used_by: Mapping[str, tuple[Edge, ...]]
    objectives: Mapping[str, tuple[str, ...]]

    def blast(self, address: str) -> tuple[str, ...]:
        """What stops working, directly or not, when `address` does; nearest first."""
        return tuple(one.address for one in self.graph.dependents(address) if one.critical)


def connect(estate: Estate, binding: Binding | None = None) -> Connections:
    """The connections of an estate, at base or in a place."""
    found = graph.Graph(estate if binding is None else binding)
    edges = tuple(_edge(edge) for edge in found.edges if edge.kind not in _THROUGH)
    uses: dict[str, list[Edge]] = {}
    used_by: dict[str, list[Edge]] = {}
    for edge in edges:
        uses.setdefault(edge.source, []).append(edge)
        used_by.setdefault(edge.target, []).append(edge)
    return Connections(
        graph=found,
        edges=edges,
        uses={address: tuple(several) for address, several in uses.items()},
        used_by={address: tuple(several) for address, several in used_by.items()},
        objectives=_objectives(estate),
    )


def _objectives(estate: Estate) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for entity in estate.of_kind("Objective"):
        text = str(getattr(entity.spec, "service", ""))
        for service in estate.refer("Service", text, entity.spec.system):
            key = str(service.address)
            found[key] = (*found.get(key, ()), str(entity.address))
    return found


def _edge(edge: graph.Edge) -> Edge:
    words = [
        "" if edge.kind == "uses" else edge.kind,
        edge.access or edge.role or "",
        f"within {edge.timeout}" if edge.timeout else "",
        f"{edge.retries} retries" if edge.retries else "",
    ]
    return Edge(
        source=edge.source,
        target=edge.target,
        critical=edge.critical,
        detail=", ".join(word for word in words if word),
        inferred=edge.inferred and not edge.confirmed,
    )
