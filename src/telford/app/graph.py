"""`telford graph`: a question about who needs whom, and its answer as a value.

One function a question, in `_ANSWERS`; each gives a `View` that `telford.app.graph_text` writes as
text and `telford.app.graph_languages` as Mermaid, DOT or SVG. Pure functions of the graph.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from telford.analysis import chains, contexts, cycles, orphans, paths, shared
from telford.app import loading
from telford.basics.errors import UsageError
from telford.estate import overlays
from telford.estate.graph import BlastRadius, Edge, Graph, Reached, kind_of, owner_of
from telford.estate.model import Binding, Estate
from telford.estate.place import Place

MAX_DEPTH = 1_000
"""More steps than any estate has things in a row; a limit all the same."""


class Ask(StrEnum):
    """What is asked; the words of the command's options and of its JSON."""

    ALL = "all"
    DEPENDENCIES = "dependencies"
    DEPENDENTS = "dependents"
    BOTH = "both"
    BLAST_RADIUS = "blast-radius"
    PATHS = "paths"
    CYCLES = "cycles"
    ORPHANS = "orphans"
    CRITICAL_PATH = "critical-path"
    SHARED = "shared"
    CONTEXTS = "contexts"


# Questions about one thing or several, and those about one thing alone.
ABOUT = frozenset({Ask.DEPENDENCIES, Ask.DEPENDENTS, Ask.BOTH, Ask.BLAST_RADIUS, Ask.PATHS})
ONE = frozenset({Ask.BLAST_RADIUS, Ask.PATHS})
DEEP = frozenset({Ask.DEPENDENCIES, Ask.DEPENDENTS, Ask.BOTH})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which things are shown; empty values let all through. What has no tier has every tier."""

    system: str = ""
    team: str = ""
    tier: int | None = None

    def __bool__(self) -> bool:
        return bool(self.system or self.team) or self.tier is not None


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the graph: `ask` about `addresses` (to `target`), so many steps deep."""

    ask: Ask = Ask.ALL
    addresses: tuple[str, ...] = ()
    target: str = ""
    depth: int | None = None
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class View:
    """An answer: the things and edges to show, from which `roots`, and what else there is to say.

    `reached` has what was walked to; what needs the roots has depths below 0 where both ways were
    asked for; `depth` is how far at most. `found` is the result of the analysis, where one was made. `labels` are words for
    edges that stand for several.
    """

    ask: Ask
    roots: tuple[str, ...]
    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]
    reached: tuple[Reached, ...] = ()
    blast: BlastRadius | None = None
    found: object = None
    labels: Mapping[tuple[str, str], str] = field(default_factory=dict)
    depth: int | None = None

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        fields: dict[str, object] = {
            "address": self.roots[0] if len(self.roots) == 1 else None,
            "addresses": list(self.roots),
            "direction": self.ask.value,
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
        if self.found is not None:
            fields[_camel(self.ask)] = _found_json(self.found)
        return fields


def answer(estate: Estate, question: Question, place: Place | None = None) -> View:
    """The answer, at base or in a place.

    Raises `UsageError` for a question that makes no sense, and for an address or a place that there
    is not.
    """
    _sensible(question)
    source: Estate | Binding = estate if place is None else overlays.bind(estate, place)
    addresses = tuple(_one(estate, source, text) for text in question.addresses)
    target = _one(estate, source, question.target) if question.target else ""
    with loading.undisturbed():
        graph = Graph(source)
    asked = replace(question, addresses=addresses, target=target)
    return _ANSWERS[question.ask](graph, asked)


def _sensible(question: Question) -> None:
    count = len(question.addresses)
    if question.ask in ABOUT and not count:
        raise UsageError("of what?", fix="name an address, such as service/orders")
    if question.ask in ONE and count > 1:
        raise UsageError("of one thing at a time, please", fix="leave one address")
    if question.ask in {Ask.CYCLES, Ask.ORPHANS, Ask.CONTEXTS} and count:
        raise UsageError(
            f"--{question.ask} is asked of the whole estate",
            fix="leave the address out, or narrow it with --system, --team or --tier",
        )
    if question.depth is not None and question.ask not in DEEP:
        raise UsageError("--depth is said of --dependencies, --dependents and --both")
    if question.depth is not None and not 1 <= question.depth <= MAX_DEPTH:
        raise UsageError(f"--depth is 1 to {MAX_DEPTH}")


def _one(estate: Estate, source: Estate | Binding, text: str) -> str:
    """The canonical address of a thing that there is, in the place as well."""
    entity = overlays.one(estate, text)
    if str(entity.address) not in source.entities:
        raise UsageError(f"{entity.address} does not exist there")
    return str(entity.address)


# ---- one function a question --------------------------------------------------------------------


def _all(graph: Graph, question: Question) -> View:
    nodes = [a for a in graph.things if _passes(graph, a, question.filter)]
    return View(Ask.ALL, (), tuple(nodes), graph.picture(nodes))


def _walked(graph: Graph, question: Question) -> View:
    """Dependencies, dependents, or both ways."""
    roots = tuple(dict.fromkeys(m for a in question.addresses for m in graph.members(a)))
    reached: list[Reached] = []
    if question.ask is not Ask.DEPENDENTS:
        reached += graph.reach(roots, forward=True, depth=question.depth)
    if question.ask is not Ask.DEPENDENCIES:
        sign = -1 if question.ask is Ask.BOTH else 1
        backwards = graph.reach(roots, forward=False, depth=question.depth)
        reached += [Reached(r.address, sign * r.depth, r.critical) for r in backwards]
    nodes, reached = _narrowed(graph, roots, reached, question.filter)
    edges = graph.picture(nodes)
    return View(question.ask, roots, nodes, edges, tuple(reached), depth=question.depth)


def _blast(graph: Graph, question: Question) -> View:
    (address,) = question.addresses
    blast = graph.blast_radius(address)
    roots = tuple(dict.fromkeys((address, *graph.members(address))))
    nodes, reached = _narrowed(graph, roots, blast.entities, question.filter)
    kept = replace(blast, entities=tuple(reached))
    drawn = [a for a in nodes if a != address or kind_of(a) not in {"system", "team", "person"}]
    return View(question.ask, (address,), tuple(drawn), graph.picture(drawn), tuple(reached), kept)


def _paths(graph: Graph, question: Question) -> View:
    (address,) = question.addresses
    found = paths.paths(graph, address, question.target)
    edges = tuple(dict.fromkeys(edge for path in found.paths for edge in path.edges))
    nodes = dict.fromkeys((address, question.target))
    nodes |= dict.fromkeys(a for path in found.paths for a in path.addresses)
    return View(question.ask, (address,), tuple(nodes), edges, found=found)


def _cycles(graph: Graph, question: Question) -> View:
    found = tuple(
        cycle
        for cycle in cycles.cycles(graph)
        if any(_passes(graph, a, question.filter) for a in cycle.members)
    )
    nodes = tuple(a for cycle in found for a in cycle.members)
    home = {a: number for number, cycle in enumerate(found) for a in cycle.members}
    edges = tuple(e for e in graph.picture(nodes) if home[e.source] == home[e.target])
    return View(question.ask, (), nodes, edges, found=found)


def _orphans(graph: Graph, question: Question) -> View:
    found = orphans.orphans(graph)
    if question.filter:

        def kept(addresses: Iterable[str]) -> tuple[str, ...]:
            return tuple(a for a in addresses if _passes(graph, a, question.filter))

        found = orphans.Orphans(
            kept(found.isolated),
            kept(found.unused),
            kept(found.unreachable),
            kept(found.unread),
            kept(found.unfed),
            found.entries,
        )
    several = (found.isolated, found.unused, found.unreachable, found.unread, found.unfed)
    nodes = tuple(sorted({a for some in several for a in some}))
    return View(question.ask, (), nodes, graph.picture(nodes), found=found)


def _critical_path(graph: Graph, question: Question) -> View:
    within = [m for a in question.addresses for m in graph.members(a)]
    if question.filter:
        within = [a for a in within or graph.things if _passes(graph, a, question.filter)]
    found = chains.critical_path(graph, within)
    chosen = [found.longest, *([found.slowest] if found.slowest else [])]
    edges = tuple(dict.fromkeys(edge for chain in chosen for edge in chain.edges))
    ends = dict.fromkeys(a for chain in chosen for a in chain.addresses)
    ends |= dict.fromkeys(a for edge in edges for a in (edge.source, edge.target))
    return View(question.ask, question.addresses, tuple(ends), edges, found=found)


def _shared(graph: Graph, question: Question) -> View:
    askers = [m for a in question.addresses for m in graph.members(a)] or list(graph.things)
    askers = [a for a in dict.fromkeys(askers) if _passes(graph, a, question.filter)]
    found = shared.common(graph, askers)
    nodes = tuple(sorted({*(s.address for s in found.things), *askers}))
    wanted = {s.address for s in found.things}
    edges = tuple(e for e in graph.picture(nodes) if e.target in wanted)
    return View(question.ask, question.addresses, nodes, edges, found=found)


def _contexts(graph: Graph, question: Question) -> View:
    """Systems as things; an edge between two stands for all ties between them."""
    things = [a for a in graph.things if _passes(graph, a, question.filter)]
    found = contexts.contexts(graph, things if question.filter else None)
    names = {c.name: f"system/{c.name or '-'}" for c in found.contexts}
    edges = []
    labels = {}
    for relation in found.relations:
        ends = names[relation.source], names[relation.target]
        inferred = relation.inferred == len(relation.edges)
        edges.append(Edge(*ends, "context", critical=bool(relation.critical), inferred=inferred))
        labels[ends] = relation.words
    return View(question.ask, (), tuple(names.values()), tuple(edges), found=found, labels=labels)


_ANSWERS: dict[Ask, Callable[[Graph, Question], View]] = {
    Ask.ALL: _all,
    Ask.DEPENDENCIES: _walked,
    Ask.DEPENDENTS: _walked,
    Ask.BOTH: _walked,
    Ask.BLAST_RADIUS: _blast,
    Ask.PATHS: _paths,
    Ask.CYCLES: _cycles,
    Ask.ORPHANS: _orphans,
    Ask.CRITICAL_PATH: _critical_path,
    Ask.SHARED: _shared,
    Ask.CONTEXTS: _contexts,
}


# ---- filters ------------------------------------------------------------------------------------


def _passes(graph: Graph, address: str, wanted: Filter) -> bool:
    if not wanted:
        return True
    spec = graph.spec(address)
    tier = getattr(spec, "tier", None)
    team = wanted.team if "/" in wanted.team or not wanted.team else f"team/{wanted.team}"
    system = wanted.system.removeprefix("system/")
    return (
        (not system or graph.system_of(address) == system)
        and (not team or owner_of(spec) == team)
        and (wanted.tier is None or tier is None or tier == wanted.tier)
    )


def _narrowed(
    graph: Graph, roots: Sequence[str], reached: Sequence[Reached], wanted: Filter
) -> tuple[tuple[str, ...], list[Reached]]:
    """The things to show and the reached among them: what the filter lets through, and what lies
    between that and the roots, so that nothing hangs in the air.
    """
    if not wanted:
        every = dict.fromkeys((*roots, *(r.address for r in reached)))
        return tuple(every), list(reached)
    depths = {r.address: r.depth for r in reached}
    kept = {a for a in depths if _passes(graph, a, wanted)}
    waiting = list(kept)
    while waiting:
        address = waiting.pop()
        forward = depths[address] < 0
        ends = graph.outgoing(address) if forward else graph.incoming(address)
        for edge in ends:
            other = edge.target if forward else edge.source
            if other in depths and other not in kept and depths[other] * depths[address] > 0:
                kept.add(other)
                waiting.append(other)
    left = [r for r in reached if r.address in kept]
    return tuple(dict.fromkeys((*roots, *(r.address for r in left)))), left


# ---- JSON ---------------------------------------------------------------------------------------


def _camel(ask: Ask) -> str:
    first, *rest = ask.value.split("-")
    return first + "".join(word.capitalize() for word in rest)


def _found_json(found: object) -> object:
    if isinstance(found, tuple):
        return [_found_json(one) for one in found]
    as_json = getattr(found, "as_json", None)
    assert as_json is not None, "every result of an analysis has a JSON view"
    return as_json()


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
