"""Gateways: which hosts each listens for, with which certificate, and for whose routes.

Called by `target` and by `routes`, which must name the listeners that it makes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.render import manifests
from telford.render.artifacts import Object
from telford.render.scene import Scene
from telford.road import conventions
from telford.road.ways_in import WayIn

API = "gateway.networking.k8s.io/v1"
# ReferenceGrant reached v1 only lately; every version of the standard channel serves this one.
GRANT_API = "gateway.networking.k8s.io/v1beta1"
GROUP = "gateway.networking.k8s.io"
# A Gateway takes 64 listeners, and a host has up to two of them.
# https://gateway-api.sigs.k8s.io/reference/spec/#gatewayspec
_HOSTS = 32


@dataclass(frozen=True, slots=True)
class Door:
    """One host of a Gateway, "" for any: the certificate and the namespace it lies in, and the
    namespaces whose routes may attach.
    """

    host: str
    gateway: str
    certificate: str
    certificate_namespace: str
    namespaces: tuple[str, ...]

    @property
    def secure(self) -> bool:
        """Whether requests to it are encrypted."""
        return bool(self.certificate)

    def listener(self, protocol: str) -> str:
        """The name of a listener: ``https-shop.example``."""
        host = self.host.replace("*", "any")
        return f"{protocol}-{host}" if host else protocol


@dataclass(frozen=True, slots=True)
class Plan:
    """The doors of a place by host, and the namespace in which its Gateways are."""

    namespace: str
    doors: Mapping[str, Door]


def doors(name: str, ways: Iterable[WayIn]) -> dict[str, Door]:
    """The doors that ways in need, by host; `name` is their Gateway's."""
    by_host: dict[str, list[WayIn]] = {}
    for way in ways:
        if way.protocol in ("http", "grpc"):
            for host in way.hosts or ("",):
                by_host.setdefault(host, []).append(way)
    return {
        host: _door(name, number, host, by_host[host])
        for number, host in enumerate(sorted(by_host))
    }


def _door(name: str, number: int, host: str, ways: list[WayIn]) -> Door:
    group = number // _HOSTS
    known = ((way.certificate(host), way.namespace) for way in ways)
    found = next((item for item in known if item[0]), ("", ""))
    return Door(
        host=host,
        gateway=name if group == 0 else f"{name}-{group + 1}",
        certificate=found[0],
        certificate_namespace=found[1],
        namespaces=tuple(sorted({way.namespace for way in ways})),
    )


def objects(scene: Scene, planned: Plan) -> Iterator[Object]:
    """The Gateways of a place."""
    network = scene.realisation().defaults.network
    for name in dict.fromkeys(door.gateway for door in planned.doors.values()):
        doors = [door for door in planned.doors.values() if door.gateway == name]
        yield {
            "apiVersion": API,
            "kind": "Gateway",
            "metadata": manifests.place_metadata(scene, name, planned.namespace),
            "spec": {
                "gatewayClassName": network.gateway_class,
                "listeners": [item for door in doors for item in _listeners(planned, door)],
            },
        }


def _listeners(planned: Plan, door: Door) -> Iterator[Object]:
    """Unencrypted, and encrypted where there is a certificate."""
    host = {"hostname": door.host} if door.host else {}
    allowed = {"allowedRoutes": {"namespaces": _namespaces(door)}}
    yield {"name": door.listener("http"), **host, "port": 80, "protocol": "HTTP", **allowed}
    if door.secure:
        elsewhere = door.certificate_namespace != planned.namespace
        named = {"namespace": door.certificate_namespace} if elsewhere else {}
        secret = {"kind": "Secret", "name": door.certificate, **named}
        yield {
            "name": door.listener("https"),
            **host,
            "port": 443,
            "protocol": "HTTPS",
            "tls": {"mode": "Terminate", "certificateRefs": [secret]},
            **allowed,
        }


def _namespaces(door: Door) -> Object:
    label = {"key": conventions.LABEL_NAMESPACE_NAME, "operator": "In"}
    selector = {"matchExpressions": [{**label, "values": list(door.namespaces)}]}
    return {"from": "Selector", "selector": selector}


def grants(scene: Scene, planned: Plan) -> Iterator[Object]:
    """For each namespace whose certificates are read from the Gateways': that they may be."""
    secrets: dict[str, list[str]] = {}
    for door in planned.doors.values():
        if door.secure and door.certificate_namespace != planned.namespace:
            secrets.setdefault(door.certificate_namespace, []).append(door.certificate)
    for namespace, names in sorted(secrets.items()):
        yield {
            "apiVersion": GRANT_API,
            "kind": "ReferenceGrant",
            "metadata": manifests.place_metadata(scene, "gateway-certificates", namespace),
            "spec": {
                "from": [{"group": GROUP, "kind": "Gateway", "namespace": planned.namespace}],
                "to": [
                    {"group": "", "kind": "Secret", "name": name} for name in sorted(set(names))
                ],
            },
        }
