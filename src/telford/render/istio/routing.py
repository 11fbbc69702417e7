"""VirtualService and DestinationRule within the mesh: time limits, tries, versions, sick replicas.

Called by `target`.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache

from telford.basics import units
from telford.estate.kinds import structure
from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.istio.settings import settings
from telford.road import conventions, meshing
from telford.road.subject import Subject

API = "networking.istio.io/v1"
STABLE, CANARY = "stable", "canary"


def objects(
    about: Subject, calls: tuple[meshing.Call, ...], clients: dict[str, Subject]
) -> Iterator[Object]:
    """For each endpoint: how it is called, and what becomes of replicas that fail."""
    for endpoint in about.endpoints:
        if any(meshing.speaks_http(about, port) for port in endpoint.ports):
            yield _virtual_service(about, endpoint, calls, clients)
        if any(port.protocol == "TCP" for port in endpoint.ports):
            yield _destination_rule(about, endpoint)


def released(about: Subject) -> bool:
    """Whether a Delivery moves requests from one version of it to another."""
    return bool(about.track)


def _destination_rule(about: Subject, endpoint: structure.Endpoint) -> Object:
    told = settings()
    detection = {
        "consecutive5xxErrors": told.consecutive_errors,
        "interval": told.interval,
        "baseEjectionTime": told.ejection,
        "maxEjectionPercent": told.max_share,
    }
    spec: Object = {
        "host": meshing.host(about, endpoint),
        "trafficPolicy": {"outlierDetection": detection},
    }
    if released(about):
        spec["subsets"] = [
            {"name": track, "labels": {conventions.LABEL_TRACK: track}}
            for track in (STABLE, CANARY)
        ]
    return _object(about, "DestinationRule", endpoint, spec)


def _virtual_service(
    about: Subject,
    endpoint: structure.Endpoint,
    calls: Iterable[meshing.Call],
    clients: dict[str, Subject],
) -> Object:
    host = meshing.host(about, endpoint)
    known = [call for call in calls if call.client in clients]
    rules = [rule for call in known for rule in _rules(about, host, call, clients[call.client])]
    return _object(
        about,
        "VirtualService",
        endpoint,
        {"hosts": [host], "http": [*rules, {"name": "default", **led(about, host)}]},
    )


def _object(about: Subject, kind: str, endpoint: structure.Endpoint, spec: Object) -> Object:
    metadata = about.metadata(endpoint.name)
    return {"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec}


def led(about: Subject, host: str) -> Object:
    """To every replica, or to the stable version of what is being released; what the server has
    not begun is tried again.
    """
    told = settings()
    return {
        "retries": {"attempts": told.attempts, "retryOn": told.untouched},
        "route": destinations(about, host),
    }


def destinations(about: Subject, host: str, port: int | None = None) -> list[Object]:
    """Where requests go. A release moves the weights."""
    named: Object = {"host": host, **({"port": {"number": port}} if port is not None else {})}
    if not released(about):
        return [{"destination": named}]
    shares = ((STABLE, 100), (CANARY, 0))
    return [{"destination": {**named, "subset": name}, "weight": n} for name, n in shares]


def _rules(about: Subject, host: str, call: meshing.Call, client: Subject) -> Iterator[Object]:
    """How one client's calls are treated: those that may be repeated first, where not all may."""
    match: Object = {"sourceLabels": client.selector, "sourceNamespace": client.namespace}
    told = settings()
    many = call.retries or 0
    if many and not call.harmless and _takes_methods(about):
        reading = {**match, "method": {"regex": "|".join(meshing.SAFE)}}
        yield _rule(about, host, call, f"{client.name}-reads", reading, told.failed)
    condition = told.failed if call.harmless else told.untouched
    yield _rule(about, host, call, client.name, match, condition)


def _takes_methods(about: Subject) -> bool:
    """Whether a request's method says anything: every gRPC call is a POST."""
    return isinstance(about.spec, structure.Service) and about.spec.type != "grpc"


def _rule(
    about: Subject, host: str, call: meshing.Call, name: str, match: Object, condition: str
) -> Object:
    made: Object = {"name": name, "match": [match]}
    if call.limit is not None:
        made["timeout"] = _text(call.limit)
    made |= led(about, host)
    if call.retries is not None:
        made["retries"] = _retries(call, call.retries, condition)
    return made


def _retries(call: meshing.Call, many: int, condition: str) -> Object:
    """The time limit is for all tries together, so each has its share."""
    if many == 0:
        return {"attempts": 0}
    share: Object = {}
    if call.limit is not None:
        share = {"perTryTimeout": _text(call.limit / (many + 1))}
    return {"attempts": many, **share, "retryOn": condition}


@cache
def _text(seconds: Decimal) -> str:
    milliseconds = max(int(seconds * 1000), 1)
    return manifests.duration(units.duration_text(Decimal(milliseconds) / 1000))
