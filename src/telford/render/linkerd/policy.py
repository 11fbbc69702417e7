"""Server, AuthorizationPolicy and what they name: who may call which port of a workload.

A Server lets nobody in but whom an AuthorizationPolicy lets in, and the probes of the kubelet. The
callers are those of the network policies (`telford.road.callers`). Called by `target`.
"""

from collections.abc import Iterator

from telford.estate.kinds import running, structure
from telford.render.artifacts import Object
from telford.render.linkerd.settings import settings
from telford.road.callers import Caller
from telford.road.openings import Opening, PortSpec, exposed
from telford.road.subject import Subject

GROUP = "policy.linkerd.io"
API = f"{GROUP}/v1alpha1"
SERVER_API = f"{GROUP}/v1beta3"
_ANYBODY = ("0.0.0.0/0", "::/0")
_PROTOCOLS = {"grpc": "gRPC"}


def objects(
    about: Subject, called_by: tuple[Caller, ...], let_in: tuple[Opening, ...]
) -> Iterator[Object]:
    """For each TCP port: the server, and whom it lets in."""
    for port in about.ports:
        if port.protocol == "TCP":
            yield from _port(about, port, called_by, let_in)


def _port(
    about: Subject,
    port: running.Port,
    called_by: tuple[Caller, ...],
    let_in: tuple[Opening, ...],
) -> Iterator[Object]:
    name = f"{about.name}-{port.name}"
    yield _object(about, SERVER_API, "Server", name, _server(about, port))
    dialled: PortSpec = (port.protocol, port.port)
    identities = [
        *(identity(caller) for caller in called_by if dialled in caller.ports),
        *(f"*.{way.namespace}.{settings().identity_suffix}" for way in let_in
          if dialled in way.ports),
    ]  # fmt: skip
    if identities:
        spec = {"identities": sorted(identities)}
        yield _object(about, API, "MeshTLSAuthentication", name, spec)
        yield _authorization(about, name, name, "MeshTLSAuthentication")
    if any(dialled in way.ports for way in exposed(about)):
        anybody = f"{name}-anybody"
        networks = {"networks": [{"cidr": cidr} for cidr in _ANYBODY]}
        yield _object(about, API, "NetworkAuthentication", anybody, networks)
        yield _authorization(about, anybody, name, "NetworkAuthentication")


def _server(about: Subject, port: running.Port) -> Object:
    return {
        "podSelector": {"matchLabels": about.selector},
        "port": port.port,
        "proxyProtocol": _protocol(about, port),
        "accessPolicy": "deny",
    }


def _protocol(about: Subject, port: running.Port) -> str:
    """What is spoken on a port: of a store nothing is guessed, because it may speak first."""
    if isinstance(about.spec, structure.Datastore):
        return "opaque"
    return _PROTOCOLS.get(port.name, "unknown")


def identity(caller: Caller) -> str:
    """The identity of a caller, as its certificate says it."""
    return f"{caller.account}.{caller.namespace}.{settings().identity_suffix}"


def _authorization(about: Subject, name: str, server: str, kind: str) -> Object:
    spec = {
        "targetRef": {"group": GROUP, "kind": "Server", "name": server},
        "requiredAuthenticationRefs": [{"group": GROUP, "kind": kind, "name": name}],
    }
    return _object(about, API, "AuthorizationPolicy", name, spec)


def _object(about: Subject, version: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": about.metadata(name), "spec": spec}
