"""What is owed to a place follows from what is seen; what is asked is asked once, then again."""

import dataclasses
from decimal import Decimal

import pytest

from telford.deliver import owing
from telford.deliver import release as releases
from telford.deliver.policy import Indicator, Policy
from telford.deliver.state import Clocks, Phase, State
from telford.estate.workload import PlaceState, ReplicaState, Split
from telford.flows import orders
from telford.flows.orders import Asked, Order, Status
from telford.testing.place import a_workload

POLICY = Policy(indicators=(Indicator("errors", Decimal("0.99")),), stable_replicas=2)
STABLE, CANARY = a_workload("s", "v1"), a_workload("s", "v2")
WORKLOADS = {
    "stable": orders.workload_json(STABLE),
    "canary": orders.workload_json(CANARY),
}


def a_state(phase: Phase, desired_bp: int = 0, **fields: object) -> State:
    begun = releases.begin(
        POLICY, release="r1", service="s", stable="v1", canary="v2", generation=7, at=0.0
    )
    return dataclasses.replace(begun, phase=phase, desired_bp=desired_bp, **fields)  # type: ignore[arg-type]


def a_place(canary: int = 0, ready: int | None = None, stable: int = 2) -> PlaceState:
    counts = {"v1": stable, "v2": canary}
    up = {"v1": stable, "v2": canary if ready is None else ready}
    return PlaceState(
        replicas=tuple(
            ReplicaState("s", v, str(n), "ready" if n < up[v] else "starting", 1, 10 + n, 0)
            for v, count in counts.items()
            for n in range(count)
        ),
        workloads=tuple(
            a_workload("s", v, generation=3, replicas=count) for v, count in counts.items() if count
        ),
        splits=(Split("s", 3, {"v1": 10_000}),),
    )


def owed(state: State, place: PlaceState) -> orders.Owed:
    arms = orders.definitions(WORKLOADS)
    return orders.owed(state, arms, owing.facts(place, state, 5.0, arms))


def kinds(state: State, place: PlaceState) -> list[str]:
    found = owed(state, place).orders
    return [f"{one.kind} {one.what}" for one in found]


@pytest.mark.parametrize(
    ("state", "place", "expected"),
    [
        (a_state(Phase.PLANNED), a_place(), []),
        (a_state(Phase.STARTING), a_place(), ["apply v2-1"]),
        (a_state(Phase.STARTING), a_place(1, 0), []),
        (a_state(Phase.STEPPING, 1000), a_place(1), ["route 1000"]),
        (a_state(Phase.STEPPING, 1000), a_place(1, 0), []),
        (a_state(Phase.STEPPING, 1000), a_place(), ["apply v2-1"]),
        (a_state(Phase.STEPPING, 1000), a_place(1, stable=0), ["apply v1-2"]),
        (a_state(Phase.PROMOTING, 10_000), a_place(1), ["apply v2-2"]),
        (a_state(Phase.PROMOTING, 10_000), a_place(2, 1), []),
        (a_state(Phase.PROMOTING, 10_000), a_place(2), ["route 10000"]),
        (a_state(Phase.ROLLING_BACK, 0), a_place(1), ["route 0"]),
    ],
)
def test_what_is_owed(state: State, place: PlaceState, expected: list[str]) -> None:
    assert kinds(state, place) == expected


@pytest.mark.parametrize(
    ("phase", "weight", "expected"),
    [
        (Phase.PROMOTING, 10_000, ["remove v1"]),
        (Phase.ROLLING_BACK, 0, ["remove v2"]),
        (Phase.STEPPING, 1000, []),
    ],
)
def test_what_is_owed_once_the_weight_is_confirmed(
    phase: Phase, weight: int, expected: list[str]
) -> None:
    confirmed = Clocks(phase_at=0.0, confirmed_at=1.0)
    versions = {"v1": 10_000 - weight, "v2": weight}
    served = Split("s", 7, {name: one for name, one in versions.items() if one})
    place = dataclasses.replace(a_place(2 if weight == 10_000 else 1), splits=(served,))
    assert kinds(a_state(phase, weight, clocks=confirmed), place) == expected


def test_a_release_that_waits_says_for_what() -> None:
    found = owed(a_state(Phase.PROMOTING, 10_000), a_place(2, 1))
    assert found.waits == "1 of 2 replicas of v2 are ready"


def test_a_split_names_only_versions_with_weight_and_carries_the_generation() -> None:
    state = a_state(Phase.ROLLING_BACK, 0)
    (order,) = owed(state, a_place(1)).orders
    assert order.arguments == {"service": "s", "generation": 7, "weights": {"v1": 10_000}}


def test_a_workload_survives_json() -> None:
    assert orders.workload(orders.workload_json(STABLE)) == STABLE


ORDER = Order("r1", "s", 7, "route", "1000", {})
FIRST = "r1:7:route-1000:1"


@pytest.mark.parametrize(
    ("asked", "statuses", "now", "attempt", "submitted"),
    [
        ({}, {}, 5.0, 1, [FIRST]),
        ({ORDER.key: Asked(1, 4.0)}, {FIRST: Status("pending")}, 5.0, 1, []),
        ({ORDER.key: Asked(1, 4.0)}, {}, 5.0, 1, [FIRST]),  # killed before it was submitted
        ({ORDER.key: Asked(1, 4.0)}, {FIRST: Status("done")}, 5.0, 1, []),
        ({ORDER.key: Asked(1, 4.0)}, {FIRST: Status("done")}, 6.0, 2, ["r1:7:route-1000:2"]),
        ({ORDER.key: Asked(1, 4.0)}, {FIRST: Status("failed")}, 6.0, 2, ["r1:7:route-1000:2"]),
    ],
)
def test_an_order_is_asked_once_and_again_only_where_it_had_no_effect(
    asked: dict[str, Asked],
    statuses: dict[str, Status],
    now: float,
    attempt: int,
    submitted: list[str],
) -> None:
    kept, submit = orders.ask([ORDER], asked, statuses, now, retry_seconds=2.0)
    assert kept[ORDER.key].attempt == attempt
    assert [key for key, _ in submit] == submitted


def test_pauses_between_attempts_double_up_to_a_limit() -> None:
    asked, now, pauses = {ORDER.key: Asked(1, 0.0)}, 0.0, []
    for _ in range(8):
        began, attempt = now, asked[ORDER.key].attempt
        while asked[ORDER.key].attempt == attempt:
            now += 1.0
            statuses = {orders.order_id(ORDER.key, attempt): Status("failed", "no")}
            asked, _ = orders.ask([ORDER], asked, statuses, now, retry_seconds=2.0)
        pauses.append(now - began)
    assert pauses == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


def test_what_is_not_owed_any_more_is_forgotten() -> None:
    assert orders.ask([], {ORDER.key: Asked(1, 4.0)}, {}, 5.0, 2.0) == ({}, ())
