"""The critical path: the longest chain of things that all have to work, in steps and in waiting.

Called by `telford graph --critical-path`. Waiting is what the estate declares, not what was
measured: a timeout and how often the call is tried again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from telford.basics import units
from telford.estate.graph import Edge, Graph
from telford.estate.links import walk

MAX_IMPATIENT = 1_000
"""Callers listed that give up too early; the count is of all."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of critical dependencies, from the first that needs to the last that is needed.

    A cycle counts as one step, whatever its size: `groups[i]` are the members of step i, one where
    there is no cycle, and `addresses` has the one through which the chain goes on. `edges` joins
    the steps. `wait_seconds` is the sum of what the edges allow to be waited.
    """

    addresses: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    edges: tuple[Edge, ...]
    wait_seconds: float

    @property
    def steps(self) -> int:
        """How many edges it has."""
        return len(self.edges)

    @property
    def allowed_seconds(self) -> float | None:
        """How long the first waits for one answer of the second: its declared timeout."""
        timeout = self.edges[0].timeout if self.edges else None
        return None if timeout is None else float(units.seconds(timeout))

    @property
    def below_seconds(self) -> float:
        """What may be waited below the second thing of the chain: to be compared with
        `allowed_seconds`.
        """
        first = waiting(self.edges[0]) if self.edges else 0.0
        return round(self.wait_seconds - first, 6)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view; seconds."""
        return {
            "addresses": list(self.addresses),
            "groups": [list(group) for group in self.groups],
            "steps": self.steps,
            "waitSeconds": self.wait_seconds,
            "allowedSeconds": self.allowed_seconds,
            "belowSeconds": self.below_seconds,
        }


@dataclass(frozen=True, slots=True)
class Impatient:
    """A caller that gives up before what it calls has tried all that it may: `call` is its edge,
    `below` the slowest critical edge of the thing called. Seconds.
    """

    call: Edge
    below: Edge
    allowed_seconds: float
    needed_seconds: float

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "caller": self.call.source,
            "called": self.call.target,
            "needs": self.below.target,
            "allowedSeconds": self.allowed_seconds,
            "neededSeconds": self.needed_seconds,
        }


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The longest chain in steps, the one with the longest declared waiting (None where no timeout
    is declared), and callers that give up too early, the worst first; `early` counts them all.
    """

    longest: Chain
    slowest: Chain | None
    impatient: tuple[Impatient, ...]
    early: int

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "longest": self.longest.as_json(),
            "slowest": self.slowest.as_json() if self.slowest else None,
            "impatient": [one.as_json() for one in self.impatient],
            "early": self.early,
        }


def waiting(edge: Edge) -> float:
    """Seconds that a dependency allows to be waited: timeout x (1 + retries), pauses between tries
    left out; 0 where no timeout is declared.

    Every try may take the whole timeout; so retries at several levels multiply (Google, *Site
    Reliability Engineering*, chapter 22, "Retries"; Amazon Builders' Library, "Timeouts, retries
    and backoff with jitter").
    """
    if edge.timeout is None:
        return 0.0
    return float(units.seconds(edge.timeout) * (1 + (edge.retries or 0)))


def critical_path(estate: Graph, within: Sequence[str] = ()) -> CriticalPath:
    """The critical path of the estate, or of what `within` needs where it is given.

    Cycles are condensed to one step (strongly connected components), which leaves a graph without
    cycles; in it the longest chain is found by one pass from what is needed to what needs it
    (Sedgewick and Wayne, *Algorithms*, 4.4: longest paths in edge-weighted DAGs). O(n + m).
    Of several equally long, the one that begins at the smallest address.
    """
    starts = [estate.number[a] for a in within]
    waits = _waits(estate)
    longest = _chain(estate, waits, [1.0] * len(waits), starts)
    slowest = _chain(estate, waits, waits, starts)
    early = _impatient(estate, waits)
    if starts:
        forward = estate.critical_links.forward
        below = {estate.nodes[n] for level in walk(starts, forward) for n in level}
        early = [one for one in early if one.call.source in below]
    slow = slowest if slowest.wait_seconds else None
    return CriticalPath(longest, slow, tuple(early[:MAX_IMPATIENT]), len(early))


def _waits(estate: Graph) -> list[float]:
    """What each critical edge allows to be waited, in the order of `Graph.critical_steps`."""
    known: dict[tuple[str | None, int | None], float] = {}
    waits = []
    for edge in estate.critical_steps.edges:
        key = (edge.timeout, edge.retries)
        if key not in known:
            known[key] = waiting(edge)
        waits.append(known[key])
    return waits


def _chain(estate: Graph, waits: list[float], weights: list[float], starts: Sequence[int]) -> Chain:
    """The chain whose weights sum highest, from one of `starts` (from anywhere without any)."""
    steps, home = estate.critical_steps, estate.critical_links.group_of
    best = [0.0] * len(estate.critical_links.groups)
    taken = [-1] * len(best)
    ends = zip(steps.source_groups, steps.target_groups, weights, strict=True)
    for step, (source, target, weight) in enumerate(ends):
        total = weight + best[target]
        if source != target and total > best[source]:
            best[source], taken[source] = total, step
    candidates = starts or range(len(home))
    top = max((best[home[n]] for n in candidates), default=0.0)
    first = min((n for n in candidates if best[home[n]] == top), default=None)
    return Chain((), (), (), 0.0) if first is None else _followed(estate, waits, first, taken)


def _followed(estate: Graph, waits: list[float], first: int, taken: list[int]) -> Chain:
    nodes, links, steps = estate.nodes, estate.critical_links, estate.critical_steps
    group = links.group_of[first]
    addresses, passed, way = [nodes[first]], [group], []
    while (step := taken[group]) >= 0:
        group = steps.target_groups[step]
        addresses.append(nodes[steps.targets[step]])
        passed.append(group)
        way.append(step)
    return Chain(
        tuple(addresses),
        tuple(tuple(nodes[n] for n in links.groups[group]) for group in passed),
        tuple(steps.edges[step] for step in way),
        round(sum(waits[step] for step in way), 6),
    )


def _impatient(estate: Graph, waits: list[float]) -> list[Impatient]:
    """Calls whose timeout is shorter than the longest waiting of what is called."""
    steps = estate.critical_steps
    slowest = [-1] * len(estate.nodes)
    longest = [0.0] * len(estate.nodes)
    for step, (source, wait) in enumerate(zip(steps.sources, waits, strict=True)):
        if wait > longest[source]:
            longest[source], slowest[source] = wait, step
    found = []
    for step, (target, wait) in enumerate(zip(steps.targets, waits, strict=True)):
        needed = longest[target]
        # A call that is tried again waits for one answer less long than in all.
        if not needed or not wait or needed * (1 + (steps.edges[step].retries or 0)) <= wait:
            continue
        allowed = wait / (1 + (steps.edges[step].retries or 0))
        below = steps.edges[slowest[target]]
        found.append(Impatient(steps.edges[step], below, round(allowed, 6), needed))
    found.sort(key=lambda i: (i.allowed_seconds - i.needed_seconds, i.call.source))
    return found
