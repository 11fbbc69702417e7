"""HTTPRoute, GRPCRoute and ServiceProfile within the mesh: time limits, tries, opaque ports.

Linkerd tells callers apart by namespace only, so what holds for a service is what all of its
callers can live with: the longest time limit, the fewest tries. Called by `target`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from telford.basics import units
from telford.estate.kinds import structure
from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.linkerd.settings import settings
from telford.road import meshing
from telford.road.subject import Subject

# https://linkerd.io/2/reference/timeouts/ https://linkerd.io/2/reference/retries/
_LIMIT = "timeout.linkerd.io/request"
_RETRY_HTTP, _RETRY_GRPC = "retry.linkerd.io/http", "retry.linkerd.io/grpc"
_RETRY_MANY = "retry.linkerd.io/limit"
_ROUTES = "gateway.networking.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all callers of a service can live with; None where one of them says nothing."""

    limit: Decimal | None
    retries: int
    harmless: bool

    @property
    def says_something(self) -> bool:
        """Whether a route would say anything."""
        return self.limit is not None or self.retries > 0


def shared(calls: tuple[meshing.Call, ...], callers: frozenset[str]) -> Shared:
    """What holds for the callers at these addresses together."""
    silent = callers - {call.client for call in calls}
    limits = [call.limit for call in calls]
    known = [limit for limit in limits if limit is not None]
    whole = bool(known) and not silent and len(known) == len(limits)
    return Shared(
        limit=max(known) if whole else None,
        retries=0 if silent or not calls else min(call.retries or 0 for call in calls),
        harmless=bool(calls) and all(call.harmless for call in calls),
    )


def differing(calls: tuple[meshing.Call, ...]) -> bool:
    """Whether callers ask for time limits that differ."""
    return len({call.limit for call in calls}) > 1


def objects(about: Subject, told: Shared) -> Iterator[Object]:
    """For each endpoint with an address of its own: behind a headless one Linkerd sees pods."""
    for endpoint in about.endpoints:
        if endpoint.type == "Headless":
            continue
        http = [port for port in endpoint.ports if meshing.speaks_http(about, port)]
        for number, port in enumerate(http):
            # Not the endpoint's own name: that is the route by which requests come from outside.
            name = endpoint.name if number == 0 else f"{endpoint.name}-{port.port}"
            yield from _routes(about, endpoint, port, f"{name}-in-mesh", told)
        if isinstance(about.spec, structure.Datastore):
            yield _profile(about, endpoint)


def _routes(
    about: Subject,
    endpoint: structure.Endpoint,
    port: structure.EndpointPort,
    name: str,
    told: Shared,
) -> Iterator[Object]:
    """One for everything, and one for what may be repeated, where not everything may. A request
    that no route is for would find nothing, so the first is there whenever the second is.
    """
    if not told.says_something:
        return
    grpc = isinstance(about.spec, structure.Service) and about.spec.type == "grpc"
    kind = "GRPCRoute" if grpc else "HTTPRoute"
    limits = _limits(told)
    tries = _tries(told, grpc=grpc)
    parent = {"group": "", "kind": "Service", "name": endpoint.name, "port": port.port}
    rule: Object = {"backendRefs": [{"name": endpoint.name, "port": port.port}]}
    every = limits | (tries if told.harmless else {})
    if every or tries:
        yield _route(about, kind, name, every, {"parentRefs": [parent], "rules": [rule]})
    if tries and not told.harmless:
        reading = {"matches": [{"method": method} for method in meshing.SAFE], **rule}
        spec = {"parentRefs": [parent], "rules": [reading]}
        yield _route(about, kind, f"{name}-reads", limits | tries, spec)


def _route(
    about: Subject, kind: str, name: str, annotations: dict[str, str], spec: Object
) -> Object:
    metadata = about.metadata(name)
    metadata["annotations"] = {**about.annotations, **annotations}
    return {"apiVersion": _ROUTES, "kind": kind, "metadata": metadata, "spec": spec}


def _limits(told: Shared) -> dict[str, str]:
    if told.limit is None:
        return {}
    limit = Decimal(max(int(told.limit * 1000), 1)) / 1000
    return {_LIMIT: manifests.duration(units.duration_text(limit))}


def _tries(told: Shared, *, grpc: bool) -> dict[str, str]:
    """Every gRPC call is a POST, so it is tried again only where that is said to be harmless."""
    if not told.retries or (grpc and not told.harmless):
        return {}
    condition = settings().retry_grpc if grpc else settings().retry_http
    kind = _RETRY_GRPC if grpc else _RETRY_HTTP
    return {kind: condition, _RETRY_MANY: str(told.retries)}


def _profile(about: Subject, endpoint: structure.Endpoint) -> Object:
    """That nothing is guessed of what is spoken with a store."""
    ports = [str(port.port) for port in endpoint.ports if port.protocol == "TCP"]
    return {
        "apiVersion": "linkerd.io/v1alpha2",
        "kind": "ServiceProfile",
        "metadata": about.metadata(meshing.host(about, endpoint)),
        "spec": {"opaquePorts": ports},
    }
