"""Target `argo-cd`: a root, and below it an AppProject and an ApplicationSet for each system.

What is applied by hand is `argo-cd/root.yaml`, once; it delivers `argo-cd/estate`. Called by
`telford.render.registry`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from telford.basics import resources
from telford.render import delivering, whole
from telford.render.argo_cd import projects, sets, windows
from telford.render.artifacts import Object, Rendering, Unit, by_path, key
from telford.render.delivering import Bundle
from telford.render.scene import World
from telford.render.target import Target
from telford.road import conventions, order, yamlout

NAME = "argo-cd"
Made = Callable[[], list[Object]]
_ROOT = "estate"
# The project of what is no system's.
_ROAD = "road"


def _estate(world: World) -> Rendering:
    """Everything, or why there is nothing."""
    said = (*delivering.problems(world, NAME), *windows.problems(world))
    if world.architecture.repository is None:
        return Rendering((), said)
    groups = _groups(world)
    if not groups:
        return Rendering((), said)
    policy = resources.toml(__package__, "policy.toml")
    waves = _waves(world)
    units = [_root(world, policy)]
    units += [_project(world, name, held, policy) for name, held in _by_project(groups).items()]
    units += [_set(world, held, policy, waves) for held in groups.values()]
    return Rendering(by_path(units), said)


def _groups(world: World) -> dict[str, list[Bundle]]:
    """Group -> its bundles in the order of places."""
    found: dict[str, list[Bundle]] = {}
    for scene in world.scenes:
        for one in delivering.bundles(scene, NAME):
            found.setdefault(one.group, []).append(one)
    return dict(sorted(found.items()))


def _by_project(groups: dict[str, list[Bundle]]) -> dict[str, list[Bundle]]:
    found: dict[str, list[Bundle]] = {}
    for held in groups.values():
        found.setdefault(_project_of(held[0]), []).extend(held)
    return found


def _project_of(one: Bundle) -> str:
    return one.system or _ROAD


def _waves(world: World) -> dict[str, int]:
    """System -> its wave among systems, over all places."""
    return order.waves(order.merged(map(delivering.needs_of_systems, world.scenes)))


def _owner(world: World, one: Bundle) -> str:
    found = world.estate.refer("System", one.system, None) if one.system else ()
    return str(found[0].address) if found else whole.owner(world)


def _unit(path: str, owner: str, objects: list[Object], *depends: str) -> Unit:
    """One file, made when it is wanted."""
    made: Made = partial(list[Object], objects)
    return Unit(path, owner, NAME, "", key(repr(objects), *depends), partial(_text, made), made)


def _text(made: Made) -> str:
    return yamlout.documents(made())


def _object(
    kind: str, name: str, owner: str, policy: dict[str, Any], spec: Object, wave: int | None = None
) -> Object:
    annotations = {conventions.ANNOTATION_ADDRESS: owner}
    if wave is not None:
        annotations[conventions.ANNOTATION_SYNC_WAVE] = str(wave)
    metadata = {
        "name": name,
        "namespace": policy["namespace"],
        "labels": {conventions.LABEL_MANAGED_BY: conventions.MANAGER},
        "annotations": annotations,
    }
    return {"apiVersion": projects.API, "kind": kind, "metadata": metadata, "spec": spec}


def _root(world: World, policy: dict[str, Any]) -> Unit:
    owner = whole.owner(world)
    repository = world.architecture.repository
    assert repository is not None, "`problems` was asked first"
    here = {"name": policy["own_cluster"], "namespace": policy["namespace"]}
    kinds = [{"group": "argoproj.io", "kind": kind} for kind in ("AppProject", "ApplicationSet")]
    project = {
        "description": "What delivers everything else.",
        "sourceRepos": [repository.url],
        "destinations": [here],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": kinds,
    }
    application = {
        "project": _ROOT,
        "source": {
            "repoURL": repository.url,
            "targetRevision": repository.branch,
            "path": delivering.path(world, f"{NAME}/{_ROOT}"),
            "directory": {"recurse": True},
        },
        "destination": here,
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            **sets.sync_policy(policy),
        },
    }
    objects = [
        _object("AppProject", _ROOT, owner, policy, project),
        _object("Application", _ROOT, owner, policy, application),
    ]
    return _unit(f"{NAME}/root.yaml", owner, objects)


def _project(world: World, name: str, held: list[Bundle], policy: dict[str, Any]) -> Unit:
    """Made when it is wanted: it looks at every object that the project holds."""
    owner = _owner(world, held[0])
    about = "What the road adds to places." if name == _ROAD else f"The system {name}."
    made = partial(_project_objects, world, name, about, owner, held, policy)
    looked = [unit.key for one in held for unit in one.units]
    spans = [repr(spec) for _, spec in windows.every(world)]
    teams = [entity.digest for entity in world.estate.of_kind("Team")]
    named = [f"{one.name} {one.cluster} {one.namespace}" for one in held]
    digest = key(name, owner, repr(world.architecture.repository), *looked, *spans, *teams, *named)
    path = f"{NAME}/{_ROOT}/projects/{name}.yaml"
    return Unit(path, owner, NAME, "", digest, partial(_text, made), made)


def _project_objects(
    world: World,
    name: str,
    about: str,
    owner: str,
    held: list[Bundle],
    policy: dict[str, Any],
) -> list[Object]:
    spec = projects.project(world, name, about, held, policy)
    return [_object("AppProject", name, owner, policy, spec, policy["waves"]["projects"])]


def _set(world: World, held: list[Bundle], policy: dict[str, Any], waves: dict[str, int]) -> Unit:
    one = held[0]
    owner = _owner(world, one)
    spec = sets.application_set(world, _project_of(one), held, policy)
    wave = _wave(one, policy["waves"], waves)
    item = _object("ApplicationSet", one.group, owner, policy, spec, wave)
    return _unit(f"{NAME}/{_ROOT}/applicationsets/{one.group}.yaml", owner, [item])


def _wave(one: Bundle, base: dict[str, int], waves: dict[str, int]) -> int:
    if one.system:
        return base["systems"] + waves.get(one.system, 0)
    return base["places"] if one.group == delivering.OWN else base["beside"]


TARGET = Target(
    NAME,
    "a root, and an AppProject and an ApplicationSet for each system",
    estate=_estate,
    needs=delivering.needs(),
)
