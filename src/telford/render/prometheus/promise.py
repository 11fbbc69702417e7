"""An objective in a place, with its windows worked out: what the rule builders read.

Called by `target`.
"""

from dataclasses import dataclass
from decimal import Decimal

from telford.basics import units
from telford.estate.kinds import promises, structure
from telford.estate.model import Binding, Bound
from telford.road import burn, conventions

# A calendar unit is watched over windows of its usual length; its budget is computed by
# `telford.operate`, because PromQL has no range that begins with a month.
_CALENDAR_SECONDS = {"month": 30 * 86_400, "quarter": 90 * 86_400}
_DAY, _HOUR, _MINUTE = 86_400, 3600, 60


@dataclass(frozen=True, slots=True)
class Promise:
    """One objective in one place.

    `pairs` are the alert conditions that can fire; `source` is the data plane that counts its
    requests; `labels` are on every series that it records.
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


def promise(binding: Binding, address: str, bound: Bound) -> Promise:
    """The objective of a binding. A reference to no service keeps its own text."""
    spec = bound.spec
    assert isinstance(spec, promises.Objective), "only objectives are promises"
    target = units.ratio(spec.target)
    period = period_seconds(spec)
    service = spec.service.rpartition(".")[2]
    return Promise(
        address=address,
        spec=spec,
        service=service,
        source=source_of(spec),
        runbook=spec.annotations.get(conventions.ANNOTATION_RUNBOOK, ""),
        target=target,
        period_seconds=period,
        pairs=burn.reachable(period, target),
        labels=_labels(binding, address, spec, service),
    )


def period_seconds(spec: promises.Objective) -> int:
    """The length over which its windows are scaled."""
    if spec.calendar is not None:
        return _CALENDAR_SECONDS[spec.calendar]
    return int(units.seconds(spec.period))


def source_of(spec: promises.Objective) -> conventions.Source:
    """The data plane that its annotation names, else the default; unknown ones are reported."""
    name = spec.annotations.get(conventions.ANNOTATION_METRICS, "")
    return conventions.SOURCES.get(name, conventions.DEFAULT_SOURCE)


def _labels(
    binding: Binding, address: str, spec: promises.Objective, service: str
) -> dict[str, str]:
    labels = {
        "address": address,
        "environment": binding.place.environment,
        "region": binding.place.region,
        "service": service,
        "owner": spec.owner or _owner(binding, spec),
    }
    return {key: value for key, value in labels.items() if value}


def _owner(binding: Binding, spec: promises.Objective) -> str:
    """The owner of the service where the objective names none."""
    system, _, name = spec.service.rpartition(".")
    for found in (f"service/{system or spec.system}.{name}", f"service/{name}"):
        bound = binding.entities.get(found)
        if bound is not None and isinstance(bound.spec, structure.Service):
            return bound.spec.owner or ""
    return ""


def duration(seconds: int) -> str:
    """A Prometheus duration in its largest whole unit up to days: 90m, 6h, 28d."""
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
