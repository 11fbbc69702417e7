"""How many more bad requests the objectives of a service allow, for releases that spend a share.

Read from the evaluations that the controller keeps for every objective. Pure; called by
`controller` for releases whose weights are chosen as they go.
"""

from collections.abc import Iterable
from decimal import Decimal

from telford.deliver.policy import Indicator, Policy, kind_of
from telford.operate import promise
from telford.store.objectives import Evaluated


def left(policy: Policy, service: str, evaluated: Iterable[Evaluated]) -> dict[str, float]:
    """Indicator -> bad requests that its objective still allows in its period (0 where overspent).

    Of several objectives the one with least left. Where none was evaluated yet, what the hour
    before the release left: little, but never unlimited.
    """
    found: dict[str, float] = {}
    mine = [one.evaluation for one in evaluated if one.service == service]
    for indicator in policy.indicators:
        if kind_of(indicator) == "latency":
            continue
        allowed = [
            float(Decimal(str(one["allowed"])) * Decimal(str(one["left"])))
            for one in mine
            if one["sli"] == _sli(indicator)
        ]
        found[indicator.name] = max(min(allowed, default=_of_history(indicator)), 0.0)
    return found


def _sli(indicator: Indicator) -> str:
    threshold = indicator.threshold_ms
    return promise.ERRORS if threshold is None else promise.slowness(threshold)


def _of_history(indicator: Indicator) -> float:
    return indicator.history_requests * indicator.budget - indicator.history_bad
