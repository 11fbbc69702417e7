"""Acts on a whole rollout: abort, pause, resume; wherever anybody is killed."""

import dataclasses
import pathlib
import shutil
import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import pytest
from rollout_worlds import PLACES, PLAN, Worlds, begin, every, prepared, worlds

from telford.app import release as releases
from telford.app import rollout as rollouts
from telford.app import rollout_acts
from telford.app.rollout_undo import Undoing
from telford.basics.errors import RefusedError, UsageError
from telford.deliver.waves import Wave, Waves
from telford.flows import boundaries, orders
from telford.store.rollouts import Rollout
from telford.store.store import Store
from telford.testing.clock import FakeClock
from telford.testing.kills import KillAt, Killed
from telford.testing.place import a_workload
from telford.testing.simulation import CANARY, STABLE

SOON = dataclasses.replace(PLAN, waves=(Wave(PLACES[:1]), Wave(PLACES[1:])))
KEEPS = dataclasses.replace(SOON, on_failure="stop")


def ask(here: Worlds, rollout: Rollout, verb: str, **more: Any) -> None:
    store = here.first.store
    found = rollouts.standing(store, rollout.id, here.first.clock.now())
    rollout_acts.ask(store, found, verb, who="bob", reason="a feeling", **more)


def in_the_second_wave(memory: pathlib.Path, plan: Waves = SOON) -> tuple[Worlds, Rollout]:
    """Finished in the first place (by hand, to be quick), under way in the second; one waits."""
    here = worlds(memory, {})
    rollout = begin(here, plan)
    here.until(lambda now: now["prod/a"] == "stepping", rollout)
    here.first.ask("promote", rollout.releases["prod/a"])
    phases = here.until(lambda now: now["prod/b"] == "stepping", rollout)
    assert phases == {"prod/a": "promoted", "prod/b": "stepping", "prod/c": "planned"}
    return here, rollout


def settle(here: Worlds, rollout: Rollout) -> rollouts.Standing:
    """Until nothing is under way in any place."""
    for _ in range(100):
        here.step()
        here.undo()
        found = rollouts.standing(here.first.store, rollout.id, here.first.clock.now())
        if found.over and not here.first.store.releases.revisions():
            return found
    raise AssertionError("it never settles")


@pytest.mark.parametrize(
    ("plan", "keep", "first"),
    [(SOON, True, CANARY), (KEEPS, None, CANARY), (KEEPS, False, STABLE)],
)
def test_abort_stops_every_place(
    memory: pathlib.Path, plan: Waves, keep: bool | None, first: str
) -> None:
    here, rollout = in_the_second_wave(memory, plan)
    found = rollouts.standing(here.first.store, rollout.id, here.first.clock.now())
    said = " ".join((*rollout_acts.plan(found, "abort"), *rollout_acts.finished(found, keep)))
    assert f"prod/c: {CANARY} does not begin there" in said
    assert f"prod/b rolls back: {STABLE} gets everything at once" in said
    assert ("prod/a keeps" in said) == (first == CANARY)
    ask(here, rollout, "abort", keep=keep)
    found = settle(here, rollout)
    assert found.phases == {"prod/a": "promoted", "prod/b": "aborted", "prod/c": "aborted"}
    assert here.versions() == {"prod/a": first, "prod/b": STABLE, "prod/c": STABLE}
    assert list(found.backs) == (["prod/a"] if first == STABLE else [])
    started = {one.version for one in here.places["prod/c"].place.replicas}
    assert started == {STABLE}
    command = here.first.store.commands.of(rollout.releases["prod/b"])[-1]
    assert (command.who, command.reason) == ("rollout", "aborted by bob: a feeling")
    line = here.first.store.audit.tail(subject=f"rollout/{rollout.id}")[0]
    kept = {"reason": "a feeling", "keep_promoted": first == CANARY}
    assert (line.who, line.verb, line.detail) == ("bob", "asked to abort", kept)
    assert here.first.store.audit.verify() == ""


def test_pause_keeps_every_place_where_it_is_until_resume(memory: pathlib.Path) -> None:
    here, rollout = in_the_second_wave(memory)
    ask(here, rollout, "pause")
    for _ in range(15):
        here.step()
    assert here.phases(rollout)["prod/b"] == "paused"
    view = rollouts.standing(here.first.store, "orders", here.first.clock.now()).view
    assert view.paused == "paused by bob: a feeling"
    (turn,) = view.turns
    assert (turn.open, turn.why) == (False, "the rollout is paused by bob: a feeling")
    ask(here, rollout, "resume")
    here.until(every("promoted"), rollout)


def test_what_a_person_paused_or_resumed_stays_so(memory: pathlib.Path) -> None:
    here, rollout = in_the_second_wave(memory)
    second, own = here.places["prod/b"], rollout.releases["prod/b"]
    second.ask("pause", own)
    here.step()
    ask(here, rollout, "pause")
    here.step()
    ask(here, rollout, "resume")
    here.step()
    here.step()
    assert here.phases(rollout)["prod/b"] == "paused"
    second.ask("resume", own)
    here.until(lambda now: now["prod/b"] == "stepping", rollout)
    ask(here, rollout, "pause")
    here.until(lambda now: now["prod/b"] == "paused", rollout)
    second.ask("resume", own)
    here.until(lambda now: now["prod/b"] == "promoted", rollout)
    assert here.phases(rollout)["prod/c"] == "planned"


def test_asking_again_changes_nothing_and_what_cannot_be_is_refused(memory: pathlib.Path) -> None:
    here = worlds(memory, {})
    rollout = begin(here, dataclasses.replace(PLAN, waves=(Wave(("prod/a", "prod/b", "prod/c")),)))
    store, now = here.first.store, here.first.clock.now()
    seen = rollouts.standing(store, rollout.id, now)
    with pytest.raises(RefusedError, match="it is not paused"):
        ask(here, rollout, "resume")
    with pytest.raises(UsageError, match="cannot be told to skip"):
        ask(here, rollout, "skip")
    for verb in ("pause", "pause", "resume", "resume", "abort", "abort"):
        ask(here, rollout, verb)
    verbs = [one.verb for one in store.rollouts.asked([rollout.id])[rollout.id]]
    assert verbs == ["pause", "resume", "abort"]
    with pytest.raises(RefusedError, match="finished places get their old version back"):
        ask(here, rollout, "abort", keep=True)
    with pytest.raises(RefusedError, match="it turns back already"):
        ask(here, rollout, "pause")
    with pytest.raises(RefusedError, match="somebody else acted on"):
        rollout_acts.ask(store, seen, "pause", who="eve")
    found = settle(here, rollout)
    assert found.phases == dict.fromkeys(found.phases, "aborted")
    ask(here, rollout, "abort")
    assert len(store.audit.tail(subject=f"rollout/{rollout.id}")) == 4


def test_one_place_that_cannot_go_back_holds_up_no_other(memory: pathlib.Path) -> None:
    here, rollout = in_the_second_wave(memory)
    ask(here, rollout, "abort")
    bound = here.first.store.bindings.of("prod/a")[0]
    other = dataclasses.replace(
        prepared(here.first),
        stable=orders.workload(bound.workload),
        canary=a_workload("orders", "another"),
    )
    releases.start(here.first.store, other, who="eve", now=here.first.clock.now())
    undoing = Undoing(here.first.store, "prod/a", here.first.controller_lease)
    now = here.first.clock.now()
    report = undoing.step(now)
    assert report.begun == ()
    (problem,) = report.problems
    assert "cannot be taken back: " in problem
    assert undoing.step(now).problems == ()


# --- kills ------------------------------------------------------------------------------------


class Killing:
    """Kills when the so-many-th line of some functions begins to run, each counted once."""

    def __init__(self, functions: tuple[Any, ...], line: int = 0) -> None:
        self.codes = {one.__code__ for one in functions}
        self.line = line
        self.seen: set[tuple[str, int]] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> Any:
        code: CodeType = frame.f_code
        if code not in self.codes:
            return None
        here = code.co_filename, frame.f_lineno
        if event == "line" and here not in self.seen:
            self.seen.add(here)
            if len(self.seen) == self.line:
                raise Killed(f"{code.co_filename}:{frame.f_lineno}")
        return self

    def run(self, work: Callable[[], object]) -> bool:
        """Whether it was killed."""
        before = sys.gettrace()
        sys.settrace(self)
        try:
            work()
        except Killed:
            return True
        finally:
            sys.settrace(before)
        return False


def test_an_act_and_its_undoing_killed_at_any_line_happen_once(memory: pathlib.Path) -> None:
    here, rollout = in_the_second_wave(memory)
    now = here.first.clock.now()
    here.close()
    # All that writes, and what calls it.
    writing = (rollout_acts.ask, Undoing.step, Undoing._undo, Undoing._back, releases.enter)
    ends = set()
    for line in range(200):
        store = Store(_copy(memory), FakeClock(now), own_clock=True)

        def act(store: Store = store) -> None:
            found = rollouts.standing(store, rollout.id, now)
            rollout_acts.ask(store, found, "abort", who="bob", reason="a feeling")
            Undoing(store, "prod/a").step(now)

        killing = Killing(writing, line)
        killed = killing.run(act)
        asked = store.rollouts.asked([rollout.id])[rollout.id]
        said = store.audit.tail(subject=f"rollout/{rollout.id}")
        assert len(said) == 1 + len(asked), line
        act()
        back = f"{rollout.releases['prod/a']}{rollouts.BACK}"
        ends.add(
            (
                len(store.rollouts.asked([rollout.id])[rollout.id]),
                len(store.audit.tail(subject=f"rollout/{rollout.id}")),
                len(store.audit.tail(subject=f"release/{back}")),
                sum(row.id == back for row in store.releases.find(active=True)),
            )
        )
        store.close()
        if line and not killed:
            break
    assert line > 30
    assert ends == {(1, 2, 1, 1)}


def _copy(memory: pathlib.Path) -> str:
    shutil.copy(memory / "store.db", memory / "copy.db")
    for end in ("-wal", "-shm"):
        (memory / f"copy.db{end}").unlink(missing_ok=True)
    return f"sqlite:///{memory}/copy.db"


KILLS = tuple(
    (name, when)
    for name in (
        boundaries.TICK_READ,
        boundaries.COMMAND_TAKE,
        boundaries.STORE_COMMIT,
        boundaries.ORDER_SUBMIT,
        boundaries.ORDER_BEGIN,
        boundaries.ROUTER_ROUTE,
        boundaries.CLUSTER_REMOVE,
        boundaries.ORDER_CONFIRM,
    )
    for when in ("before", "after")
)


def test_controllers_killed_again_and_again_while_they_obey_come_to_the_same_end(
    memory: pathlib.Path,
) -> None:
    here, rollout = in_the_second_wave(memory)
    ask(here, rollout, "abort")
    killed = 0
    left = {place: iter(KILLS) for place in here.places}
    for place, world in here.places.items():
        world.restart(KillAt(*next(left[place]), 1))

    def restart(place: str) -> None:
        nonlocal killed
        killed += 1
        kill = next(left[place], None)
        here.places[place].restart(KillAt(*kill, 1) if kill else None)

    here.restart = restart
    found = settle(here, rollout)
    assert killed > 2 * len(KILLS)
    assert found.phases == {"prod/a": "promoted", "prod/b": "aborted", "prod/c": "aborted"}
    assert set(here.versions().values()) == {STABLE}
    assert sum(world.place.lost for world in here.places.values()) == 0
