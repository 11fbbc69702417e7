"""ServiceEntry and Sidecar: what is outside the mesh and inside the estate, and what each workload
may reach at all.

Called by `target`.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from telford.estate.kinds import structure
from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.istio.settings import settings
from telford.render.scene import Scene
from telford.road import meshing, reach
from telford.road.subject import Subject, endpoints_of, namespace_of, ports_of, workload_kind

API = "networking.istio.io/v1"


@dataclass(frozen=True, slots=True)
class Reached:
    """What a workload reaches: hosts as a Sidecar names them, and the addresses of what it uses
    whose host nobody said.
    """

    hosts: tuple[str, ...]
    unknown: tuple[str, ...]


def reached(scene: Scene, edges: Iterable[reach.Edge]) -> Reached:
    """Where the edges of one client lead."""
    hosts: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for edge in edges:
        found = list(_hosts(scene, edge.server))
        if found:
            hosts.update(dict.fromkeys(found))
        elif connects(scene, edge.server):
            unknown[edge.server] = None
    return Reached(tuple(sorted(hosts)), tuple(unknown))


def _hosts(scene: Scene, server: str) -> Iterator[str]:
    spec = scene.bound(server).spec
    if isinstance(spec, structure.Service | structure.Datastore) and spec.run is not None:
        namespace = namespace_of(scene.binding, spec)
        for endpoint in endpoints_of(spec, ports_of(spec), workload_kind(spec)):
            yield f"{namespace}/{meshing.full_name(endpoint.name, namespace)}"
    elif isinstance(spec, structure.Datastore) and spec.host:
        yield f"{namespace_of(scene.binding, spec)}/{host_name(spec)}"


def connects(scene: Scene, server: str) -> bool:
    """Whether anything goes over the network to it: not to a file, nor to a stream within."""
    spec = scene.bound(server).spec
    return getattr(spec, "engine", "") not in ("sqlite", "embedded")


def host_name(spec: structure.Datastore) -> str:
    """The name by which the mesh knows an outside host: its own, or one for an address."""
    assert spec.host is not None, "only what has a host is named"
    return f"{spec.name}.datastore.internal" if _address(spec.host) else spec.host


def _address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def service_entry(scene: Scene, address: str, spec: structure.Datastore) -> list[Object]:
    """An outside store that meshed workloads use; none where its host or port is not said."""
    port = next((item.port for item in ports_of(spec, scene.road(address))), None)
    clients = [
        edge.client
        for edge in scene.edges.inbound.get(address, ())
        if scene.runs(edge.client) and scene.choice("mesh", edge.client) == "istio"
    ]
    if not spec.host or port is None or not clients:
        return []
    own = namespace_of(scene.binding, spec)
    seen = {"." if scene.subject(one).namespace == own else scene.subject(one).namespace
            for one in clients}  # fmt: skip
    made: Object = {
        "hosts": [host_name(spec)],
        "location": "MESH_EXTERNAL",
        "ports": [{"number": port, "name": f"tcp-{spec.engine}", "protocol": "TCP"}],
        "resolution": "DNS",
        "exportTo": sorted({".", *seen}),
    }
    if _address(spec.host):
        fixed = {"addresses": [spec.host], "endpoints": [{"address": spec.host}]}
        made |= {"resolution": "STATIC", **fixed}
    metadata = manifests.metadata(scene, address)
    return [{"apiVersion": API, "kind": "ServiceEntry", "metadata": metadata, "spec": made}]


def sidecar(about: Subject, found: Reached) -> Object:
    """What its proxy knows of: what it uses, and the control plane. It reaches nothing else, unless
    it uses something whose host nobody said.
    """
    hosts = [f"{settings().system_namespace}/*", *found.hosts]
    mode = "ALLOW_ANY" if found.unknown else "REGISTRY_ONLY"
    return {
        "apiVersion": API,
        "kind": "Sidecar",
        "metadata": about.metadata(),
        "spec": {
            "workloadSelector": {"labels": about.selector},
            "egress": [{"hosts": hosts}],
            "outboundTrafficPolicy": {"mode": mode},
        },
    }
