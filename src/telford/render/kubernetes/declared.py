"""What is declared beside workloads on the paved road: routes, fetched secrets, and the streams and
stores that an operator of the cluster makes. Called by `target`.

The objects are those of the as-found road (`telford.road.found`) with the road's names, labels and
defaults; nothing that was carried is among them.
"""

from typing import Any

from telford.estate.kinds import network, secret, structure
from telford.estate.model import Binding
from telford.render.scene import Scene
from telford.road import conventions, found
from telford.road.subject import (
    annotations_of,
    endpoints_of,
    labels_of,
    namespace_of,
    ports_of,
    workload_kind,
)

Declared = network.Route | secret.Secret | structure.Stream | structure.Datastore
KINDS = (network.Route, secret.Secret, structure.Stream, structure.Datastore)


def objects(scene: Scene, address: str, spec: Declared) -> list[dict[str, Any]]:
    """Its objects; none for what others make."""
    if not found.gives_objects(spec):
        return []
    told = _complete(scene, spec) if isinstance(spec, network.Route) else spec
    made = found.objects(told.model_copy(update={"carried": ()}))
    metadata = _metadata(scene.binding, address, spec)
    return [{**item, "metadata": metadata} for item in made]


def _metadata(binding: Binding, address: str, spec: Declared) -> dict[str, Any]:
    labels, foreign = labels_of(binding, spec)
    part = {conventions.LABEL_PART_OF: spec.system} if spec.system else {}
    return {
        "name": spec.name,
        "namespace": namespace_of(binding, spec),
        "labels": {conventions.LABEL_NAME: spec.name, **part, **labels},
        "annotations": annotations_of(address, spec) | foreign,
    }


def _complete(scene: Scene, spec: network.Route) -> network.Route:
    """The route with every path, match, endpoint and port said."""
    rules = tuple(_rule(scene, spec, rule) for rule in spec.rules)
    return spec.model_copy(update={"rules": rules})


def _rule(scene: Scene, spec: network.Route, rule: network.Rule) -> network.Rule:
    to = tuple(_destination(scene, spec, item) for item in rule.to)
    match = rule.match
    # An Ingress leaves anything but prefixes and whole paths to its controller.
    if spec.via == "ingress" and match == "RegularExpression":
        match = "ImplementationSpecific"
    return rule.model_copy(update={"path": rule.path, "match": match, "to": to})


def _destination(scene: Scene, spec: network.Route, to: network.Destination) -> network.Destination:
    """The endpoint and port that it leads to: those it names, else the first of the service."""
    address = scene.find("service", to.service, spec.system)
    service = scene.bound(address).spec if address is not None else None
    if address is None or not isinstance(service, structure.Service):
        return to
    ports = ports_of(service, scene.road(address))
    endpoints = endpoints_of(service, ports, workload_kind(service))
    chosen = [item for item in endpoints if item.name == to.endpoint] or list(endpoints)
    if not chosen:
        return to
    named = [port for port in chosen[0].ports if to.port in (port.name, port.port)]
    port = (named or chosen[0].ports)[0].port
    return to.model_copy(update={"endpoint": chosen[0].name, "port": port})
