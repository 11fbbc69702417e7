"""The placebo test: are the stable replicas alike? What runs the same version is compared.

Every comparison of two versions rests on replicas that would behave alike if they ran the same
version. That can be tested while the release goes on: the stable replicas are split into two halves
that nobody chose (by a hash of the versions and the replica's name, fixed before the start), and
the rollback engine's own bets are placed on both halves, each against the other. Where the evidence
reaches 1/placebo_alpha the engine's assumption does not hold here: the verdict turns to *hold:
replicas are not alike*. The average of bets in both directions is an e-value where each is one.
Called by `weighing`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from telford.deliver import binomial, mixture, share
from telford.deliver.mixture import Logs

Count = tuple[int, int]
"""(requests, bad)."""


@dataclass(frozen=True, slots=True)
class Halves:
    """One tick of the two halves; `part` is the first half's part of the replicas."""

    first: Count
    second: Count
    part: float


def halves(seed: str, replicas: Mapping[str, Count]) -> Halves | None:
    """The tick's counts of the halves that `seed` makes; None with fewer than two replicas.

    `replicas` maps a name to what was counted. Who is in which half depends on the names alone.
    """
    if len(replicas) < 2:
        return None
    order = sorted(replicas, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    middle = len(order) // 2
    first, second = order[:middle], order[middle:]
    return Halves(
        (sum(replicas[one][0] for one in first), sum(replicas[one][1] for one in first)),
        (sum(replicas[one][0] for one in second), sum(replicas[one][1] for one in second)),
        middle / len(order),
    )


def start(engine: str) -> Logs:
    """No evidence yet."""
    return mixture.start(2 * len(share.FRACTIONS if engine == "E4" else mixture.RATIOS))


def update(logs: Logs, engine: str, seen: Halves) -> Logs:
    """The evidence that the replicas differ, after one more tick."""
    (n1, k1), (n0, k0) = seen.first, seen.second
    if engine == "E4":
        bets = share.factors(k1, k0, seen.part) + share.factors(k0, k1, 1 - seen.part)
    else:
        bets = binomial.factors(n1, k1, n0, k0) + binomial.factors(n0, k0, n1, k1)
    return mixture.multiply(logs, bets)
