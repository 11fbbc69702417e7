"""Target `linkerd`: what the mesh is told of each workload, and of a place as a whole.

Only for what chose the mesh (`mesh: linkerd`). Called by `telford.render.registry`.
"""

from collections.abc import Iterator

from telford.basics.diagnostics import Diagnostic
from telford.estate.model import Bound
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
    one = meshed.workload(scene, NAME, address)
    told = routing.shared(one.calls, frozenset(caller.address for caller in one.called_by))
    made = list(_objects(one, told))
    said = tuple(_findings(scene.bound(address), one, told))
    return Rendering(manifests.of_thing(scene, NAME, address, made), said)


def _objects(one: meshed.Workload, told: routing.Shared) -> Iterator[Object]:
    if one.closed:
        yield from policy.objects(one.about, one.called_by, one.let_in)
    yield from routing.objects(one.about, told)


def _findings(bound: Bound, one: meshed.Workload, told: routing.Shared) -> Iterator[Diagnostic]:
    address = one.about.address
    yield from problems.VOICE.guesses(address, bound, one.ways)
    if one.ways.ingress is not None:
        yield from problems.VOICE.strangers(address, bound, one.called_by)
    if one.closed:
        yield from problems.VOICE.twins(address, bound, one.twins)
    if routing.differing(one.calls) and told.limit is not None:
        yield problems.shared_limits(address, bound)


TARGET = Target(
    NAME,
    "Authorisation, time limits, tries and ways out of a Linkerd mesh",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Datastore", "Service"}),
)
