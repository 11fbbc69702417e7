"""A view of the graph as text: a tree, or what an analysis found, in lines that fit a terminal."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from telford.analysis.chains import Chain, CriticalPath
from telford.analysis.contexts import ContextMap
from telford.analysis.cycles import Cycle
from telford.analysis.orphans import Orphans
from telford.analysis.paths import Paths
from telford.analysis.shared import Common
from telford.app.graph import Ask, View
from telford.basics import units
from telford.estate.graph import Edge, Reached

MAX_TREE_LINES = 2_000
"""A terminal shows no more; whoever needs all of it asks for JSON."""
MAX_NAMES = 40
"""Names of one line of prose; JSON has the others."""
MAX_IMPATIENT = 20


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns, for the command to lay out; lines before and after it."""

    before: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    after: tuple[str, ...] = ()


def text(view: View, width: int = 0) -> Table:
    """The answer for people, lines at most `width` wide (0: as wide as they are)."""
    told = _TELLERS.get(view.ask, _tree_of)(view)
    if not width:
        return told
    before, after = (tuple(cut(line, width) for line in some) for some in (told.before, told.after))
    return Table(before, told.columns, told.rows, after)


def cut(line: str, width: int) -> str:
    """The line, its end left out where it does not fit."""
    return line if len(line) <= width else f"{line[: max(width - 1, 1)]}…"


# ---- trees --------------------------------------------------------------------------------------


def _tree_of(view: View) -> Table:
    if view.ask is Ask.BOTH:
        lines = ["needs", *tree(view, downwards=True), "", "is needed by"]
        return _lines([*lines, *tree(view, downwards=False)])
    return _lines(tree(view, downwards=view.ask is not Ask.DEPENDENTS))


def tree(view: View, *, downwards: bool) -> list[str]:
    """Lines of a tree; a thing that was shown above is named once more, without what is below.

    Without roots each thing is shown with what it needs itself.
    """
    below: dict[str, list[tuple[str, Edge]]] = {}
    allowed = _one_way(view, downwards)
    ends_here = {r.address for r in view.reached if abs(r.depth) == view.depth}
    for edge in view.edges:
        node, other = (edge.source, edge.target) if downwards else (edge.target, edge.source)
        if node not in ends_here and (allowed is None or other in allowed):
            below.setdefault(node, []).append((other, edge))
    lines: list[str] = []
    shown: set[str] | None = set() if view.roots else None
    for root in view.roots or view.nodes:
        lines.append(root + ("  (above)" if shown and root in shown else ""))
        if shown is None or root not in shown:
            if shown is not None:
                shown.add(root)
            _branches(root, below, shown, lines)
        if len(lines) > MAX_TREE_LINES:
            return [*lines[:MAX_TREE_LINES], "... more: narrow it with --depth, or use --json"]
    return lines


def _one_way(view: View, downwards: bool) -> set[str] | None:
    """What may stand in the tree of one direction, where a view has both."""
    if view.ask is not Ask.BOTH:
        return None
    return {r.address for r in view.reached if (r.depth > 0) == downwards} | set(view.roots)


def _branches(
    root: str,
    below: dict[str, list[tuple[str, Edge]]],
    shown: set[str] | None,
    lines: list[str],
) -> None:
    """The lines under a root: one level where `shown` is None, all levels otherwise."""
    # An explicit stack: a chain of a thousand services must not be a thousand Python frames.
    stack = [("", below.get(root, []), 0)]
    while stack and len(lines) <= MAX_TREE_LINES:
        prefix, rest, at = stack.pop()
        if at == len(rest):
            continue
        stack.append((prefix, rest, at + 1))
        other, edge = rest[at]
        last = at + 1 == len(rest)
        seen = shown is not None and other in shown
        mark = "  (above)" if seen and other in below else ""
        lines.append(f"{prefix}{'└─' if last else '├─'} {other}{label(edge)}{mark}")
        if shown is not None and not seen:
            shown.add(other)
            stack.append((prefix + ("   " if last else "│  "), below.get(other, []), 0))


def label(edge: Edge) -> str:
    """What an edge says of itself, in brackets."""
    words = [word for word in (edge.access, edge.role) if word]
    if edge.via:
        words.append(f"through {edge.via}")
    elif edge.kind not in {"uses", "input", "output"}:
        words.append(edge.kind)
    if not edge.critical:
        words.append("not critical")
    if edge.timeout:
        words.append(f"timeout {edge.timeout}")
    if edge.inferred:
        words.append("inferred" if not edge.confirmed else "inferred, confirmed")
    return f"  [{', '.join(words)}]" if words else ""


# ---- what was found -----------------------------------------------------------------------------


def _blast(view: View) -> Table:
    blast = view.blast
    assert blast is not None
    hit = [r for r in blast.entities if r.critical]
    felt = [r for r in blast.entities if not r.critical]

    def row(what: str, names: Sequence[str]) -> tuple[str, str, str]:
        return what, str(len(names)), _names(names)

    rows = (
        row("fails with it", _addresses(hit)),
        row("feels it", _addresses(felt)),
        row("teams", blast.teams),
        row("objectives", blast.objectives),
        row("environments", blast.environments),
    )
    return Table((f"If {blast.address} fails:",), ("what", "how many", "which"), rows)


def _paths(view: View) -> Table:
    found = view.found
    assert isinstance(found, Paths)
    if not found.paths:
        return _lines([f"{found.source} does not need {found.target}"])
    lines = []
    for path in found.paths:
        soft = "" if path.critical else "  [not critical]"
        lines.append(" -> ".join(path.addresses) + soft)
    if found.through:
        lines.append(f"every way goes through {_names(found.through)}")
    return _lines([*lines, *([found.cut] if found.cut else [])])


def _cycles(view: View) -> Table:
    found = view.found
    assert isinstance(found, tuple)
    if not found:
        return _lines(["nothing goes round in a circle"])
    lines: list[str] = []
    for cycle in found:
        assert isinstance(cycle, Cycle)
        around = cycle.critical or cycle.shortest
        force = "critical" if cycle.critical else "not critical"
        lines.append(f"{' -> '.join((*around, around[0]))}  [{force}]")
        if len(cycle.members) > len(around):
            lines.append(f"   one of a group of {len(cycle.members)}: {_names(cycle.members)}")
    return _lines(lines)


def _orphans(view: View) -> Table:
    found = view.found
    assert isinstance(found, Orphans)
    kinds = (
        ("isolated", found.isolated, "needs nothing, and nothing needs it"),
        ("unused", found.unused, "nothing needs it, and it is no way in"),
        ("unreachable", found.unreachable, "no way in leads to it"),
        ("unread", found.unread, "published to, and nobody consumes"),
        ("unfed", found.unfed, "consumed, and nobody publishes"),
    )
    rows = tuple((kind, address, why) for kind, some, why in kinds for address in some)
    after = () if found.entries else ("no way in is declared, so what is unreachable is not known",)
    if not rows:
        return Table(("nothing is an orphan",), (), (), after)
    return Table((), ("what", "address", "why"), rows, after)


def _critical_path(view: View) -> Table:
    found = view.found
    assert isinstance(found, CriticalPath)
    lines = [f"the longest chain, {_steps(found.longest)}", *_chain(found.longest)]
    slowest = found.slowest
    if slowest is not None:
        waited = _seconds(slowest.wait_seconds)
        lines += ["", f"the slowest chain, {_steps(slowest)}: up to {waited} of waiting"]
        lines += _chain(slowest)
        if slowest.allowed_seconds is not None and slowest.below_seconds:
            lines.append(
                f"its first waits {_seconds(slowest.allowed_seconds)} for an answer, below it"
                f" {_seconds(slowest.below_seconds)} may be waited"
            )
    if found.impatient:
        few = found.impatient[:MAX_IMPATIENT]
        lines += ["", f"{found.early} give up before what they call has tried all that it may"]
        lines += [
            f"   {one.call.source} waits {_seconds(one.allowed_seconds)} for {one.call.target},"
            f" which may wait {_seconds(one.needed_seconds)} for {one.below.target}"
            for one in few
        ]
    return _lines(lines)


def _chain(chain: Chain) -> Iterator[str]:
    for number, address in enumerate(chain.addresses):
        others = len(chain.groups[number]) - 1
        cycle = f"  (a cycle with {others} more)" if others else ""
        timeout = label(chain.edges[number - 1]) if number else ""
        yield f"   {address}{timeout}{cycle}"


def _shared(view: View) -> Table:
    found = view.found
    assert isinstance(found, Common)
    if not found.things:
        return _lines([f"{found.askers} things have nothing in common"])
    rows = tuple(
        (one.address, str(one.askers), str(one.critical), str(one.direct)) for one in found.things
    )
    left = found.total - len(rows)
    return Table(
        (f"what {found.askers} things have in common, the most shared first",),
        ("address", "needed by", "critically", "directly"),
        rows,
        (f"... and {left} more",) if left else (),
    )


def _contexts(view: View) -> Table:
    found = view.found
    assert isinstance(found, ContextMap)
    rows = tuple(
        (
            one.source or "(no system)",
            one.target or "(no system)",
            one.words,
            str(one.critical),
            "both ways" if one.mutual else "",
        )
        for one in found.relations
    )
    if not rows:
        return _lines([f"{_systems(found)}, and none depends on another"])
    columns = ("system", "depends on", "through", "critical", "")
    return Table((_systems(found),), columns, rows)


def _systems(found: ContextMap) -> str:
    return f"{len(found.contexts)} system{'s' * (len(found.contexts) != 1)}"


_TELLERS: dict[Ask, Callable[[View], Table]] = {
    Ask.BLAST_RADIUS: _blast,
    Ask.PATHS: _paths,
    Ask.CYCLES: _cycles,
    Ask.ORPHANS: _orphans,
    Ask.CRITICAL_PATH: _critical_path,
    Ask.SHARED: _shared,
    Ask.CONTEXTS: _contexts,
}


def _lines(lines: Sequence[str]) -> Table:
    return Table(tuple(lines), (), ())


def _addresses(reached: Sequence[Reached]) -> tuple[str, ...]:
    return tuple(one.address for one in reached)


def _names(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f", and {more} more" if more > 0 else "")


def _steps(chain: Chain) -> str:
    return f"{chain.steps} step{'s' * (chain.steps != 1)}"


def _seconds(value: float) -> str:
    return units.duration_text(value)
