"""Service and Ingress: how others reach a workload. Called by `target`."""

from collections.abc import Iterable
from typing import Any

from telford.estate.kinds import structure
from telford.road import found
from telford.road.found_values import some
from telford.road.subject import Subject, backend


def services(subject: Subject) -> list[dict[str, Any]]:
    """One Kubernetes Service for each endpoint."""
    return [_service(subject, endpoint) for endpoint in subject.endpoints]


def _service(subject: Subject, endpoint: structure.Endpoint) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    if endpoint.type == "Headless":
        spec["clusterIP"] = "None"
    else:
        spec["type"] = endpoint.type
    spec |= found.traffic(endpoint)
    spec["selector"] = subject.selector if endpoint.selector is None else dict(endpoint.selector)
    spec["ports"] = [_port(port, index, endpoint) for index, port in enumerate(endpoint.ports)]
    metadata = subject.metadata(endpoint.name)
    metadata["labels"] = {**(endpoint.labels or {}), **subject.labels}
    metadata["annotations"] = {**endpoint.annotations, **subject.annotations}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _port(port: structure.EndpointPort, index: int, endpoint: structure.Endpoint) -> dict[str, Any]:
    """A name is required where there are several ports."""
    found: dict[str, Any] = {}
    if port.name is not None:
        found["name"] = port.name
    elif len(endpoint.ports) > 1:
        found["name"] = f"port-{index + 1}"
    found["port"] = port.port
    if port.target is not None:
        found["targetPort"] = port.target
    if port.protocol != "TCP":
        found["protocol"] = port.protocol
    if port.node_port is not None:
        found["nodePort"] = port.node_port
    if port.app_protocol is not None:
        found["appProtocol"] = port.app_protocol
    return found


def ingresses(subject: Subject) -> list[dict[str, Any]]:
    """The routes by host, in one Ingress, or in those they name; none without an endpoint."""
    if not subject.endpoints:
        return []
    named: dict[str, dict[str | None, list[dict[str, Any]]]] = {}
    for route in subject.routes:
        hosts = named.setdefault(route.ingress or subject.name, {})
        hosts.setdefault(route.host, []).append(_path(subject, route))
    given = subject.spec.ingresses if isinstance(subject.spec, structure.Service) else ()
    settings = {item.name or subject.name: item for item in given}
    return [
        _ingress(subject, name, hosts, settings.get(name, structure.Ingress()))
        for name, hosts in named.items()
    ]


def _ingress(
    subject: Subject,
    name: str,
    hosts: dict[str | None, list[dict[str, Any]]],
    settings: structure.Ingress,
) -> dict[str, Any]:
    metadata = subject.metadata(name)
    metadata["labels"] = {**(settings.labels or {}), **subject.labels}
    metadata["annotations"] = {**settings.annotations, **subject.annotations}
    certificates = [_certificate(name, hosts, item) for item in settings.tls]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": {
            **some(ingressClassName=settings.controller, tls=certificates),
            "rules": [_rule(host, paths) for host, paths in hosts.items()],
        },
    }


def _certificate(
    name: str, hosts: Iterable[str | None], given: structure.Certificate
) -> dict[str, Any]:
    """For the hosts of the routes where it names none. Whoever issues certificates in the cluster
    (https://cert-manager.io/docs/usage/ingress/) keeps it in the Secret that is named.
    """
    every = list(given.hosts) or [host for host in hosts if host is not None]
    return some(hosts=every) | {"secretName": given.secret or f"{name}-tls"}


def _rule(host: str | None, paths: list[dict[str, Any]]) -> dict[str, Any]:
    named = {"host": host} if host is not None else {}
    return {**named, "http": {"paths": paths}}


def _path(subject: Subject, route: structure.RouteRule) -> dict[str, Any]:
    endpoint, port = backend(subject, route)
    return {
        "path": route.path,
        "pathType": route.match or "Prefix",
        "backend": {"service": {"name": endpoint.name, "port": {"number": port.port}}},
    }
