"""Target `istio`: what the mesh is told of each workload, and of a place as a whole.

Only for what chose the mesh (`mesh: istio`), and for ways in that chose it (`traffic: istio`).
Called by `telford.render.registry`.
"""

from collections.abc import Iterable, Iterator

from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import structure
from telford.estate.model import Bound
from telford.render import manifests, meshed
from telford.render.artifacts import Object, Rendering
from telford.render.istio import edge, egress, problems, routing, security
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import ways_in

NAME = "istio"


def _place(scene: Scene) -> Rendering:
    """Mutual TLS for whole namespaces, and the gateway."""
    ways = _served(way for said in meshed.ways(scene, NAME).values() for way in said)
    made = [*_strict(scene), *edge.gateway(scene, ways)]
    environment = scene.bound(manifests.environment(scene))
    said = [
        *problems.controller_outside(
            environment, meshed.controllers(scene, NAME, frozenset(way.owner for way in ways))
        ),
        *problems.certificates_elsewhere(
            environment, edge.certificates(ways), edge.namespace(scene)
        ),
    ]
    return Rendering(manifests.of_place(scene, NAME, "mesh", made), tuple(said))


def _strict(scene: Scene) -> Iterator[Object]:
    """For each namespace in which every workload is of the mesh."""
    for namespace in meshed.whole_namespaces(scene, NAME):
        yield security.strict(manifests.place_metadata(scene, "default", namespace))


def _entity(scene: Scene, address: str) -> Rendering:
    spec = scene.bound(address).spec
    made: list[Object] = []
    said: list[Diagnostic] = []
    if meshed.part(scene, NAME, address):
        one = meshed.workload(scene, NAME, address)
        reached = egress.reached(scene, scene.edges.outbound.get(address, ()))
        made += _objects(scene, one, reached)
        said += _findings(scene.bound(address), one, reached)
    elif isinstance(spec, structure.Datastore) and spec.run is None and spec.road == "paved":
        made += egress.service_entry(scene, address, spec)
    made += [edge.virtual_service(scene, way) for way in _ways(scene, address)]
    return Rendering(manifests.of_thing(scene, NAME, address, made), tuple(said))


def _objects(scene: Scene, one: meshed.Workload, reached: egress.Reached) -> Iterator[Object]:
    about = one.about
    alone = about.namespace in meshed.whole_namespaces(scene, NAME)
    if security.needs_own(about, one.called_by) or not alone:
        yield security.peers(about, one.called_by)
    if one.closed:
        yield security.authorization(about, one.called_by, one.let_in)
    known = {caller.address for caller in one.called_by if caller.known}
    clients = {
        call.client: scene.subject(call.client) for call in one.calls if call.client in known
    }
    yield from routing.objects(about, one.calls, clients)
    if one.ways.egress is not None:
        yield egress.sidecar(about, reached)


def _findings(bound: Bound, one: meshed.Workload, reached: egress.Reached) -> Iterator[Diagnostic]:
    address = one.about.address
    yield from problems.VOICE.guesses(address, bound, one.ways)
    if one.ways.ingress is not None:
        yield from problems.VOICE.strangers(address, bound, one.called_by)
    if one.closed:
        yield from problems.VOICE.twins(address, bound, one.twins)
    if one.ways.egress is not None:
        yield from problems.unknown_hosts(address, bound, reached.unknown)


def _ways(scene: Scene, address: str) -> tuple[ways_in.WayIn, ...]:
    """The ways in of a Service or Route that are made here."""
    return _served(meshed.ways(scene, NAME).get(address, ()))


def _served(ways: Iterable[ways_in.WayIn]) -> tuple[ways_in.WayIn, ...]:
    return tuple(way for way in ways if way.protocol in ("http", "grpc"))


TARGET = Target(
    NAME,
    "Routing, mutual TLS, authorisation and ways out of an Istio mesh",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Datastore", "Route", "Service"}),
)
