"""Objectives as the pages show them: what was promised, what is left of it, how fast it goes.

Pure: the estate says what is promised, the store's newest evaluation how it stands. Called by the
portal's objective pages, the release page and ``/api/objectives``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from telford.app.release_page import Allowance
from telford.basics import units
from telford.estate import overlays
from telford.estate.kinds.promises import Objective
from telford.estate.model import Entity, Estate
from telford.estate.place import Place
from telford.store.measurements import Measurement
from telford.store.objectives import Evaluated

NOT_MEASURED = "not-measured"
WORST_FIRST = ("exhausted", "burning", "watch", "no-data", NOT_MEASURED, "ok")
BUCKETS = 60
"""Points of a sparkline: one a minute for an hour."""


@dataclass(frozen=True, slots=True)
class BurnView:
    """One window: `rate` is how many times faster than allowed it spends the budget, or None."""

    window: str
    total: int
    bad: int
    rate: float | None


@dataclass(frozen=True, slots=True)
class AlarmView:
    """One alert: fires while both windows burn faster than `rate`."""

    severity: str
    long: str
    short: str
    rate: float
    firing: bool
    reachable: bool


@dataclass(frozen=True, slots=True)
class ObjectiveView:
    """One objective. `left_share` is the share of the budget that is left (below 0: overspent), None
    where it was never measured; `allowed` and `bad` count events of the period so far.
    """

    address: str
    name: str
    service: str
    owner: str
    promise: str
    target: float
    period: str
    state: str
    at: float | None
    since: float | None
    total: int
    bad: int
    allowed: float
    left_share: float | None
    burns: tuple[BurnView, ...]
    alarms: tuple[AlarmView, ...]
    pace: str
    reason: str
    sli: str
    source: str

    @property
    def left(self) -> float:
        """Bad events that the period still allows."""
        return self.allowed - self.bad

    @property
    def fastest(self) -> BurnView | None:
        """The window that burns fastest now."""
        known = [one for one in self.burns if one.rate is not None]
        return max(known, key=lambda one: one.rate or 0.0, default=None)

    def as_json(self) -> dict[str, object]:
        """The stable JSON view."""
        return {
            "address": self.address,
            "service": self.service,
            "owner": self.owner or None,
            "promise": self.promise,
            "target": self.target,
            "period": self.period,
            "state": self.state,
            "at": self.at,
            "since": self.since,
            "total": self.total,
            "bad": self.bad,
            "allowed": self.allowed,
            "left_share": self.left_share,
            "burn_rates": {one.window: one.rate for one in self.burns},
            "alarms": [
                {"severity": one.severity, "long": one.long, "short": one.short, "rate": one.rate}
                for one in self.alarms
                if one.firing
            ],
            "pace": self.pace or None,
            "reason": self.reason,
            "source": self.source,
        }


def pages(
    estate: Estate, place: Place | None, evaluated: Sequence[Evaluated]
) -> tuple[ObjectiveView, ...]:
    """Every objective of the estate as a place has it, the worst first, then by address."""
    found = {one.objective: one for one in evaluated}
    views = [
        page(estate, entity, place, found.get(address))
        for address, entity in estate.entities.items()
        if isinstance(entity.spec, Objective)
    ]
    rank = {state: number for number, state in enumerate(WORST_FIRST)}
    views.sort(key=lambda one: (rank.get(one.state, len(rank)), one.address))
    return tuple(views)


def page(
    estate: Estate, entity: Entity, place: Place | None, evaluated: Evaluated | None
) -> ObjectiveView:
    """One objective as a place has it; `evaluated` is None where nothing was measured there yet."""
    spec = overlays.at(estate, entity, place).spec
    assert isinstance(spec, Objective), "only an objective has a budget"
    data: Mapping[str, Any] = evaluated.evaluation if evaluated else {}
    services = estate.refer("Service", spec.service, spec.system)
    return ObjectiveView(
        address=str(entity.address),
        name=spec.name,
        service=str(services[0].address) if len(services) == 1 else "",
        owner=spec.owner or "",
        promise=promise(spec),
        target=float(units.ratio(spec.target)),
        period=spec.calendar or spec.period,
        state=evaluated.state if evaluated else NOT_MEASURED,
        at=evaluated.at if evaluated else None,
        since=evaluated.since if evaluated else None,
        total=int(data.get("total", 0)),
        bad=int(data.get("bad", 0)),
        allowed=float(data.get("allowed", 0)),
        left_share=float(data["left"]) if "left" in data else None,
        burns=tuple(_burn(one) for one in data.get("burns", ())),
        alarms=tuple(_alarm(one) for one in data.get("alarms", ())),
        pace=str(data.get("pace", "")),
        reason=str(data.get("reason", "")),
        sli=str(data.get("sli", "")),
        source=f"{entity.file}:{entity.node.line}",
    )


def promise(spec: Objective) -> str:
    """What is promised, in words: "99.5% of requests without an error over 30d"."""
    sli = spec.sli
    what = "good events"
    if sli.availability is not None:
        what = "requests without an error"
    elif sli.latency is not None:
        what = f"requests within {sli.latency.threshold}"
    elif sli.probe is not None:
        what = "probes that succeed"
    over = f"each {spec.calendar}" if spec.calendar else f"over {spec.period}"
    return f"{spec.target} of {what} {over}"


def allowances(estate: Estate, evaluated: Sequence[Evaluated]) -> dict[str, Allowance]:
    """Indicator of a release -> what the tightest objective behind it still allows."""
    found: dict[str, Allowance] = {}
    for one in evaluated:
        if one.objective not in estate.entities:
            continue
        data = one.evaluation
        indicator = str(data.get("sli", "")).partition(":")[0]
        allowed = float(data.get("allowed", 0))
        allowance = Allowance(one.objective, allowed, allowed - float(data.get("bad", 0)))
        if indicator and (indicator not in found or allowance.left < found[indicator].left):
            found[indicator] = allowance
    return found


def per_minute(measurements: Sequence[Measurement], now: float) -> tuple[float | None, ...]:
    """The share of bad events in each of the last `BUCKETS` minutes; None without an event."""
    total, bad = [0] * BUCKETS, [0] * BUCKETS
    for one in measurements:
        back = int((now - one.at) // 60)
        if 0 <= back < BUCKETS:
            total[BUCKETS - 1 - back] += one.total
            bad[BUCKETS - 1 - back] += one.bad
    return tuple(b / t if t else None for b, t in zip(bad, total, strict=True))


def _burn(data: Mapping[str, Any]) -> BurnView:
    rate = data["rate"]
    known = None if rate is None else float(rate)
    return BurnView(data["window"], int(data["total"]), int(data["bad"]), known)


def _alarm(data: Mapping[str, Any]) -> AlarmView:
    return AlarmView(
        severity=data["severity"],
        long=data["long"],
        short=data["short"],
        rate=float(data["rate"]),
        firing=bool(data["firing"]),
        reachable=bool(data["reachable"]),
    )
