"""Releases, ledger, commands, audit: each noun's own promises."""

import dataclasses

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from store_samples import PLACE, a_release

from telford.basics.errors import RefusedError, UsageError
from telford.deliver.turns import Asked
from telford.store import ledger
from telford.store.commands import Command
from telford.store.database import Lease
from telford.store.objectives import Evaluated
from telford.store.releases import Release
from telford.store.rollouts import Rollout
from telford.store.store import Store
from telford.testing.clock import FakeClock


def test_a_release_comes_back_as_it_was_written(store: Store, release: Release) -> None:
    with store.writing() as writing:
        store.releases.create(writing, release)
    assert store.releases.get("r1") == dataclasses.replace(release, updated_at=release.created_at)


def test_a_service_has_one_active_release_in_a_place(
    store: Store, lease: Lease, release: Release
) -> None:
    second = dataclasses.replace(release, id="r2")
    with store.writing() as writing:
        store.releases.create(writing, release)
    with pytest.raises(RefusedError, match="already has a release"), store.writing() as writing:
        store.releases.create(writing, second)
    with store.writing(lease) as writing:
        done = dataclasses.replace(release, active=False, phase="promoted", finished_at=1.0)
        store.releases.save(writing, [done])
    with store.writing() as writing:
        store.releases.create(writing, second)
    assert [one.id for one in store.releases.find(active=True)] == ["r2"]


def test_releases_are_found_by_place_service_and_activity(store: Store, clock: FakeClock) -> None:
    with store.writing() as writing:
        for number, name in enumerate(("orders", "stock", "web")):
            one = a_release(f"r{number}", clock.now() + number, f"service/shop.{name}")
            store.releases.create(writing, one)
    assert [one.id for one in store.releases.find()] == ["r2", "r1", "r0"]
    assert [one.id for one in store.releases.active(PLACE)] == ["r0", "r1", "r2"]
    assert [one.id for one in store.releases.find(service="stock")] == ["r1"]
    assert [one.id for one in store.releases.find(service="service/shop.web")] == ["r2"]
    assert store.releases.find(place="elsewhere") == ()


def test_every_write_raises_a_releases_revision(
    store: Store, lease: Lease, release: Release
) -> None:
    with store.writing() as writing:
        store.releases.create(writing, release)
    with store.writing(lease) as writing:
        store.releases.save(writing, [release])
    assert store.releases.revisions(PLACE) == {"r1": 1}


def test_a_tick_is_in_the_ledger_once(store: Store, lease: Lease, release: Release) -> None:
    entry = ledger.Entry("r1", 0, 1.0, 0, "stepping", {"n": 1})
    with store.writing() as writing:
        store.releases.create(writing, release)
    with store.writing(lease) as writing:
        store.ledger.append(writing, [entry])
    with pytest.raises(exc.IntegrityError), store.writing(lease) as writing:
        store.ledger.append(writing, [entry])
    assert store.ledger.of("r1") == (dataclasses.replace(entry, epoch=lease.epoch),)
    assert store.ledger.of("r1", after=0) == ()


def test_a_command_asked_twice_is_asked_once_and_taken_once(
    store: Store, lease: Lease, release: Release
) -> None:
    command = Command("c1", "r1", "pause", "ann", "lunch", 1.0)
    with store.writing() as writing:
        store.releases.create(writing, release)
        assert store.commands.ask(writing, command)
        assert not store.commands.ask(writing, dataclasses.replace(command, verb="abort"))
    assert store.commands.pending(PLACE) == (command,)
    with store.writing(lease) as writing:
        store.commands.take(writing, [("c1", "done")])
        store.commands.take(writing, [("c1", "again")])
    assert store.commands.pending(PLACE) == ()
    assert [one.outcome for one in store.commands.of("r1")] == ["done"]


def test_an_unknown_command_is_a_usage_error(store: Store, release: Release) -> None:
    with pytest.raises(UsageError, match="explode"), store.writing() as writing:
        store.commands.ask(writing, Command("c1", "r1", "explode", "ann", "", 1.0))


def test_a_change_of_an_objectives_state_is_reported_and_dated(store: Store, lease: Lease) -> None:
    one = Evaluated(PLACE, "objective/o", "service/s", 10.0, 0.0, "ok", {"left": "1"})
    with store.writing(lease) as writing:
        assert store.objectives.record(writing, [one]) == (("objective/o", "", "ok"),)
        later = dataclasses.replace(one, at=20.0)
        assert store.objectives.record(writing, [later]) == ()
        worse = dataclasses.replace(one, at=30.0, state="burning")
        assert store.objectives.record(writing, [worse]) == (("objective/o", "ok", "burning"),)
    found = store.objectives.get(PLACE, "objective/o")
    assert found is not None
    assert (found.at, found.since, found.state) == (30.0, 30.0, "burning")


def _audited(store: Store, entries: int = 5) -> None:
    for number in range(entries):
        with store.writing() as writing:
            store.audit.append(writing, "ann", "did", f"release/r{number}", {"n": number})


def test_an_untouched_audit_log_verifies(store: Store) -> None:
    _audited(store)
    assert store.audit.verify() == ""
    assert [record.sequence for record in store.audit.tail(limit=2)] == [5, 4]


@pytest.mark.parametrize(
    ("harm", "answer"),
    [
        ("UPDATE audit SET who = 'bob' WHERE sequence = 3", "entry 3 of the audit log was changed"),
        ("UPDATE audit SET detail = '{}' WHERE sequence = 1", "entry 1 of the audit log was chang"),
        ("DELETE FROM audit WHERE sequence = 2", "entry 2 of the audit log is missing"),
        (
            "UPDATE audit SET previous = 'x' WHERE sequence = 4",
            "entry 4 of the audit log does not follow",
        ),
    ],
)
def test_a_changed_audit_log_does_not(
    store: Store, meddler: sa.Connection, harm: str, answer: str
) -> None:
    _audited(store)
    meddler.exec_driver_sql(harm)
    assert store.audit.verify().startswith(answer)


def test_acts_on_a_rollout_keep_their_order_and_no_two_are_of_one_sight(
    store: Store, release: Release
) -> None:
    begun = Rollout(
        "w1", release.service, "orders", "1.1.0", "d", {}, {"local": "r1"}, "ann", "", 1
    )
    pause, abort = Asked("pause", "ann", "lunch", 2.0), Asked("abort", "bob", "", 3.0, keep=True)
    with store.writing() as writing:
        store.releases.create(writing, release)
        store.rollouts.create(writing, begun)
        store.rollouts.ask(writing, "w1", 0, pause)
        store.rollouts.ask(writing, "w1", 1, abort)
    with pytest.raises(RefusedError, match="somebody else acted"), store.writing() as writing:
        store.rollouts.ask(writing, "w1", 1, pause)
    with pytest.raises(UsageError, match="no such act"), store.writing() as writing:
        store.rollouts.ask(writing, "w1", 2, dataclasses.replace(pause, verb="skip"))
    assert store.rollouts.asked(["w1", "w2"]) == {"w1": (pause, abort), "w2": ()}
    assert store.rollouts.some(["w1", "w2"]) == (begun,)
    assert store.releases.briefs(["r1", "r2"])["r1"].phase == "planned"
    assert store.bindings.releases("local") == frozenset()
    assert store.objectives.states([release.service], ["burning"]) == {}
