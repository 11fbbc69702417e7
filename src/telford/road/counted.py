"""What an objective counts: the series of a data plane, as PromQL selectors.

Rules do arithmetic over windows with them (target `prometheus`), an OpenSLO document names them as
they are (target `openslo`).
"""

from dataclasses import dataclass
from decimal import Decimal

from telford.basics import units
from telford.estate.kinds import promises
from telford.road import conventions

# A calendar unit is watched over windows of its usual length; its budget is counted from its first
# day on, because PromQL has no range that begins with a month.
_CALENDAR_SECONDS = {"month": 30 * 86_400, "quarter": 90 * 86_400}


@dataclass(frozen=True, slots=True)
class Counted:
    """Events by counters, `total` and one of `bad` and `good`; or, where it is not "", by the
    samples of a gauge that is 1 or 0, `success`.
    """

    total: str = ""
    bad: str = ""
    good: str = ""
    success: str = ""


def counted(spec: promises.Objective, service: str, told_apart: str = "") -> Counted:
    """The selectors of an objective of a service; `told_apart` is the service's system where the
    name alone does not tell it from others.
    """
    sli = spec.sli
    if sli.ratio is not None:
        return Counted(sli.ratio.total, sli.ratio.bad or "", sli.ratio.good or "")
    if sli.probe is not None:
        return Counted(success=sli.probe.success)
    source = source_of(spec)
    mine = _matcher(source, service, told_apart)
    if sli.latency is None:
        total = f"{source.requests}{{{mine}}}"
        return Counted(total, bad=f"{source.requests}{{{mine},{source.failed}}}")
    edge = boundary(source, sli.latency.threshold)
    within = f'{source.histogram}_bucket{{{mine},le="{edge}"}}'
    return Counted(f"{source.histogram}_count{{{mine}}}", good=within)


def source_of(spec: promises.Objective) -> conventions.Source:
    """The data plane that its annotation names, else the default; unknown ones are reported."""
    name = spec.annotations.get(conventions.ANNOTATION_METRICS, "")
    return conventions.SOURCES.get(name, conventions.DEFAULT_SOURCE)


def period_seconds(spec: promises.Objective) -> int:
    """The length over which its windows are scaled."""
    if spec.calendar is not None:
        return _CALENDAR_SECONDS[spec.calendar]
    return int(units.seconds(spec.period))


def boundary(source: conventions.Source, threshold: str) -> str:
    """A threshold as the ``le`` of the data plane's histogram: 300ms is 300 or 0.3."""
    value = units.seconds(threshold) / Decimal(source.unit_seconds)
    return f"{value.normalize():f}"


def _matcher(source: conventions.Source, service: str, told_apart: str) -> str:
    """The label matcher of one service, all of its versions included; with its system, which the
    scrape puts on every series, where another service has the same short name.
    """
    named = f'{source.service_label}=~"{source.service_pattern.format(service=service)}"'
    return f'{named},system="{told_apart}"' if told_apart else named
