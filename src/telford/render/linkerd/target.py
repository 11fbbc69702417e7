"""Target `linkerd`: what the mesh is told of each workload, and of a place as a whole.

Only for what chose the mesh (`mesh: linkerd`). Called by `telford.render.registry`.
"""

from collections.abc import Iterator

from telford.basics.diagnostics import Diagnostic
from telford.render import manifests, meshed
from telford.render.artifacts import NOTHING, Object, Rendering
from telford.render.linkerd import egress, policy, problems, routing
from telford.render.scene import Scene
from telford.render.target import Target

NAME = "linkerd"


def _place(scene: Scene) -> Rendering:
    """The ways out of each namespace of which all is known, and in which the mesh is alone."""
    made: list[Object] = []
    for namespace, workloads in meshed.whole_namespaces(scene, NAME).items():
        numbers = egress.ports(scene, workloads)
        if numbers is not None:
            made += egress.objects(scene, namespace, numbers)
    environment = scene.bound(manifests.environment(scene))
    said = tuple(problems.controller_outside(environment, meshed.controllers(scene, NAME)))
    return Rendering(manifests.of_place(scene, NAME, "egress", made), said)


def _entity(scene: Scene, address: str) -> Rendering:
    if not meshed.part(scene, NAME, address):
        return NOTHING
    made = list(_workload(scene, address))
    said = tuple(_findings(scene, address))
    return Rendering(manifests.of_thing(scene, NAME, address, made), said)


def _workload(scene: Scene, address: str) -> Iterator[Object]:
    about, called_by = scene.subject(address), meshed.callers_of(scene, NAME, address)
    known = scene.openings(address).ingress is not None
    if known and all(caller.known for caller in called_by):
        yield from policy.objects(about, called_by, scene.let_in(address))
    yield from routing.objects(about, _shared(scene, address))


def _shared(scene: Scene, address: str) -> routing.Shared:
    clients = frozenset(caller.address for caller in meshed.callers_of(scene, NAME, address))
    return routing.shared(meshed.calls_of(scene, address), clients)


def _findings(scene: Scene, address: str) -> Iterator[Diagnostic]:
    bound, ways = scene.bound(address), scene.openings(address)
    yield from problems.guesses(address, bound, ways)
    if ways.ingress is not None:
        yield from problems.strangers(address, bound, meshed.callers_of(scene, NAME, address))
    calls = meshed.calls_of(scene, address)
    if routing.differing(calls) and _shared(scene, address).limit is not None:
        yield problems.shared_limits(address, bound)


TARGET = Target(
    NAME,
    "Authorisation, time limits, tries and ways out of a Linkerd mesh",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Datastore", "Service"}),
)
