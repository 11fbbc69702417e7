"""What a place should be at one moment of a release: replicas of each arm, and who gets requests.

Three arms: the new version (`canary`), the old one (`stable`) and, where it is declared, a fresh
copy of the old one beside the canary (`baseline`). A strategy is a sequence of shapes; rolling back
and promoting are shapes too, so everything that is asked of a place follows from one comparison:
the shape that is wanted, and what the place is seen to be. Made by `strategies`.
"""

from dataclasses import dataclass

from telford.estate.workload import Match


@dataclass(frozen=True, slots=True)
class Shape:
    """Replica counts and basis points (10,000 is everything).

    The stable version answers what `canary_bp` and `baseline_bp` leave. `mirror_bp` is the share of
    all requests that the canary gets a copy of, without answering. `matches` send single requests
    to the canary (a preview, an A/B test) whatever the weights. `partitions` is how many of a
    worker's partitions the canary has, where it works by partition.
    """

    canary: int
    stable: int
    baseline: int = 0
    canary_bp: int = 0
    baseline_bp: int = 0
    mirror_bp: int = 0
    matches: tuple[Match, ...] = ()
    sticky: str = ""
    partitions: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a release: a shape, how long it is looked at, and what it is compared with.

    `against` is "stable", "baseline", "objective" (the new version alone, against what is promised:
    before and after are no fair comparison) or "" (nothing is counted, gates alone decide).
    `asked_share` is the share of the compared requests that the canary was meant to get, for the
    sample-ratio test; None where nobody asked for one (a queue, a header).
    """

    name: str
    shape: Shape
    soak_seconds: float
    against: str = "stable"
    asked_share: float | None = None
