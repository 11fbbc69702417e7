"""The PromQL of the dashboards. Every series comes from `telford.road.conventions` or from what the
scrape jobs keep (`telford.road.scraping`); a test holds each expression against both. Called by
`dashboards`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from telford.road import conventions
from telford.road.conventions import Source

# Grafana's own: a range that holds at least four samples, whatever the step.
# https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
_RANGE = "$__rate_interval"


def either(texts: Iterable[str]) -> str:
    """A regular expression of texts in which nothing but the dot means anything."""
    return "|".join(text.replace(".", r"\\.") for text in sorted(texts))


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests to services that one data plane counts, all of their versions included."""

    source: Source
    services: tuple[str, ...]

    def _selector(self, more: str = "") -> str:
        names = "|".join(self.services)
        service = f"({names})" if len(self.services) > 1 else names
        pattern = self.source.service_pattern.format(service=service)
        inner = f'{self.source.service_label}=~"{pattern}"'
        return f"{{{inner}{more}}}"

    def rate(self, by: str = "") -> str:
        """Requests a second."""
        return _sum(by, f"rate({self.source.requests}{self._selector()}[{_RANGE}])")

    def failed(self, by: str = "") -> str:
        """The share of them that failed; 0 where there are requests and none did."""
        bad = f"rate({self.source.requests}{self._selector(',' + self.source.failed)}[{_RANGE}])"
        every = self.rate(by)
        return f"({_sum(by, bad)} or 0 * {every}) / {every}"

    def quantile(self, share: str) -> str:
        """The time in seconds within which a share of them was answered."""
        buckets = f"rate({self.source.histogram}_bucket{self._selector()}[{_RANGE}])"
        return f"{_scale(self.source)}histogram_quantile({share}, {_sum('le', buckets)})"


@dataclass(frozen=True, slots=True)
class Release:
    """Two versions of one service, chosen by the reader as Grafana's variables."""

    source: Source

    def _selector(self, variable: str, more: str = "") -> str:
        return f'{{{self.source.service_label}="${variable}"{more}}}'

    def rate(self, variable: str) -> str:
        """Requests a second to one of the versions."""
        return f"sum(rate({self.source.requests}{self._selector(variable)}[{_RANGE}]))"

    def failed(self, variable: str) -> str:
        """The share of them that failed."""
        bad = self._selector(variable, f",{self.source.failed}")
        every = self.rate(variable)
        failed = f"sum(rate({self.source.requests}{bad}[{_RANGE}]))"
        return f"({failed} or 0 * {every}) / {every}"

    def quantile(self, share: str, variable: str) -> str:
        """The time in seconds within which a share of them was answered."""
        selector = self._selector(variable)
        buckets = f"sum by (le) (rate({self.source.histogram}_bucket{selector}[{_RANGE}]))"
        return f"{_scale(self.source)}histogram_quantile({share}, {buckets})"


def _sum(by: str, inner: str) -> str:
    return f"sum by ({by}) ({inner})" if by else f"sum({inner})"


def _scale(source: Source) -> str:
    return "" if source.unit_seconds == "1" else f"{source.unit_seconds} * "


def budget_left(addresses: Iterable[str] = ()) -> str:
    """What is left of the error budget: of some objectives, or of all."""
    return f"{conventions.SERIES_BUDGET_LEFT}{_of(addresses)}"


def bad_events(addresses: Iterable[str]) -> str:
    """The share of events of the last five minutes that were bad."""
    mine = _of(addresses)
    good, every = conventions.SERIES_GOOD + mine, conventions.SERIES_TOTAL + mine
    return f"1 - {good} / {every}"


def allowed(addresses: Iterable[str]) -> str:
    """The share of events that may be bad over the whole period."""
    return f"1 - {conventions.SERIES_TARGET}{_of(addresses)}"


def _of(addresses: Iterable[str]) -> str:
    known = tuple(addresses)
    return f"{{{among('address', known)}}}" if known else ""


def among(label: str, texts: tuple[str, ...]) -> str:
    """The matcher of a label that is one of some texts."""
    return f'{label}="{texts[0]}"' if len(texts) == 1 else f'{label}=~"{either(texts)}"'


def firing(about: str) -> str:
    """Alerts that fire, about what a matcher selects."""
    labels = "alertname, severity, about, service, owner, environment, region"
    return f'count by ({labels}) (ALERTS{{alertstate="firing",{about}}})'


@dataclass(frozen=True, slots=True)
class Replicas:
    """The replicas of one workload: its Kubernetes kind, name and namespaces."""

    kind: str
    name: str
    namespaces: tuple[str, ...]

    @property
    def _where(self) -> str:
        return among("namespace", self.namespaces)

    @property
    def _mine(self) -> str:
        pods = f'{conventions.SERIES_POD}{{{self._where},workload="{self.name}"}}'
        return f"* on (namespace, pod) group_left (workload) {pods}"

    def wanted(self) -> str:
        """How many there should be."""
        return self._count(0)

    def ready(self) -> str:
        """How many are ready."""
        return self._count(1)

    def _count(self, index: int) -> str:
        label, *series = _COUNTS[self.kind]
        return f'sum by (namespace) ({series[index]}{{{self._where},{label}="{self.name}"}})'

    def restarts(self) -> str:
        """Restarts in an hour."""
        series = f"kube_pod_container_status_restarts_total{{{self._where}}}"
        return f"sum by (pod) (increase({series}[1h]) {self._mine})"

    def cpu(self) -> str:
        """Cores in use."""
        series = f'container_cpu_usage_seconds_total{{{self._where},container!=""}}'
        return f"sum by (pod) (rate({series}[{_RANGE}]) {self._mine})"

    def memory(self) -> str:
        """Bytes in use."""
        series = f'container_memory_working_set_bytes{{{self._where},container!=""}}'
        return f"sum by (pod) ({series} {self._mine})"

    def promised(self, resource: str, series: str) -> str:
        """What one replica is promised (requests) or may take (limits) of a resource."""
        amount = f'kube_pod_container_resource_{series}{{{self._where},resource="{resource}"}}'
        return f"max(sum by (namespace, pod) ({amount} {self._mine}))"

    @property
    def counted(self) -> bool:
        """Whether replicas of its kind are counted."""
        return self.kind in _COUNTS


# Kind -> the label that names it, and the series of how many are wanted and ready.
_COUNTS = {
    "Deployment": (
        "deployment",
        "kube_deployment_spec_replicas",
        "kube_deployment_status_replicas_available",
    ),
    "StatefulSet": (
        "statefulset",
        "kube_statefulset_replicas",
        "kube_statefulset_status_replicas_ready",
    ),
    "DaemonSet": (
        "daemonset",
        "kube_daemonset_status_desired_number_scheduled",
        "kube_daemonset_status_number_available",
    ),
}
