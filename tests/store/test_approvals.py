"""What people do at gates is kept in order, once, and only while a release is on its way."""

import dataclasses

import pytest
from store_samples import PLACE, a_release

from telford.basics.errors import RefusedError, UsageError
from telford.store.approvals import Act
from telford.store.database import Lease
from telford.store.store import Store
from telford.testing.clock import FakeClock


def an_act(key: str, release: str = "r1", at: float = 5.0, verb: str = "approve") -> Act:
    return Act(key, release, "sign-off", 1, verb, "bob", "person/bob", "P5", "checked", at)


@pytest.fixture
def begun(store: Store) -> Store:
    with store.writing() as writing:
        for number in (1, 2):
            store.releases.create(writing, a_release(f"r{number}", 1.0, f"service/s{number}"))
    return store


def test_acts_come_back_by_release_in_the_order_in_which_they_came(begun: Store) -> None:
    with begun.writing() as writing:
        for act in (an_act("c"), an_act("b"), an_act("a", "r2"), an_act("d", at=4.0)):
            assert begun.approvals.add(writing, act)
    found = begun.approvals.some(["r1", "r2", "none"])
    assert {key: [one.id for one in acts] for key, acts in found.items()} == {
        "r1": ["c", "b", "d"],
        "r2": ["a"],
    }
    assert dataclasses.replace(found["r1"][0], at=5.0) == an_act("c")
    assert begun.approvals.of("none") == ()


def test_the_same_id_is_written_once(begun: Store) -> None:
    with begun.writing() as writing:
        assert begun.approvals.add(writing, an_act("a"))
        assert not begun.approvals.add(writing, an_act("a", verb="refuse"))
    assert [one.verb for one in begun.approvals.of("r1")] == ["approve"]


def test_a_release_that_is_over_takes_no_more(begun: Store, clock: FakeClock) -> None:
    lease: Lease = begun.leases.take(PLACE, "one", 10.0, gone=lambda _: True)
    row = begun.releases.get("r1")
    assert row is not None
    with begun.writing(lease) as writing:
        begun.releases.save(writing, [dataclasses.replace(row, active=False, phase="aborted")])
    with pytest.raises(RefusedError, match="r1 is over"), begun.writing() as writing:
        begun.approvals.add(writing, an_act("a"))
    with pytest.raises(RefusedError), begun.writing() as writing:
        begun.approvals.add(writing, an_act("a", "no-such"))


def test_an_act_that_there_is_not_is_refused(begun: Store) -> None:
    with pytest.raises(UsageError, match="no such act"), begun.writing() as writing:
        begun.approvals.add(writing, an_act("a", verb="sing"))
