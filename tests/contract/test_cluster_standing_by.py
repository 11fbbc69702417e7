"""A stand-by controller of a cluster: takes over, changes data, promotes by itself, and gives way."""

import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from raised import ESTATE, SERVICE, Started

from backends.kubernetes.api_server import ApiServer, Fault
from telford.app import controlling, gitops, objectives, standing_by, wiring
from telford.basics.clock import SystemClock
from telford.flows.controller import Pace, Report

# What is stable earlier goes to prod by itself, and changes its data before.
TEXT = (
    ESTATE.replace("namespace: shop\n", "namespace: shop\norder: 1\npromotion: {automatic: true}\n")
    .replace(
        "delivery: careful\n",
        """delivery: careful
uses: [{datastore: notes, access: readwrite}]
dataChanges:
  - datastore: notes
    url: file:URL
    steps: [{name: add, phase: expand, sql: ALTER TABLE notes ADD COLUMN added int}]
""",
    )
    .rstrip()
    + """
---
apiVersion: telford/v1
kind: Environment
name: earlier
---
apiVersion: telford/v1
kind: Datastore
name: notes
owner: team/shop
engine: sqlite
"""
)
LIMIT = 60.0


class Stage:
    """An estate that came up once, whose controller went; and one that stands by, in a thread."""

    def __init__(self, server: ApiServer, folder: pathlib.Path) -> None:
        self.database = folder / "notes.db"
        with sqlite3.connect(self.database) as made:
            made.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
        made.close()
        url = folder / "url"
        url.write_text(f"sqlite:///{self.database}")
        self.started = Started(server, folder, TEXT.replace("URL", str(url)))
        self.started.stable("earlier", "1.1.0")
        self.started.running.stop()
        self.said: list[str] = []
        self.store = wiring.open_store(self.started.kept, SystemClock())
        self.stand_by = self._stand_by()
        self.thread = threading.Thread(target=self.stand_by.run, daemon=True)
        self.thread.start()

    def _stand_by(self) -> standing_by.StandBy:
        started = self.started
        described = standing_by.Described(
            started.estate, started.place, started.local, started.cluster
        )
        services = [started.binding.entities[SERVICE]]
        return standing_by.StandBy(
            started.kept,
            self.store,
            "prod",
            controlling.watch(services, objectives.promises(started.binding)),
            Pace(tick=0.1),
            standing_by.Voice(self.said.append, self._heard),
            poll_seconds=0.05,
            described=described,
        )

    def _heard(self, report: Report) -> None:
        self.said += report.problems

    def columns(self) -> set[str]:
        with sqlite3.connect(self.database) as found:
            rows = found.execute("SELECT name FROM pragma_table_info('notes')").fetchall()
        found.close()
        return {name for (name,) in rows}

    def heard(self, words: str) -> bool:
        return any(words in one for one in self.said)

    def until(self, seen: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT
        while not seen():
            assert time.monotonic() < end, self.said
            time.sleep(0.02)

    def end(self) -> None:
        self.stand_by.stop.set()
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()
        self.store.close()


@pytest.fixture
def stage(server: ApiServer, tmp_path: pathlib.Path) -> Iterator[Stage]:
    found = Stage(server, tmp_path)
    yield found
    found.end()


def test_it_controls_a_cluster_with_all_that_goes_on_beside_until_it_is_overtaken(
    stage: Stage,
) -> None:
    stage.until(lambda: stage.heard("controls prod now"))
    stage.until(lambda: bool(stage.store.releases.find(place="prod", active=True)))
    [row] = stage.store.releases.find(place="prod", active=True)
    assert (row.to_version, row.reason) == ("1.1.0", "promoted from earlier by itself")
    stage.until(lambda: "added" in stage.columns())
    stage.until(lambda: "orders-1-1-0" in stage.started.objects("Deployment"))
    stage.store.leases.take("prod", "elsewhere:1:1", 10.0, lambda holder: True)
    stage.until(lambda: stage.heard("stands by from now on"))
    stage.until(lambda: not [one for one in threading.enumerate() if one.name == gitops.THREAD])


def test_a_cluster_that_does_not_answer_is_waited_for(server: ApiServer, stage: Stage) -> None:
    stage.until(lambda: stage.heard("controls prod now"))
    with server.lock:
        server.faults.append(Fault("configmaps/telford$", 403, 10_000, reason="Forbidden"))
    held = stage.store.leases.take("prod", "elsewhere:1:1", 10.0, lambda holder: True)
    stage.store.leases.give_back(held)
    stage.until(lambda: stage.heard("standing by: objects of kind ConfigMap"))
    with server.lock:
        server.faults.clear()
    stage.until(lambda: stage.heard("controls prod now (epoch 4)"))
