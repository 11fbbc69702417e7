"""PeerAuthentication and AuthorizationPolicy: who proves what, and who may call whom.

The callers are those of the network policies (`telford.road.callers`). A workload that somebody
calls who is not part of the mesh is left open to them: what has no identity cannot be authorised,
and a policy that ignored it would cut real traffic. Called by `target`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from telford.render.artifacts import Object
from telford.render.istio.settings import settings
from telford.road.callers import Caller
from telford.road.openings import Opening, PortSpec, exposed
from telford.road.subject import Subject

API = "security.istio.io/v1"


def strict(metadata: Object) -> Object:
    """Everything in a namespace takes mutual TLS only."""
    return {
        "apiVersion": API,
        "kind": "PeerAuthentication",
        "metadata": metadata,
        "spec": {"mtls": {"mode": "STRICT"}},
    }


def peers(about: Subject, called_by: tuple[Caller, ...]) -> Object:
    """How callers of one workload prove who they are: by mutual TLS, unless one of them cannot, or
    a port is open to whoever is outside.
    """
    open_to_all = {number for way in exposed(about) for _, number in way.ports}
    mode = "STRICT" if all(caller.known for caller in called_by) else "PERMISSIVE"
    spec: Object = {"selector": {"matchLabels": about.selector}, "mtls": {"mode": mode}}
    if open_to_all and mode == "STRICT":
        spec["portLevelMtls"] = {str(port): {"mode": "PERMISSIVE"} for port in sorted(open_to_all)}
    metadata = about.metadata()
    return {"apiVersion": API, "kind": "PeerAuthentication", "metadata": metadata, "spec": spec}


def needs_own(about: Subject, called_by: tuple[Caller, ...]) -> bool:
    """Whether what holds for its namespace cannot hold for it."""
    return not all(caller.known for caller in called_by) or any(exposed(about))


def authorization(
    about: Subject, called_by: tuple[Caller, ...], let_in: tuple[Opening, ...]
) -> Object:
    """Who may call it: nobody but those that the estate declares or a person confirmed."""
    rules = [
        *_from_callers(called_by),
        *(_rule({"namespaces": [way.namespace]}, way.ports) for way in let_in),
        *(_rule({}, way.ports) for way in exposed(about)),
    ]
    spec: Object = {"selector": {"matchLabels": about.selector}, "action": "ALLOW"}
    given = [rule for rule in rules if rule]
    if given:
        spec["rules"] = given
    metadata = about.metadata()
    return {"apiVersion": API, "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}


def _from_callers(called_by: Iterable[Caller]) -> Iterator[Object]:
    """One rule for all that dial the same ports."""
    by_ports: dict[tuple[PortSpec, ...], list[str]] = {}
    for caller in called_by:
        by_ports.setdefault(caller.ports, []).append(principal(caller))
    for ports, principals in by_ports.items():
        yield _rule({"principals": principals}, ports)


def principal(caller: Caller) -> str:
    """The identity of a caller, as its certificate says it."""
    return f"{settings().trust_domain}/ns/{caller.namespace}/sa/{caller.account}"


def _rule(source: dict[str, Any], ports: Iterable[PortSpec]) -> Object:
    """{} where it is for no TCP port: a mesh carries nothing else."""
    numbers = [str(port) for protocol, port in ports if protocol == "TCP"]
    if not numbers:
        return {}
    made: Object = {"from": [{"source": source}]} if source else {}
    return {**made, "to": [{"operation": {"ports": numbers}}]}
