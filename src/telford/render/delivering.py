"""What is handed to whoever applies manifests: bundles, each a folder of the repository in a place.

A bundle is what one Argo CD Application or one Flux Kustomization delivers. The folders are those
that the chosen packaging really makes: they are read off the units of that target. Called by
`argo_cd` and `flux`.

- TEL565 (error): the repository is not known.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache

from telford.basics import resources
from telford.basics.diagnostics import Diagnostic
from telford.estate.kinds import places
from telford.render import pipelining
from telford.render.artifacts import Object, Unit
from telford.render.scene import Scene, World
from telford.road import order, pipeline

# A group and a kind of it: ("apps", "Deployment").
Kind = tuple[str, str]
# What is the place's own: namespaces, quotas, and things that belong to no system.
OWN = "road-places"
# The one chart of all services.
CHART = "helm/chart"
# Before the names of other groups that are no system.
_ROAD = "road-"


@dataclass(frozen=True, slots=True)
class Bundle:
    """One folder for one place.

    `group` is the system, or what of the road it is; `folder` is its path in the repository, below
    what is built; `whole` says that the folders inside belong to it too; `cluster` is the name by
    which the cluster is known; `units` are what lies in it. Of a chart, `values` are the files
    that say what is made of it, and `carried` are the files of what no value says.
    """

    group: str
    system: str
    scene: Scene
    folder: str
    whole: bool
    cluster: str
    units: tuple[Unit, ...] = field(compare=False, default=())
    values: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()

    @property
    def charted(self) -> bool:
        """Whether it is made of the chart."""
        return self.folder == CHART

    @property
    def name(self) -> str:
        """A name that no other bundle has: the group and the place."""
        return f"{self.group}-{slug(self.scene)}"

    @property
    def namespace(self) -> str:
        """Where things go that name no namespace."""
        return self.scene.binding.namespace

    @property
    def production(self) -> bool:
        """Whether people depend on it."""
        return self.scene.binding.production


def slug(scene: Scene) -> str:
    """A place as part of a name: ``prod-eu-west-1``."""
    return scene.place.replace("/", "-")


def bundles(scene: Scene, target: str) -> tuple[Bundle, ...]:
    """What `target` delivers to a place, the place's own first; () where it is no Kubernetes."""
    cluster = cluster_of(scene)
    if cluster is None:
        return ()
    return (*_packaged(scene, target, cluster), *_beside(scene, target, cluster))


def _packaged(scene: Scene, target: str, cluster: str) -> Iterator[Bundle]:
    packaging = scene.choice("packaging")
    units = list(_units(scene, "kubernetes", target))
    if not units:
        return
    if packaging == "kustomize":
        folder = f"kustomize/overlays/{scene.place}"
        yield Bundle(OWN, "", scene, folder, True, cluster, tuple(units))
    elif packaging == "helm":
        yield from _charted(scene, target, _plain(scene, units, cluster))
    else:
        yield from _plain(scene, units, cluster)


def _plain(scene: Scene, units: Iterable[Unit], cluster: str) -> Iterator[Bundle]:
    """One a system, whose folder lies in the place's."""
    own = f"kubernetes/{scene.place}"
    folders: dict[str, list[Unit]] = {}
    for unit in units:
        folders.setdefault(unit.path.rpartition("/")[0], []).append(unit)
    for folder, held in sorted(folders.items()):
        system = folder.removeprefix(own).strip("/")
        group = system or OWN
        yield Bundle(group, system, scene, folder, False, cluster, tuple(held))


def _charted(scene: Scene, target: str, plain: Iterable[Bundle]) -> Iterator[Bundle]:
    """The same as releases of the chart: what lies in them is what lies in plain folders."""
    root = f"helm/{scene.place}"
    paths = [unit.path for unit in _units(scene, "helm", target)]
    for one in plain:
        services = f"{root}/services/{one.system}".rstrip("/")
        carried = f"{root}/carried/{one.system}".rstrip("/")
        values = _within(paths, services)
        if not one.system:
            values = [path for path in paths if path == f"{root}/foundation.yaml"] + values
        yield replace(
            one,
            folder=CHART,
            values=(f"{root}/place.yaml", *values) if values else (),
            carried=tuple(_within(paths, carried)),
        )


def _within(paths: Iterable[str], folder: str) -> list[str]:
    """The paths that lie in a folder itself."""
    return [path for path in paths if path.rpartition("/")[0] == folder]


def _beside(scene: Scene, target: str, cluster: str) -> Iterator[Bundle]:
    """What other targets make for the same cluster, each as a whole."""
    for name in beside():
        if name in scene.targets:
            units = tuple(_units(scene, name, target))
            if units:
                folder = f"{name}/{scene.place}"
                yield Bundle(_ROAD + name, "", scene, folder, True, cluster, units)


@cache
def beside() -> tuple[str, ...]:
    """The targets whose objects go to the same clusters, beside the packaging."""
    return tuple(resources.toml(__package__, "delivering.toml")["beside"])


def kinds(objects: Iterable[Object]) -> tuple[set[Kind], set[Kind]]:
    """The kinds of objects that lie in no namespace, and those that do; a foreign one that may be
    either is in both.
    """
    known = _cluster_kinds()
    cluster, inside = set(), set()
    for item in objects:
        group = item["apiVersion"].rpartition("/")[0]
        kind = (group, item["kind"])
        if item["kind"] in known:
            cluster.add(kind)
            continue
        inside.add(kind)
        foreign = "." in group and not group.endswith(".k8s.io")
        if foreign and "namespace" not in item["metadata"]:
            cluster.add(kind)
    return cluster, inside


@cache
def _cluster_kinds() -> frozenset[str]:
    return frozenset(resources.toml(__package__, "delivering.toml")["scope"]["cluster"])


def _units(scene: Scene, name: str, target: str) -> Iterator[Unit]:
    """What a target makes in a place, of all that `target` is chosen to deliver."""
    if scene.choice("delivery") == target:
        yield from scene.units(name, "")
    for units in scene.each(_of_thing(name, target), scene.binding.entities):
        yield from units


@cache
def _of_thing(name: str, target: str) -> Callable[[Scene, str], tuple[Unit, ...]]:
    """What gives a target's units of one thing: one function each, so that answers are kept."""

    def units(scene: Scene, address: str) -> tuple[Unit, ...]:
        chosen = scene.choice("delivery", address) == target
        return scene.units(name, address) if chosen else ()

    return units


def needs_of_systems(scene: Scene) -> dict[str, frozenset[str]]:
    """System -> the other systems that it critically needs here; "" is what belongs to none."""
    return dict(scene.table("delivering needs", _needs).items())


def _needs(scene: Scene) -> dict[str, frozenset[str]]:
    return order.systems(order.critical_needs(scene.binding, scene.names), scene.binding)


def cluster_of(scene: Scene) -> str | None:
    """The name of the place's cluster: its own, the only one of its region, else the place's name.
    None where machines or a provider's own service stand there, and no Kubernetes.
    """
    place = scene.binding.place
    every = [
        bound.spec
        for _, bound in scene.of_kind("Cluster")
        if isinstance(bound.spec, places.Cluster)
    ]
    if place.cluster:
        known = [one for one in every if one.name == place.cluster]
    else:
        known = [one for one in every if place.region and one.region == place.region]
    if len(known) != 1:
        return slug(scene)
    return known[0].name if known[0].type == "kubernetes" else None


def path(world_or_scene: World | Scene, folder: str) -> str:
    """A folder of what is built, from the root of the repository."""
    repository = world_or_scene.architecture.repository
    assert repository is not None, "`problems` was asked first"
    return pipeline.within(repository.path, folder)


def needs() -> tuple[str, ...]:
    """The targets whose units are asked for."""
    return ("kubernetes", "helm", *beside())


def problems(world: World, target: str) -> Iterator[Diagnostic]:
    """What keeps a target from delivering."""
    if world.architecture.repository is None:
        yield pipelining.unsaid_repository(world, target, "TEL565")
