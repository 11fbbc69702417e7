"""A controller that was taken over changes nothing, whatever it was about to do."""

import pathlib
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from flow_scenes import SHORT, STEADY

import stores
from telford.app import standing_by
from telford.basics.errors import RefusedError
from telford.flows import boundaries
from telford.flows.carrying import Carrier, Outside
from telford.flows.controller import Controller, Pace
from telford.flows.orders import Order
from telford.flows.watching import Watch
from telford.store import schema
from telford.store.store import Store
from telford.testing.clock import FakeClock
from telford.testing.orders import FakeOrders
from telford.testing.simulation import CANARY, PLACE, STABLE, Simulation

# The issue's own: a dead controller's releases are taken over within this.
TAKE_OVER_SECONDS = 15.0
# What a stand-by needs after it has the lease: the durable engine's start, the first tick.
START_SECONDS = 3.0


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, memory: pathlib.Path) -> str:
    if request.param == "sqlite":
        return stores.fresh(memory / "store.db")
    return str(request.getfixturevalue("postgres_store_url"))


@pytest.fixture
def world(url: str) -> Iterator[Simulation]:
    behaviours = {("orders", STABLE): STEADY, ("orders", CANARY): STEADY}
    found = Simulation(url, behaviours, rate=60.0)
    yield found
    found.store.close()


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with store._database.reading() as connection:
        return {
            name: sorted(tuple(map(str, row)) for row in connection.execute(sa.select(table)))
            for name, table in schema.metadata.tables.items()
        }


def test_a_stopped_controller_that_wakes_changes_nothing_and_ends(world: Simulation) -> None:
    world.release(SHORT)
    for _ in range(4):
        world.step()
    old, old_engine, old_store = world.controller, world.engine, world.store
    world.restart()  # another process takes the lease; the old one is only stopped
    world.step()
    before, place = everything(world.store), list(world.place.calls)
    with pytest.raises(RefusedError, match="taken over"):
        old.tick()
    old_engine.work()
    old_store.close()
    assert everything(world.store) == before
    assert world.place.calls == place
    world.run()
    assert world.row().phase == "promoted"


def test_an_order_of_an_overtaken_controller_does_not_reach_the_place(
    world: Simulation,
) -> None:
    lease = world._lease
    leases = world.store.leases

    def fence() -> None:
        if not leases.holds(lease):
            raise RefusedError("overtaken")

    outside = Outside(world.place, world.place, world.place)
    carrier = Carrier(outside, world.clock, boundaries.Quiet(), fence)
    engine = FakeOrders(carrier, {})
    arguments = {"service": "orders", "generation": 9, "weights": {STABLE: 10_000}}
    engine.submit("r1:9:route:1", Order("r1", "orders", 9, "route", "0", arguments))
    leases.take(PLACE, "another", 10.0, gone=lambda holder: True)
    engine.work()
    assert engine.statuses(["r1:9:route:1"])["r1:9:route:1"].problem == "overtaken"
    assert ("route", "orders") not in [call[:2] for call in world.place.calls[2:]]


def test_a_silent_controllers_place_is_taken_within_fifteen_seconds(
    memory: pathlib.Path,
) -> None:
    """By an injected clock: the limit of a lease, one look of the stand-by, its start."""
    clock = FakeClock()
    store = Store(stores.fresh(memory / "store.db"), clock)
    first = store.leases.take(PLACE, "dead", Pace().lease, gone=lambda holder: False)
    died = clock.now()
    while True:
        try:
            taken = store.leases.take(PLACE, "heir", Pace().lease, gone=lambda holder: False)
        except RefusedError:
            clock.advance(standing_by.POLL_SECONDS)
        else:
            break
    assert taken.epoch == first.epoch + 1
    assert clock.now() - died + START_SECONDS <= TAKE_OVER_SECONDS
    store.close()


def test_skewed_clocks_agree_by_the_databases(postgres_store_url: str) -> None:
    """One controller an hour ahead and one an hour behind judge a lease by the same clock."""
    ahead, behind = FakeClock(4_000_000_000.0), FakeClock(1_000_000_000.0)
    one, two = Store(postgres_store_url, ahead), Store(postgres_store_url, behind)
    lease = one.leases.take(PLACE, "one", 10.0, gone=lambda holder: False)
    with pytest.raises(RefusedError, match="already has a controller"):
        two.leases.take(PLACE, "two", 10.0, gone=lambda holder: False)
    with one.writing(lease) as writing:
        one.leases.beat(writing)
    found = two.leases.get(PLACE)
    assert found is not None
    assert abs(two.now() - found.heartbeat) < 60
    assert abs(one.clock.now() - two.clock.now()) < 60
    one.close()
    two.close()


def test_the_controllers_of_a_place_are_told(world: Simulation) -> None:
    world.store.controllers.wait(PLACE, "host:7:1")
    world.store.controllers.wait(PLACE, "host:7:1")
    found = standing_by.standing(world.store)
    assert [(one.holder, one.part) for one in found][1:] == [("host:7:1", "stands-by")]
    assert found[0].epoch == 1
    world.store.controllers.leave(PLACE, "host:7:1")
    assert len(standing_by.standing(world.store, PLACE)) == 1


def _idle(world: Simulation) -> Controller:
    """A second controller of the same place, which believes in the same lease."""
    return Controller(
        world.store,
        Outside(world.place, world.place, world.place),
        world.engine,
        world._lease,
        world.clock,
        watch=Watch(),
        pace=Pace(),
        boundaries=boundaries.Quiet(),
    )


def test_only_the_newest_epoch_of_two_controllers_writes(world: Simulation) -> None:
    """However often they change places."""
    for _ in range(3):
        overtaken, its_store = _idle(world), world.store
        world.restart()
        with pytest.raises(RefusedError):
            overtaken.tick()
        its_store.close()
        world.step()
