"""An objective in a place, with its windows worked out: what the rule builders read.

Called by `target`.
"""

from dataclasses import dataclass
from decimal import Decimal

from telford.basics import units
from telford.estate.kinds import promises
from telford.estate.model import Bound
from telford.estate.place import Place
from telford.road import burn, conventions, counted

_DAY, _HOUR, _MINUTE = 86_400, 3600, 60


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective in one place.

    `pairs` are the alert conditions that can fire; `source` is the data plane that counts its
    requests; `labels` are on every series that it records, `alert_labels` on its alerts beside
    them: they say what may change without the history of the objective being lost. `told_apart`
    is the service's system where another service of the place has the same short name.
    """

    address: str
    spec: promises.Objective
    service: str
    source: conventions.Source
    runbook: str
    target: Decimal
    period_seconds: int
    pairs: tuple[burn.Pair, ...]
    labels: dict[str, str]
    alert_labels: dict[str, str]
    told_apart: str = ""

    @property
    def matcher(self) -> str:
        """The label matchers that select its own series, in braces."""
        keys = ("address", "environment", "region")
        inner = ",".join(f'{key}="{self.labels[key]}"' for key in keys if key in self.labels)
        return f"{{{inner}}}"

    @property
    def windows(self) -> tuple[int, ...]:
        """Every window that an alert looks at, in seconds, shortest first."""
        return tuple(sorted({w for p in self.pairs for w in (p.short_seconds, p.long_seconds)}))

    def minimum_events(self, pair: burn.Pair) -> int:
        """How many events the long window needs. A probe's samples come by the clock, so half of
        what one probe a minute would give is enough.
        """
        told = self.spec.alerting.minimum_events
        if self.spec.sli.probe is None:
            return told
        return min(told, max(1, pair.long_seconds // (2 * _MINUTE)))

    def severity(self, pair: burn.Pair) -> str:
        """Page or ticket; an objective that does not page tickets."""
        return pair.severity if self.spec.alerting.page else "ticket"


def promise(
    place: Place,
    address: str,
    bound: Bound,
    server: Bound | None,
    *,
    namesakes: bool = False,
    runbook: str = "",
) -> Promise:
    """The objective of a place. A reference to no service (`server` is None) keeps its own text.

    `namesakes`: other services of the place have the service's short name; `runbook` is what the
    estate says to read, where the objective's annotation says nothing.
    """
    spec = bound.spec
    assert isinstance(spec, promises.Objective), "only objectives are promises"
    target = units.ratio(spec.target)
    period = counted.period_seconds(spec)
    service = spec.service.rpartition(".")[2]
    system = server.spec.system if server is not None else None
    return Promise(
        address=address,
        spec=spec,
        service=service,
        source=counted.source_of(spec),
        runbook=spec.annotations.get(conventions.ANNOTATION_RUNBOOK, "") or runbook,
        target=target,
        period_seconds=period,
        pairs=burn.reachable(period, target),
        labels=_labels(place, address, spec, service, server),
        alert_labels=_alert_labels(place, address, server),
        told_apart=(system or "") if namesakes else "",
    )


def _labels(
    place: Place, address: str, spec: promises.Objective, service: str, server: Bound | None
) -> dict[str, str]:
    owner = spec.owner or (server.spec.owner if server is not None else None)
    labels = {
        "address": address,
        "environment": place.environment,
        "region": place.region,
        "service": service,
        "owner": owner or "",
    }
    return {key: value for key, value in labels.items() if value}


def _alert_labels(place: Place, address: str, server: Bound | None) -> dict[str, str]:
    """What an alert says beside: what it is about, and how much depends on that."""
    about = str(server.entity.address) if server is not None else address
    tier = getattr(server.spec, "tier", None) if server is not None else None
    labels = {
        conventions.ALERT_LABEL_ABOUT: about,
        "cluster": place.cluster,
        conventions.ALERT_LABEL_TIER: "" if tier is None else str(tier),
    }
    return {key: value for key, value in labels.items() if value}


def duration(seconds: int) -> str:
    """A Prometheus duration in its largest whole unit up to days: 90m, 6h, 28d."""
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
