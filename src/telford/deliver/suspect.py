"""Bad host or bad version? Whether the evidence against a version comes from one replica.

No test can tell a bad version from a bad host while only that host runs it, so before a rollback
whose evidence one of several replicas carries alone, that replica is moved once and the evidence
is gathered again. A false rollback still needs the first evidence, so this only lowers its
probability. Called by `release`.
"""

import math

from telford.deliver.weighing import Evidence

ALONE_LEVEL = 0.05
"""The bad requests must be this unlikely to fall so unevenly on replicas that are alike."""
ALONE_PART = 0.8
"""And the one replica must carry at least this part of the bad requests beyond the stable rate."""


def lone_replica(evidence: Evidence) -> str | None:
    """The canary replica that carries the evidence alone; None where several share it."""
    requests = sum(one.requests for one in evidence.replicas)
    bad = sum(one.bad for one in evidence.replicas)
    if len(evidence.replicas) < 2 or bad == 0:
        return None
    stable = evidence.stable[1] / evidence.stable[0] if evidence.stable[0] else 0.0
    excess = {one.name: one.bad - one.requests * stable for one in evidence.replicas}
    worst = max(evidence.replicas, key=lambda one: (excess[one.name], one.name))
    total = sum(value for value in excess.values() if value > 0)
    if total <= 0 or excess[worst.name] < ALONE_PART * total:
        return None
    chance = _tail(bad, worst.requests / requests, worst.bad) * len(evidence.replicas)
    return worst.name if chance <= ALONE_LEVEL else None


def _tail(count: int, share: float, least: int) -> float:
    """P(binomial(count, share) >= least), at most 1."""
    if share >= 1:
        return 1.0
    log_odds = math.log(share) - math.log1p(-share)
    term = math.lgamma(count + 1) - math.lgamma(least + 1) - math.lgamma(count - least + 1)
    term += least * log_odds + count * math.log1p(-share)
    total, hits = 0.0, least
    while hits <= count and term > -745:
        total += math.exp(term)
        if hits < count:
            term += math.log((count - hits) / (hits + 1)) + log_odds
        hits += 1
    return min(total, 1.0)
