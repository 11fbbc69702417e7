"""Who serves the ways in of a place: the namespace of the controller, gateway or mesh that does.

A policy lets that namespace in, and no other, to exactly the ports it dials. Called by
`telford.render.scene`.
"""

from collections.abc import Callable, Iterable

from telford.road import defaults
from telford.road.openings import Opening, PortSpec
from telford.road.ways_in import WayIn

# The way of aspect `traffic` that a way in asks for itself.
_ASKED = {"ingress": "ingress", "gateway": "gateway-api"}


def chosen(way: WayIn, choice: str) -> str:
    """The way of aspect `traffic` by which it is made: its own word goes first."""
    return _ASKED.get(way.via, choice)


def namespace(way: WayIn, choice: str, network: defaults.Network) -> str:
    """Where whatever serves it runs; a gateway that is named with its namespace is there."""
    made = chosen(way, choice)
    if made == "ingress":
        return network.ingress_namespace
    if made == "istio":
        return network.mesh_gateway_namespace
    named = way.gateways[0].partition("/") if way.gateways else ("", "", "")
    return named[0] if named[1] else network.gateway_namespace


def entrances(
    ways: Iterable[WayIn], address: str, where: Callable[[WayIn], str]
) -> tuple[Opening, ...]:
    """One opening for each namespace, with the ports that are dialled from it."""
    ports: dict[str, list[PortSpec]] = {}
    for way in ways:
        found = ports.setdefault(where(way), [])
        found += [
            to.process
            for rule in way.rules
            for to in rule.to
            if to.address == address and to.process is not None
        ]
    return tuple(
        Opening(namespace=name, ports=tuple(dict.fromkeys(found)))
        for name, found in sorted(ports.items())
        if found
    )
