"""Target `gateway-api`: a Gateway for each place, and routes for each thing that is reached by it.

Only what the standard channel has: whatever else a way in asks for is a diagnostic. Called by
`telford.render.registry`.
"""

from collections.abc import Mapping

from telford.basics.diagnostics import Diagnostic
from telford.render import manifests, meshed
from telford.render.artifacts import NOTHING, Rendering
from telford.render.gateway_api import gateways, problems, routes
from telford.render.scene import Scene
from telford.render.target import Target

NAME = "gateway-api"


def _place(scene: Scene) -> Rendering:
    """The Gateways, and what lets them read certificates of other namespaces."""
    doors = _doors(scene)
    if not doors:
        return NOTHING
    plan = gateways.Plan(_namespace(scene), doors)
    made = [*gateways.objects(scene, plan), *gateways.grants(scene, plan)]
    environment = scene.bound(manifests.environment(scene))
    said = tuple(problems.in_the_clear(environment, doors.values()))
    return Rendering(manifests.of_place(scene, NAME, "gateway", made), said)


def _entity(scene: Scene, address: str) -> Rendering:
    """The routes of a Service or a Route, and what lets them lead to other namespaces."""
    own = meshed.ways(scene, NAME).get(address, ())
    if not own:
        return NOTHING
    plan = gateways.Plan(_namespace(scene), _doors(scene))
    made = [item for way in own for item in routes.objects(scene, plan, way)]
    said: list[Diagnostic] = []
    for way in own:
        said += problems.misfits(scene.bound(address), way)
    return Rendering(manifests.of_thing(scene, NAME, address, made), tuple(said))


def _namespace(scene: Scene) -> str:
    """Where the Gateways are."""
    return scene.realisation().defaults.network.gateway_namespace


def _doors(scene: Scene) -> Mapping[str, gateways.Door]:
    """The doors of the place by host."""
    return scene.table(f"{NAME} doors", _made_doors)


def _made_doors(scene: Scene) -> Mapping[str, gateways.Door]:
    said = meshed.ways(scene, NAME).values()
    return gateways.doors(scene.binding.namespace, (way for ways in said for way in ways))


TARGET = Target(
    NAME,
    "Gateways and routes of the Kubernetes Gateway API, standard channel",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Route", "Service"}),
)
