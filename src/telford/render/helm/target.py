"""Target `helm`: one chart for all services, small typed values for each, and apart from them what no
value can say.

Called by `telford.render.registry`.
"""

from collections.abc import Iterator
from typing import Any

from telford.basics import resources
from telford.render import whole
from telford.render.artifacts import NOTHING, Rendering, Unit, ready
from telford.render.helm import defaults, entries, foundations
from telford.render.scene import Scene, World
from telford.render.target import Target
from telford.road import heading, yamlout

NAME = "helm"
# The files of the chart that are the same for everybody.
CHART_FILES = (
    "Chart.yaml",
    "values.schema.json",
    "templates/_access.tpl",
    "templates/_beside.tpl",
    "templates/_container.tpl",
    "templates/_fields.tpl",
    "templates/_pod.tpl",
    "templates/_workload.tpl",
    "templates/foundation.yaml",
    "templates/services.yaml",
    "values.yaml",
)


def entity(scene: Scene, address: str) -> Rendering:
    """The values of one thing in a place, and what is carried beside them."""
    units = [one for unit in scene.units("kubernetes", address) for one in _files(scene, unit)]
    return Rendering(tuple(units))


def _files(scene: Scene, unit: Unit) -> Iterator[Unit]:
    """Whether there is anything to say decides which files there are, so it is made at once."""
    made = entries.entry(unit.objects(), unit.owner, _place_of(scene), defaults.of(scene))
    name = unit.path.partition("/")[2].removeprefix(f"{scene.place}/")
    if made.values:
        text = heading.comment(unit.owner)
        text += yamlout.document({"services": {unit.owner: made.values}})
        yield ready(f"{NAME}/{scene.place}/services/{name}", unit.owner, NAME, scene.place, text)
    if made.carried:
        text = yamlout.documents(made.carried)
        yield ready(f"{NAME}/{scene.place}/carried/{name}", unit.owner, NAME, scene.place, text)


def _place_of(scene: Scene) -> entries.Place:
    place = scene.binding.place
    names = defaults.names(scene)
    return entries.Place(place.environment, place.region, scene.binding.namespace, names)


def place(scene: Scene) -> Rendering:
    """What all services of a place need to know, and what it has before any of them."""
    environment = scene.find("environment", scene.binding.place.environment, None)
    if environment is None:
        return NOTHING
    about = _place_of(scene)
    known = {
        "environment": about.environment,
        "region": about.region,
        "namespace": about.namespace,
        "names": about.names,
    }
    units = [_values(scene, "place", environment, {"place": known, "defaults": defaults.of(scene)})]
    objects = [item for unit in scene.units("kubernetes", "") for item in unit.objects()]
    if objects:
        made = {"foundation": foundations.foundation(objects)}
        units.append(_values(scene, "foundation", environment, made))
    return Rendering(tuple(units))


def _values(scene: Scene, name: str, owner: str, values: dict[str, Any]) -> Unit:
    text = heading.comment(owner) + yamlout.document(values)
    return ready(f"{NAME}/{scene.place}/{name}.yaml", owner, NAME, scene.place, text)


def estate(world: World) -> Rendering:
    """The chart."""
    owner = whole.owner(world)
    if not owner:
        return NOTHING
    files = {name: resources.text("telford.render.helm", f"chart/{name}") for name in CHART_FILES}
    return Rendering(
        tuple(ready(f"{NAME}/chart/{name}", owner, NAME, "", files[name]) for name in sorted(files))
    )


TARGET = Target(
    NAME,
    "one chart for all services, and small typed values for each",
    entity=entity,
    place=place,
    estate=estate,
    needs=("kubernetes",),
)
