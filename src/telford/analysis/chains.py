"""The critical path: the longest chain of things that all have to work, in steps and in waiting.

Called by `telford graph --critical-path`. Waiting is what the estate declares, not what was
measured: a timeout and how often the call is tried again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from telford.basics import units
from telford.estate.graph import Edge, Graph, Links

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
        first = float(waiting(self.edges[0])) if self.edges else 0.0
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


def waiting(edge: Edge, known: dict[str, Decimal] | None = None) -> Decimal:
    """Seconds that a dependency allows to be waited: timeout x (1 + retries), pauses between tries
    left out; 0 where no timeout is declared.

    Every try may take the whole timeout; so retries at several levels multiply (Google, *Site
    Reliability Engineering*, chapter 22, "Retries"; Amazon Builders' Library, "Timeouts, retries
    and backoff with jitter").
    """
    if edge.timeout is None:
        return Decimal(0)
    memo = {} if known is None else known
    if edge.timeout not in memo:
        memo[edge.timeout] = units.seconds(edge.timeout)
    return memo[edge.timeout] * (1 + (edge.retries or 0))


def critical_path(estate: Graph, within: Sequence[str] = ()) -> CriticalPath:
    """The critical path of the estate, or of what `within` needs where it is given.

    Cycles are condensed to one step (strongly connected components), which leaves a graph without
    cycles; in it the longest chain is found by one pass from what is needed to what needs it
    (Sedgewick and Wayne, *Algorithms*, 4.4: longest paths in edge-weighted DAGs). O(n + m).
    Of several equally long, the one that begins at the smallest address.
    """
    known: dict[str, Decimal] = {}
    edges = [e for e in estate.edges if e.critical]
    wait = {id(e): float(waiting(e, known)) for e in edges}
    search = _Search(estate, edges)
    starts = [estate.number[a] for a in within]
    longest = search.chain(lambda _: 1.0, starts, wait)
    slowest = search.chain(lambda e: wait[id(e)], starts, wait)
    early = _impatient(estate, edges, wait)
    if starts:
        below = {r.address for r in estate.reach(within, forward=True)} | set(within)
        early = [one for one in early if one.call.source in below]
    slow = slowest if slowest.wait_seconds else None
    return CriticalPath(longest, slow, tuple(early[:MAX_IMPATIENT]), len(early))


class _Search:
    """Longest chains over groups of critical dependencies; groups are numbered so that what is
    needed comes first.
    """

    def __init__(self, estate: Graph, edges: list[Edge]) -> None:
        self._estate = estate
        self._links: Links = estate.critical_links
        home = self._links.group_of
        self._leaving: list[list[Edge]] = [[] for _ in self._links.groups]
        for edge in edges:
            source, target = home[estate.number[edge.source]], home[estate.number[edge.target]]
            if source != target:
                self._leaving[source].append(edge)

    def chain(
        self, weight: Callable[[Edge], float], starts: Sequence[int], wait: dict[int, float]
    ) -> Chain:
        """The chain whose weights sum highest, from one of `starts` (from anywhere without any)."""
        home, number = self._links.group_of, self._estate.number
        best = [0.0] * len(self._leaving)
        step: list[Edge | None] = [None] * len(self._leaving)
        for group, edges in enumerate(self._leaving):
            for edge in edges:
                sum_ = weight(edge) + best[home[number[edge.target]]]
                if sum_ > best[group]:
                    best[group], step[group] = sum_, edge
        first = min(
            starts or range(len(self._estate.nodes)),
            key=lambda n: (-best[home[n]], n),
            default=None,
        )
        return self._followed(first, step, wait)

    def _followed(
        self, first: int | None, step: list[Edge | None], wait: dict[int, float]
    ) -> Chain:
        if first is None:
            return Chain((), (), (), 0.0)
        nodes, home, number = self._estate.nodes, self._links.group_of, self._estate.number
        group = home[first]
        addresses, groups, edges = [nodes[first]], [self._links.groups[group]], []
        while (edge := step[group]) is not None:
            group = home[number[edge.target]]
            addresses.append(edge.target)
            groups.append(self._links.groups[group])
            edges.append(edge)
        members = tuple(tuple(nodes[n] for n in group) for group in groups)
        total = round(sum(wait[id(edge)] for edge in edges), 6)
        return Chain(tuple(addresses), members, tuple(edges), total)


def _impatient(estate: Graph, edges: list[Edge], wait: dict[int, float]) -> list[Impatient]:
    """Calls whose timeout is shorter than the longest waiting of what is called."""
    slowest: dict[str, Edge] = {}
    for edge in edges:
        if wait[id(edge)] > (wait[id(slowest[edge.source])] if edge.source in slowest else 0.0):
            slowest[edge.source] = edge
    found = []
    for edge in edges:
        below = slowest.get(edge.target)
        if edge.timeout is None or below is None:
            continue
        allowed = wait[id(edge)] / (1 + (edge.retries or 0))
        if wait[id(below)] > allowed:
            found.append(Impatient(edge, below, allowed, wait[id(below)]))
    found.sort(key=lambda one: (one.allowed_seconds - one.needed_seconds, one.call.source))
    return found
