"""ResourceQuota and LimitRange: how much of a namespace its workloads may take together, and what a
container gets that asks for nothing. Called by `target`.

The amounts are what the estate itself asks for with every scaler at its most and every rollout
under way, with the headroom of `quotas.toml` on top. A namespace in which something runs that was
found, or whose number of replicas nobody can know, gets none: a quota would refuse its pods.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import Any

from telford.basics import resources, units
from telford.estate.kinds import running, structure
from telford.render.artifacts import Object
from telford.render.kubernetes import containers, priorities, tenancy, volumes
from telford.render.scene import Scene
from telford.road import defaults
from telford.road.subject import Subject

_BYTES = (("Gi", Decimal(1024) ** 3), ("Mi", Decimal(1024) ** 2))


@dataclass(frozen=True, slots=True)
class Demand:
    """The most that one workload takes: replicas, cores and bytes of all of them, what it claims,
    and its ways in.
    """

    priority: str
    replicas: int
    cpu: Decimal
    memory: Decimal
    memory_limit: Decimal
    claims: int
    storage: Decimal
    load_balancers: int
    node_ports: int


def uncounted(scene: Scene, held: tenancy.Tenancy) -> tuple[str, ...]:
    """The addresses in a namespace of which nobody can say how much they take."""
    counted = zip(held.paved, scene.each(is_counted, held.paved), strict=True)
    return tuple(address for address, known in counted if not known)


def is_counted(scene: Scene, address: str) -> bool:
    """Whether it is known how many replicas a thing has."""
    if not scene.runs(address):
        # Nothing is made of what has no image; an operator makes pods of its own.
        spec = scene.bound(address).spec
        return not (isinstance(spec, structure.Datastore) and spec.operator)
    return scene.subject(address).kind != "DaemonSet"


def objects(scene: Scene, held: tenancy.Tenancy, address: str) -> Iterator[Object]:
    """Of one namespace. `address` is the environment's."""
    demands = [one for one in scene.each(demand, held.paved) if one is not None]
    if not demands:
        return
    road = scene.realisation().defaults
    yield _limit_range(tenancy.metadata(scene, held, address, "defaults"), road)
    yield _quota(tenancy.metadata(scene, held, address, "all"), _hard(demands))
    for tier in priorities.tiers():
        if tier.guarded:
            inside = [one for one in demands if one.priority == tier.name]
            made = _quota(tenancy.metadata(scene, held, address, tier.name), _pods(inside))
            made["spec"]["scopeSelector"] = _of_class(tier.name)
            yield made


def _quota(metadata: Object, hard: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata,
        "spec": {"hard": hard},
    }


def _of_class(name: str) -> Object:
    chosen = {"scopeName": "PriorityClass", "operator": "In", "values": [name]}
    return {"matchExpressions": [chosen]}


def _limit_range(metadata: Object, road: defaults.Defaults) -> Object:
    """A container that asks for nothing gets what the road gives one, and no CPU limit either."""
    given = {
        "type": "Container",
        "default": {"memory": road.memory},
        "defaultRequest": {"cpu": road.cpu, "memory": road.memory},
    }
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": metadata,
        "spec": {"limits": [given]},
    }


def _hard(demands: Sequence[Demand]) -> dict[str, str]:
    data = _data()
    claims = sum(one.claims for one in demands)
    storage = sum((one.storage for one in demands), Decimal(0))
    found = {
        "requests.cpu": _cores(sum((one.cpu for one in demands), Decimal(0))),
        "requests.memory": _bytes(
            sum((one.memory for one in demands), Decimal(0)), data["step_memory"]
        ),
        "limits.memory": _bytes(
            sum((one.memory_limit for one in demands), Decimal(0)), data["step_memory"]
        ),
        **_pods(demands),
        # Each of these costs money or opens a port of every node: none without the estate's word.
        "services.loadbalancers": str(sum(one.load_balancers for one in demands)),
        "services.nodeports": str(sum(one.node_ports for one in demands)),
    }
    if claims:
        found["persistentvolumeclaims"] = str(_more(Decimal(claims)))
        found["requests.storage"] = _bytes(storage, data["step_storage"])
    return found


def _pods(demands: Sequence[Demand]) -> dict[str, str]:
    return {"pods": str(_more(Decimal(sum(one.replicas for one in demands))))}


def _more(amount: Decimal) -> int:
    """With the headroom, as a whole number."""
    return _whole(amount * (1 + units.ratio(_data()["headroom"])))


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_CEILING))


def _steps(amount: Decimal, step: Decimal) -> Decimal:
    more = amount * (1 + units.ratio(_data()["headroom"]))
    return (more / step).to_integral_value(rounding=ROUND_CEILING) * step


def _cores(amount: Decimal) -> str:
    return str(int(_steps(amount, units.quantity(_data()["step_cpu"]))))


def _bytes(amount: Decimal, step: str) -> str:
    found = _steps(amount, units.quantity(step))
    return next((f"{int(found / n)}{unit}" for unit, n in _BYTES if not found % n), str(int(found)))


@cache
def _data() -> dict[str, Any]:
    return resources.toml("telford.render.kubernetes", "quotas.toml")


def demand(scene: Scene, address: str) -> Demand | None:
    """The most that a paved workload takes; None for what does not run."""
    if not scene.runs(address):
        return None
    about = scene.subject(address)
    replicas = _most(about)
    cpu, memory, limit = _of_one(about)
    claims = [v for v in about.run.volumes if v.type == "storage" and not v.ephemeral]
    each = [replicas if volumes.templated(about, volume) else 1 for volume in claims]
    sizes = [units.quantity(volume.size or about.road.storage_size) for volume in claims]
    outside = [one for one in about.endpoints if one.type in ("NodePort", "LoadBalancer")]
    return Demand(
        priority=about.run.priority_class or priorities.named(priorities.tier_of(scene, address)),
        replicas=replicas,
        cpu=cpu * replicas,
        memory=memory * replicas,
        memory_limit=limit * replicas,
        claims=sum(each),
        storage=sum((n * size for n, size in zip(each, sizes, strict=True)), Decimal(0)),
        load_balancers=sum(one.type == "LoadBalancer" for one in outside),
        node_ports=sum(len(one.ports) for one in outside),
    )


def _most(about: Subject) -> int:
    """Replicas with the scaler at its most, and those that a rollout adds meanwhile."""
    if about.kind in ("Job", "CronJob"):
        return max(about.run.batch.parallelism or 1, 1)
    given = about.replicas
    most = max(given.max, 1) if isinstance(given, running.Replicas) else given or 0
    if about.kind != "Deployment" or about.run.rollout.strategy == "Recreate":
        return most
    surge = about.road.max_surge if about.run.rollout.surge is None else about.run.rollout.surge
    return most + (surge if isinstance(surge, int) else _whole(units.ratio(surge) * most))


def _of_one(about: Subject) -> tuple[Decimal, Decimal, Decimal]:
    """Cores, bytes asked for and bytes at most of one replica."""
    run = about.run
    # What runs to its end before the others needs its own amount, and not theirs as well.
    # https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
    beside = [one for one in run.initialise if one.restart == "Always"]
    rest = [_amounts(one, about.road) for one in (run, *run.sidecars, *beside)]
    first = [_amounts(one, about.road) for one in run.initialise if one.restart is None]
    together = tuple(sum(column, Decimal(0)) for column in zip(*rest, strict=True))
    cpu, memory, limit = (max(column) for column in zip(together, *first, strict=True))
    return cpu, memory, limit


def _amounts(
    container: running.Container, road: defaults.Defaults
) -> tuple[Decimal, Decimal, Decimal]:
    made = containers.resources(container.resources, road)
    requests, limits = made["requests"], made["limits"]
    return (
        units.quantity(requests["cpu"]),
        units.quantity(requests["memory"]),
        units.quantity(limits["memory"]),
    )
