"""What is old is forgotten, in bounded pieces, and the audit log stays provable."""

import dataclasses

import pytest
import sqlalchemy as sa

from telford.store import audit, ledger
from telford.store.commands import Command
from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store
from telford.testing.clock import FakeClock

DAY = 86_400.0


@pytest.fixture
def old(store: Store, lease: Lease, release: Release, clock: FakeClock) -> Release:
    """A release that ended, a year ago by now, and audit entries from then and from now."""
    with store.writing() as writing:
        store.releases.create(writing, release)
        store.commands.ask(writing, Command("c1", "r1", "pause", "ann", "", 1.0))
    ended = dataclasses.replace(release, active=False, phase="promoted", finished_at=clock.now())
    with store.writing(lease) as writing:
        store.ledger.append(writing, [ledger.Entry("r1", 0, 1.0, 0, "stepping", {})])
        store.releases.save(writing, [ended])
    for number in range(5):
        _say(store, f"then {number}")
    clock.advance(365 * DAY)
    for number in range(3):
        _say(store, f"now {number}")
    return ended


def _say(store: Store, verb: str) -> None:
    with store.writing() as writing:
        store.audit.append(writing, "ann", verb, "release/r1")


def _forget(store: Store, lease: Lease, days: float) -> int:
    with store.writing(lease) as writing:
        return store.retention.forget(writing, days * DAY, "controller")


def test_what_is_old_goes_and_the_release_stays(store: Store, lease: Lease, old: Release) -> None:
    assert _forget(store, lease, 366) == 0
    assert _forget(store, lease, 0) == 0
    assert _forget(store, lease, 364) == 1 + 1 + 5
    assert _forget(store, lease, 364) == 0
    assert store.ledger.of("r1") == ()
    assert store.commands.of("r1") == ()
    assert store.releases.get("r1") is not None


def test_a_cut_audit_log_verifies_and_says_that_it_was_cut(
    store: Store, lease: Lease, old: Release
) -> None:
    _forget(store, lease, 364)
    assert store.audit.verify() == ""
    told = store.audit.tail(limit=1)[0]
    assert (told.verb, told.detail["entries"], told.detail["until"]) == (audit.CUT, 5, 5)
    assert [one.verb for one in store.audit.tail()][::-1][0] == "now 0"


def test_a_beginning_that_nobody_cut_is_missed(
    store: Store, meddler: sa.Connection, lease: Lease, old: Release
) -> None:
    meddler.exec_driver_sql("DELETE FROM audit WHERE sequence <= 2")
    assert store.audit.verify() == "entry 2 of the audit log is missing"
    _forget(store, lease, 364)  # and no cut of ours covers it up
    assert store.audit.verify() == "entry 2 of the audit log is missing"


def test_the_log_is_cut_again_and_again(
    store: Store, lease: Lease, old: Release, clock: FakeClock
) -> None:
    for _ in range(3):
        _forget(store, lease, 364)
        clock.advance(365 * DAY)
        _say(store, "later")
        assert store.audit.verify() == ""


def test_an_active_release_is_never_forgotten(
    store: Store, lease: Lease, release: Release, clock: FakeClock
) -> None:
    with store.writing() as writing:
        store.releases.create(writing, release)
        store.commands.ask(writing, Command("c1", "r1", "pause", "ann", "", 1.0))
    clock.advance(1000 * DAY)
    _forget(store, lease, 1)
    assert len(store.commands.of("r1")) == 1
