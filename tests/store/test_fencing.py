"""Leases and epochs: a controller that was overtaken changes nothing."""

import dataclasses

import pytest
from store_samples import PLACE

from telford.basics.errors import RefusedError
from telford.store import ledger
from telford.store.bindings import Bound
from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store
from telford.testing.clock import FakeClock


def _write(store: Store, lease: Lease, release: Release, entry: ledger.Entry) -> None:
    with store.writing(lease) as writing:
        store.releases.save(writing, [release])
        store.ledger.append(writing, [entry])


def test_a_lease_that_beats_cannot_be_taken(store: Store, lease: Lease, clock: FakeClock) -> None:
    clock.advance(2.0)
    with store.writing(lease) as writing:
        store.leases.beat(writing)
    clock.advance(2.0)
    with pytest.raises(RefusedError, match="already has a controller"):
        store.leases.take(PLACE, "two", 3.0, gone=lambda holder: False)


def test_a_silent_lease_is_taken_with_the_next_epoch(
    store: Store, lease: Lease, clock: FakeClock
) -> None:
    clock.advance(3.1)
    taken = store.leases.take(PLACE, "two", 3.0, gone=lambda holder: False)
    assert taken == Lease(PLACE, "two", lease.epoch + 1)


def test_a_lease_of_a_dead_process_is_taken_at_once(store: Store, lease: Lease) -> None:
    taken = store.leases.take(PLACE, "two", 3.0, gone=lambda holder: holder == "one")
    assert taken.epoch == 2


def test_a_lease_given_back_is_free_at_once(store: Store, lease: Lease) -> None:
    store.leases.give_back(lease)
    assert store.leases.take(PLACE, "two", 3.0, gone=lambda holder: False).epoch == 2


def test_a_stale_controllers_write_is_refused_and_changes_nothing(
    store: Store, lease: Lease, release: Release
) -> None:
    with store.writing() as writing:
        store.releases.create(writing, release)
    store.leases.take(PLACE, "two", 3.0, gone=lambda holder: True)
    changed = dataclasses.replace(release, phase="stepping", tick=1)
    entry = ledger.Entry("r1", 1, 0.0, 0, "stepping", {})
    with pytest.raises(RefusedError, match="taken over"):
        _write(store, lease, changed, entry)
    found = store.releases.get("r1")
    assert found is not None
    assert (found.phase, found.tick, store.ledger.of("r1")) == ("planned", -1, ())


def test_progress_cannot_be_written_without_a_lease(store: Store, release: Release) -> None:
    with store.writing() as writing:
        store.releases.create(writing, release)
        with pytest.raises(AssertionError, match="lease"):
            store.releases.save(writing, [release])


def test_generations_only_grow_and_a_binding_is_written_once(store: Store, lease: Lease) -> None:
    bound = Bound(PLACE, "service/shop.orders", "orders", "1.0.0", "d", 1, 1, {}, None, 0.0)
    with store.writing(lease) as writing:
        store.bindings.bind(writing, bound, "ann")
        assert store.bindings.issue(writing, PLACE, "service/shop.orders") == 2
        assert store.bindings.issue(writing, PLACE, "service/shop.orders", 3) == 3
        later = dataclasses.replace(bound, version="1.1.0", generation=4, issued=4, release="r1")
        store.bindings.bind(writing, later, "ann")
        store.bindings.bind(writing, later, "ann")
        assert store.bindings.issue(writing, PLACE, "service/shop.orders") == 6
    versions = [past.version for past in store.bindings.history(PLACE, "service/shop.orders")]
    assert versions == ["1.1.0", "1.0.0"]
