"""What several things have in common, and what most of an estate hangs on.

Called by `telford graph --shared`. Both questions are one: for each thing, which of the askers
need it, directly or not. Sets of askers are bits of one integer, so that the answer for a whole
estate is one pass over its edges.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from telford.estate.graph import Graph
from telford.estate.links import Links

MAX_SHARED = 100
"""Things of one answer, the most shared first."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A thing that several need. `askers` counts those that need it, directly or not; `critical`
    those that fail with it; `direct` those that name it themselves.
    """

    address: str
    askers: int
    critical: int
    direct: int

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "neededBy": self.askers,
            "criticallyBy": self.critical,
            "directlyBy": self.direct,
        }


@dataclass(frozen=True, slots=True)
class Common:
    """What is shared among `askers` (how many asked), the most shared first; `total` counts what
    two or more need, of which `things` are the first.
    """

    askers: int
    things: tuple[Shared, ...]
    total: int

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "askers": self.askers,
            "things": [one.as_json() for one in self.things],
            "total": self.total,
        }


def common(estate: Graph, askers: Sequence[str], most: int = MAX_SHARED) -> Common:
    """What two or more of `askers` need, directly or not; an asker may be needed itself.

    O((n + m) * k / 64) for k askers: one bit an asker, carried along the edges from what needs to
    what is needed; cycles are condensed first.
    """
    starts = [estate.number[a] for a in askers]
    every = _counts(estate.links, starts)
    forced = _counts(estate.critical_links, starts)
    direct = [0] * len(every)
    for start in dict.fromkeys(starts):
        for other in estate.links.forward[start]:
            direct[other] += 1
    # One whole number a thing: tuples by the ten thousand would wake the garbage collector.
    scale = len(starts) + 1
    keys = [-((count * scale + forced[n]) * scale + direct[n]) for n, count in enumerate(every)]
    common_ones = [n for n, count in enumerate(every) if count > 1]
    ranked = heapq.nsmallest(most, common_ones, key=keys.__getitem__)
    found = (Shared(estate.nodes[n], every[n], forced[n], direct[n]) for n in ranked)
    return Common(len(askers), tuple(found), len(common_ones))


def most_shared(estate: Graph, most: int = MAX_SHARED) -> Common:
    """What most of the estate's things need: its single points of failure come first where they
    are critical.
    """
    return common(estate, estate.things, most)


def _counts(links: Links, starts: Sequence[int]) -> list[int]:
    """How many of the starts need each node; one that needs itself only is not counted."""
    # What needs nothing has nothing to hand on.
    starts = [node for node in starts if links.forward[node]]
    groups, home, condensed = links.groups, links.group_of, links.condensed
    bits = [0] * len(groups)
    # The first to be handed on get the lowest bits, so that most numbers stay short.
    for bit, node in enumerate(sorted(starts, key=home.__getitem__, reverse=True)):
        bits[home[node]] |= 1 << bit
    counts = [0] * len(home)
    for number in range(len(groups) - 1, -1, -1):
        here = bits[number]
        if not here:
            continue
        # Nobody looks at it again once it was handed on: memory is given back as we go.
        bits[number] = 0
        for other in condensed[number]:
            bits[other] |= here
        size = here.bit_count()
        for node in groups[number]:
            counts[node] = size
    for node in starts:
        # In a group of its own a thing carries its own bit, but does not need itself.
        counts[node] -= 1
    return counts
