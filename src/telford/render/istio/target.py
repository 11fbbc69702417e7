"""Target `istio`: what the mesh is told of each workload, and of a place as a whole.

Only for what chose the mesh (`mesh: istio`), and for ways in that chose it (`traffic: istio`).
Called by `telford.render.registry`.
"""

from collections.abc import Iterable, Iterator

from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import structure
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
        made += _workload(scene, address)
        said += _findings(scene, address)
    elif isinstance(spec, structure.Datastore) and spec.run is None and spec.road == "paved":
        made += egress.service_entry(scene, address, spec)
    made += [edge.virtual_service(scene, way) for way in _ways(scene, address)]
    return Rendering(manifests.of_thing(scene, NAME, address, made), tuple(said))


def _workload(scene: Scene, address: str) -> Iterator[Object]:
    about, ways = scene.subject(address), scene.openings(address)
    called_by = meshed.callers_of(scene, NAME, address)
    whole = meshed.whole_namespaces(scene, NAME)
    if security.needs_own(about, called_by) or about.namespace not in whole:
        yield security.peers(about, called_by)
    yield from security.authorization(about, ways, called_by, scene.let_in(address))
    calls = meshed.calls_of(scene, address)
    clients = {
        c.client: scene.subject(c.client) for c in calls if meshed.part(scene, NAME, c.client)
    }
    yield from routing.objects(about, calls, clients)
    if ways.egress is not None:
        yield egress.sidecar(about, _reached(scene, address))


def _reached(scene: Scene, address: str) -> egress.Reached:
    return egress.reached(scene, scene.edges.outbound.get(address, ()))


def _findings(scene: Scene, address: str) -> Iterator[Diagnostic]:
    bound, ways = scene.bound(address), scene.openings(address)
    yield from problems.guesses(address, bound, ways)
    if ways.ingress is not None:
        yield from problems.strangers(address, bound, meshed.callers_of(scene, NAME, address))
    if ways.egress is not None:
        yield from problems.unknown_hosts(address, bound, _reached(scene, address).unknown)


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
