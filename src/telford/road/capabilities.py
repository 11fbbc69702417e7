"""The parts of the paved road that something as-found can adopt, from `capabilities.toml`.

What each adds to Kubernetes objects is in `telford.render.kubernetes.adopted`. Called by it and by
`telford.app.adopt`.
"""

from dataclasses import dataclass
from functools import cache

from telford.basics import resources
from telford.estate.kinds import structure
from telford.road import found


@dataclass(frozen=True, slots=True)
class Capability:
    """One part of the road: its name, what it is in a few words, why it is good, the Kubernetes
    workload kinds it is for, and what it adds.
    """

    name: structure.Capability
    title: str
    why: str
    kinds: frozenset[str]
    adds: tuple[str, ...]

    def fits(self, spec: found.Running) -> bool:
        """Whether it is for this kind of workload."""
        return found.workload_kind(spec) in self.kinds


@cache
def every() -> tuple[Capability, ...]:
    """All of them, in the order in which they are best adopted."""
    rows = resources.toml("telford.road", "capabilities.toml")["capability"]
    return tuple(
        Capability(
            row["name"], row["title"], row["why"], frozenset(row["kinds"]), tuple(row["adds"])
        )
        for row in rows
    )


def of(spec: found.Running) -> tuple[Capability, ...]:
    """Those that are for a workload."""
    return tuple(one for one in every() if one.fits(spec))
