"""Who may talk to a paved workload, and to whom it may talk: openings, from declared dependencies.

Network policies, mesh authorisation and a proxy's configuration say the same of them, each in its
own words. A direction in which a dependency is only inferred has no openings at all, because a
policy made of them might cut real traffic; `guessed` names those edges. Called by the targets.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from telford.estate.kinds import running, structure
from telford.estate.model import Binding
from telford.road import defaults, found, reach
from telford.road.subject import (
    Runs,
    Subject,
    backend,
    endpoints_of,
    namespace_of,
    ports_of,
    selector_of,
    workload_kind,
)

Labels = tuple[tuple[str, str], ...]
PortSpec = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Opening:
    """One way in or out: pods with these labels in this namespace, or addresses of a block; the
    peer may be anywhere where all three are empty. No `ports` means every port.
    """

    pods: Labels = ()
    namespace: str = ""
    block: str = ""
    ports: tuple[PortSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Openings:
    """Both directions of one workload; None where a dependency is only inferred."""

    ingress: tuple[Opening, ...] | None
    egress: tuple[Opening, ...] | None
    guessed: tuple[reach.Edge, ...]


# Address -> the defaults that are in force for what lives there.
Roads = Callable[[str], defaults.Defaults]


def _own_road(address: str) -> defaults.Defaults:
    return defaults.defaults()


def openings(
    binding: Binding,
    edges: reach.Reach,
    subject: Subject,
    entrances: tuple[Opening, ...] | None = None,
    roads: Roads = _own_road,
) -> Openings:
    """What may reach `subject` and what it may reach. `entrances` are for whoever leads requests
    from outside to it: where they are not given, the ingress controller, if it has routes. `roads`
    tells the ports of others that name none.
    """
    if entrances is None:
        entrances = tuple(_ingress_controller(subject))
    into = edges.inbound.get(subject.address, ())
    out = edges.outbound.get(subject.address, ())
    guessed = tuple(edge for edge in (*into, *out) if not edge.confirmed)
    return Openings(
        ingress=_ingress(binding, into, subject, entrances)
        if all(e.confirmed for e in into)
        else None,
        egress=_egress(binding, out, roads) if all(e.confirmed for e in out) else None,
        guessed=guessed,
    )


def _ingress(
    binding: Binding,
    edges: Iterable[reach.Edge],
    subject: Subject,
    entrances: tuple[Opening, ...],
) -> tuple[Opening, ...]:
    ways = [
        Opening(
            pods=labels,
            namespace=_elsewhere(binding, edge.client, subject.address),
            ports=dialled(subject.ports, subject.endpoints, edge.port),
        )
        for edge in edges
        if (labels := pods_of(binding, edge.client))
    ]
    return _unique((*ways, *entrances, *exposed(subject)))


def _ingress_controller(subject: Subject) -> Iterator[Opening]:
    if subject.routes and subject.endpoints:
        backends = [backend(subject, route) for route in subject.routes]
        ports = [process_port(subject.ports, port) for _, port in backends]
        namespace = subject.road.network.ingress_namespace
        yield Opening(namespace=namespace, ports=tuple(dict.fromkeys(filter(None, ports))))


def exposed(subject: Subject) -> Iterator[Opening]:
    """Anybody, where an endpoint has an address outside the cluster."""
    for endpoint in subject.endpoints:
        if endpoint.type in ("NodePort", "LoadBalancer"):
            found_ports = [process_port(subject.ports, port) for port in endpoint.ports]
            yield Opening(ports=tuple(filter(None, found_ports)))


def _egress(binding: Binding, edges: Iterable[reach.Edge], roads: Roads) -> tuple[Opening, ...]:
    return _unique(way for edge in edges for way in _way_out(binding, edge, roads))


def _way_out(binding: Binding, edge: reach.Edge, roads: Roads) -> Iterator[Opening]:
    spec = binding.entities[edge.server].spec
    if isinstance(spec, structure.Service | structure.Datastore) and spec.run is not None:
        ports = ports_of(spec, roads(edge.server))
        ends = endpoints_of(spec, ports, workload_kind(spec))
        yield Opening(
            pods=pods_of(binding, edge.server),
            namespace=_elsewhere(binding, edge.server, edge.client),
            ports=dialled(ports, ends, edge.port),
        )
        return
    number = edge.port or _outside_port(spec, roads(edge.server))
    if number is not None:
        yield Opening(block=_block(spec), ports=(("TCP", number),))


def _outside_port(spec: object, road: defaults.Defaults) -> int | None:
    """The port of something that the estate does not run; None for what has none (sqlite)."""
    engines = road.engine_ports
    if isinstance(spec, structure.Datastore):
        return spec.port or engines.get(spec.engine)
    return engines.get(spec.engine) if isinstance(spec, structure.Stream) else None


def _block(spec: object) -> str:
    """An address block where the host is an address; a policy cannot name a DNS host."""
    host = spec.host if isinstance(spec, structure.Datastore) else None
    try:
        return str(ipaddress.ip_network(host or ""))
    except ValueError:
        return ""


def _elsewhere(binding: Binding, peer: str, address: str) -> str:
    """The peer's namespace where it is not the same; "" where it is."""
    theirs, ours = _namespace(binding, peer), _namespace(binding, address)
    return theirs if theirs != ours else ""


def _namespace(binding: Binding, address: str) -> str:
    spec = binding.entities[address].spec
    if isinstance(spec, structure.Service | structure.Datastore):
        return namespace_of(binding, spec)
    return binding.namespace


def pods_of(binding: Binding, address: str) -> Labels:
    """The labels that select the pods at an address; () where it runs none."""
    spec = binding.entities[address].spec
    if not isinstance(spec, structure.Service | structure.Datastore):
        return ()
    return found_labels(spec) if spec.road == "as-found" else tuple(selector_of(spec).items())


def found_labels(spec: Runs) -> Labels:
    """The pod labels of something that was imported, from its own workload object."""
    for item in found.objects(spec):
        selector = item.get("spec", {}).get("selector", {})
        if isinstance(selector, dict) and "matchLabels" in selector:
            return tuple(sorted(selector["matchLabels"].items()))
    return ()


def dialled(
    ports: tuple[running.Port, ...], ends: tuple[structure.Endpoint, ...], number: int | None
) -> tuple[PortSpec, ...]:
    """The process's ports behind the port a client dials; all of them where it says none."""
    every = tuple((port.protocol, port.port) for port in ports)
    if number is None:
        return every
    for end in ends:
        for port in end.ports:
            if port.port == number:
                behind = process_port(ports, port)
                return (behind,) if behind else every
    return (("TCP", number),)


def process_port(ports: tuple[running.Port, ...], end: structure.EndpointPort) -> PortSpec | None:
    """The process's port behind one port of an endpoint."""
    target = end.target if end.target is not None else end.port
    if isinstance(target, int):
        return end.protocol, target
    return next(((port.protocol, port.port) for port in ports if port.name == target), None)


def _unique(ways: Iterable[Opening]) -> tuple[Opening, ...]:
    return tuple(sorted(dict.fromkeys(ways), key=_order))


def _order(way: Opening) -> tuple[str, ...]:
    return repr(way.pods), way.namespace, way.block, repr(way.ports)
