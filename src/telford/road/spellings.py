"""How Kubernetes spells fields that say one thing each: its key -> the attribute of the model.

One table for both directions: import reads it one way (`telford.intake.kubernetes`), as-found
objects are written the other way (`telford.road.found`). What takes more than another name has
functions of its own on both sides.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pydantic.alias_generators import to_camel

Table = Mapping[str, str]


def _table(**names: str) -> Table:
    return MappingProxyType(names)


# Of a pod's specification -> `running.Run`.
POD = _table(
    priorityClassName="priority_class",
    preemptionPolicy="preemption",
    runtimeClassName="runtime_class",
    schedulerName="scheduler",
    hostNetwork="host_network",
    hostPID="host_processes",
    hostIPC="host_memory",
    shareProcessNamespace="share_processes",
    hostname="hostname",
    subdomain="subdomain",
)
# Of a container -> `running.Container`.
CONTAINER = _table(
    tty="tty",
    stdin="stdin",
    terminationMessagePath="message_path",
    terminationMessagePolicy="message_policy",
)
# Of what runs for long -> `running.Run`; the second table counts in seconds.
LONG_RUNNING = _table(paused="paused", podManagementPolicy="order")
LONG_RUNNING_TIMES = _table(
    minReadySeconds="min_ready", progressDeadlineSeconds="progress_deadline"
)
# Of a Service -> `structure.Endpoint`.
SERVICE = _table(
    sessionAffinity="affinity",
    externalTrafficPolicy="external_traffic",
    internalTrafficPolicy="internal_traffic",
    publishNotReadyAddresses="publish_unready",
    ipFamilyPolicy="ip_policy",
    loadBalancerClass="load_balancer_class",
)
SERVICE_LISTS = _table(
    ipFamilies="ip_families", loadBalancerSourceRanges="allowed", externalIPs="external_ips"
)
# Of a ScaledObject -> `scaling.Replicas`, in seconds, and in replicas.
SCALED_TIMES = _table(pollingInterval="every", cooldownPeriod="cooldown")
# Of one page of metrics -> `surroundings.Scrape`.
SCRAPE = _table(path="path", scheme="scheme", interval="every", scrapeTimeout="timeout")
# Of a rule of a role -> `surroundings.Permission`.
PERMISSION = _table(
    apiGroups="groups",
    resources="resources",
    verbs="verbs",
    resourceNames="names",
    nonResourceURLs="paths",
)
# Of a remote reference of an ExternalSecret -> `secret.Key`.
REMOTE = _table(
    key="path",
    property="property",
    version="version",
    conversionStrategy="conversion",
    decodingStrategy="decoding",
    metadataPolicy="metadata",
)
# Of a KafkaTopic's configuration -> `engines.Kafka`: whole numbers written as text or number.
KAFKA_COUNTS = _table(**{"min.insync.replicas": "min_in_sync"})
KAFKA_BYTES = _table(**{"retention.bytes": "max_bytes", "max.message.bytes": "max_message"})
# Of a RabbitMQ Queue's arguments -> `engines.Rabbitmq`.
RABBITMQ = _table(
    **{
        "x-delivery-limit": "max_deliveries",
        "x-max-length": "max_length",
        "x-single-active-consumer": "single_active_consumer",
    }
)


@cache
def _inverse(table: tuple[tuple[str, str], ...]) -> Table:
    return MappingProxyType({attribute: key for key, attribute in table})


@cache
def _documented(table: tuple[tuple[str, str], ...]) -> Table:
    return MappingProxyType({key: to_camel(attribute) for key, attribute in table})


def inverse(table: Table) -> Table:
    """Attribute of the model -> Kubernetes' key."""
    return _inverse(tuple(table.items()))


def documented(table: Table) -> Table:
    """Kubernetes' key -> the key of a document."""
    return _documented(tuple(table.items()))
