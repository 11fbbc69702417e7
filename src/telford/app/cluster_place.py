"""A place on Kubernetes: which objects a version of a service is there, how its requests are divided,
and the connection to the cluster. Called by `telford up --on kubernetes`, and by whatever releases
a service that runs in a cluster.

The objects are those that target `kubernetes` renders, so that what is released is what
`telford build` gives to Git.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from telford.app import workloads
from telford.backends.kubernetes import connecting, counting
from telford.backends.kubernetes.place import KubernetesPlace
from telford.backends.kubernetes.writing import CALL_LIMITS, WritingServer
from telford.backends.prometheus import Prometheus
from telford.basics.clock import Clock
from telford.basics.errors import RefusedError
from telford.deliver import strategies
from telford.deliver.policy import Policy
from telford.estate.kinds.structure import Service
from telford.estate.model import Binding, Bound
from telford.render import registry
from telford.render.scene import Scene
from telford.road import architecture, pipeline, traffic_ways
from telford.store.bindings import Bound as StoredBinding

_TARGET = "kubernetes"
_KINDS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Which cluster: a context of the kubeconfig ("" for the current one), and the Prometheus that
    counts there ("" for none). `plugins` allows the kubeconfig's own program to be run for
    credentials. `queries` names what is asked of Prometheus ("" for what the way suggests).
    """

    environment: Mapping[str, str] = field(repr=False)
    home: Path
    context: str = ""
    prometheus: str = ""
    queries: str = ""
    plugins: bool = False


def connect(chosen: Cluster, binding: Binding, clock: Clock) -> KubernetesPlace:
    """The place, in the namespace that the environment has. Nothing is asked of the cluster yet.

    Raises as `connecting.access` does: `UsageError` for a context that there is not.
    """
    wanted = connecting.Choice(
        chosen.context, chosen.environment, chosen.home, chosen.plugins, CALL_LIMITS
    )
    server = WritingServer(connecting.access(wanted))
    divided = ways(binding)
    return KubernetesPlace(
        server, binding.namespace, divided, clock, counting=_counting(chosen, binding, clock)
    )


def _counting(chosen: Cluster, binding: Binding, clock: Clock) -> counting.Counting | None:
    if not chosen.prometheus:
        return None
    name = chosen.queries or _suggested(set(ways(binding).values()))
    asked = counting.QUERIES.get(name)
    if asked is None:
        raise RefusedError(
            f"there are no queries {name}", fix=f"one of: {', '.join(sorted(counting.QUERIES))}"
        )
    prometheus = Prometheus(chosen.prometheus, counting.ANSWER_SECONDS)
    return counting.Counting(prometheus, asked, binding.namespace, clock)


def _suggested(found: set[str]) -> str:
    """A mesh counts beside each pod; where there is none, the process itself does."""
    meshes = found & {traffic_ways.ISTIO, traffic_ways.LINKERD}
    return min(meshes) if meshes else "http-server"


def ways(binding: Binding) -> dict[str, str]:
    """Service name -> how its requests are divided, as the road chose for its targets."""
    scene = _scene(binding)
    return {
        bound.spec.name: traffic_ways.way_of(
            scene.choice("mesh", str(bound.entity.address)),
            scene.choice("traffic", str(bound.entity.address)),
        )
        for bound in runnable(binding)
    }


def runnable(binding: Binding) -> tuple[Bound, ...]:
    """The services that a cluster runs as Deployment or StatefulSet of their own image."""
    return tuple(bound for bound in binding.of_kind("Service") if _runs(bound))


def services(binding: Binding, *, on_cluster: bool) -> tuple[Bound, ...]:
    """What a place runs, as processes of this machine or on a cluster. Raises `RefusedError` where
    that is nothing.
    """
    if on_cluster:
        found = runnable(binding)
        where, fix = "a cluster", "give at least one Service an image: run.image"
    else:
        found = workloads.runnable(binding)
        where = "this machine"
        fix = "say for at least one Service how it runs as a process: run.local.command"
    if not found:
        raise RefusedError(f"nothing in {binding.place} can run on {where}", fix=fix)
    return found


def _runs(bound: Bound) -> bool:
    service = bound.spec
    assert isinstance(service, Service)
    kind = service.run.workload or "Deployment"
    batch = service.type in ("job", "cron")
    return service.run.image is not None and kind in _KINDS and not batch


def fitting(local: workloads.Local, binding: Binding, stored: StoredBinding) -> workloads.Local:
    """How a service's next version is made: of the same as runs now, processes or objects."""
    if not stored.workload.get("objects"):
        return local
    return on_cluster(local, binding)


def on_cluster(local: workloads.Local, binding: Binding) -> workloads.Local:
    """Workloads made of objects instead of processes."""

    def made(bound: Bound, version: str, image: str) -> tuple[Mapping[str, Any], ...]:
        return objects(binding, bound, version, image)

    return dataclasses.replace(local, objects=made)


def objects(
    binding: Binding, bound: Bound, version: str, image: str = ""
) -> tuple[Mapping[str, Any], ...]:
    """What target `kubernetes` renders of a service at a version, organisation's patches included;
    with `image` of just that one, digest and all.

    Raises `RefusedError` where it renders nothing that runs.
    """
    address = str(bound.entity.address)
    scene = _scene(_with_image(binding, bound, image or _image(bound, version)))
    entity = registry.BY_NAME[_TARGET].entity
    assert entity is not None, "the target has something for every service"
    found = tuple(item for unit in entity(scene, address).units for item in unit.objects())
    if not any(item.get("kind") in _KINDS for item in found):
        raise RefusedError(
            f"{address} is no Deployment or StatefulSet in {binding.place}",
            fix="see what is built for it: telford build --target kubernetes",
        )
    return found


def _image(bound: Bound, version: str) -> str:
    """What this place runs of a version: its own image, under the version's tag."""
    service = bound.spec
    assert isinstance(service, Service)
    said = service.run.image or ""
    if workloads.tag(said) == version:
        return said
    return f"{pipeline.repository_of(said)}:{version}"


def _with_image(binding: Binding, bound: Bound, image: str) -> Binding:
    """The place with another image of this service."""
    service = bound.spec
    assert isinstance(service, Service)
    if service.run.image == image:
        return binding
    run = service.run.model_copy(update={"image": image})
    spec = service.model_copy(update={"run": run})
    released = Bound(bound.entity, spec, bound.layers, bound.node)
    address = str(bound.entity.address)
    return dataclasses.replace(binding, entities={**binding.entities, address: released})


def _scene(binding: Binding) -> Scene:
    built = architecture.of(binding.entities.values()).targets
    return registry.scene(binding, tuple(dict.fromkeys((*built, _TARGET))))


def refuse_undividable(binding: Binding, bound: Bound, policy: Policy) -> None:
    """Raise `RefusedError` where a release's strategy asks for what the place's way of dividing
    requests cannot do: before it starts, and not in its middle.
    """
    way = ways(binding).get(bound.spec.name)
    if way is None or not workloads.listens(bound):
        return
    shapes = [stage.shape for stage in strategies.stages(policy)]
    matches = [match for shape in shapes for match in shape.matches]
    needs = traffic_ways.Needs(
        matches=any(one.header for one in matches),
        cookies=any(one.cookie for one in matches),
        mirror=any(shape.mirror_bp for shape in shapes),
        sticky=any(shape.sticky for shape in shapes),
    )
    traffic_ways.refuse(way, needs, bound.spec.name)
