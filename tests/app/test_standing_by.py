"""A stand-by controller takes a place over, gives way, and says so; the portal's token stays."""

import functools
import pathlib
import threading
import time

import pytest
from app_estates import ESTATE

from telford.app import loading, serving, standing_by, up, wiring, workloads
from telford.app.settings import Settings
from telford.backends import files
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError, TemporaryError, UsageError
from telford.cli import main, options
from telford.estate.place import Place
from telford.flows.controller import Pace
from telford.flows.watching import Watch
from telford.store.database import Lease
from telford.store.store import Store
from telford.testing.place import FakePlace

PLACE = "dev"
WAIT_SECONDS = 30.0


@pytest.fixture
def kept(tmp_path: pathlib.Path) -> wiring.Files:
    return wiring.files(Settings(state=str(tmp_path / "state")), tmp_path)


class Stage:
    """A stand-by controller in a thread, and what it says. Its place may be away."""

    def __init__(self, kept: wiring.Files, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store: Store = wiring.open_store(kept, SystemClock())
        self.said: list[str] = []
        self.away = False
        place = FakePlace(SystemClock())

        def connect(_root: pathlib.Path, _clock: object = None) -> FakePlace:
            if self.away:
                raise TemporaryError("no supervisor answers")
            return place

        monkeypatch.setattr(LocalPlace, "connect", connect)
        voice = standing_by.Voice(self.said.append, lambda report: None)
        self.stand_by = standing_by.StandBy(
            kept, self.store, PLACE, Watch(), Pace(tick=0.05), voice, poll_seconds=0.05
        )
        self.thread = threading.Thread(target=self.stand_by.run, daemon=True)

    def until(self, word: str) -> None:
        """Until it has said something with that word in it."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not any(word in sentence for sentence in self.said):
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def shown(self, parts: set[str]) -> None:
        """Until the records show controllers in exactly these parts: it speaks before it writes."""
        deadline = time.monotonic() + WAIT_SECONDS
        while {one.part for one in standing_by.standing(self.store)} != parts:
            assert time.monotonic() < deadline, standing_by.standing(self.store)
            time.sleep(0.02)

    def end(self) -> None:
        self.stand_by.stop.set()
        self.thread.join(WAIT_SECONDS)
        assert not self.thread.is_alive()


def test_it_waits_for_a_living_one_takes_over_and_gives_way(
    kept: wiring.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(kept, monkeypatch)
    first = stage.store.leases.take(PLACE, "elsewhere:1:1", 10.0, lambda holder: False)
    stage.thread.start()
    stage.until("already has a controller: elsewhere:1:1")
    stage.shown({"controls", "stands-by"})
    stage.store.leases.give_back(first)
    stage.until("controls dev now (epoch 2)")
    stage.store.leases.take(PLACE, "elsewhere:2:1", 10.0, lambda holder: True)
    stage.until("stands by from now on")
    stage.end()
    held = stage.store.leases.get(PLACE)
    assert held is not None
    assert (held.holder, held.epoch) == ("elsewhere:2:1", 3)
    assert stage.store.controllers.waiting() == ()
    stage.store.close()


def test_a_place_that_does_not_run_is_waited_for(
    kept: wiring.Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(kept, monkeypatch)
    stage.away = True
    stage.thread.start()
    stage.until("no supervisor answers")
    assert stage.store.leases.get(PLACE) is None
    stage.away = False
    stage.until("controls dev now")
    stage.end()
    assert standing_by.standing(stage.store)[0].part == "gave-back"
    stage.store.close()


def test_up_is_told_who_controls_the_place_and_the_way_out(kept: wiring.Files) -> None:
    store = wiring.open_store(kept, SystemClock())
    lease = store.leases.take(PLACE, "build-7:4711:88", 10.0, lambda holder: False)
    estate = loading.require(loading.of_texts(files.Texts(texts={"e.yaml": ESTATE})))
    local = workloads.Local(str(kept.state), "python")
    request = up.Request(estate, Place(PLACE), local, "ann")

    def refused() -> RefusedError:
        with pytest.raises(RefusedError) as found:
            up.raise_up(request, kept, SystemClock(), lambda report: None)
        return found.value

    alone = refused()
    assert alone.message.startswith("dev is controlled by process 4711 on build-7, heard of")
    assert "end that process" in alone.fix
    assert "telford down" not in alone.fix, "that ends services, and no stand-by"
    store.controllers.wait(PLACE, "build-8:12:88")
    followed = refused()
    assert followed.message.endswith("; behind it stands by process 12 on build-8")
    assert "end these processes" in followed.fix
    assert store.leases.holds(lease)
    assert not list(kept.place(PLACE).glob("*")), "nothing was started"
    store.close()


def test_a_silent_controller_is_called_silent(kept: wiring.Files) -> None:
    store = wiring.open_store(kept, SystemClock())
    store.leases.take(PLACE, "elsewhere:1:1", 10.0, lambda holder: False)
    with store._database.writing() as writing:
        writing.connection.exec_driver_sql("UPDATE leases SET heartbeat = heartbeat - 60")
    found = standing_by.standing(store)[0]
    assert (found.part, found.heard is not None and found.heard >= 60) == ("silent", True)
    store.close()


def test_the_portals_token_survives_a_restart_and_is_private(kept: wiring.Files) -> None:
    first = serving.token(kept)
    assert serving.token(kept) == first
    assert kept.token.stat().st_mode & 0o777 == 0o600
    assert serving.renew_token(kept) != first
    kept.token.chmod(0o644)  # somebody may have read it
    assert serving.token(kept) not in {first, ""}
    assert kept.token.stat().st_mode & 0o777 == 0o600


def test_the_commands_say_who_controls_and_keep_the_token(
    kept: wiring.Files,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = wiring.open_store(kept, SystemClock())
    lease = store.leases.take(PLACE, "elsewhere:1:1", 10.0, lambda holder: False)
    assert lease == Lease(PLACE, "elsewhere:1:1", 1)
    store.close()
    monkeypatch.setenv("TELFORD_STATE", str(kept.state))
    monkeypatch.setenv("TELFORD_ESTATE", str(tmp_path))
    # Read once a process: another test may have asked before.
    monkeypatch.setattr(options, "settings", functools.cache(options.settings.__wrapped__))

    def said(*words: str) -> str:
        assert main.run(words) == 0
        return capsys.readouterr().out

    assert "elsewhere:1:1" in said("controllers")
    assert '"epoch": 1' in said("controllers", "--json")
    assert str(kept.token) in said("token")
    before = kept.token.read_text()
    assert "a new one" in said("token", "--renew")
    assert kept.token.read_text() != before
    assert before.strip() not in said("token")


def test_how_long_records_are_kept_is_a_setting() -> None:
    assert Settings.from_environment({}).keep_days == 400
    assert Settings.from_environment({"TELFORD_KEEP_DAYS": "0"}).keep_seconds == 0
    with pytest.raises(UsageError, match="TELFORD_KEEP_DAYS"):
        Settings.from_environment({"TELFORD_KEEP_DAYS": "-3"})
