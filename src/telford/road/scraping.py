"""Which metrics pages of a workload are read, and what of the cluster is read beside them.

A workload says it in `run.monitors`; where it does not, a port named `metrics` says it. Data in
`scraping.toml`. Called by the targets `prometheus` (scrape jobs), `prometheus-operator` (monitors)
and by the tests, which hold every expression against the series that are read.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources
from telford.estate.kinds import running, surroundings
from telford.road import conventions
from telford.road.subject import Subject


@dataclass(frozen=True, slots=True, order=True)
class Page:
    """One page of metrics: the process's port by name (or number, as text), and how it is read.

    `every` and `timeout` are "" where the place's own hold.
    """

    port: str
    path: str = conventions.METRICS_PATH
    scheme: str = "http"
    every: str = ""
    timeout: str = ""

    @property
    def numbered(self) -> bool:
        """Whether the port has no name."""
        return self.port.isdigit()


@dataclass(frozen=True, slots=True)
class Relabel:
    """One step that gives labels to what is read, or keeps and drops it; Prometheus and its
    operator spell it each in their way.
    """

    sources: tuple[str, ...]
    target: str = ""
    regex: str = ""
    action: str = ""
    replacement: str = ""


def keep(pattern: str, *sources: str) -> Relabel:
    """Only what matches."""
    return Relabel(sources, regex=pattern, action="keep")


def copied(source: str, target: str) -> Relabel:
    """A label under a name of ours."""
    return Relabel((source,), target)


POD = "__meta_kubernetes_pod_"
POD_ADDRESS = f"{POD}annotation_telford_dev_address"
POD_APP = f"{POD}label_app_kubernetes_io_name"
POD_MANAGED_BY = f"{POD}label_app_kubernetes_io_managed_by"
POD_PORT = f"{POD}container_port_name"
POD_PORT_NUMBER = f"{POD}container_port_number"
_WHERE = (copied(f"{POD}name", "pod"), copied("__meta_kubernetes_namespace", "namespace"))


def identity() -> tuple[Relabel, ...]:
    """The labels by which rules and dashboards speak of a workload and its replicas."""
    return (
        Relabel((f"{POD}phase",), regex="Succeeded|Failed", action="drop"),
        *_WHERE,
        copied(POD_ADDRESS, conventions.ALERT_LABEL_ABOUT),
        copied(f"{POD}label_app_kubernetes_io_part_of", "system"),
        copied(POD_APP, "workload"),
        # What OpenTelemetry calls it, where the process does not say so itself.
        copied(POD_APP, conventions.HTTP_SERVER.service_label),
    )


def proxies(namespaces: Iterable[str]) -> tuple[tuple[Relabel, ...], tuple[Relabel, ...]]:
    """How the proxies of a mesh or an edge are found, and what of their statistics is kept: that
    of services in some namespaces, under the names that the rules have for them.
    """
    row, source = table()["mesh"], conventions.ENVOY
    found = (keep(row["port"], POD_PORT), *_WHERE)
    label, ours = source.service_label, "|".join(sorted(namespaces))
    version, plain = (row[one].replace("{namespaces}", ours) for one in ("istio_version", "istio"))
    kept = (
        keep(f"{source.requests}|{source.histogram}_(bucket|count|sum)", "__name__"),
        Relabel((label,), label, regex=version, replacement="$2/$1"),
        Relabel((label,), label, regex=plain, replacement="$1"),
        Relabel((label,), regex=row["rest"], action="drop"),
    )
    return found, kept


@cache
def table() -> Mapping[str, Any]:
    """`scraping.toml`."""
    return resources.toml("telford.road", "scraping.toml")


def pages(about: Subject) -> tuple[Page, ...]:
    """The metrics pages of a workload's main process, in the order of its document."""
    if about.run.monitors:
        return tuple(dict.fromkeys(_told(about)))
    if any(port.name == conventions.METRICS_PORT for port in about.ports):
        return (Page(conventions.METRICS_PORT),)
    return ()


def _told(about: Subject) -> Iterator[Page]:
    for monitor in about.run.monitors:
        for scrape in monitor.scrapes:
            port = _port(about, monitor, scrape)
            if port is not None:
                yield Page(
                    port=port,
                    path=scrape.path or conventions.METRICS_PATH,
                    scheme=scrape.scheme or "http",
                    every=scrape.every or "",
                    timeout=scrape.timeout or "",
                )


def _port(about: Subject, monitor: surroundings.Monitor, scrape: surroundings.Scrape) -> str | None:
    """The process's port that a scrape means; an endpoint's port stands for the one behind it."""
    wanted = scrape.port
    if wanted is None:
        return about.ports[0].name if about.ports else None
    if monitor.by == "endpoint":
        ends = [port for end in about.endpoints for port in end.ports]
        behind = [port.target or port.port for port in ends if wanted in (port.name, port.port)]
        wanted = behind[0] if behind else wanted
    return _named(about.ports, wanted)


def _named(ports: tuple[running.Port, ...], wanted: int | str) -> str:
    """By name where the process's port has one."""
    return next((port.name for port in ports if wanted in (port.name, port.port)), str(wanted))


def series(needs: frozenset[str]) -> frozenset[str]:
    """Every series that is kept of what is read beside the workloads."""
    rows = [row for row in table()["job"] if row.get("needs", "") in {"", *needs}]
    return frozenset(name for row in [*rows, *table()["node"]] for name in row["series"])


def counted(source: conventions.Source) -> frozenset[str]:
    """The series by which a data plane counts requests."""
    parts = (f"{source.histogram}_{part}" for part in ("bucket", "count", "sum"))
    return frozenset({source.requests, *parts})
