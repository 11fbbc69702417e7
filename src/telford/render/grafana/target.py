"""Target `grafana`: a dashboard for each service and system, for all objectives, for each release;
and the files by which Grafana finds them and a Prometheus for each place.

Called by `telford.render.registry`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from telford.estate.kinds import promises, structure
from telford.render.artifacts import NOTHING, Rendering, Unit, key, ready
from telford.render.grafana import dashboards
from telford.render.grafana.dashboards import Promised, ServiceView
from telford.render.grafana.questions import Replicas, Requests
from telford.render.scene import Scene, World
from telford.render.target import Target
from telford.road import conventions, heading, yamlout

NAME = "grafana"
_FOLDER = f"{NAME}/dashboards"


def _across(world: World, address: str) -> Rendering:
    """The dashboards of a service or a system."""
    scenes = world.scenes_with(address)
    if not scenes:
        return NOTHING
    spec = scenes[0].bound(address).spec
    if isinstance(spec, structure.Service):
        return Rendering(tuple(_of_service(scenes, address, spec)))
    if isinstance(spec, structure.System):
        return Rendering(tuple(_of_system(scenes, address, spec)))
    return NOTHING


def _of_service(scenes: tuple[Scene, ...], address: str, spec: structure.Service) -> Iterator[Unit]:
    view = _view(scenes, address, spec)
    if view is None:
        return
    stem = f"{spec.system}/{spec.name}" if spec.system else spec.name
    made = partial(dashboards.service, view)
    yield _unit(f"services/{stem}.json", address, key(repr(view)), made)
    if spec.delivery is not None and view.requests is not None:
        source = view.requests.source
        made = partial(dashboards.release, address, spec.name, source)
        yield _unit(f"releases/{stem}.json", address, key(address, source.name), made)


def _unit(name: str, owner: str, digest: str, made: Callable[[], dashboards.Made]) -> Unit:
    path = f"{_FOLDER}/{name}"
    return Unit(path, owner, NAME, "", key(path, digest), partial(_text, made))


def _text(made: Callable[[], dashboards.Made]) -> str:
    return dashboards.text(made())


def _view(scenes: tuple[Scene, ...], address: str, spec: structure.Service) -> ServiceView | None:
    """Nothing where nobody promised anything of it and nothing of it runs on the road."""
    running = [scene for scene in scenes if scene.runs(address)]
    promised = _promised(scenes, [address])
    if not running and not promised:
        return None
    needed = sorted({one for scene in scenes for one in _used(scene, address)})
    return ServiceView(
        address=address,
        name=spec.name,
        description=spec.description,
        promised=tuple(one.promised for one in promised),
        requests=_requests(spec, promised),
        replicas=_replicas(running, address),
        neighbours=tuple(one.promised.address for one in _promised(scenes, needed)),
        tags=tuple(filter(None, ["service", spec.system])),
    )


def _used(scene: Scene, address: str) -> Iterator[str]:
    for edge in scene.edges.outbound.get(address, ()):
        yield edge.target


@dataclass(frozen=True, slots=True)
class Objective:
    """An objective of a service, and the data plane that its annotation names."""

    promised: Promised
    source: str


def _promised(scenes: tuple[Scene, ...], services: Iterable[str]) -> tuple[Objective, ...]:
    """The objectives of some services in any of the places, by address."""
    found = {
        one.promised.address: one
        for scene in scenes
        for service in services
        for one in scene.table("grafana objectives", _objectives).get(service, ())
    }
    return tuple(found[address] for address in sorted(found))


def _objectives(scene: Scene) -> dict[str, tuple[Objective, ...]]:
    """Of each service of a place."""
    known: dict[str, tuple[Objective, ...]] = {}
    for address, bound in scene.of_kind("Objective"):
        spec = bound.spec
        assert isinstance(spec, promises.Objective), "of this kind"
        service = scene.find("service", spec.service, spec.system)
        if service is not None:
            source = spec.annotations.get(conventions.ANNOTATION_METRICS, "")
            one = Objective(Promised(address, spec.name), source)
            known[service] = (*known.get(service, ()), one)
    return known


def _source(objectives: tuple[Objective, ...]) -> conventions.Source:
    """The data plane that counts for most people: the first that an objective names."""
    named = (conventions.SOURCES.get(one.source) for one in objectives)
    return next(filter(None, named), conventions.DEFAULT_SOURCE)


def _requests(spec: structure.Service, promised: tuple[Objective, ...]) -> Requests | None:
    """Only what answers is asked anything."""
    if spec.type not in ("http", "grpc", "function"):
        return None
    return Requests(_source(promised), (spec.name,))


def _replicas(running: list[Scene], address: str) -> Replicas | None:
    if not running:
        return None
    about = [scene.subject(address) for scene in running]
    namespaces = tuple(sorted({one.namespace for one in about}))
    return Replicas(about[0].kind, about[0].name, namespaces)


def _of_system(scenes: tuple[Scene, ...], address: str, spec: structure.System) -> Iterator[Unit]:
    members = sorted({one for scene in scenes for one in _members(scene, spec.name)})
    asked: dict[str, list[str]] = {}
    for service in members:
        member = next(s.bound(service).spec for s in scenes if service in s.binding.entities)
        assert isinstance(member, structure.Service), "a service's address"
        found = _requests(member, _promised(scenes, [service]))
        if found is not None:
            asked.setdefault(found.source.name, []).extend(found.services)
    requests = tuple(
        Requests(conventions.SOURCES[source], tuple(names)) for source, names in asked.items()
    )
    objectives = tuple(one.promised.address for one in _promised(scenes, members))
    if not requests and not objectives:
        return
    made = partial(dashboards.system, address, spec.name, spec.description, objectives, requests)
    digest = key(address, spec.description, repr(objectives), repr(requests))
    yield _unit(f"systems/{spec.name}.json", address, digest, made)


def _members(scene: Scene, system: str) -> tuple[str, ...]:
    """The services of a system."""
    return scene.table("grafana members", _by_system).get(system, ())


def _by_system(scene: Scene) -> dict[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for address, bound in scene.of_kind("Service"):
        system = bound.entity.address.system or ""
        known[system] = (*known.get(system, ()), address)
    return known


def _estate(world: World) -> Rendering:
    """All objectives, and what Grafana reads when it starts."""
    watched = [scene for scene in world.scenes if any(True for _ in scene.of_kind("Objective"))]
    owner = world.architecture.address or _first_environment(world)
    if not owner:
        return NOTHING
    made = {
        "provisioning/dashboards/telford.yaml": _provider(),
        "provisioning/datasources/telford.yaml": _datasources(world.scenes),
    }
    units = [
        ready(f"{NAME}/{name}", owner, NAME, "", heading.comment(owner) + yamlout.document(told))
        for name, told in made.items()
    ]
    if watched:
        units.append(
            _unit("objectives.json", owner, key(owner), partial(dashboards.objectives, owner))
        )
    return Rendering(tuple(units))


def _first_environment(world: World) -> str:
    return f"environment/{world.scenes[0].binding.place.environment}" if world.scenes else ""


def _provider() -> dict[str, object]:
    """Folders of Grafana are those of the files."""
    path = "/etc/grafana/dashboards"
    options = {"path": path, "foldersFromFilesStructure": True}
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": conventions.MANAGER,
                "type": "file",
                "allowUiUpdates": False,
                "disableDeletion": False,
                "options": options,
            }
        ],
    }


def _datasources(scenes: tuple[Scene, ...]) -> dict[str, object]:
    """One Prometheus a place; where it answers is told by an environment variable."""
    return {
        "apiVersion": 1,
        "prune": True,
        "datasources": [
            {
                "name": f"Prometheus {scene.place}",
                "uid": dashboards.uid(f"prometheus {scene.place}"),
                "type": "prometheus",
                "access": "proxy",
                "url": f"${{{_variable(scene.place)}}}",
                "isDefault": index == len(scenes) - 1,
                "jsonData": {"httpMethod": "POST", "manageAlerts": False},
            }
            for index, scene in enumerate(scenes)
        ],
    }


def _variable(place: str) -> str:
    return "PROMETHEUS_URL_" + place.upper().replace("/", "_").replace("-", "_")


TARGET = Target(
    NAME,
    "dashboards of services, systems, objectives and releases",
    across=_across,
    estate=_estate,
    kinds=frozenset({"Service", "System"}),
)
