"""Telling: events are written with the states they are about, and told in order, at least once."""

import dataclasses
import pathlib
from collections.abc import Callable

import pytest
from flow_scenes import SCENES, SHORT, play, world_of

import stores
from telford.basics.errors import PermanentError, RefusedError, TelfordError, TemporaryError
from telford.deliver import events
from telford.deliver.events import Event
from telford.estate.kinds.telling import EVENT_DETAILS, EVENT_FIELDS
from telford.flows import boundaries, telling
from telford.flows.telling import Teller, Told
from telford.store.database import Lease
from telford.testing.kills import Killed
from telford.testing.place import Behaviour
from telford.testing.simulation import PLACE, Simulation

GOOD = [
    "release.started",
    "release.advanced",
    "release.advanced",
    "release.promoting",
    "release.promoted",
]
BAD = ["release.started", "release.advanced", "release.rolling-back", "release.rolled-back"]


@dataclasses.dataclass
class Ear:
    """A listener that keeps what it hears; `refuse` may raise before it does."""

    heard: list[Event] = dataclasses.field(default_factory=list)
    refuse: Callable[[Event], None] = lambda event: None

    def tell(self, event: Event) -> None:
        self.refuse(event)
        self.heard.append(event)

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.heard]


def everything(event: Event) -> bool:
    return True


def teller(world: Simulation, *told: Told, edges: boundaries.Boundaries | None = None) -> Teller:
    holding = world.store.leases.get(PLACE)
    assert holding is not None
    lease = Lease(PLACE, holding.holder, holding.epoch)
    return Teller(world.store, lease, told, edges or boundaries.Quiet())


def played(memory: pathlib.Path, scene: str, *told: Told) -> tuple[Simulation, Teller]:
    """A release from its start to its end, the subscriptions there from the beginning."""
    world = world_of(SCENES[scene], memory / "store.db")
    found = teller(world, *told)
    found.step()
    play(world, SCENES[scene], boundaries.Quiet)
    return world, found


@pytest.mark.parametrize(("scene", "names"), [("good", GOOD), ("bad", BAD)])
def test_a_release_is_told_from_its_start_to_its_end(
    memory: pathlib.Path, scene: str, names: list[str]
):
    ear = Ear()
    world, found = played(memory, scene, Told("subscription/s", everything, ear))
    assert found.step() == ()
    assert ear.names == names
    assert found.step() == ()
    assert ear.names == names
    assert len({one.id for one in ear.heard}) == len(names)
    assert all(set(one.detail) <= EVENT_DETAILS for one in ear.heard)
    assert world.store.audit.verify() == ""


def test_what_rests_on_evidence_names_the_ledger_entry(memory: pathlib.Path):
    ear = Ear()
    world, found = played(memory, "bad", Told("subscription/s", everything, ear))
    found.step()
    (decided,) = [one for one in ear.heard if one.name == "release.rolling-back"]
    hashes = {events.evidence_hash(one.entry) for one in world.store.ledger.of("r1")}
    assert decided.evidence in hashes
    told = [one.detail.get("evidence") for one in world.store.audit.tail(subject="release/r1")]
    assert decided.evidence in told


def test_each_hears_only_what_it_is_about(memory: pathlib.Path):
    ends, all_of_it = Ear(), Ear()
    _, found = played(
        memory,
        "good",
        Told("subscription/ends", lambda event: event.name == "release.promoted", ends),
        Told("subscription/all", everything, all_of_it),
    )
    found.step()
    assert ends.names == ["release.promoted"]
    assert all_of_it.names == GOOD


def test_a_new_subscription_hears_of_what_happens_from_then_on(memory: pathlib.Path):
    world, _ = played(memory, "good")
    late = Ear()
    found = teller(world, Told("subscription/late", everything, late))
    found.step()
    assert late.heard == []


def test_one_that_is_away_holds_up_only_itself_and_loses_nothing(memory: pathlib.Path):
    away = [True]

    def refuse(event: Event) -> None:
        if away[0]:
            raise TemporaryError("nobody there")

    gone, here = Ear(refuse=refuse), Ear()
    world, found = played(
        memory,
        "good",
        Told("subscription/gone", everything, gone),
        Told("subscription/here", everything, here),
    )
    assert found.step() == ("subscription/gone: nobody there",)
    assert here.names == GOOD
    assert found.step() == (), "it is not asked again at once"
    away[0] = False
    world.clock.advance(telling.FIRST_RETRY_SECONDS)
    assert found.step() == ()
    assert gone.names == GOOD


def test_pauses_grow_and_end(memory: pathlib.Path):
    def refuse(event: Event) -> None:
        raise TemporaryError("nobody there")

    world, found = played(memory, "good", Told("subscription/s", everything, Ear(refuse=refuse)))
    pauses = []
    for _ in range(telling.MAX_ATTEMPTS - 1):
        found.step()
        (cursor,) = world.store.events.cursors(PLACE)
        pauses.append(cursor.next_at - world.clock.now())
        world.clock.advance(pauses[-1])
    assert pauses[:3] == [2.0, 4.0, 8.0]
    assert max(pauses) == telling.RETRY_CAP_SECONDS
    found.step()
    (lost,) = world.store.events.lost()
    assert lost.problem == "nobody there"


def test_what_is_refused_for_good_is_kept_as_lost_and_passed_by(memory: pathlib.Path):
    def refuse(event: Event) -> None:
        if event.name == "release.advanced":
            raise PermanentError("it answered 404")

    ear = Ear(refuse=refuse)
    world, found = played(memory, "good", Told("subscription/s", everything, ear))
    assert found.step() == ("subscription/s: it answered 404",) * 2
    assert ear.names == [name for name in GOOD if name != "release.advanced"]
    assert {one.problem for one in world.store.events.lost()} == {"it answered 404"}


class _Kill:
    """Kills at the n-th instant."""

    def __init__(self, at: int) -> None:
        self.left = at

    def reach(self, name: str, when: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed(name, when)


def test_killed_anywhere_everything_is_told_in_order_and_ids_tell_repeats(memory: pathlib.Path):
    ear = Ear()
    told = Told("subscription/s", everything, ear)
    world, found = played(memory, "good", told)
    for at in range(2 * len(GOOD)):
        killed = teller(world, told, edges=_Kill(at % 3))
        try:
            killed.step()
        except Killed:
            continue
    found.step()
    seen: dict[str, Event] = {}
    for one in ear.heard:
        assert seen.setdefault(one.id, one) == one
    assert [one.name for one in seen.values()] == GOOD


def test_whoever_was_overtaken_moves_no_cursor(memory: pathlib.Path):
    ear = Ear()
    told = Told("subscription/s", everything, ear)
    world, found = played(memory, "good", told)
    world.restart(boundaries.Quiet())
    with pytest.raises(RefusedError, match="was taken over"):
        found.step()
    after: tuple[TelfordError | str, ...] = teller(world, told).step()
    assert after == ()
    assert ear.names[-len(GOOD) :] == GOOD


def test_a_gate_that_closes_is_told_once_with_what_opens_it(memory: pathlib.Path):
    before = _state(memory)
    gate = events.GateView("two-eyes", "approval", "step", False, "nobody yet", "one says yes")
    after = dataclasses.replace(before, gates=(gate,))
    subject = events.Subject(PLACE, "service/orders", "ann")
    (waiting,) = events.between(before, after, subject, 1.0)
    assert set(waiting.detail) <= EVENT_DETAILS
    assert set(waiting.for_template()) == EVENT_FIELDS
    assert waiting.name == "release.waiting"
    assert waiting.detail["opens"] == "one says yes"
    assert waiting.gravity == "asks"
    assert events.between(after, after, subject, 2.0) == ()
    assert Event.from_json(waiting.to_json()) == waiting


def _state(memory: pathlib.Path) -> events.State:
    world = Simulation(stores.fresh(memory / "store.db"), {("orders", "1.1.0"): Behaviour()})
    world.release(SHORT)
    row = world.until("stepping")
    return events.State.from_json(row.state)
