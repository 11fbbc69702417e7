"""One small release of every strategy, and how it must end."""

import dataclasses
import pathlib
from collections.abc import Callable
from decimal import Decimal

from flow_scenes import SLOW_START, STEADY

import stores
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.estate.workload import Match
from telford.flows.boundaries import Boundaries, Quiet
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, QUICK, STABLE, Simulation

SHORT = dataclasses.replace(
    QUICK,
    indicators=(Indicator("errors", Decimal("0.8")),),
    weights=(5000,),
    soak_seconds=(1.0,),
    warmup_seconds=0.0,
    start_seconds=6.0,
)
PREVIEW = Match("", "yes", header="x-preview")
REPLICAS, PARTITIONS = 2, 4
BAD = Behaviour(bad=0.7)


def _of(strategy: str, **fields: object) -> Policy:
    return dataclasses.replace(SHORT, strategy=strategy, **fields)  # type: ignore[arg-type]


POLICIES = {
    "baseline": dataclasses.replace(SHORT, baseline=True, weights=(3000,)),
    "rolling": _of("rolling"),
    "blue-green": _of("blue-green", weights=(0, FULL_WEIGHT), matches=(PREVIEW,)),
    "mirror": _of("mirror", weights=(FULL_WEIGHT,)),
    "ab": _of("ab", weights=(0,), matches=(PREVIEW,)),
    "recreate": _of("recreate", weights=(FULL_WEIGHT,)),
    "sticky": dataclasses.replace(SHORT, sticky="visitor", weights=(2000, 5000)),
    "queue": _of("rolling", sharing="queue"),
    "partition": _of("rolling", sharing="partition", partitions=PARTITIONS),
    "emergency": _of("blue-green", weights=(FULL_WEIGHT,), skip_analysis=True),
}


@dataclasses.dataclass(frozen=True)
class Scene:
    """A strategy, how the new version behaves, and what people do."""

    policy: str
    canary: Behaviour = SLOW_START
    people: Callable[[Simulation], None] = lambda world: None


def _abort_at_once(world: Simulation) -> None:
    if world.row().phase == "stepping" and not world.store.commands.of("r1"):
        world.ask("abort", reason="a feeling")


SCENES = {name: Scene(name) for name in POLICIES}
SCENES |= {f"{name}, aborted": Scene(name, STEADY, _abort_at_once) for name in POLICIES}
SCENES |= {f"{name}, bad": Scene(name, BAD) for name in POLICIES if name != "emergency"}
KILLED = (*POLICIES, "recreate, aborted", "partition, bad")
"""Those that are killed at every effect: each strategy, and the ways back with most to do."""


def ends_as(name: str) -> str:
    """The phase that a scene must end in."""
    _, _, how = name.partition(", ")
    return {"": "promoted", "aborted": "aborted", "bad": "rolled-back"}[how]


def world_of(name: str, file: pathlib.Path, boundaries: Boundaries | None = None) -> Simulation:
    """The scene's world, its release already asked for."""
    scene = SCENES[name]
    policy = POLICIES[scene.policy]
    services = ("orders",)
    works = policy.sharing != "traffic"
    world = Simulation(
        stores.fresh(file),
        {("orders", STABLE): STEADY, ("orders", CANARY): scene.canary},
        services=() if works else services,
        workers=services if works else (),
        replicas=REPLICAS,
        partitions=policy.partitions,
        segment=0.3,
        rate=60.0,
        boundaries=boundaries or Quiet(),
    )
    world.release(dataclasses.replace(policy, stable_replicas=REPLICAS))
    return world
