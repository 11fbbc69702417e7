"""The portal's context as the product has it: real targets, real use cases, over the shop."""

import dataclasses
import pathlib
import shutil
import sys
from collections.abc import Iterator

import pytest
from portal_scene import PLACE, SHOP, STOREFRONT, TOKEN, Clock

import bindings
from telford.app import workloads
from telford.app.described import EstateWatch
from telford.basics.errors import RefusedError, TelfordError, UsageError
from telford.estate import overlays
from telford.estate.model import Estate, Loaded
from telford.estate.place import Place
from telford.portal import wired
from telford.portal.context import Context, Wanted
from telford.store.store import Store


@pytest.fixture
def held(tmp_path: pathlib.Path) -> Iterator[wired.Held]:
    clock = Clock(1_790_000_000.0)
    store = Store(f"sqlite:///{tmp_path}/wired.db", clock)
    local = workloads.Local(str(SHOP.resolve()), sys.executable)
    yield wired.Held(SHOP, local, store, clock, PLACE, "ann")
    store.close()


@pytest.fixture
def context(held: wired.Held) -> Context:
    return wired.context(held, hosts=frozenset({"127.0.0.1:1"}), token=TOKEN, version="0")


def run_storefront(held: wired.Held, context: Context) -> None:
    """Make 1.0.0 the stable version, as `telford up` does."""
    described = context.estate.current()
    binding = overlays.bind(described.estate, Place(PLACE))
    workload = workloads.workload(binding.entities[STOREFRONT], "1.0.0", 1, held.local)
    bindings.bind(held.store, PLACE, STOREFRONT, workload)


WANTED = Wanted(STOREFRONT, "1.1.0", PLACE, "ann", "a better header")


def test_an_estate_is_called_by_its_folder_and_not_estate(context: Context) -> None:
    assert context.name == "shop"


def test_artifacts_are_those_of_the_service_and_of_its_objectives(context: Context) -> None:
    found = context.artifacts.of(STOREFRONT, "prod/eu-west-1")
    assert {one.target for one in found} == {"kubernetes", "prometheus"}
    assert all("storefront" in one.text for one in found)
    assert {one.owner for one in found} > {STOREFRONT}
    assert context.artifacts.of("team/orders", "prod/eu-west-1") == ()


def test_starting_says_what_it_will_do_and_then_does_it(held: wired.Held, context: Context) -> None:
    with pytest.raises(RefusedError, match="does not run in dev yet"):
        context.acts.prospect(WANTED)
    run_storefront(held, context)
    steps = context.acts.prospect(WANTED).steps
    assert "starts beside 1.0.0, without traffic" in steps[0]
    assert "10%, 50%" in steps[1]
    assert not held.store.releases.find()
    key = context.acts.start(WANTED)
    (release,) = held.store.releases.find()
    assert release.id == key
    assert release.reason == "a better header"
    with pytest.raises(RefusedError, match="on its way"):
        context.acts.start(WANTED)


def test_a_rollout_says_its_waves_and_then_begins_a_release_in_each(
    held: wired.Held, tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / "estate"
    shutil.copytree(SHOP, folder)
    delivery = folder / "delivery.yaml"
    waves = "tick: 15s\nwaves: {of: [{places: [dev], soak: 1m}], atMostUnavailable: 1}\n"
    delivery.write_text(delivery.read_text().replace("tick: 15s\n", waves, 1))
    elsewhere = dataclasses.replace(held, folder=folder)
    context = wired.context(elsewhere, hosts=frozenset({"127.0.0.1:1"}), token=TOKEN, version="0")
    run_storefront(elsewhere, context)
    steps = context.acts.rollout_prospect(WANTED).steps
    assert steps[0] == "Wave 1: dev, then it is looked at for 60 s."
    assert not held.store.rollouts.find()
    key = context.acts.rollout(WANTED)
    (rollout,) = held.store.rollouts.find()
    assert (rollout.id, rollout.reason) == (key, "a better header")
    assert [one.id for one in held.store.releases.find()] == [rollout.releases["dev"]]


def test_without_waves_there_is_no_rollout(held: wired.Held, context: Context) -> None:
    run_storefront(held, context)
    with pytest.raises(RefusedError, match="names no waves"):
        context.acts.rollout_prospect(WANTED)


def test_a_place_that_this_process_does_not_run_is_refused(context: Context) -> None:
    with pytest.raises(RefusedError, match="this controller runs dev"):
        context.acts.prospect(dataclasses.replace(WANTED, place="prod/eu-west-1"))
    with pytest.raises(UsageError, match="no place"):
        context.acts.prospect(dataclasses.replace(WANTED, place="moon"))


def test_a_command_is_written_down_with_who_and_why(held: wired.Held, context: Context) -> None:
    run_storefront(held, context)
    key = context.acts.start(WANTED)
    context.acts.command(key, "abort", "ann", "wrong day")
    (command,) = held.store.commands.of(key)
    assert (command.verb, command.who, command.reason) == ("abort", "ann", "wrong day")
    assert held.store.audit.tail(limit=1)[0].detail == {"reason": "wrong day"}


def test_an_estate_with_errors_generates_nothing_and_says_so(
    tmp_path: pathlib.Path, held: wired.Held
) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: telford/v1\nkind: Service\nname: a\nx: 1\n")
    broken = wired.context(
        dataclasses.replace(held, folder=tmp_path), hosts=frozenset(), token=TOKEN, version="0"
    )
    with pytest.raises(RefusedError, match="the estate has errors"):
        broken.artifacts.of("service/a", "dev")


def test_the_watch_reads_again_only_when_a_text_has_changed() -> None:
    clock, reads, signature = Clock(0.0), [], ["one"]

    def read() -> Loaded:
        reads.append(1)
        return Loaded(Estate({}))

    watch = EstateWatch(read, lambda: signature[0], clock, spawn=lambda work: work())
    for _ in range(5):
        clock.at += 2
        watch.current()
    assert len(reads) == 1
    signature[0] = "two"
    watch.current()
    clock.at += 2
    first = watch.current()
    assert len(reads) == 2
    assert first is watch.current()


def test_a_read_that_fails_keeps_what_was_there_until_it_works_again() -> None:
    clock, failing, signature = Clock(0.0), [False], ["one"]

    def read() -> Loaded:
        if failing[0]:
            raise TelfordError("the disk is away")
        return Loaded(Estate({}))

    watch = EstateWatch(read, lambda: signature[0], clock, spawn=lambda work: work())
    failing[0], signature[0] = True, "two"
    clock.at += 2
    watch.current()
    assert watch.current().problem == "the disk is away"
    failing[0] = False
    clock.at += 2
    watch.current()
    assert watch.current().problem == ""
