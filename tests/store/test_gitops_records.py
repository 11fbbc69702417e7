"""Immutable releases, quarantines and owed changes as the store keeps them."""

from dataclasses import replace

import pytest
from store_samples import PLACE

from telford.basics.errors import RefusedError
from telford.deliver.quarantine import Quarantine
from telford.store.database import Lease
from telford.store.git_changes import DONE, OWED, STUCK, SUPERSEDED, GitChange
from telford.store.store import Store
from telford.store.versions import Version

SERVICE = "service/shop.orders"
QUARANTINE = Quarantine("q1", PLACE, SERVICE, "1.1.0", "d1", "", "worse", "controller", 5.0)
CHANGE = GitChange("g1", PLACE, SERVICE, "promote", 3, "d1", {"files": []}, 1.0)


def test_an_immutable_release_is_written_once(store: Store) -> None:
    one = Version(SERVICE, "d1", "1.1.0", "orders@sha256:b", 1.0, {"base": "x"})
    with store.writing() as writing:
        store.versions.record(writing, one)
        store.versions.record(writing, replace(one, image="another"))
    assert store.versions.get(SERVICE, "d1") == one
    assert store.versions.get(SERVICE, "d2") is None


def test_a_quarantine_is_written_once_and_lifted_once(store: Store) -> None:
    with store.writing() as writing:
        assert store.quarantines.add(writing, QUARANTINE)
        assert not store.quarantines.add(writing, QUARANTINE)
    assert store.quarantines.of(PLACE, SERVICE) == (QUARANTINE,)
    with store.writing() as writing:
        assert store.quarantines.lift(writing, "q1", "ann", "fixed upstream")
        assert not store.quarantines.lift(writing, "q1", "bob", "again")
    assert store.quarantines.of(PLACE) == ()
    [lifted] = store.quarantines.of(PLACE, active=False)
    assert (lifted.lifted_by, lifted.lift_reason, lifted.active) == ("ann", "fixed upstream", False)
    with store.writing() as writing:  # the same rollback does not quarantine it again
        assert not store.quarantines.add(writing, QUARANTINE)


def test_returns_are_counted_under_the_lease(store: Store, lease: Lease) -> None:
    with store.writing() as writing:
        store.quarantines.add(writing, QUARANTINE)
    with store.writing(lease) as writing:
        store.quarantines.returned(writing, "q1", alarm=False)
        store.quarantines.returned(writing, "q1", alarm=True)
    found = store.quarantines.get("q1")
    assert found is not None
    assert (found.returns, found.alarm is not None) == (1, True)


def test_a_newer_change_supersedes_what_was_owed(store: Store, lease: Lease) -> None:
    with store.writing(lease) as writing:
        assert store.git_changes.owe(writing, CHANGE)
        assert not store.git_changes.owe(writing, CHANGE)
        store.git_changes.save(writing, replace(CHANGE, state=STUCK, problem="why"))
        store.git_changes.owe(writing, replace(CHANGE, id="g2", generation=4, at=2.0))
    assert [one.id for one in store.git_changes.open(PLACE)] == ["g2"]
    states = {one.id: one.state for one in store.git_changes.of(PLACE, SERVICE)}
    assert states == {"g1": SUPERSEDED, "g2": OWED}


def test_a_change_that_is_done_is_not_owed(store: Store, lease: Lease) -> None:
    with store.writing(lease) as writing:
        store.git_changes.owe(writing, CHANGE)
        store.git_changes.save(writing, replace(CHANGE, state=DONE, commit="c", done_at=2.0))
    assert store.git_changes.open(PLACE) == ()
    found = store.git_changes.get("g1")
    assert found is not None
    assert (found.commit, found.epoch) == ("c", lease.epoch)


def test_a_controller_that_was_overtaken_owes_and_moves_nothing(store: Store, lease: Lease) -> None:
    store.leases.take(PLACE, "two", 0.0, gone=lambda holder: True)
    with pytest.raises(RefusedError), store.writing(lease) as writing:
        store.git_changes.owe(writing, CHANGE)
    assert store.git_changes.open(PLACE) == ()
