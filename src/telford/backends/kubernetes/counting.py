"""Counters of pods from Prometheus, as they are: no rates, nothing filled in.

A pod's series are asked for at one moment, so that errors never outnumber requests. A pod whose
last scrape is older than `stale_seconds` is left out (its tick is missing, and never zero), and
where nothing is fresh the reading fails. Resets and gaps are the observer's to see
(`telford.deliver.observe`). Called by `place`.
https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from telford.backends.prometheus import Prometheus
from telford.basics.clock import Clock
from telford.basics.errors import PermanentError, TemporaryError
from telford.estate.observation import Counters, Reading, Series

# A scrape a minute is Prometheus' own default; two may be missed.
STALE_SECONDS = 150.0
# An answer has to come well within a tick.
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Queries:
    """What is asked, as selectors of raw counters; ``{namespace}`` is put in.

    `requests` and `errors` count events, `histogram` is that of latency in units of
    `unit_milliseconds`; `pod` is the label that names the pod.
    """

    requests: str
    errors: str
    histogram: str
    unit_milliseconds: float = 1.0
    pod: str = "pod"


# https://istio.io/latest/docs/reference/config/metrics/ (counted where the request arrives)
ISTIO = Queries(
    requests='istio_requests_total{reporter="destination",namespace="{namespace}"}',
    errors='istio_requests_total{reporter="destination",namespace="{namespace}",'
    'response_code=~"5..|0"}',
    histogram='istio_request_duration_milliseconds_bucket{reporter="destination",'
    'namespace="{namespace}"}',
)
# https://linkerd.io/2/reference/proxy-metrics/
LINKERD = Queries(
    requests='response_total{direction="inbound",namespace="{namespace}"}',
    errors='response_total{direction="inbound",namespace="{namespace}",classification="failure"}',
    histogram='response_latency_ms_bucket{direction="inbound",namespace="{namespace}"}',
)
# An Envoy beside each pod; one that stands apart (a gateway) knows clusters, and no pods.
# https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/stats
ENVOY = Queries(
    requests='envoy_http_downstream_rq_xx{namespace="{namespace}"}',
    errors='envoy_http_downstream_rq_xx{namespace="{namespace}",envoy_response_code_class="5"}',
    histogram='envoy_http_downstream_rq_time_bucket{namespace="{namespace}"}',
)
# What the process itself counts: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
HTTP_SERVER = Queries(
    requests='http_server_request_duration_seconds_count{namespace="{namespace}"}',
    errors='http_server_request_duration_seconds_count{namespace="{namespace}",'
    'http_response_status_code=~"5.."}',
    histogram='http_server_request_duration_seconds_bucket{namespace="{namespace}"}',
    unit_milliseconds=1000.0,
)
QUERIES: Mapping[str, Queries] = {
    "istio": ISTIO,
    "linkerd": LINKERD,
    "envoy": ENVOY,
    "http-server": HTTP_SERVER,
}


class Counting:
    """Reads one Prometheus with one set of queries."""

    def __init__(
        self,
        prometheus: Prometheus,
        queries: Queries,
        namespace: str,
        clock: Clock,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        self._prometheus = prometheus
        self._queries = queries
        self._namespace = namespace
        self._clock = clock
        self._stale_seconds = stale_seconds

    def read(self, series: Mapping[str, Series]) -> Reading:
        """The counters of the pods in `series` (by pod name). Raises `TemporaryError` where they
        cannot be had or none is fresh.
        """
        at = self._clock.now()
        label = self._queries.pod
        requests = self._numbers(f"sum by ({label}) ({self._filled(self._queries.requests)})", at)
        errors = self._numbers(f"sum by ({label}) ({self._filled(self._queries.errors)})", at)
        fresh = self._fresh(at)
        if requests and not fresh:
            raise TemporaryError(
                f"the counts in {self._prometheus.name} are older than {self._stale_seconds:g} s",
                fix="see whether it still scrapes the pods",
            )
        buckets = self._buckets(at)
        return Reading(
            at,
            {
                one: Counters(
                    round(requests[pod]), round(errors.get(pod, 0.0)), buckets.get(pod, {})
                )
                for pod, one in series.items()
                if pod in requests and pod in fresh
            },
        )

    def close(self) -> None:
        """Close every connection."""
        self._prometheus.close()

    def _fresh(self, at: float) -> frozenset[str]:
        """The pods whose last scrape is young enough."""
        selector = self._filled(self._queries.requests)
        found = self._numbers(f"max by ({self._queries.pod}) (timestamp({selector}))", at)
        return frozenset(pod for pod, when in found.items() if at - when <= self._stale_seconds)

    def _buckets(self, at: float) -> dict[str, dict[float, int]]:
        label = self._queries.pod
        selector = self._filled(self._queries.histogram)
        found: dict[str, dict[float, int]] = {}
        for labels, value in self._vector(f"sum by ({label}, le) ({selector})", at):
            bound = float(labels.get("le", "nan"))
            if label in labels and not math.isnan(bound) and math.isfinite(value):
                milliseconds = bound * self._queries.unit_milliseconds
                found.setdefault(labels[label], {})[milliseconds] = round(value)
        return {pod: dict(sorted(counts.items())) for pod, counts in found.items()}

    def _numbers(self, query: str, at: float) -> dict[str, float]:
        label = self._queries.pod
        return {
            labels[label]: value
            for labels, value in self._vector(query, at)
            if label in labels and math.isfinite(value)
        }

    def _vector(self, query: str, at: float) -> list[tuple[Mapping[str, str], float]]:
        try:
            return self._prometheus.vector(query, at)
        except PermanentError as error:
            # Whoever reads goes on without counts, and asks again; a release holds meanwhile.
            raise TemporaryError(error.message, fix=error.fix) from error

    def _filled(self, selector: str) -> str:
        return selector.replace("{namespace}", self._namespace)
