"""What a mesh must know of a place: which workloads are part of it, who calls them and how.

Called by the targets of meshes, which say it each in its own words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from telford.basics import units
from telford.estate.kinds import running, structure
from telford.estate.model import Binding
from telford.road import reach
from telford.road.subject import Subject

# Methods that change nothing, so that asking twice does no harm.
# https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1
SAFE = ("GET", "HEAD", "OPTIONS")
# A cluster's names end in it unless its administrator says otherwise.
# https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
CLUSTER_DOMAIN = "cluster.local"
_HTTP = ("http", "http2", "https", "grpc", "grpc-web", "kubernetes.io/h2c", "kubernetes.io/ws")


@dataclass(frozen=True, slots=True)
class Call:
    """How one client calls a service: time limit in seconds for all tries together, None without
    one; how often it is tried again, None where nothing is said; whether that is harmless for
    every method (`harmless`), or for those that change nothing only.
    """

    client: str
    limit: Decimal | None
    retries: int | None
    harmless: bool


def calls(
    binding: Binding, names: reach.Names, server: str, clients: Iterable[str]
) -> tuple[Call, ...]:
    """How each of the clients of a server that says something of its calls calls it."""
    return tuple(
        call for client in dict.fromkeys(clients) for call in _calls(binding, names, server, client)
    )


def _calls(binding: Binding, names: reach.Names, server: str, client: str) -> Iterator[Call]:
    spec = binding.entities[client].spec
    assert isinstance(spec, structure.Service | structure.Datastore), "only these use others"
    for use in spec.uses:
        if use.service is None or not use.policed:
            continue
        said = use.timeout is not None or use.retries is not None
        if said and names.find("service", use.service, spec.system) == server:
            yield _call(client, use)


def _call(client: str, use: structure.Use) -> Call:
    repeatable = use.idempotent not in (None, "no")
    reads = bool(use.operations) and all(map(_reads, use.operations))
    limit = _seconds(use.timeout) if use.timeout is not None else None
    return Call(client, limit, use.retries, harmless=repeatable or reads)


@cache
def _seconds(text: str) -> Decimal:
    """There are few durations in an estate, each written many times."""
    return units.seconds(text)


def _reads(operation: str) -> bool:
    """Whether an operation (``GET /orders/{id}``) changes nothing."""
    return operation.partition(" ")[0] in SAFE


def host(about: Subject, endpoint: structure.Endpoint) -> str:
    """The full name of an endpoint within the cluster."""
    return full_name(endpoint.name, about.namespace)


def full_name(service: str, namespace: str) -> str:
    """The full name of a Kubernetes Service."""
    return f"{service}.{namespace}.svc.{CLUSTER_DOMAIN}"


def speaks_http(about: Subject, port: structure.EndpointPort) -> bool:
    """Whether a port is known to speak HTTP: by its protocol, its name, or the service's type."""
    if port.protocol != "TCP" or not isinstance(about.spec, structure.Service):
        return False
    if port.app_protocol is not None:
        return port.app_protocol in _HTTP
    name = (port.name or _process_name(about.ports, port) or about.spec.type).partition("-")[0]
    return name in _HTTP


def _process_name(ports: Iterable[running.Port], port: structure.EndpointPort) -> str | None:
    target = port.target if port.target is not None else port.port
    found = (item.name for item in ports if target in (item.name, item.port))
    return next(found, None)
