"""Every label, annotation and metric name that Telford writes or reads, in one place.

A name that appears in a generated file comes from here and nowhere else. Used by the targets and
by the backends that read what the targets made.
"""

from dataclasses import dataclass

MANAGER = "telford"

# Kubernetes' recommended labels.
# https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
LABEL_NAME = "app.kubernetes.io/name"
LABEL_PART_OF = "app.kubernetes.io/part-of"
LABEL_VERSION = "app.kubernetes.io/version"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_COMPONENT = "app.kubernetes.io/component"

LABEL_ENVIRONMENT = "telford.dev/environment"
LABEL_REGION = "telford.dev/region"
LABEL_TIER = "telford.dev/tier"
# On pods of what is released by a Delivery: the version that stays (`stable`) or the one that is
# being tried (`canary`). No selector names it, so a Service leads to both.
LABEL_TRACK = "telford.dev/track"
ANNOTATION_ADDRESS = "telford.dev/address"
ANNOTATION_OWNER = "telford.dev/owner"
ANNOTATION_DIGEST = "telford.dev/digest"
ANNOTATION_CONFIG = "telford.dev/config-digest"
# On what a release makes or moves in a cluster: the service it belongs to, and the version that it
# runs (a label of a version's own Deployment and pods, an annotation of the template it moves to).
LABEL_SERVICE = "telford.dev/service"
LABEL_RUNS = "telford.dev/runs"
ANNOTATION_VERSION = "telford.dev/version"
# On every object that a release writes: the generation at which it was written (fencing).
ANNOTATION_GENERATION = "telford.dev/generation"
# On what leads requests: the generation of the workloads that it was led along with (fencing).
ANNOTATION_FENCE = "telford.dev/fence"
# On a route that a release rewrites: its rules as they were, and the digest of what was made of them.
ANNOTATION_RULES = "telford.dev/rules"
ANNOTATION_RULES_DIGEST = "telford.dev/rules-digest"
# On what was concluded and not declared: what from, for people.
ANNOTATION_INFERRED_FROM = "telford.dev/inferred-from"
# Beside it: whether people confirmed or refused it.
ANNOTATION_SETTLED = "telford.dev/settled"

# On an Objective or its Service: which data plane counts its requests (`SOURCES` below).
ANNOTATION_METRICS = "telford.dev/metrics"
# On an Objective or its Service: what to read when it burns.
ANNOTATION_RUNBOOK = "telford.dev/runbook"

# On a Service: what brokers call those of its replicas that consume together (a consumer group of
# Kafka, a consumer of JetStream), where that is not the service's own name.
ANNOTATION_CONSUMER = "telford.dev/consumer"
# On a Stream: the TriggerAuthentication by which KEDA asks its broker.
ANNOTATION_TRIGGER_AUTHENTICATION = "telford.dev/trigger-authentication"

# On a Service, or on its System with `{name}` inside: the folder of its sources, from the root of
# the repository that its pipeline runs in.
ANNOTATION_SOURCE = "telford.dev/source"
# On a Service or its System: the name of the pinned image in which it is linted and tested.
ANNOTATION_TOOLCHAIN = "telford.dev/toolchain"

# https://argo-cd.readthedocs.io/en/stable/user-guide/sync-waves/
ANNOTATION_SYNC_WAVE = "argocd.argoproj.io/sync-wave"

# What Backstage and its plugins read of a descriptor.
# https://backstage.io/docs/features/software-catalog/well-known-annotations
BACKSTAGE_SELECTOR = "backstage.io/kubernetes-label-selector"
BACKSTAGE_SOURCE = "backstage.io/source-location"
BACKSTAGE_VIEW = "backstage.io/view-url"
BACKSTAGE_EDIT = "backstage.io/edit-url"

# What makes a mesh put its proxy beside a pod, whatever its namespace says.
# https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/#controlling-the-injection-policy
LABEL_ISTIO_INJECT = "sidecar.istio.io/inject"
# https://linkerd.io/2/features/proxy-injection/
ANNOTATION_LINKERD_INJECT = "linkerd.io/inject"
# Ports on which the server may speak first, so nothing is guessed from the first bytes.
# https://linkerd.io/2/features/protocol-detection/
ANNOTATION_LINKERD_OPAQUE = "config.linkerd.io/opaque-ports"
# A proxy that ends with the job it serves. https://linkerd.io/2/features/native-sidecars
ANNOTATION_LINKERD_NATIVE = "config.beta.linkerd.io/proxy-enable-native-sidecar"

# https://kubernetes.io/docs/concepts/security/pod-security-admission/
POD_SECURITY = "pod-security.kubernetes.io"
# Set by Kubernetes on every namespace since 1.22.
LABEL_NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Source:
    """How one data plane names its request counts and its latency histogram.

    `service_label` is matched against the pattern `service_pattern` (``{service}`` inside);
    `failed` is the matcher of requests that failed; `unit_seconds` is what one unit of the
    histogram's ``le`` is in seconds; `boundaries` are the histogram's buckets in that unit.
    """

    name: str
    requests: str
    histogram: str
    service_label: str
    service_pattern: str
    failed: str
    unit_seconds: str
    boundaries: tuple[str, ...]


# Envoy's cluster statistics: what a caller gets, connection failures included. A cluster is
# `orders`, or one version of it, `orders/1.4.2`; Envoy's time buckets are in milliseconds.
# https://www.envoyproxy.io/docs/envoy/latest/configuration/upstream/cluster_manager/cluster_stats
ENVOY = Source(
    name="envoy",
    requests="envoy_cluster_upstream_rq_xx",
    histogram="envoy_cluster_upstream_rq_time",
    service_label="envoy_cluster_name",
    service_pattern="{service}(/.+)?",
    failed='envoy_response_code_class="5"',
    unit_seconds="0.001",
    # envoy source/common/stats/histogram_impl.cc, default buckets (1.39)
    boundaries=(
        "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000",
        "30000", "60000", "300000", "600000", "1800000", "3600000",
    ),
)  # fmt: skip

# OpenTelemetry's HTTP semantic conventions, as the server itself counts.
# https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ (boundaries: advisory list there)
HTTP_SERVER = Source(
    name="http-server",
    requests="http_server_request_duration_seconds_count",
    histogram="http_server_request_duration_seconds",
    service_label="service_name",
    service_pattern="{service}",
    failed='http_response_status_code=~"5.."',
    unit_seconds="1",
    boundaries=(
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5",
        "7.5", "10",
    ),
)  # fmt: skip

SOURCES: dict[str, Source] = {source.name: source for source in (ENVOY, HTTP_SERVER)}
DEFAULT_SOURCE = ENVOY


def envoy_cluster(service: str, version: str = "") -> str:
    """The name of the Envoy cluster of a service, or of one version of it."""
    return f"{service}/{version}" if version else service


# Recorded series, as level:what:how; `W` is a window such as 5m, 1h or 30d.
SERIES_TOTAL = "objective:events_total:increase5m"
SERIES_GOOD = "objective:events_good:increase5m"
SERIES_TARGET = "objective:target:ratio"
SERIES_BUDGET_LEFT = "objective:error_budget_left:ratio"
ALERT_BURN = "ErrorBudgetBurn"
ALERT_ABSENT = "ObjectiveDataAbsent"

# What the estate knows of what runs, as series that alerts are joined with: each is 1, its labels
# say who owns it, how much depends on it and what to read.
SERIES_WORKLOAD = "workload:info"
SERIES_STREAM = "stream:info"
SERIES_CERTIFICATE = "certificate:info"
# Which workload a pod, or a claim of storage, belongs to; how many messages wait for a consumer.
SERIES_POD = "workload:pod"
SERIES_CLAIM = "workload:claim"
SERIES_BACKLOG = "stream:backlog"
# Alerts of what runs (`health.toml`) that others speak of.
ALERT_UNAVAILABLE = "WorkloadUnavailable"

# Labels of every alert: what it is about (an address), whose that is, how much depends on it.
ALERT_LABEL_ABOUT = "about"
ALERT_LABEL_OWNER = "owner"
ALERT_LABEL_TIER = "tier"
ALERT_LABEL_SEVERITY = "severity"
ALERT_LABEL_RUNBOOK = "runbook"

# A process that opens a port of this name serves its metrics there, at METRICS_PATH.
METRICS_PORT = "metrics"
METRICS_PATH = "/metrics"

# On an Environment: the relay (host:port) that takes the mail of its Alertmanager, and the sender.
ANNOTATION_MAIL_SERVER = "telford.dev/mail-server"
ANNOTATION_MAIL_FROM = "telford.dev/mail-from"

# On telemetry: the class of data that may be in it, as the estate's `dataClass` says.
ATTRIBUTE_ADDRESS = "telford.address"
ATTRIBUTE_DATA_CLASS = "telford.data_class"
ATTRIBUTE_TIER = "telford.tier"


def series_error_ratio(window: str) -> str:
    """Bad events over all events in a window."""
    return f"objective:error_ratio:{window}"


def series_total(window: str) -> str:
    """All events in a window."""
    return f"objective:events_total:{window}"


def series_bad(window: str) -> str:
    """Bad events in a window."""
    return f"objective:events_bad:{window}"


def series_calendar(unit: str) -> str:
    """The number of the calendar unit (``month``, ``quarter``) in which was counted last."""
    return f"objective:calendar:{unit}"
