"""How requests from outside come in: each way with its hosts, and where each of its rules leads.

A Service's own `routes` and the Routes of an estate say the same thing in two places; here they are
one, with every endpoint and port said. Routes of a Gateway API, of a mesh and of a proxy at the edge
are made of it, and network policies let their controllers in by it. Called by
`telford.render.scene`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.estate.kinds import network, structure
from telford.estate.model import Binding
from telford.road import reach
from telford.road.openings import PortSpec, process_port
from telford.road.subject import Subject, backend, namespace_of

# Address -> its workload with every question answered.
Subjects = Callable[[str], Subject]


@dataclass(frozen=True, slots=True)
class Backend:
    """Where requests are led: one port of one Kubernetes Service. `process` is the port of the
    process behind it; `share` is its weight among others, None where it is alone.
    """

    address: str
    namespace: str
    service: str
    port: int
    process: PortSpec | None
    share: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """Requests by path, method and headers; a method of "" is any."""

    path: str = "/"
    match: str = "Prefix"
    method: str = ""
    headers: tuple[network.HeaderMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests, any of which are led to the backends, or answered by a redirect."""

    requests: tuple[Request, ...]
    to: tuple[Backend, ...]
    name: str = ""
    redirect: network.Redirect | None = None
    rewrite: str = ""
    timeout: str = ""


@dataclass(frozen=True, slots=True)
class WayIn:
    """Some hosts (any where there are none) and what becomes of requests to them.

    `owner` is the Service or Route that says so; `via` is how it wants to be made (``ingress``,
    ``gateway``), "" where that is the place's choice; `gateways` are those it names itself.
    """

    owner: str
    name: str
    namespace: str
    protocol: str
    hosts: tuple[str, ...]
    rules: tuple[Rule, ...]
    via: str = ""
    gateways: tuple[str, ...] = ()
    certificates: tuple[structure.Certificate, ...] = ()
    # Whether its objects are made here, or were found and are given back by others.
    paved: bool = True

    def certificate(self, host: str) -> str:
        """The Secret of the certificate for a host ("" for any): by name, by its domain, or the one
        for whatever comes; "" where there is none.
        """
        domain = f"*.{host.partition('.')[2]}"
        for item in self.certificates:
            if item.secret and (not item.hosts or host in item.hosts or domain in item.hosts):
                return item.secret
        return ""


def ways_in(binding: Binding, names: reach.Names, subjects: Subjects) -> tuple[WayIn, ...]:
    """Every way into a place, by the address of what says it."""
    return tuple(
        way
        for address, bound in binding.entities.items()
        for way in _of(binding, names, subjects, address, bound.spec)
    )


def by_server(ways: Iterable[WayIn]) -> Mapping[str, tuple[WayIn, ...]]:
    """The ways that lead to each service, by its address."""
    found: dict[str, list[WayIn]] = {}
    for way in ways:
        for address in dict.fromkeys(to.address for rule in way.rules for to in rule.to):
            found.setdefault(address, []).append(way)
    return {address: tuple(led) for address, led in found.items()}


def _of(
    binding: Binding, names: reach.Names, subjects: Subjects, address: str, spec: object
) -> Iterator[WayIn]:
    if isinstance(spec, structure.Service):
        if spec.road == "paved" and spec.routes and spec.run.image is not None:
            yield from _of_service(subjects(address))
    elif isinstance(spec, network.Route):
        yield from _of_route(binding, names, subjects, address, spec)


def _of_service(about: Subject) -> Iterator[WayIn]:
    """One for each host of its routes."""
    if not about.endpoints:
        return
    assert isinstance(about.spec, structure.Service), "only these have routes"
    hosts: dict[str | None, list[structure.RouteRule]] = {}
    for route in about.routes:
        hosts.setdefault(route.host, []).append(route)
    tls = tuple(item for ingress in about.spec.ingresses for item in ingress.tls)
    for number, (host, routes) in enumerate(hosts.items()):
        yield WayIn(
            owner=about.address,
            name=_numbered(about.name, number),
            namespace=about.namespace,
            protocol="grpc" if about.spec.type == "grpc" else "http",
            hosts=(host,) if host is not None else (),
            rules=tuple(
                Rule((Request(route.path, _match(route.match)),), (_backend(about, route),))
                for route in routes
            ),
            certificates=tls,
        )


def _match(match: str | None) -> str:
    """An Ingress may leave it to its controller, all of which take a prefix."""
    return "Prefix" if match in (None, "ImplementationSpecific") else match


def _numbered(name: str, number: int) -> str:
    return name if number == 0 else f"{name}-{number + 1}"


def _of_route(
    binding: Binding, names: reach.Names, subjects: Subjects, address: str, spec: network.Route
) -> Iterator[WayIn]:
    """One for all its hosts, and one for each host that some of its rules are for alone."""
    hosts: dict[str | None, list[Rule]] = {}
    for rule in spec.rules:
        found = (_destination(names, subjects, spec, to) for to in rule.to)
        to = tuple(item for item in found if item is not None)
        if to or rule.redirect is not None:
            hosts.setdefault(rule.host, []).append(_rule(rule, to))
    for number, (host, rules) in enumerate(hosts.items()):
        yield WayIn(
            owner=address,
            name=_numbered(spec.name, number),
            namespace=namespace_of(binding, spec),
            protocol=spec.protocol,
            hosts=(host,) if host is not None else spec.hosts,
            rules=tuple(rules),
            via=spec.via if "via" in spec.model_fields_set or spec.road == "as-found" else "",
            gateways=spec.gateways,
            certificates=spec.tls,
            paved=spec.road == "paved",
        )


def _rule(rule: network.Rule, to: tuple[Backend, ...]) -> Rule:
    methods = rule.methods or ("",)
    own = [Request(rule.path, _match(rule.match), method, rule.headers) for method in methods]
    more = [
        Request(item.path, _match(item.match), item.method or "", item.headers)
        for item in rule.alternatives
    ]
    return Rule(
        requests=(*own, *more),
        to=to,
        name=rule.name or "",
        redirect=rule.redirect,
        rewrite=rule.rewrite or "",
        timeout=rule.timeout or "",
    )


def _destination(
    names: reach.Names, subjects: Subjects, spec: network.Route, to: network.Destination
) -> Backend | None:
    """None where it names nothing that has an address: check reports what is not there."""
    address = names.find("service", to.service, spec.system)
    about = subjects(address) if address is not None else None
    if about is None or not about.endpoints:
        return None
    return _backend(about, structure.RouteRule(endpoint=to.endpoint, port=to.port), to.weight)


def _backend(about: Subject, route: structure.RouteRule, share: int | None = None) -> Backend:
    endpoint, port = backend(about, route)
    behind = process_port(about.ports, port)
    return Backend(about.address, about.namespace, endpoint.name, port.port, behind, share)
