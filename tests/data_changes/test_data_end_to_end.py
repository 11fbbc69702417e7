"""Data that change with a release, everything real: PostgreSQL, Alembic, Envoy, visitors, SIGKILL."""

import dataclasses
import http.client
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

import bindings
import data_plans as plans
from telford.app import controlling, data, data_plan, wiring
from telford.app import release as releases
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError
from telford.deliver import forecast
from telford.deliver.data_changes import DataStep
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.estate.workload import Ingress, Probe, Split, Workload
from telford.flows import orders
from telford.store.commands import Command
from telford.store.data_plans import DataPlan
from telford.store.store import Store

HERE = pathlib.Path(__file__).resolve().parent
PLACE, SERVICE, NAME = "dev", "service/customers", "customers"
OLD, NEW = "1.0.0", "1.1.0"
ROWS = 1000
LIMIT_SECONDS = 180.0
TABLE = f"""
CREATE TABLE customers (id bigserial PRIMARY KEY, contact text, touched int NOT NULL DEFAULT 0);
INSERT INTO customers (contact) SELECT 'c' || n || '@x' FROM generate_series(1, {ROWS}) AS n;
"""
REVISIONS = (
    (
        "add_email",
        'op.add_column("customers", sa.Column("email", sa.Text()))',
        'op.drop_column("customers", "email")',
    ),
    ("drop_contact", 'op.drop_column("customers", "contact")', "pass"),
)
STEPS = (
    plans.step("add-email", "expand", revision="add_email", folder="migrations", lock_timeout=2),
    plans.fill(
        batch=100,
        lock_timeout=100,
        statement_timeout=100,
        statement=plans.GATED + " AND email IS NULL",
    ),
    plans.step("drop", "contract", revision="drop_contact", folder="migrations", lock_timeout=2),
)
QUICK = Policy(
    indicators=(Indicator("errors", Decimal("0.9")),),
    weights=(5000,),
    soak_seconds=(0.5,),
    warmup_seconds=0.2,
    deadline_seconds=170.0,
    start_seconds=160.0,
    stale_seconds=160.0,
    stable_replicas=2,
    fuse_alpha=0.0,
)


def workload(version: str, url: str, generation: int = 1) -> Workload:
    program = str(HERE / "customer_service.py")
    command = (sys.executable, program, "{port}", version, str(ROWS))
    probe = Probe(interval_seconds=0.05)
    return Workload(
        NAME, version, generation, command, env={"DATA_URL": url}, replicas=2, probe=probe
    )


class Visitors(threading.Thread):
    """Steady requests; every answer counts, and each that is not 200 is kept."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.good: Counter[str] = Counter()
        self.bad: list[str] = []
        self._address, self._end = urlsplit(url).netloc, threading.Event()

    def run(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=20)
        while not self._end.wait(0.02):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                text = answer.read().decode()
            except (OSError, http.client.HTTPException) as error:
                self.bad.append(repr(error))
                connection.close()
                continue
            if answer.status == 200:
                self.good[text] += 1
            else:
                self.bad.append(f"{answer.status} {text}")
        connection.close()

    def stop(self) -> None:
        self._end.set()
        self.join(30)


@dataclasses.dataclass
class World:
    """A place with one service, its database, its records, and a controller that can be killed."""

    root: pathlib.Path
    url: str
    place: LocalPlace
    store: Store
    controller: "subprocess.Popen[bytes] | None" = None

    def control(self) -> None:
        """Start a controller."""
        words = [sys.executable, str(HERE / "controller_process.py"), str(self.root), PLACE]
        said = (self.root / "controller.log").open("ab")
        with said:
            self.controller = subprocess.Popen(
                words, env={**os.environ, "DATA_URL": self.url}, stdout=said, stderr=said
            )

    def kill(self) -> None:
        """SIGKILL, as the kernel does when memory runs out."""
        assert self.controller is not None
        self.controller.send_signal(signal.SIGKILL)
        self.controller.wait(60)
        self.controller = None

    def release(self, steps: tuple[DataStep, ...]) -> str:
        stored = self.store.bindings.get(PLACE, SERVICE)
        assert stored is not None
        policy = dataclasses.replace(QUICK, data=steps)
        prepared = releases.Prepared(
            service=SERVICE,
            name=NAME,
            place=PLACE,
            digest="0" * 64,
            policy=policy,
            tick_seconds=0.1,
            stable=orders.workload(stored.workload),
            canary=workload(NEW, self.url, stored.generation),
            traffic=releases.Traffic(40.0, {}),
            forecast=forecast.forecast(policy, 40.0, {}),
        )
        return releases.start(self.store, prepared, who="ann", now=self.store.clock.now()).id

    def plan(self) -> DataPlan:
        found = self.store.data_plans.latest(PLACE, SERVICE)
        assert found is not None
        return found

    def stood(self, step: str) -> str:
        return next(one["status"] for one in self.plan().views if one["name"] == step)

    def until(self, done: Callable[[], bool]) -> None:
        limit = time.monotonic() + LIMIT_SECONDS
        while not done():
            if time.monotonic() > limit:
                rows = [
                    (one.id, one.phase, one.state["reason"]) for one in self.store.releases.find()
                ]
                log = (self.root / "controller.log").read_text()[-2000:]
                raise AssertionError((rows, self.plan().views, self.plan().why, log))
            time.sleep(0.05)


@contextmanager
def world(root: pathlib.Path, url: str) -> Iterator[World]:
    plans.ask(url, TABLE)
    plans.alembic_project(root / "migrations", *REVISIONS)
    kept = wiring.Files(root, f"sqlite:///{root / 'store.db'}", root)
    place = LocalPlace.start(kept.place(PLACE))
    first = workload(OLD, url)
    made = None
    try:
        place.bring_up([first], [Split(NAME, 1, {OLD: FULL_WEIGHT})], [Ingress("/", NAME)])
        store = wiring.open_store(kept, SystemClock())
        bindings.bind(store, PLACE, SERVICE, first)
        made = World(root, url, place, store)
        made.control()
        yield made
    finally:
        if made is not None and made.controller is not None:
            made.kill()
            made.store.close()
        place.stop()


def _pace() -> controlling.Pace:
    return controlling.Pace(lease=10.0)


def test_expand_release_backfill_contract_without_a_failed_request_and_with_a_kill(
    tmp_path: pathlib.Path, postgres_url: str
) -> None:
    with world(tmp_path, postgres_url) as made:
        visitors = Visitors(made.place.ingress_url)
        visitors.start()
        try:
            # Killed in the middle of the backfill; the place and the visitors go on.
            with plans.holding(postgres_url, ROWS // 2) as waits:
                key = made.release(STEPS)
                made.until(waits)
                made.kill()
                assert 0 < _done(postgres_url) < ROWS // 2
            assert made.place.state().splits[0].weights == {OLD: FULL_WEIGHT}
            made.control()
            made.until(lambda: not made.store.releases.get(key).active)
            assert made.store.releases.get(key).phase == "promoted"
            data.wish(made.store, made.plan(), "contract", who="ann")
            made.until(lambda: not made.plan().active)
        finally:
            visitors.stop()
        assert visitors.bad == []
        assert visitors.good[OLD] > 0
        assert visitors.good[NEW] > 0
        assert [one["status"] for one in made.plan().views] == ["done"] * 3
        with pytest.raises(RefusedError, match="drop is done and cannot be undone"):
            data_plan.refuse_old(made.store, SERVICE, PLACE, OLD)
    first = f"SELECT DISTINCT touched FROM customers WHERE id <= {ROWS}"
    assert plans.ask(postgres_url, first) == [(1,)], "each row once, killed or not"
    nothing = "SELECT count(*) FROM customers WHERE email IS NULL"
    assert plans.ask(postgres_url, nothing) == [(0,)], "what the old version wrote was filled too"
    columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'customers'"
    assert ("contact",) not in plans.ask(postgres_url, columns)


def test_an_abort_in_the_middle_of_the_backfill_leaves_the_old_version_as_it_was(
    tmp_path: pathlib.Path, postgres_url: str
) -> None:
    with world(tmp_path, postgres_url) as made:
        visitors = Visitors(made.place.ingress_url)
        visitors.start()
        try:
            # After its first batch it rests for longer than an abort can take.
            add, _, drop = STEPS
            key = made.release((add, plans.fill(batch=100, pause=60), drop))
            made.until(lambda: _done(postgres_url) > 0)
            with made.store.writing() as writing:
                made.store.commands.ask(writing, Command("c1", key, "abort", "bob", "", writing.at))
            made.until(lambda: not made.plan().active)
            made.until(lambda: not made.store.releases.get(key).active)
        finally:
            visitors.stop()
        assert made.store.releases.get(key).phase == "aborted"
        assert made.stood("fill-email") == "paused"
        assert visitors.bad == []
        assert set(visitors.good) == {OLD}
    assert _done(postgres_url) < ROWS


def _done(url: str) -> int:
    found = plans.ask(url, "SELECT to_regclass('telford_data_changes')::text")
    if found == [(None,)]:
        return 0
    query = "SELECT done FROM telford_data_changes WHERE step = 'fill-email'"
    rows = plans.ask(url, query)
    return int(rows[0][0]) if rows else 0
