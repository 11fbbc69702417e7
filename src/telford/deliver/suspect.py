"""Bad host or bad version? Whether the evidence against a version comes from one replica.

No test can tell a bad version from a bad host while only that host runs it, so before a rollback
whose evidence one of several replicas carries alone, that replica is moved once and the evidence
is gathered again. A false rollback still needs the first evidence, so this only lowers its
probability; a version that is bad everywhere is seldom bad on one of its replicas only (five bad
requests all on one of two: 1 in 16), and then it costs the time of a second look. Called by
`judging`.
"""

from telford.deliver.weighing import Evidence

ALONE_PART = 0.9
"""A replica is alone with at least this part of the bad requests beyond the stable rate."""


def lone_replica(evidence: Evidence) -> str | None:
    """The canary replica that carries the evidence alone; None where several share it."""
    served = [one for one in evidence.replicas if one.requests > 0]
    if len(served) < 2:
        return None
    stable = evidence.stable[1] / evidence.stable[0] if evidence.stable[0] else 0.0
    excess = {one.name: one.bad - one.requests * stable for one in served}
    worst = max(excess, key=lambda name: (excess[name], name))
    total = sum(value for value in excess.values() if value > 0)
    return worst if total > 0 and excess[worst] >= ALONE_PART * total else None
