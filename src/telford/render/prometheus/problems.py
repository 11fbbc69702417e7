"""What this target has to say about an objective: TEL512, 513, 515, 516. Called by `target`.

An alert that can never fire is told at check time (`telford.rules.promises`).

- TEL512 (error): an annotation that names a data plane nobody knows.
- TEL513 (warning): a latency threshold that is no boundary of the data plane's histogram.
- TEL515 (info): selectors too intricate for a generated test.
- TEL516 (warning): services with one short name, which the data plane may not tell apart.
"""

from collections.abc import Iterator
from decimal import Decimal

from telford.basics import units
from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.model import Bound
from telford.render.findings import finding
from telford.render.prometheus import proofs
from telford.render.prometheus.promise import Promise
from telford.road import conventions, counted


def problems(promise: Promise, bound: Bound) -> Iterator[Diagnostic]:
    """Everything there is to say about one objective."""
    yield from _unknown_source(promise, bound)
    yield from _between_buckets(promise, bound)
    yield from _namesakes(promise, bound)
    yield from _unproven(promise, bound)


def _unknown_source(promise: Promise, bound: Bound) -> Iterator[Diagnostic]:
    name = promise.spec.annotations.get(conventions.ANNOTATION_METRICS)
    if name is not None and name not in conventions.SOURCES:
        yield finding(
            bound,
            "TEL512",
            Severity.ERROR,
            f"no data plane is called {name!r}",
            field=("annotations", conventions.ANNOTATION_METRICS),
            fix=f"{conventions.ANNOTATION_METRICS} is one of: {', '.join(conventions.SOURCES)}",
        )


def _between_buckets(promise: Promise, bound: Bound) -> Iterator[Diagnostic]:
    latency = promise.spec.sli.latency
    if latency is None:
        return
    edge = counted.boundary(promise.source, latency.threshold)
    if edge not in promise.source.boundaries:
        yield finding(
            bound,
            "TEL513",
            Severity.WARNING,
            f"{latency.threshold} is no bucket of {promise.source.name}'s histogram by default",
            field=("sli", "latency", "threshold"),
            detail=f'The rules count by le="{edge}"; without that bucket there is no data, and'
            f" {conventions.ALERT_ABSENT} says so.",
            fix="give the data plane that bucket, or use one of: "
            + ", ".join(_near(promise.source, edge)),
        )


def _near(source: conventions.Source, edge: str) -> list[str]:
    """The two boundaries around a threshold, as durations."""
    value = Decimal(edge)
    below = [b for b in source.boundaries if Decimal(b) < value][-1:]
    above = [b for b in source.boundaries if Decimal(b) > value][:1]
    unit = Decimal(source.unit_seconds)
    return [units.duration_text(Decimal(b) * unit) for b in (*below, *above)]


def _namesakes(promise: Promise, bound: Bound) -> Iterator[Diagnostic]:
    sli = promise.spec.sli
    counted = sli.availability is not None or sli.latency is not None
    if promise.told_apart and counted:
        yield finding(
            bound,
            "TEL516",
            Severity.WARNING,
            f"several services are called {promise.service}: this one is counted by"
            f' system="{promise.told_apart}"',
            field=("service",),
            detail="The generated scrape jobs put that label on what a workload serves itself. A"
            " proxy in front of several systems does not have it, and ObjectiveDataAbsent says so.",
            fix=f"rename one of them, or count by {conventions.ANNOTATION_METRICS}: http-server",
        )


def _unproven(promise: Promise, bound: Bound) -> Iterator[Diagnostic]:
    if promise.pairs and not proofs.feasible(promise):
        yield finding(
            bound,
            "TEL515",
            Severity.INFO,
            "no test is generated: its selectors are too intricate to make series for",
            field=("sli",),
            fix='plain selectors, such as requests_total{job="orders",code=~"5.."}',
        )
