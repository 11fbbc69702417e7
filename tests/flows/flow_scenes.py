"""The releases that tests of flows play through, and what is compared at their ends."""

import dataclasses
import pathlib
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

import stores
from telford.deliver.policy import Indicator
from telford.flows.boundaries import Boundaries, Quiet
from telford.testing.kills import Killed
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, PLACE, QUICK, STABLE, Simulation, address

STEADY = Behaviour(bad=0.002)
SLOW_START = dataclasses.replace(STEADY, ready_seconds=2.0)
MAX_STEPS = 200
# Decides within few ticks, for hundreds of worlds are played.
SHORT = dataclasses.replace(
    QUICK,
    indicators=(Indicator("errors", Decimal("0.8")),),
    weights=(3000, 6000),
    soak_seconds=(1.0,),
    warmup_seconds=0.0,
    start_seconds=5.0,
)
RATE = 60.0


class Played(Protocol):
    """What a release that is played needs: the people in it."""

    @property
    def people(self) -> Callable[[Simulation], None]:
        """Called before each step."""
        ...


@dataclasses.dataclass(frozen=True)
class Scene:
    """A new version's behaviour, and what people do while it is released."""

    canary: Behaviour
    people: Callable[[Simulation], None] = lambda world: None


def _abort_in_the_second_step(world: Simulation) -> None:
    if world.row().state["step"] == 1 and not world.store.commands.of("r1"):
        world.ask("abort", reason="a feeling")


def _promote_at_once(world: Simulation) -> None:
    if world.row().phase == "stepping" and not world.store.commands.of("r1"):
        world.ask("promote")


SCENES = {
    "good": Scene(SLOW_START),
    "bad": Scene(Behaviour(bad=0.7)),
    "aborted": Scene(STEADY, _abort_in_the_second_step),
    "promoted by hand": Scene(STEADY, _promote_at_once),
    "never ready": Scene(Behaviour(ready_seconds=None)),
}
ENDS = {
    "good": "promoted",
    "bad": "rolled-back",
    "aborted": "aborted",
    "promoted by hand": "promoted",
    "never ready": "failed",
}


def world_of(scene: Scene, file: pathlib.Path, boundaries: Boundaries | None = None) -> Simulation:
    behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): scene.canary}
    url = stores.fresh(file)
    world = Simulation(url, behaviours, rate=RATE, boundaries=boundaries or Quiet())
    world.release(SHORT)
    return world


def play(world: Simulation, scene: Played, next_boundaries: Callable[[], Boundaries]) -> int:
    """To the end, starting anew after each kill; the number of kills."""
    kills = 0
    for _ in range(MAX_STEPS):
        if not world.store.releases.revisions(PLACE) and world.idle():
            return kills
        try:
            scene.people(world)
            world.step()
        except Killed:
            kills += 1
            world.restart(next_boundaries())
    raise AssertionError(f"not at an end after {MAX_STEPS} steps: {world.row().phase}")


def end(world: Simulation) -> dict[str, object]:
    """What must be the same whatever happened on the way."""
    bound = world.store.bindings.get(PLACE, address("orders"))
    assert bound is not None
    ticks = [entry.tick for entry in world.store.ledger.of("r1")]
    assert ticks == sorted(set(ticks))
    return {
        "phase": world.row().phase,
        "weights": world.weights() if "orders" in world.place.splits else {},
        "stable": bound.version,
        "versions": sorted(world.place.workloads),
        "replicas": sorted((one.version, one.name) for one in world.place.replicas),
        "history": [past.version for past in world.store.bindings.history(PLACE, bound.service)],
        "lost": world.place.lost,
        "audit": world.store.audit.verify(),
    }
