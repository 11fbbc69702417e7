"""Which workloads of a place are part of a mesh, who calls them, and where the mesh is alone; and
which ways in a target serves.

Called by the targets of meshes and gateways; whatever needs no scene is in `telford.road.meshing`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from telford.estate.kinds import structure
from telford.render.scene import Scene
from telford.road import callers, meshing, openings, ways_in
from telford.road.subject import Subject


def part(scene: Scene, mesh: str, address: str) -> bool:
    """Whether a thing is a workload of a mesh."""
    return scene.runs(address) and scene.choice("mesh", address) == mesh


def workloads(scene: Scene, mesh: str) -> Iterator[str]:
    """The addresses of a mesh's workloads."""
    for address, _ in scene.of_kind("Service", "Datastore"):
        if part(scene, mesh, address):
            yield address


def whole_namespaces(scene: Scene, mesh: str) -> Mapping[str, tuple[str, ...]]:
    """The namespaces in which nothing runs but workloads of a mesh, and these. Only what the
    estate knows of is counted.
    """
    return scene.table(f"{mesh} namespaces", partial(_whole_namespaces, mesh))


def _whole_namespaces(mesh: str, scene: Scene) -> dict[str, tuple[str, ...]]:
    inside: dict[str, list[str]] = {}
    for address in workloads(scene, mesh):
        inside.setdefault(scene.subject(address).namespace, []).append(address)
    foreign = {scene.subject(address).namespace for address in _others(scene, mesh)}
    return {name: tuple(found) for name, found in sorted(inside.items()) if name not in foreign}


def _others(scene: Scene, mesh: str) -> Iterator[str]:
    for address, bound in scene.of_kind("Service", "Datastore"):
        spec = bound.spec
        assert isinstance(spec, structure.Service | structure.Datastore), (
            "only these were asked for"
        )
        runs = spec.run is not None and spec.run.image is not None
        if runs and not part(scene, mesh, address):
            yield address


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload of a mesh: whom the network policies let in and out, who calls it and how, and
    which others would be let in with its callers, because they run as the same account.
    """

    about: Subject
    ways: openings.Openings
    let_in: tuple[openings.Opening, ...]
    called_by: tuple[callers.Caller, ...]
    calls: tuple[meshing.Call, ...]
    twins: tuple[tuple[str, str], ...]

    @property
    def closed(self) -> bool:
        """Whether all of its callers are known for sure and can prove who they are."""
        return self.ways.ingress is not None and all(caller.known for caller in self.called_by)


def workload(scene: Scene, mesh: str, address: str) -> Workload:
    """What a mesh must know of one of its workloads."""
    called_by = callers_of(scene, mesh, address)
    return Workload(
        about=scene.subject(address),
        ways=scene.openings(address),
        let_in=scene.let_in(address),
        called_by=called_by,
        calls=calls_of(scene, address),
        twins=tuple(_twins(scene, mesh, address, called_by)),
    )


def _twins(
    scene: Scene, mesh: str, address: str, called_by: tuple[callers.Caller, ...]
) -> Iterator[tuple[str, str]]:
    """A caller, and another workload with its identity that does not call."""
    accounts = scene.table(f"{mesh} accounts", partial(_accounts, mesh))
    clients = {caller.address for caller in called_by}
    for caller in called_by:
        for other in accounts.get(f"{caller.namespace}/{caller.account}", ()):
            if other not in clients and other != address:
                yield caller.address, other


def _accounts(mesh: str, scene: Scene) -> dict[str, tuple[str, ...]]:
    """NAMESPACE/ACCOUNT -> the workloads that run as it, where there are several."""
    found: dict[str, list[str]] = {}
    for address in workloads(scene, mesh):
        about = scene.subject(address)
        found.setdefault(f"{about.namespace}/{about.account}", []).append(address)
    return {account: tuple(said) for account, said in found.items() if len(said) > 1}


def callers_of(scene: Scene, mesh: str, address: str) -> tuple[callers.Caller, ...]:
    """Who calls a workload, and whether the mesh knows them."""
    inbound = scene.edges.inbound.get(address, ())
    about = scene.subject(address)
    return callers.callers(scene.binding, inbound, about, lambda one: part(scene, mesh, one))


def calls_of(scene: Scene, address: str) -> tuple[meshing.Call, ...]:
    """How a workload is called, by those who say something of it."""
    clients = (edge.client for edge in scene.edges.inbound.get(address, ()))
    return meshing.calls(scene.binding, scene.names, address, clients)


def ways(scene: Scene, way_of_traffic: str) -> Mapping[str, tuple[ways_in.WayIn, ...]]:
    """The ways in that a target makes, by the address of what says them: those that leave it to
    the place how they are made, where it chose the target.
    """
    return scene.table(f"{way_of_traffic} ways", partial(_ways, way_of_traffic))


def _ways(way_of_traffic: str, scene: Scene) -> dict[str, tuple[ways_in.WayIn, ...]]:
    found: dict[str, list[ways_in.WayIn]] = {}
    for way in scene.incoming:
        free = way.paved and not way.via
        if free and scene.choice("traffic", way.owner) == way_of_traffic:
            found.setdefault(way.owner, []).append(way)
    return {owner: tuple(said) for owner, said in found.items()}


def controllers(scene: Scene, mesh: str, own: frozenset[str] = frozenset()) -> list[str]:
    """Namespaces of what leads requests from outside to workloads of a mesh; `own` are the owners
    of ways in that the mesh serves itself.
    """
    return sorted(
        {
            scene.served_from(way)
            for way in scene.incoming
            if way.owner not in own
            and any(part(scene, mesh, to.address) for rule in way.rules for to in rule.to)
        }
    )
