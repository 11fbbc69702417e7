"""The durable engine and its fake keep the same promises."""

import pathlib
import time
from collections.abc import Callable, Iterator

import pytest

from telford.basics.clock import SystemClock
from telford.estate.workload import Split
from telford.flows import boundaries, orders
from telford.flows.carrying import Carrier, Outside
from telford.flows.durable import DurableOrders
from telford.flows.orders import Order, Orders, Status
from telford.ports import Said
from telford.store.database import Lease
from telford.testing.hooks import FakeHooks
from telford.testing.kills import KillAt
from telford.testing.orders import FakeOrders
from telford.testing.place import FakePlace, a_workload

WAIT_SECONDS = 30.0
EPOCH, NEXT_EPOCH = Lease("local", "one", 1), Lease("local", "two", 2)


@pytest.fixture
def place() -> FakePlace:
    found = FakePlace(SystemClock())
    found.apply(a_workload("s", "v1", generation=5))
    found.route(Split("s", 5, {"v1": 10_000}))
    found.calls.clear()
    return found


@pytest.fixture(params=["fake", "durable"])
def engine(
    request: pytest.FixtureRequest, tmp_path: pathlib.Path, place: FakePlace
) -> Iterator[Orders]:
    hooks = FakeHooks([Said(open=False, why="not yet")])
    carrier = Carrier(Outside(place, place, place, hooks), SystemClock(), boundaries.Quiet())
    if request.param == "fake":
        yield FakeOrders(carrier, {})
        return
    engine = DurableOrders(f"sqlite:///{tmp_path}/flows.db", carrier, EPOCH)
    yield engine
    engine.close()


def an_order(generation: int = 6, kind: str = "apply") -> Order:
    common = {"service": "s", "generation": generation}
    if kind == "apply":
        plain = orders.workload_json(a_workload("s", "v2", generation=generation))
        return Order("r1", "s", generation, kind, "v2-2", {**common, "workload": plain})
    return Order("r1", "s", generation, kind, "v1", {**common, "version": "v1"})


def finished(engine: Orders, key: str) -> Status:
    if isinstance(engine, FakeOrders):
        engine.work()
    return until(lambda: engine.statuses([key])[key], lambda status: status.phase != "pending")


def until(look: Callable[[], Status], good: Callable[[Status], bool]) -> Status:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if good(found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"still {found}")


def test_an_order_is_carried_out(engine: Orders, place: FakePlace) -> None:
    engine.submit("a:1", an_order())
    assert finished(engine, "a:1") == Status("done")
    assert place.calls == [("apply", "s", "v2x2")]


def test_a_gates_order_brings_back_its_answer(engine: Orders) -> None:
    arguments = {
        "service": "s",
        "generation": 6,
        "hook": {"kind": "webhook"},
        "about": {"step": "0"},
    }
    engine.submit("g:1", Order("r1", "s", 6, "gate", "qa@step", arguments))
    found = finished(engine, "g:1")
    assert (found.phase, found.result["open"], found.result["why"]) == ("done", False, "not yet")
    assert found.result["at"] > 0


def test_the_same_id_is_carried_out_once(engine: Orders, place: FakePlace) -> None:
    engine.submit("a:1", an_order())
    finished(engine, "a:1")
    place.workloads.clear()
    engine.submit("a:1", an_order())
    finished(engine, "a:1")
    assert place.calls == [("apply", "s", "v2x2")]


def test_a_place_that_says_no_is_an_answer(engine: Orders) -> None:
    engine.submit("a:1", an_order(kind="remove"))
    status = finished(engine, "a:1")
    assert (status.phase, status.problem) == ("failed", "version v1 of s carries traffic")


def test_an_overtaken_generation_fails(engine: Orders, place: FakePlace) -> None:
    engine.submit("a:1", an_order(generation=4))
    assert "stale" in finished(engine, "a:1").problem
    assert place.calls == []


def test_an_id_that_was_never_submitted_has_no_status(engine: Orders) -> None:
    assert engine.statuses(["a:1"]) == {}
    assert engine.statuses([]) == {}


def test_what_ended_long_ago_is_forgotten(tmp_path: pathlib.Path, place: FakePlace) -> None:
    carrier = Carrier(Outside(place, place, place), SystemClock(), boundaries.Quiet())
    engine = DurableOrders(f"sqlite:///{tmp_path}/flows.db", carrier, EPOCH)
    engine.submit("a:1", an_order())
    finished(engine, "a:1")
    engine.forget(time.time() - 3600)
    assert engine.statuses(["a:1"]) == {"a:1": Status("done")}
    engine.forget(time.time() + 3600)
    assert engine.statuses(["a:1"]) == {}
    engine.close()


def test_what_was_done_is_known_after_a_restart(tmp_path: pathlib.Path, place: FakePlace) -> None:
    carrier = Carrier(Outside(place, place, place), SystemClock(), KillAt())
    url = f"sqlite:///{tmp_path}/flows.db"
    first = DurableOrders(url, carrier, EPOCH)
    first.submit("a:1", an_order())
    finished(first, "a:1")
    first.close()
    second = DurableOrders(url, carrier, NEXT_EPOCH)
    assert second.statuses(["a:1"]) == {"a:1": Status("done")}
    second.submit("a:1", an_order())
    second.close()
    assert place.calls == [("apply", "s", "v2x2")]
