"""How fast the stable version answers is read from what its last release counted."""

import pathlib
from collections.abc import Iterator

import pytest
from app_estates import ESTATE, LOCAL, an_estate

import stores
from telford.app import latency_history, places, release, workloads
from telford.deliver import forecast
from telford.estate import overlays
from telford.flows import orders
from telford.store.bindings import Bound
from telford.store.ledger import Entry
from telford.store.releases import Release
from telford.store.store import Store
from telford.testing.clock import FakeClock

SERVICE, PLACE = "service/shop.orders", "dev"


@pytest.fixture
def store(tmp_path: pathlib.Path) -> Iterator[Store]:
    opened = Store(stores.fresh(tmp_path / "store.db"), FakeClock(), own_clock=True)
    yield opened
    opened.close()


def released(
    store: Store, number: int, phase: str, ticks: list[dict[str, list[int]]], place: str = PLACE
) -> None:
    """A release of version 1.`number` that is over; each tick is version -> its buckets."""
    key = f"r{number}"
    row = Release(
        id=key, service=SERVICE, name="orders", place=place, from_version=f"1.{number - 1}",
        to_version=f"1.{number}", digest="d" * 64, phase=phase, policy={}, state={}, workloads={},
        who="ann", reason="", tick_seconds=1.0, created_at=float(number), active=False,
        tick=len(ticks) - 1,
    )  # fmt: skip
    lease = store.leases.take(place, "one", 3.0, gone=lambda _holder: True)
    with store.writing(lease) as writing:
        store.releases.create(writing, row)
        store.ledger.append(
            writing,
            [Entry(key, at, float(at), 0, phase, line(one)) for at, one in enumerate(ticks)],
        )


def line(counts: dict[str, list[int]]) -> dict[str, list[dict[str, object]]]:
    errors: dict[str, object] = {"version": "1.1", "indicator": "errors"}
    found = [{"version": key, "indicator": "latency", "buckets": n} for key, n in counts.items()]
    return {"series": [errors, *found]}


def test_the_version_that_stayed_is_summed_over_the_end_of_its_release(store: Store) -> None:
    early, late = {"1.0": [9, 9, 9], "1.1": [7, 7, 7]}, {"1.0": [1, 1, 1], "1.1": [1, 2, 3]}
    released(store, 1, "promoted", [early, *[late] * latency_history.RECENT_TICKS])
    assert latency_history.shape(store, PLACE, SERVICE) == (60.0, 120.0, 180.0)
    released(store, 2, "rolled-back", [{"1.1": [4, 5, 6], "1.2": [0, 0, 99]}])
    assert latency_history.shape(store, PLACE, SERVICE) == (4.0, 5.0, 6.0)


def test_releases_that_counted_none_are_passed_over_and_other_buckets_left_out(
    store: Store,
) -> None:
    released(store, 1, "promoted", [{"1.1": [1, 1]}, {"1.1": [2, 2, 2]}, {"1.1": [3, 3, 3]}])
    released(store, 2, "failed", [])
    released(store, 3, "rolled-back", [{"1.3": [5, 5, 5]}])
    assert latency_history.shape(store, PLACE, SERVICE) == (5.0, 5.0, 5.0)


def test_a_release_is_forecast_in_its_own_ticks_and_from_its_services_last_histogram(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = an_estate(ESTATE.replace("  alpha: 0.02\n", "  alpha: 0.02\n  latency: true\n"))
    binding = overlays.bind(described, places.choose(described, ""))
    bound, place = workloads.one(binding, "orders"), str(binding.place)
    made = orders.workload_json(workloads.workload(bound, "1.0", 1, LOCAL))
    row = Bound(
        place=place, service=SERVICE, name="orders", version="1.0", digest="d" * 64,
        generation=1, issued=1, workload=made, release=None, since=0.0,
    )  # fmt: skip
    lease = store.leases.take(place, "one", 3.0, gone=lambda _holder: True)
    with store.writing(lease) as writing:
        store.bindings.bind(writing, row, "ann")
    released(store, 1, "rolled-back", [{"1.0": [3, 2, 1]}], place=place)
    seen = []

    def spied(*said: object) -> forecast.Forecast:
        seen.append(said[3:])
        return real(*said)  # type: ignore[arg-type]

    real = forecast.forecast
    monkeypatch.setattr(forecast, "forecast", spied)
    release.prepare(store, binding, LOCAL, "orders", version="1.1", now=9.0)
    assert seen == [(1.0, (3.0, 2.0, 1.0))]


def test_where_nothing_was_counted_nothing_is_known(store: Store) -> None:
    released(store, 1, "promoted", [{}])
    assert latency_history.shape(store, PLACE, SERVICE) == ()
