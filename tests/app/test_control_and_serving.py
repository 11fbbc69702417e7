"""Finding releases, and the private file that says where a running `telford up` is."""

import json
import os
import pathlib
import stat
import sys

import pytest

import stores
from telford.app import control, serving, wiring
from telford.app.settings import Settings
from telford.backends import process
from telford.basics.errors import PermanentError, RefusedError, TemporaryError, UsageError
from telford.testing.clock import FakeClock
from telford.testing.simulation import Simulation


@pytest.fixture
def kept(tmp_path: pathlib.Path) -> wiring.Files:
    return wiring.files(Settings(), tmp_path)


def here(**changes: str) -> serving.Serving:
    values = {"process": process.identity(), "place": "dev", "ingress": "i", "portal": "p"}
    return serving.Serving(**(values | changes))


def test_state_lives_beside_the_estate_in_a_private_folder(kept: wiring.Files) -> None:
    wiring.open_store(kept, FakeClock()).close()
    assert kept.state.name == ".telford"
    assert stat.S_IMODE(kept.state.stat().st_mode) == 0o700


def test_looking_where_nothing_ran_makes_nothing(kept: wiring.Files) -> None:
    with pytest.raises(RefusedError, match="nothing has run here"):
        wiring.look(kept, FakeClock())
    assert not kept.state.exists()


def test_the_serving_file_is_private_and_comes_back(kept: wiring.Files) -> None:
    kept.state.mkdir()
    serving.write(kept, here())
    assert stat.S_IMODE(kept.serving.stat().st_mode) == 0o600
    assert serving.read(kept) == here()
    serving.forget(kept)
    assert serving.read(kept) is None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]"])
def test_a_broken_serving_file_says_nothing(kept: wiring.Files, text: str) -> None:
    kept.state.mkdir()
    kept.serving.write_text(text)
    assert serving.read(kept) is None


def test_a_pid_that_was_given_out_again_is_somebody_else(kept: wiring.Files) -> None:
    name = process.identity()
    assert process.pid_of(name) == os.getpid()
    other = name.rpartition(":")[0] + ":1"
    assert process.pid_of(other) is None
    assert process.gone(other)
    assert not process.gone(name)


def test_a_process_of_another_machine_is_not_surely_gone() -> None:
    assert not process.gone("elsewhere:1:1")
    assert process.pid_of("elsewhere:1:1") is None


def test_a_process_that_ends_before_it_serves_is_told_by_its_last_words(
    kept: wiring.Files,
) -> None:
    kept.state.mkdir()
    words = [sys.executable, "-c", "print('the port is taken'); raise SystemExit(3)"]
    pid = process.leave_behind(words, kept.log)
    os.waitpid(pid, 0)
    with pytest.raises(PermanentError, match="the port is taken"):
        serving.wait(kept, FakeClock(), pid, 10.0)


def test_a_program_that_is_not_there_is_an_error_of_ours(kept: wiring.Files) -> None:
    kept.state.mkdir()
    with pytest.raises(PermanentError, match="cannot start"):
        process.leave_behind(["/no/such/program"], kept.log)


def test_stopping_what_does_not_run_is_fine(kept: wiring.Files) -> None:
    assert not serving.stop(kept, FakeClock(), 1.0)


def test_a_release_is_found_by_id_or_by_its_service(tmp_path: pathlib.Path) -> None:
    world = Simulation(stores.fresh(tmp_path / "store.db"))
    world.release(key="first")
    for text in ("first", "orders", "service/orders", "service/shop.orders"):
        assert control.find(world.store, text).id == "first"
    with pytest.raises(UsageError, match="no release"):
        control.find(world.store, "stock")
    with pytest.raises(UsageError, match="no release"):
        control.ask(world.store, "none", "abort", who="ann")


def test_without_a_controller_a_command_waits_in_the_store(tmp_path: pathlib.Path) -> None:
    world = Simulation(stores.fresh(tmp_path / "store.db"))
    world.release()
    asked = control.ask(world.store, "r1", "abort", who="ann", reason="why not")
    with pytest.raises(TemporaryError, match="no controller"):
        control.wait(world.store, world.clock, asked.id, 2.0)
    world.step()
    assert control.wait(world.store, world.clock, asked.id, 2.0).outcome == "done"
    (told,) = (one for one in world.store.audit.tail() if one.verb == "asked to abort")
    assert (told.who, told.detail) == ("ann", {"reason": "why not"})


def test_a_refused_command_is_raised_with_the_controllers_words(tmp_path: pathlib.Path) -> None:
    world = Simulation(stores.fresh(tmp_path / "store.db"))
    world.release()
    asked = control.ask(world.store, "r1", "resume", who="ann")
    world.step()
    with pytest.raises(RefusedError, match="cannot resume"):
        control.wait(world.store, world.clock, asked.id, 2.0)


def test_settings_of_the_environment_are_checked() -> None:
    assert Settings.from_environment({"TELFORD_TICK_SECONDS": "0.5"}).tick_seconds == 0.5
    for text in ("0", "fast", "1e9"):
        with pytest.raises(UsageError, match="TELFORD_TICK_SECONDS"):
            Settings.from_environment({"TELFORD_TICK_SECONDS": text})
    assert Settings.from_environment({"USER": "ann"}).who == "ann"
    assert json.dumps(Settings.from_environment({}).state) == '""'
