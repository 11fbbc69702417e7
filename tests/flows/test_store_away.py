"""A store that is full or gone for a while: the controller says so, changes nothing, and goes on."""

import pathlib

import pytest
import sqlalchemy as sa
from flow_scenes import SHORT, STEADY

import stores
from telford.basics.errors import TemporaryError
from telford.flows.controller import Report
from telford.testing.postgres import Server
from telford.testing.simulation import CANARY, STABLE, Simulation

BEHAVIOURS = {("orders", STABLE): STEADY, ("orders", CANARY): STEADY}


def _limit(world: Simulation, pages: int) -> None:
    with world.store._database.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def _until_full(world: Simulation) -> TemporaryError:
    """What is there already can be rewritten; it is growth that a full disk refuses."""
    for _ in range(60):
        try:
            world.step()
        except TemporaryError as error:
            return error
    raise AssertionError("it never was full")


def _whole(world: Simulation) -> None:
    ticks = [one.tick for one in world.store.ledger.of("r1")]
    assert ticks == sorted(set(ticks))
    assert world.row().phase == "promoted"
    assert (world.place.lost, world.store.audit.verify()) == (0, "")


def test_a_full_disk_is_said_and_survived(memory: pathlib.Path) -> None:
    world = Simulation(stores.fresh(memory / "store.db"), BEHAVIOURS, rate=60.0)
    world.release(SHORT)
    _limit(world, 1)
    error = _until_full(world)
    assert "its disk is full" in error.message
    weights = world.weights()
    with pytest.raises(TemporaryError):
        world.step()
    assert world.weights() == weights
    _limit(world, 1_000_000)
    world.run()
    _whole(world)
    world.store.close()


def test_a_server_that_goes_away_and_comes_back(
    postgres_server: Server, postgres_store_url: str
) -> None:
    name = str(sa.make_url(postgres_store_url).database)
    world = Simulation(postgres_store_url, BEHAVIOURS, rate=60.0)
    world.release(SHORT)
    for _ in range(3):
        world.step()
    before = world.weights()
    _allow(postgres_server, name, allowed=False)
    for _ in range(3):
        with pytest.raises(TemporaryError):
            world.step()
    assert world.weights() == before
    _allow(postgres_server, name, allowed=True)
    world.run()
    _whole(world)
    world.store.close()


def test_the_loop_reports_an_outage_and_goes_on(
    postgres_server: Server, postgres_store_url: str
) -> None:
    name = str(sa.make_url(postgres_store_url).database)
    world = Simulation(postgres_store_url, BEHAVIOURS, rate=60.0)
    reports: list[Report] = []

    def wait(_seconds: float) -> bool:
        world.clock.advance(1.0)
        _allow(postgres_server, name, allowed=len(reports) != 1)
        return len(reports) == 4

    world.controller.run(wait, reports.append)
    said = [bool(one.problems) for one in reports]
    assert said == [False, True, False, False]
    world.store.close()


def _allow(server: Server, database: str, *, allowed: bool) -> None:
    server.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS {str(allowed).lower()}')
    if not allowed:
        server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        )
