"""Who calls a workload, by identity: what meshes authorise where network policies select pods.

Made of the same edges, with the same ports, as `telford.road.openings`; a mesh that spoke of others
would be a second truth. Called by the targets of meshes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from telford.estate.kinds import structure
from telford.estate.model import Binding
from telford.road import reach
from telford.road.openings import PortSpec, dialled, pods_of
from telford.road.subject import Subject, namespace_of

# What a pod runs as that says nothing.
# https://kubernetes.io/docs/concepts/security/service-accounts/#default-service-accounts
_DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Caller:
    """A client of a workload: the service account it runs as, and the ports of the process that it
    dials. `known` says that its identity is proven: it is part of the mesh too.
    """

    address: str
    namespace: str
    account: str
    ports: tuple[PortSpec, ...]
    known: bool


def callers(
    binding: Binding, inbound: Iterable[reach.Edge], about: Subject, meshed: Callable[[str], bool]
) -> tuple[Caller, ...]:
    """Every client of `about` by address; `meshed` tells who is part of the mesh."""
    ports: dict[str, dict[PortSpec, None]] = {}
    for edge in inbound:
        if pods_of(binding, edge.client):
            found = dialled(about.ports, about.endpoints, edge.port)
            ports.setdefault(edge.client, {}).update(dict.fromkeys(found))
    return tuple(
        Caller(
            address=client,
            namespace=_namespace(binding, client),
            account=_account(binding, client),
            ports=tuple(sorted(found)),
            known=meshed(client),
        )
        for client, found in sorted(ports.items())
    )


def _namespace(binding: Binding, address: str) -> str:
    spec = binding.entities[address].spec
    assert isinstance(spec, structure.Service | structure.Datastore), "only these have pods"
    return namespace_of(binding, spec)


def _account(binding: Binding, address: str) -> str:
    """The service account of a client: its own name on the paved road."""
    spec = binding.entities[address].spec
    assert isinstance(spec, structure.Service | structure.Datastore), "only these have pods"
    said = spec.run.service_account if spec.run is not None else None
    return said or (spec.name if spec.road == "paved" else _DEFAULT_ACCOUNT)
