"""Promotion is a commit; a rollback is a commit and a quarantine; Git may be away; kills anywhere."""

import json
import pathlib
from collections.abc import Callable

import pytest
from gitops_world import DOCUMENT, IMAGES, MANIFEST, RECORD, SERVICE, Hosted, World, image_of

import stores
from telford.app import loading
from telford.backends import files
from telford.basics.errors import RefusedError
from telford.flows import gitops, guarding
from telford.flows.gitops import Manner
from telford.testing.kills import KillAt, Killed


@pytest.fixture
def world(memory: pathlib.Path) -> World:
    made = World(memory, stores.fresh(memory / "store.db"))
    made.step()
    return made


def _record(world: World, place: str = "prod") -> dict[str, object]:
    found = json.loads(world.git()[RECORD.format(place)])["services"][SERVICE]
    assert isinstance(found, dict)
    return found


def _problems(world: World) -> list[str]:
    found = files.Texts(texts={DOCUMENT: world.git()[DOCUMENT]})
    return [one.code for one in loading.of_texts(found).diagnostics if one.code == "TEL760"]


def test_a_release_goes_through_three_environments_by_commits(world: World) -> None:
    for place in ("dev", "staging", "prod"):
        world.bind(place, "1.1.0")
        world.step(place)
        assert world.argo(place) == "1.1.0"
        assert world.running(place) == {"1.1.0": 10_000}
    titles = [one.splitlines()[0] for one in world.log()]
    assert titles[:3] == [f"Promote {SERVICE} 1.1.0 in {p}" for p in ("prod", "staging", "dev")]
    text = world.git()[DOCUMENT]
    assert "# By digest: what was tested is what runs." in text
    assert text.count(IMAGES["1.1.0"]) == 3
    assert _record(world)["version"] == "1.1.0"


def test_a_second_step_changes_nothing(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    before = world.log()
    assert [world.step().said for _ in range(3)] == [()] * 3
    assert world.log() == before


def test_a_commit_says_which_release_it_is(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    lines = world.log()[0].splitlines()
    assert "Telford-Release: orders-1.1.0-prod" in lines
    assert "Telford-Generation: 2" in lines


def test_a_rollback_is_a_commit_and_a_quarantine(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    assert world.log()[0].startswith(f"Roll back {SERVICE} 1.0.0 in prod")
    assert "2.1 times the errors" in world.log()[0]
    assert world.argo("prod") == "1.0.0"
    assert _record(world)["quarantine"] == [
        {
            "image": IMAGES["1.1.0"],
            "reason": "2.1 times the errors",
            "release": "orders-1.1.0-prod",
        }
    ]
    assert not _problems(world)


def test_a_release_that_never_reached_git_is_quarantined_there(world: World) -> None:
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    assert world.log()[0].startswith(f"Quarantine {SERVICE} 1.0.0 in prod")
    text = world.git()[DOCUMENT].replace(
        f"prod:\n    run:\n      image: {IMAGES['1.0.0']}",
        f"prod:\n    run:\n      image: {IMAGES['1.1.0']}",
    )
    found = files.Texts(texts={DOCUMENT: text})
    # The check in CI refuses the commit that brings it back.
    [problem] = [one for one in loading.of_texts(found).diagnostics if one.code == "TEL760"]
    assert "2.1 times the errors" in problem.summary


def test_a_later_commit_that_brings_it_back_is_undone_with_audit(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    bad = world.git()[MANIFEST.format("prod")]
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    world.push({MANIFEST.format("prod"): bad}, "I know better")
    assert world.argo("prod") == "1.1.0"
    world.until(lambda: image_of(world.git()[MANIFEST.format("prod")]) == "1.0.0")
    assert world.log()[0].startswith(f"Roll back again {SERVICE}")
    assert world.argo("prod") == "1.0.0"
    verbs = [one.verb for one in world.store.audit.tail()]
    assert "quarantined" in verbs
    assert "took out again" in verbs


def test_a_resync_of_an_older_revision_does_not_bring_it_back(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    [old] = [world.deliverers["prod"]._host.head("main")]
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    assert world.argo("prod", old) == "1.1.0"  # it syncs what it had
    world.until(lambda: world.running("prod") == {"1.0.0": 10_000})
    assert list(world.places["prod"].workloads) == [("orders", "1.0.0")]


def test_who_brings_it_back_for_ever_ends_in_an_alarm_not_in_a_war(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    bad = world.git()[MANIFEST.format("prod")]
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    for number in range(7):
        world.push({MANIFEST.format("prod"): bad, "n.txt": str(number)}, "again")
        for _ in range(3):
            world.step()
    [found] = world.store.quarantines.of("prod", SERVICE)
    assert found.returns == 5
    assert found.alarm is not None
    assert any("a person must look at it" in one for one in world.said)
    commits = len(world.log())
    for _ in range(5):
        world.step()
    assert len(world.log()) == commits


def test_a_cluster_that_is_synced_back_for_ever_ends_in_an_alarm(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    old = world.deliverers["prod"]._host.head("main")
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    for _ in range(7):
        world.argo("prod", old)
        for _ in range(3):
            world.step()
    [found] = world.store.quarantines.of("prod", SERVICE)
    assert (found.returns, found.alarm is not None) == (5, True)


def test_a_lifted_quarantine_lets_the_version_in_again(world: World) -> None:
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    [found] = world.store.quarantines.of("prod", SERVICE)
    with world.store.writing() as writing:
        world.store.quarantines.lift(writing, found.id, "ann", "the database was slow, not it")
    world.step()
    assert world.log()[0].startswith(f"Lift a quarantine of {SERVICE}")
    assert "quarantine" not in world.git()[DOCUMENT]
    world.bind("prod", "1.1.0")
    world.step()
    assert world.argo("prod") == "1.1.0"


def test_git_away_the_rollback_is_in_the_place_and_waits_for_git(world: World) -> None:
    world.bind("prod", "1.1.0")
    world.step()
    world.away()
    world.roll_back("prod", "1.1.0", "1.0.0")
    report = world.step()
    assert world.running("prod") == {"1.0.0": 10_000}
    assert report.behind_since is not None
    assert any("cannot be reached" in one for one in report.problems)
    for _ in range(10):
        world.step()
    world.boot()  # and whoever comes next goes on
    world.back()
    world.until(lambda: world.step().behind_since is None)
    assert world.argo("prod") == "1.0.0"
    assert len([one for one in world.log() if one.startswith("Roll back")]) == 1


def test_only_the_newest_wish_reaches_git_after_it_was_away(world: World) -> None:
    world.away()
    world.bind("prod", "1.1.0")
    world.step()
    world.bind("prod", "1.2.0")
    world.step()
    world.back()
    world.until(lambda: world.step().behind_since is None)
    promoted = [one.splitlines()[0] for one in world.log() if "1.1.0" in one or "1.2.0" in one]
    assert promoted == [f"Promote {SERVICE} 1.2.0 in prod"]


def test_what_others_changed_in_the_same_file_stays(world: World) -> None:
    path = MANIFEST.format("prod")
    world.push({path: world.git()[path].replace("replicas:", "replicas: 7 #")}, "scale by hand")
    world.bind("prod", "1.1.0")
    world.step()
    assert "replicas: 7" in world.git()[path]
    assert image_of(world.git()[path]) == "1.1.0"


def test_a_rollback_restores_the_manifests_of_then_configuration_included(world: World) -> None:
    path = MANIFEST.format("prod")
    before = world.git()[path]
    world.bind("prod", "1.1.0")
    text = (world.folder / DOCUMENT).read_text() + "  env: {MODE: new}\n"
    (world.folder / DOCUMENT).write_text(text)
    world.boot()
    world.step()
    assert "MODE" in world.git()[path]
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    assert world.git()[path] == before


def test_a_stale_controller_changes_neither_store_nor_git(world: World) -> None:
    stale = world.deliverer("prod")
    world.bind("prod", "1.1.0")
    world.leases["prod"] = world.store.leases.take("prod", "newer", 0.0, gone=lambda other: True)
    before = world.log()
    with pytest.raises(RefusedError):
        stale.step()
    assert world.log() == before


def test_a_stale_push_is_refused_by_the_generation_in_git(world: World) -> None:
    world.bind("prod", "1.1.0")
    stopped = world.deliverer("prod")
    stopped._decide(world.sites("prod")[0], [], [])
    [owed] = world.store.git_changes.open("prod")
    world.bind("prod", "1.2.0")  # the newer controller's, while the other was stopped
    world.step()
    change = gitops.Change.from_json(owed.change)
    with pytest.raises(RefusedError, match="was overtaken"):
        stopped._delivered(owed, change)
    assert image_of(world.git()[MANIFEST.format("prod")]) == "1.2.0"


def test_by_change_request_nothing_is_in_before_it_is_merged(memory: pathlib.Path) -> None:
    world = World(memory, stores.fresh(memory / "store.db"), Manner("main", by_request=True))
    world.bind("prod", "1.1.0")
    world.step()
    [row] = world.store.git_changes.open("prod")
    assert row.state == "asked"
    assert image_of(world.git()[MANIFEST.format("prod")]) == "1.0.0"
    branch = gitops.Change.from_json(row.change).branch
    host = world.deliverers["prod"]._host
    asked = host.request(branch, "main")
    assert asked is not None
    host.merge(asked)  # a person
    world.until(lambda: not world.store.git_changes.open("prod"))
    assert image_of(world.git()[MANIFEST.format("prod")]) == "1.1.0"


@pytest.mark.parametrize("by_request", [False, True])
@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_every_host_carries_promotion_rollback_and_what_came_back(
    memory: pathlib.Path, kind: str, *, by_request: bool
) -> None:
    made = type(kind, (Hosted,), {"kind": kind})
    manner = Manner("main", by_request=by_request, merge=True)
    world = made(memory, stores.fresh(memory / "store.db"), manner)
    world.step()
    world.bind("prod", "1.1.0")
    world.step()
    assert world.argo("prod") == "1.1.0"
    bad = world.git()[MANIFEST.format("prod")]
    world.roll_back("prod", "1.1.0", "1.0.0")
    world.step()
    assert world.argo("prod") == "1.0.0"
    head = world.model.branches["main"]
    files = {**world.git(), MANIFEST.format("prod"): bad}
    world.model.branches["main"] = world.model.add(head, "I know better", files)
    world.until(lambda: image_of(world.git()[MANIFEST.format("prod")]) == "1.0.0")
    [found] = world.store.quarantines.of("prod", SERVICE)
    assert found.returns == 1
    assert not world.store.git_changes.open("prod")
    world.store.close()


SCENE = (
    lambda world: world.bind("prod", "1.1.0"),
    lambda world: world.roll_back("prod", "1.1.0", "1.0.0"),
    lambda world: world.argo("prod", "main~1"),
)


def _play(world: World, killer: KillAt) -> int:
    """The scene with a kill; how often it was killed."""
    kills = 0
    world.step()
    world.boot(killer)
    for act in SCENE:
        act(world)
        for _ in range(3):
            try:
                world.step()
            except Killed:
                kills += 1
                world.boot()
    return kills


def _end(world: World) -> tuple[object, ...]:
    changes = [(one.purpose, one.state) for one in world.store.git_changes.of("prod", SERVICE)]
    titles = [one.splitlines()[0] for one in world.log()]
    held = list(world.places["prod"].workloads)
    return world.running("prod"), held, changes, titles, world.git(), world.store.audit.verify()


def _killed(make: Callable[[str], World], chosen: set[str] | None = None) -> set[str]:
    """Kill at every boundary (of those chosen), before and after; the boundaries that were met."""
    counting = KillAt()
    quiet = make("quiet")
    assert _play(quiet, counting) == 0
    expected = _end(quiet)
    quiet.store.close()
    assert expected[0] == {"1.0.0": 10_000}
    for name, when in sorted(counting.reached):
        if chosen is None or name in chosen:
            world = make(f"{name}-{when}")
            assert _play(world, KillAt(name, when, 1)) == 1, (name, when)
            assert _end(world) == expected, (name, when)
            world.store.close()
    return {name for name, _ in counting.reached}


def test_a_kill_about_a_push_comes_to_the_same_end(memory: pathlib.Path) -> None:
    def make(name: str) -> World:
        (memory / name).mkdir()
        return World(memory / name, stores.fresh(memory / f"{name}.db"))

    met = _killed(make, {gitops.GIT_COMMIT})
    assert met == {*gitops.BOUNDARIES, *guarding.BOUNDARIES} - {
        gitops.GIT_REQUEST,
        gitops.GIT_MERGE,
    }


def test_a_kill_between_any_two_steps_comes_to_the_same_end(memory: pathlib.Path) -> None:
    def make(name: str) -> World:
        (memory / name).mkdir()
        manner = Manner("main", by_request=True, merge=True)
        return Hosted(memory / name, stores.fresh(memory / f"{name}.db"), manner)

    assert _killed(make) == {*gitops.BOUNDARIES, *guarding.BOUNDARIES}
