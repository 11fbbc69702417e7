"""`telford graph`: what depends on what, as a tree, Mermaid, Graphviz or JSON.

The views are pure functions of the graph; the portal draws its own from the same edges.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from telford.estate import overlays
from telford.estate.graph import BlastRadius, Edge, Graph, Reached
from telford.estate.model import Estate
from telford.estate.place import Place

# A terminal shows no more; whoever needs all of it asks for JSON.
MAX_TREE_LINES = 2_000
_SHAPES = {"service": ("[", "]"), "datastore": ("[(", ")]"), "stream": ("{{", "}}")}
_DOT = {"service": "box", "datastore": "cylinder", "stream": "parallelogram"}


@dataclass(frozen=True, slots=True)
class View:
    """Part of a graph: the address asked about (or ""), what was reached from it, the edges."""

    address: str
    direction: str
    reached: tuple[Reached, ...]
    edges: tuple[Edge, ...]
    nodes: tuple[str, ...]
    blast: BlastRadius | None = None

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        fields: dict[str, object] = {
            "address": self.address or None,
            "direction": self.direction,
            "nodes": list(self.nodes),
            "edges": [_edge_json(edge) for edge in self.edges],
            "reached": [_reached_json(r) for r in self.reached],
        }
        if self.blast is not None:
            fields["blastRadius"] = {
                "entities": [_reached_json(r) for r in self.blast.entities],
                "teams": list(self.blast.teams),
                "objectives": list(self.blast.objectives),
                "environments": list(self.blast.environments),
            }
        return fields


def view(estate: Estate, address: str, direction: str, place: Place | None = None) -> View:
    """What is reached from an address (or all of the graph, where it is "").

    `direction` is dependencies, dependents or blast-radius. Raises `UsageError` for an address or a
    place that there is not.
    """
    graph = Graph(overlays.bind(estate, place) if place is not None else estate)
    if not address:
        nodes = [a for a in estate.entities if a.partition("/")[0] in _SHAPES]
        return View("", "all", (), graph.picture(nodes), tuple(nodes))
    canonical = str(overlays.one(estate, address).address)
    blast = graph.blast_radius(canonical) if direction == "blast-radius" else None
    if direction == "dependencies":
        reached = graph.dependencies(canonical)
    else:
        reached = blast.entities if blast is not None else graph.dependents(canonical)
    nodes = [canonical, *(r.address for r in reached)]
    return View(canonical, direction, reached, graph.picture(nodes), tuple(nodes), blast)


def tree(view: View) -> list[str]:
    """Lines of a tree; a thing that was shown above is named once more, without what is below."""
    downwards = view.direction in {"dependencies", "all"}
    below: dict[str, list[tuple[str, Edge]]] = {}
    for edge in view.edges:
        if downwards:
            below.setdefault(edge.source, []).append((edge.target, edge))
        else:
            below.setdefault(edge.target, []).append((edge.source, edge))
    roots = [view.address] if view.address else list(view.nodes)
    lines: list[str] = []
    for root in roots:
        lines.append(root)
        _branches(root, below, "", {root} if view.address else None, lines)
        if len(lines) > MAX_TREE_LINES:
            return [*lines[:MAX_TREE_LINES], "... more: use --format json"]
    return lines


def _branches(
    node: str,
    below: dict[str, list[tuple[str, Edge]]],
    indent: str,
    shown: set[str] | None,
    lines: list[str],
) -> None:
    """The lines under a node: one level where `shown` is None, all levels otherwise."""
    # An explicit stack: a chain of a thousand services must not be a thousand Python frames.
    stack = [(node, indent, iter(below.get(node, [])), len(below.get(node, [])))]
    while stack and len(lines) <= MAX_TREE_LINES:
        current, prefix, rest, left = stack.pop()
        following = next(rest, None)
        if following is None:
            continue
        stack.append((current, prefix, rest, left - 1))
        other, edge = following
        last = left == 1
        seen = shown is not None and other in shown
        mark = "  (above)" if seen and below.get(other) else ""
        lines.append(f"{prefix}{'└─' if last else '├─'} {other}{label(edge)}{mark}")
        if shown is not None and not seen:
            shown.add(other)
            inner = below.get(other, [])
            stack.append((other, prefix + ("   " if last else "│  "), iter(inner), len(inner)))


def label(edge: Edge) -> str:
    """What an edge says of itself, in brackets."""
    words = [word for word in (edge.access, edge.role) if word]
    if edge.kind == "stream":
        words.append(f"through {edge.via}")
    elif edge.kind != "uses":
        words.append(edge.kind)
    if not edge.critical:
        words.append("not critical")
    if edge.timeout:
        words.append(f"timeout {edge.timeout}")
    if edge.inferred:
        words.append("inferred" if not edge.confirmed else "inferred, confirmed")
    return f"  [{', '.join(words)}]" if words else ""


def mermaid(view: View) -> list[str]:
    """A Mermaid flowchart; dotted arrows are not critical."""
    ids = {address: f"n{number}" for number, address in enumerate(view.nodes)}
    lines = ["flowchart LR"]
    for address, name in ids.items():
        left, right = _SHAPES.get(address.partition("/")[0], ("[", "]"))
        lines.append(f'  {name}{left}"{address}"{right}')
    for edge in view.edges:
        arrow = "-->" if edge.critical else "-.->"
        lines.append(f"  {ids[edge.source]} {arrow} {ids[edge.target]}")
    return lines


def dot(view: View) -> list[str]:
    """A Graphviz graph; dashed edges are not critical."""
    lines = ["digraph estate {", "  rankdir=LR;"]
    for address in view.nodes:
        shape = _DOT.get(address.partition("/")[0], "box")
        lines.append(f'  "{address}" [shape={shape}];')
    for edge in view.edges:
        style = "" if edge.critical else " [style=dashed]"
        lines.append(f'  "{edge.source}" -> "{edge.target}"{style};')
    return [*lines, "}"]


FORMATS: dict[str, Callable[[View], Iterable[str]]] = {"tree": tree, "mermaid": mermaid, "dot": dot}


def _edge_json(edge: Edge) -> dict[str, object]:
    return {
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "critical": edge.critical,
        "inferred": edge.inferred,
        "confirmed": edge.confirmed,
        "timeout": edge.timeout,
        "access": edge.access,
        "role": edge.role,
        "via": edge.via or None,
    }


def _reached_json(reached: Reached) -> dict[str, object]:
    return {"address": reached.address, "depth": reached.depth, "critical": reached.critical}
