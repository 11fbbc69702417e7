"""Target `openslo`: the objectives of a place as OpenSLO v1 documents.

One file for each objective (its SLI and its SLO), one for the services and the data source, one
for who hears of what. Called by `telford.render.registry`.
"""

from collections.abc import Iterable

from telford.estate.kinds import promises
from telford.render import whole
from telford.render.artifacts import NOTHING, Object, Rendering, Unit
from telford.render.openslo import documents
from telford.render.scene import Scene
from telford.render.target import Target

NAME = "openslo"


def _entity(scene: Scene, address: str) -> Rendering:
    """The indicator and the objective."""
    bound = scene.bound(address)
    spec = bound.spec
    if not isinstance(spec, promises.Objective):
        return NOTHING
    stem = f"{spec.system}/{spec.name}" if spec.system else spec.name
    return Rendering((_unit(scene, f"{stem}.yaml", address, documents.objective(scene, bound)),))


def _place(scene: Scene) -> Rendering:
    """What objectives share; nothing where nothing is promised."""
    services: dict[str, Object] = {}
    policies: list[documents.Policy] = []
    for _, bound in scene.of_kind("Objective"):
        spec = bound.spec
        assert isinstance(spec, promises.Objective), "an Objective is one"
        server = documents.service_of(scene, spec)
        if server is not None:
            services[str(server.entity.address)] = documents.service(scene, server)
        policies += documents.policies(spec)
    if not policies and not services:
        return NOTHING
    owner = f"environment/{scene.binding.place.environment}"
    known = [documents.source(), *(services[address] for address in sorted(services))]
    return Rendering(
        (
            _unit(scene, "alerting.yaml", owner, documents.alerting(scene, policies)),
            _unit(scene, "services.yaml", owner, known),
        )
    )


def _unit(scene: Scene, name: str, owner: str, objects: Iterable[Object]) -> Unit:
    path = f"{NAME}/{scene.place}/{name}"
    return whole.documents(path, owner, NAME, scene.place, objects)


TARGET = Target(
    NAME,
    "objectives as OpenSLO documents",
    entity=_entity,
    place=_place,
    kinds=frozenset({"Objective"}),
)
