"""A view of the graph in the languages of pictures: Mermaid, Graphviz's DOT, and SVG of our own.

Thick arrows are critical, dashed ones inferred. Names are quoted and escaped; tests give both
texts to the parsers of the tools themselves.
"""

from collections.abc import Callable, Mapping

from telford.app import graph_picture
from telford.app.graph import Ask, View
from telford.app.graph_picture import Thing, Wire
from telford.estate.graph import Edge, kind_of
from telford.road import drawing, flowchart
from telford.road.flowchart import Arrow, Box, Frame

MAX_DRAWN = 2_000
"""Boxes of one SVG: more cannot be read, and laying them out takes seconds."""
# Graphviz's names of shapes.
_DOT = {
    "service": "box",
    "datastore": "cylinder",
    "stream": "hexagon",
    "pipeline": "parallelogram",
    "route": "cds",
    "system": "box3d",
}


def mermaid(view: View) -> str:
    """A Mermaid flowchart, systems as subgraphs where there are several."""
    frames = [
        Frame(system, tuple(Box(address, kind_of(address), address) for address in members))
        for system, members in sorted(_frames(view).items())
    ]
    arrows = [
        Arrow(
            edge.source,
            edge.target,
            edge.critical,
            edge.inferred and not edge.confirmed,
            view.labels.get((edge.source, edge.target), ""),
        )
        for edge in _drawn(view)
    ]
    return flowchart.flowchart(frames, arrows)


def dot(view: View) -> str:
    """A Graphviz graph, systems as clusters where there are several."""
    lines = ["digraph estate {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    frames = _frames(view)
    for number, (system, members) in enumerate(sorted(frames.items())):
        indent = "  "
        if system:
            lines += [f"  subgraph cluster_{number} {{", f'    label="{_dot(system)}";']
            indent = "    "
        for address in members:
            shape = _DOT.get(kind_of(address), "note")
            lines.append(f'{indent}"{_dot(address)}" [shape={shape}];')
        if system:
            lines.append("  }")
    for edge in _drawn(view):
        said = [f"penwidth={2 if edge.critical else 1}"]
        if edge.inferred and not edge.confirmed:
            said.append("style=dashed")
        words = view.labels.get((edge.source, edge.target), "")
        if words:
            said.append(f'label="{_dot(words)}"')
        lines.append(f'  "{_dot(edge.source)}" -> "{_dot(edge.target)}" [{", ".join(said)}];')
    return "\n".join([*lines, "}"]) + "\n"


def svg(view: View) -> str:
    """A picture as a file of its own; past `MAX_DRAWN` things the rest is left out, and said."""
    nodes = view.nodes[:MAX_DRAWN]
    shown = set(nodes)
    things = [_thing(address, view) for address in nodes]
    wires = [
        _wire(edge, view.labels)
        for edge in _drawn(view)
        if edge.source in shown and edge.target in shown
    ]
    drawing = graph_picture.draw(things, wires, _columns(view))
    left = len(view.nodes) - len(nodes)
    count = f"{len(nodes)} things and {len(wires)} dependencies"
    more = f"; {left} more are left out" if left else ""
    return graph_picture.standalone(
        drawing,
        _title(view),
        f"{count}{more}. Arrows point at what is needed; thick ones are critical, dashed inferred.",
    )


FORMATS: dict[str, Callable[[View], str]] = {"mermaid": mermaid, "dot": dot, "svg": svg}


def _drawn(view: View) -> list[Edge]:
    return drawing.strongest(view.edges, view.nodes)


def _frames(view: View) -> dict[str, list[str]]:
    """System -> its things; one frame without a name where there are not several."""
    found: dict[str, list[str]] = {}
    for address in view.nodes:
        found.setdefault(_system(address), []).append(address)
    return found if len(found) > 1 else {"": list(view.nodes)}


def _system(address: str) -> str:
    return address.partition("/")[2].rpartition(".")[0]


def _columns(view: View) -> Mapping[str, int] | None:
    """Columns by distance, where the picture is about one thing and its surroundings."""
    if view.ask not in {Ask.DEPENDENCIES, Ask.DEPENDENTS, Ask.BOTH, Ask.BLAST_RADIUS}:
        return None
    if len(view.roots) != 1:
        return None
    back = view.ask in {Ask.DEPENDENTS, Ask.BLAST_RADIUS}
    columns: dict[str, int] = {}
    for one in sorted(view.reached, key=lambda r: abs(r.depth), reverse=True):
        columns[one.address] = -one.depth if back else one.depth
    return {address: columns.get(address, 0) for address in view.nodes}


def _thing(address: str, view: View) -> Thing:
    kind = kind_of(address)
    name = address.partition("/")[2].rpartition(".")[2]
    system = _system(address)
    words = " · ".join(word for word in (system if _columns(view) else "", kind) if word)
    return Thing(
        address,
        name,
        kind.capitalize(),
        words,
        system,
        address,
        address in view.roots,
    )


def _wire(edge: Edge, labels: Mapping[tuple[str, str], str]) -> Wire:
    words = labels.get((edge.source, edge.target), "")
    title = f"{edge.source} to {edge.target}" + (f": {words}" if words else "")
    inferred = edge.inferred and not edge.confirmed
    return Wire(edge.source, edge.target, edge.critical, inferred, 1, title)


def _title(view: View) -> str:
    words = view.ask.value.replace("-", " ").capitalize()
    return f"{words} of {', '.join(view.roots)}" if view.roots else f"{words}: the estate"


def _dot(words: str) -> str:
    return words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
