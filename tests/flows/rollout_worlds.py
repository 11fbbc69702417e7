"""A rollout over three places, each with a controller of its own, over one store: what is shared."""

import dataclasses
import pathlib
from collections.abc import Callable

from flow_scenes import SHORT, STEADY

import stores
from telford.app import release as releases
from telford.app import rollout as rollouts
from telford.app.rollout_undo import Undoing
from telford.deliver import forecast
from telford.deliver.waves import Wave, Waves
from telford.flows import orders
from telford.store.rollouts import Rollout
from telford.testing.kills import Killed
from telford.testing.place import Behaviour, a_workload
from telford.testing.simulation import CANARY, STABLE, Simulation, address

PLACES = ("prod/a", "prod/b", "prod/c")
PLAN = Waves((Wave(PLACES[:1], 5.0), Wave(PLACES[1:])), alpha=0.01, at_most_unavailable=1)
LIMIT = 120


@dataclasses.dataclass
class Worlds:
    """The three places, stepped together."""

    places: dict[str, Simulation]
    # Called with the place whose controller was killed.
    restart: Callable[[str], None] = lambda place: None

    @property
    def first(self) -> Simulation:
        return self.places[PLACES[0]]

    def step(self) -> None:
        """A tick of every place; a controller that is killed in it starts anew."""
        for place, world in self.places.items():
            try:
                world.step()
            except Killed:
                self.restart(place)

    def undo(self) -> None:
        """What runs beside each controller, once."""
        for place, world in self.places.items():
            Undoing(world.store, place, world.controller_lease).step(world.clock.now())

    def close(self) -> None:
        for world in self.places.values():
            world.store.close()

    def phases(self, rollout: Rollout) -> dict[str, str]:
        store = self.first.store
        found = {place: store.releases.get(key) for place, key in rollout.releases.items()}
        return {place: row.phase for place, row in found.items() if row is not None}

    def versions(self) -> dict[str, str]:
        found = {}
        for place, world in self.places.items():
            bound = world.store.bindings.get(place, address("orders"))
            assert bound is not None
            found[place] = bound.version
        return found

    def until(self, over: Callable[[dict[str, str]], bool], rollout: Rollout) -> dict[str, str]:
        for _ in range(LIMIT):
            phases = self.phases(rollout)
            if over(phases):
                return phases
            self.step()
        raise AssertionError(f"not at an end: {self.phases(rollout)}")


def worlds(memory: pathlib.Path, canaries: dict[str, Behaviour]) -> Worlds:
    url = stores.fresh(memory / "store.db")
    return Worlds(
        {
            place: Simulation(
                url,
                {
                    ("orders", STABLE): STEADY,
                    ("orders", CANARY): canaries.get(place, STEADY),
                },
                site=place,
                rate=60.0,
                seed=number,
            )
            for number, place in enumerate(PLACES)
        }
    )


def prepared(world: Simulation) -> releases.Prepared:
    bound = world.store.bindings.get(world.site, address("orders"))
    assert bound is not None
    return releases.Prepared(
        service=address("orders"),
        name="orders",
        place=world.site,
        digest="0" * 64,
        policy=SHORT,
        tick_seconds=1.0,
        stable=orders.workload(bound.workload),
        canary=a_workload("orders", CANARY),
        traffic=releases.Traffic(60.0, {}),
        forecast=forecast.forecast(SHORT, 60.0, {}),
    )


def begin(here: Worlds, plan: Waves = PLAN) -> Rollout:
    ready = {place: prepared(world) for place, world in here.places.items()}
    store = here.first.store
    return rollouts.start(store, ready, plan, who="ann", now=here.first.clock.now())


def every(phase: str) -> Callable[[dict[str, str]], bool]:
    return lambda phases: set(phases.values()) == {phase}
