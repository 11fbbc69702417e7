"""What `telford up` does, from what the estate says, what was recorded and what runs."""

import dataclasses
from decimal import Decimal

from app_estates import ESTATE, LOCAL, a_binding, an_estate

from telford.app import places, up, workloads
from telford.app import release as releases
from telford.deliver import forecast
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.estate import overlays
from telford.estate.workload import PlaceState, Split
from telford.flows import orders
from telford.store.bindings import Bound
from telford.store.releases import Release

ORDERS = "service/shop.orders"
EMPTY = PlaceState((), (), ())


def a_request(text: str = ESTATE) -> up.Request:
    estate = an_estate(text)
    return up.Request(estate, places.choose(estate, "dev"), LOCAL, "ann")


def arranged(
    bounds: tuple[Bound, ...] = (),
    active: tuple[Release, ...] = (),
    state: PlaceState = EMPTY,
    text: str = ESTATE,
) -> up.Arranged:
    request = a_request(text)
    services = workloads.runnable(overlays.bind(request.estate, request.place))
    return up.arrange(
        services,
        {one.service: one for one in bounds},
        {one.service: one for one in active},
        state,
        request,
        100.0,
    )


def after(first: up.Arranged) -> PlaceState:
    """The place once it is arranged so."""
    return PlaceState((), first.apply, first.splits)


def test_from_nothing_everything_is_applied_routed_and_bound() -> None:
    found = arranged()
    assert [one.service for one in found.apply] == ["mailer", "stock", "orders"]
    assert found.splits == (
        Split("stock", 1, {"2.1": FULL_WEIGHT}),
        Split("orders", 1, {"1.0.0": FULL_WEIGHT}),
    )
    assert [(one.name, one.version, one.generation) for one in found.bind] == [
        ("mailer", "0123456789ab", 1),
        ("stock", "2.1", 1),
        ("orders", "1.0.0", 1),
    ]
    assert (found.remove, found.notes) == ((), ())


def test_what_runs_already_is_adopted_untouched() -> None:
    first = arranged()
    found = arranged(first.bind, (), after(first))
    assert (found.apply, found.splits, found.bind, found.remove) == ((), (), (), ())


def test_after_down_it_starts_again_as_it_was_bound_and_above_every_generation() -> None:
    first = arranged()
    bounds = tuple(dataclasses.replace(one, issued=9) for one in first.bind)
    found = arranged(bounds)
    assert {one.generation for one in found.apply} == {9}
    assert {one.generation for one in found.splits} == {9}
    assert found.bind == ()


def test_a_promoted_version_stays_and_the_estates_other_one_is_mentioned() -> None:
    first = arranged()
    bound = workloads.one(a_binding(), "orders")
    workload = workloads.workload(bound, "1.1.0", 6, LOCAL)
    promoted = tuple(
        dataclasses.replace(
            one, version="1.1.0", generation=6, issued=6, workload=orders.workload_json(workload)
        )
        if one.name == "orders"
        else one
        for one in first.bind
    )
    found = arranged(promoted)
    versions = {one.service: one.version for one in found.apply}
    assert versions["orders"] == "1.1.0"
    assert found.bind == ()
    assert len(found.notes) == 1
    assert "telford release orders" in found.notes[0]


def test_a_changed_command_is_applied_under_a_new_generation() -> None:
    first = arranged()
    text = ESTATE.replace("--name, stock]", "--name, storage]")
    found = arranged(first.bind, (), after(first), text)
    assert [(one.service, one.generation) for one in found.apply] == [("stock", 2)]
    assert found.splits == ()
    assert [(one.name, one.generation) for one in found.bind] == [("stock", 2)]


def test_a_workers_new_image_replaces_the_old_version() -> None:
    first = arranged()
    text = ESTATE.replace("shop/mailer@sha256:0123456789abcdef0123456789abcdef", "shop/mailer:2")
    found = arranged(first.bind, (), after(first), text)
    assert [(one.service, one.version) for one in found.apply] == [("mailer", "2")]
    assert found.remove == (("mailer", "0123456789ab", 2),)


def a_release(bound: Bound) -> Release:
    policy = Policy(indicators=(Indicator("errors", Decimal("0.9")),), stable_replicas=2)
    stable = orders.workload(bound.workload)
    prepared = releases.Prepared(
        service=bound.service,
        name=bound.name,
        place=bound.place,
        digest="",
        policy=policy,
        tick_seconds=1.0,
        stable=stable,
        canary=dataclasses.replace(stable, version="1.1.0"),
        traffic=releases.Traffic(1.0, {}),
        forecast=forecast.forecast(policy, 1.0, {}),
    )
    return releases.planned(prepared, "r1", 4, who="ann", reason="", at=0.0)


def test_a_release_on_its_way_is_left_to_the_controller() -> None:
    first = arranged()
    (bound,) = (one for one in first.bind if one.service == ORDERS)
    state = after(first)
    splits = (*state.splits[:1], Split("orders", 4, {"1.0.0": 9000, "1.1.0": 1000}))
    found = arranged(first.bind, (a_release(bound),), dataclasses.replace(state, splits=splits))
    assert (found.apply, found.splits, found.remove) == ((), (), ())
    assert "release r1 goes on" in found.notes[0]


def test_in_a_place_started_anew_a_release_begins_with_its_stable_version() -> None:
    first = arranged()
    (bound,) = (one for one in first.bind if one.service == ORDERS)
    bounds = tuple(dataclasses.replace(one, issued=4) for one in first.bind)
    found = arranged(bounds, (a_release(bound),))
    applied = {one.service: (one.version, one.generation) for one in found.apply}
    assert applied["orders"] == ("1.0.0", 4)
    assert Split("orders", 4, {"1.0.0": FULL_WEIGHT}) in found.splits
