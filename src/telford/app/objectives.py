"""Objectives of an estate as promises: what the controller watches and a release is judged by.

An objective is counted by the data plane where its indicator is availability or latency; a ratio
of the service's own counters and a probe are evaluated by Prometheus (`telford build`), and stand
here without data. Called by `telford up`, `telford release` and the portal.
"""

from telford.basics import units
from telford.estate.graph import Index
from telford.estate.kinds.promises import Objective
from telford.estate.model import Binding
from telford.operate import promise
from telford.operate.promise import Promise


def promises(binding: Binding) -> tuple[Promise, ...]:
    """Every objective of a place whose service is known, by address."""
    index = Index(binding)
    found = []
    for bound in binding.of_kind("Objective"):
        spec = bound.spec
        assert isinstance(spec, Objective)
        services = index.refer("Service", spec.service, spec)
        if len(services) == 1:
            found.append(_promise(str(bound.entity.address), services[0], spec))
    return tuple(found)


def _promise(address: str, service: str, spec: Objective) -> Promise:
    return Promise(
        objective=address,
        service=service,
        sli=sli(spec),
        target=units.ratio(spec.target),
        period_seconds=int(units.seconds(spec.period)),
        calendar=spec.calendar or "",
        minimum_events=spec.alerting.minimum_events,
        absent_seconds=int(units.seconds(spec.alerting.absent)),
        slow_below=units.ratio(spec.error_budget.slow),
        freeze_at=units.ratio(spec.error_budget.freeze),
    )


def sli(spec: Objective) -> str:
    """What the data plane counts for an objective; "" where it cannot."""
    if spec.sli.availability is not None:
        return promise.ERRORS
    if spec.sli.latency is not None:
        return promise.slowness(float(units.seconds(spec.sli.latency.threshold) * 1000))
    return ""
