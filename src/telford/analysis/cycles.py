"""What goes round in a circle: every group of things that need one another.

A cycle of critical dependencies is an error that `telford check` reports; others (through a stream,
or where one can do without the other) may be meant, and are shown by `telford graph --cycles`.
"""

from dataclasses import dataclass

from telford.estate.graph import Graph
from telford.estate.links import Links, circle

MAX_LOOKS = 100_000
"""Things looked at for shortest cycles, all groups together: about 30 ms."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """One strongly connected group. `members` are all of it, by address; `shortest` is one cycle
    in it, from its smallest address, and `sure` says that no shorter one is in the group.
    `critical` is a cycle of critical dependencies alone, where there is one.
    """

    members: tuple[str, ...]
    shortest: tuple[str, ...]
    critical: tuple[str, ...]
    sure: bool = True

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "members": list(self.members),
            "shortest": list(self.shortest),
            "shortestIsSure": self.sure,
            "critical": list(self.critical) or None,
        }


def cycles(estate: Graph) -> tuple[Cycle, ...]:
    """Every group in which each needs each: those with a critical cycle first, then the larger.

    Groups are Kosaraju's strongly connected components, O(n + m). The shortest cycle of a group is
    the shortest of those through each of its members, each search ending at the length of the
    best so far (O(k * (n + m)) at worst for a group of k, in practice a few steps a member); after
    `MAX_LOOKS` looks it is the best so far, and `sure` is False.
    """
    every, strong = estate.links, estate.critical_links
    critical = {
        every.group_of[group[0]]: group for group in reversed(strong.groups) if len(group) > 1
    }
    found = []
    looks = MAX_LOOKS
    for number, group in enumerate(every.groups):
        if len(group) < 2:
            continue
        shortest, sure, looked = _shortest(every, group, looks)
        looks -= looked
        hard = critical.get(number)
        firm = circle(strong, frozenset(hard), hard[0])[0] if hard else ()
        names = tuple(estate.nodes[n] for n in group)
        found.append(Cycle(names, _names(estate, shortest), _names(estate, firm), sure))
    return tuple(sorted(found, key=lambda c: (not c.critical, -len(c.members), c.members)))


def _shortest(
    links: Links, group: tuple[int, ...], looks: int
) -> tuple[tuple[int, ...], bool, int]:
    """The shortest cycle found, whether it is sure that none is shorter, and the looks it took.
    The first search is always made to its end, so that every group has a cycle.
    """
    members = frozenset(group)
    best, looked = circle(links, members, group[0])
    for start in group[1:]:
        # Two is as short as it gets: nothing needs itself.
        if len(best) == 2 or looked >= looks:
            break
        shorter, more = circle(links, members, start, len(best) - 1)
        best, looked = shorter or best, looked + more
    else:
        return best, True, looked
    return best, len(best) == 2, looked


def _names(estate: Graph, numbers: tuple[int, ...]) -> tuple[str, ...]:
    """The cycle in addresses, from the smallest; empty where there is none."""
    at = numbers.index(min(numbers)) if numbers else 0
    return tuple(estate.nodes[n] for n in (*numbers[at:], *numbers[:at]))
