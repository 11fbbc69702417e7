"""Dashboards: a service, a system, all objectives, a release beside the one before. Called by `target`.

A dashboard holds for every place: the reader chooses the place's Prometheus as data source. Its uid
comes from what it is about, so a link to it stays good.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from telford.render.grafana import panels, questions
from telford.render.grafana.questions import Release, Replicas, Requests
from telford.road import conventions

# Colours of what is left of a budget: overspent, a quarter left, more. Our own choice.
BUDGET_STEPS: Sequence[panels.Step] = ((None, "red"), (0, "orange"), (0.25, "green"))
_HASH = 20
# What the SDK writes for every variable, and Grafana's type of one does not have.
_FOREIGN_KEYS = ("id", "auto", "auto_min", "auto_count")

Panel = Builder[models.Panel]
Made = dashboard.Dashboard


@dataclass(frozen=True, slots=True)
class Promised:
    """An objective: its address and name."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What a dashboard of a service shows; `replicas` is None where Kubernetes does not run it."""

    address: str
    name: str
    description: str
    promised: tuple[Promised, ...]
    requests: Requests | None
    replicas: Replicas | None
    neighbours: tuple[str, ...]
    tags: tuple[str, ...]


def uid(about: str) -> str:
    """Stable, and short enough for Grafana (40 letters)."""
    return f"telford-{hashlib.sha256(about.encode()).hexdigest()[:_HASH]}"


def text(made: dashboard.Dashboard) -> str:
    """The file."""
    told = _without_nulls(json.loads(JSONEncoder().encode(made.build())))
    # A reader's own choice, and nothing that a dashboard says any more.
    told.pop("style", None)
    for variable in told["templating"]["list"]:
        for key in _FOREIGN_KEYS:
            variable.pop(key, None)
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _without_nulls(value: Any) -> Any:
    """What nobody set is left out; but the first step of a scale has `value: null`."""
    if isinstance(value, dict):
        kept = ((key, part) for key, part in value.items() if part is not None or key == "value")
        return {key: _without_nulls(part) for key, part in kept}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def _begun(about: str, title: str, description: str, tags: tuple[str, ...]) -> dashboard.Dashboard:
    source = dashboard.DatasourceVariable("datasource").label("place").type("prometheus")
    return (
        dashboard.Dashboard(title)
        .uid(uid(about))
        .description(f"{description} Made by {conventions.MANAGER} of {about}.".strip())
        .tags([conventions.MANAGER, *tags])
        .readonly()
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .with_variable(source)
    )


def _filled(
    made: dashboard.Dashboard, parts: Iterator[tuple[str, Sequence[Panel]]]
) -> dashboard.Dashboard:
    for title, row in parts:
        if row:
            made = made.with_row(dashboard.Row(title))
            for panel in row:
                made = made.with_panel(panel)
    return made


def service(view: ServiceView) -> dashboard.Dashboard:
    """A service: what is promised, what is asked of it, its replicas, what it needs."""
    begun = _begun(view.address, view.name, view.description, view.tags)
    return _filled(begun, _of_service(view))


def _of_service(view: ServiceView) -> Iterator[tuple[str, Sequence[Panel]]]:
    mine = questions.among(conventions.ALERT_LABEL_ABOUT, (view.address,))
    yield "Now", [panels.rows("Alerts", "What fires about it.", (questions.firing(mine), ""))]
    yield "Promises", [panel for one in view.promised for panel in _promise(one)]
    if view.requests is not None:
        yield "Requests", list(_requests(view.requests))
    if view.replicas is not None:
        yield "Replicas", list(_replicas(view.replicas))
    if view.neighbours:
        yield "What it needs", [_budgets(view.neighbours)]


def _promise(one: Promised) -> Iterator[Panel]:
    only = (one.address,)
    yield panels.number(
        f"{one.name}: budget left",
        "The share of the error budget that is left in the period. Below 0 it is overspent.",
        (questions.budget_left(only), ""),
        unit="percentunit",
        steps=BUDGET_STEPS,
    )
    yield panels.timeline(
        f"{one.name}: bad events",
        "The share of events that were bad, five minutes by five, and what may be over the period.",
        [(questions.bad_events(only), "bad"), (questions.allowed(only), "allowed")],
        unit="percentunit",
        span=panels.WHOLE - panels.THIRD,
    )


def _requests(of: Requests) -> Iterator[Panel]:
    yield panels.timeline(
        "Requests", "How many a second.", [(of.rate(), "requests")], unit="reqps",
        span=panels.THIRD,
    )  # fmt: skip
    yield panels.timeline(
        "Failed", "The share that failed.", [(of.failed(), "failed")], unit="percentunit",
        span=panels.THIRD,
    )  # fmt: skip
    shares = (("0.5", "half"), ("0.95", "95%"), ("0.99", "99%"))
    yield panels.timeline(
        "Time", "Within what time how many were answered.",
        [(of.quantile(share), name) for share, name in shares], unit="s", span=panels.THIRD,
    )  # fmt: skip


def _replicas(of: Replicas) -> Iterator[Panel]:
    if of.counted:
        counts = [(of.wanted(), "wanted {{namespace}}"), (of.ready(), "ready {{namespace}}")]
        yield panels.timeline("Replicas", "How many are wanted and ready.", counts, unit="none")
    restarts = [(of.restarts(), "{{pod}}")]
    yield panels.timeline("Restarts", "In an hour.", restarts, unit="none")
    cpu = [(of.cpu(), "{{pod}}"), (of.promised("cpu", "requests"), "promised")]
    yield panels.timeline(
        "CPU", "Cores in use, and what one replica is promised.", cpu, unit="none"
    )
    memory = [(of.memory(), "{{pod}}"), (of.promised("memory", "limits"), "limit")]
    yield panels.timeline("Memory", "In use, and what one replica may take.", memory, unit="bytes")


def _budgets(addresses: tuple[str, ...]) -> Panel:
    return panels.bars(
        "Budgets left",
        "What is left of the error budget of each objective.",
        (questions.budget_left(addresses), "{{service}}: {{address}}"),
        unit="percentunit",
        steps=BUDGET_STEPS,
    )


def system(
    address: str,
    name: str,
    description: str,
    promised: tuple[str, ...],
    requests: tuple[Requests, ...],
) -> dashboard.Dashboard:
    """A system: its alerts, its budgets, the requests to each of its services."""
    begun = _begun(address, f"system {name}", description, ("system",))
    return _filled(begun, _of_system(name, promised, requests))


def _of_system(
    name: str, promised: tuple[str, ...], requests: tuple[Requests, ...]
) -> Iterator[tuple[str, Sequence[Panel]]]:
    alerts = questions.firing(f'{conventions.ALERT_LABEL_ABOUT}=~"[a-z]+/{name}\\\\..+"')
    yield "Now", [panels.rows("Alerts", "What fires about anything in it.", (alerts, ""))]
    if promised:
        yield "Promises", [_budgets(promised)]
    for of in requests:
        label = of.source.service_label
        legend = f"{{{{{label}}}}}"
        yield (
            f"Requests ({of.source.name})",
            [
                panels.timeline(
                    "Requests", "A second, by service.", [(of.rate(label), legend)], unit="reqps"
                ),
                panels.timeline(
                    "Failed", "The share that failed, by service.", [(of.failed(label), legend)],
                    unit="percentunit",
                ),
            ],
        )  # fmt: skip


def objectives(address: str) -> dashboard.Dashboard:
    """Every objective: what is left, and what burns."""
    begun = _begun(f"{address} objectives", "objectives", "Every promise.", ("objectives",))
    alerts = f"{conventions.ALERT_BURN}|{conventions.ALERT_ABSENT}"
    burning = (
        'count by (alertname, severity, service, owner, address) (ALERTS{alertstate="firing",'
        f'alertname=~"{alerts}"}})'
    )
    overspent = f"count({questions.budget_left()} < 0) or vector(0)"
    return _filled(
        begun,
        iter(
            [
                ("Now", [
                    panels.number("Overspent", "Objectives without any budget left.",
                                  (overspent, ""), unit="none", steps=((None, "green"), (1, "red"))),
                    panels.rows("Burning", "Objectives that burn too fast or have no data.",
                                (burning, "")),
                ]),
                ("Budgets", [_budgets(())]),
            ]
        ),
    )  # fmt: skip


def release(address: str, name: str, source: conventions.Source) -> dashboard.Dashboard:
    """Two versions of a service beside one another; the reader chooses which."""
    of, label = Release(source), source.service_label
    begun = _begun(f"{address} release", f"release of {name}", "", ("release",))
    asked = f'label_values({source.requests}{{{label}=~"{name}/.+"}}, {label})'
    for variable, says in (("release", "release"), ("before", "the one before")):
        chosen = (
            dashboard.QueryVariable(variable)
            .label(says)
            .datasource(panels.DATASOURCE)
            .query(asked)
            .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(models.VariableSort.ALPHABETICAL_DESC)
        )
        begun = begun.with_variable(chosen)
    return _filled(begun, _of_release(of))


def _of_release(of: Release) -> Iterator[tuple[str, Sequence[Panel]]]:
    both = ("release", "before")
    traffic = [(of.rate(one), f"${one}") for one in both]
    failed = [(of.failed(one), f"${one}") for one in both]
    slow = [(of.quantile("0.95", one), f"${one}") for one in both]
    yield (
        "Traffic",
        [
            panels.timeline(
                "Requests", "A second, to each version.", traffic, unit="reqps", span=panels.WHOLE
            )
        ],
    )
    more = f"{of.failed('release')} - ({of.failed('before')})"
    steps = ((None, "green"), (0.001, "orange"), (0.01, "red"))
    yield "Failures", [
        panels.timeline("Failed", "The share that failed, of each version.", failed, unit="percentunit",
                        span=panels.WHOLE - panels.THIRD),
        panels.number("More failures", "The release's share less that of the one before.", (more, ""),
                      unit="percentunit", steps=steps),
    ]  # fmt: skip
    yield (
        "Time",
        [
            panels.timeline(
                "95% answered within", "Of each version.", slow, unit="s", span=panels.WHOLE
            )
        ],
    )
