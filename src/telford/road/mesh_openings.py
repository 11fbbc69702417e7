"""What network policies must leave open for the proxies of a mesh: the way to the control plane, and
the proxy's own port between workloads that may talk.

Called by `telford.render.scene`.
"""

from dataclasses import dataclass, replace
from functools import cache

from telford.basics import resources
from telford.road.openings import Opening, Openings, PortSpec


@dataclass(frozen=True, slots=True)
class Mesh:
    """The ports of one mesh: of its control plane, and those on which proxies are called."""

    namespace: str
    control: tuple[PortSpec, ...]
    inbound: tuple[PortSpec, ...]


@cache
def mesh(name: str) -> Mesh | None:
    """A mesh by its name; None for what is none."""
    table = resources.toml("telford.road", "meshes.toml").get(name)
    if table is None:
        return None
    control = tuple(("TCP", port) for port in table["control"])
    return Mesh(table["namespace"], control, tuple(("TCP", port) for port in table["inbound"]))


def widened(ways: Openings, name: str) -> Openings:
    """The openings of a workload that is part of a mesh: nobody is let in or out who was not, but
    for the control plane.
    """
    known = mesh(name)
    if known is None:
        return ways
    into, out = ways.ingress, ways.egress
    if into is not None:
        into = tuple(_with_proxy(way, known) for way in into)
    if out is not None:
        control = Opening(namespace=known.namespace, ports=known.control)
        out = (*(_with_proxy(way, known) for way in out), control)
    return replace(ways, ingress=into, egress=out)


def _with_proxy(way: Opening, known: Mesh) -> Opening:
    """A way between pods of the cluster, by the proxy's port too; one with no port has them all."""
    if not known.inbound or not way.ports or not (way.pods or way.namespace):
        return way
    return replace(way, ports=(*way.ports, *known.inbound))
