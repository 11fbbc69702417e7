"""One place of the soak: services under load, controllers with many lives, and what is right.

Used by tools/soak_kill.py and tools/soak_chaos.py. Controllers are processes forked from a server
that has everything imported (multiprocessing's forkserver): one on SQLite, two on PostgreSQL.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess

import soak_controller
import soak_outside
import soak_strategies

from telford.app import control, evidence, wiring
from telford.app import release as releases
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError
from telford.deliver import forecast
from telford.deliver.policy import FULL_WEIGHT
from telford.estate.workload import Ingress, Split, Workload
from telford.flows import orders
from telford.store.bindings import Bound
from telford.store.releases import Release
from telford.store.store import Store

HERE = pathlib.Path(__file__).resolve().parent
PLACE = soak_controller.PLACE
RATE = 15.0
# From the last kill on a round ends in much less than this, also on a busy machine.
ROUND_LIMIT_SECONDS = 240.0
# After something broke on purpose requests may fail for so long, and are not the tool's.
EXCUSED_SECONDS = 1.0
# The fork server is told no path before Python 3.12.4 (cpython issue 117378): it would import nothing
# beforehand, without a word, and every life would take seconds to begin.
_PATHS = filter(None, (str(HERE), os.environ.get("PYTHONPATH", "")))
os.environ["PYTHONPATH"] = os.pathsep.join(_PATHS)
# Set by whoever wants everything to end; the worlds are played in threads.
ENDED = threading.Event()
FORKING = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(["soak_controller"])


@dataclasses.dataclass
class World:
    """One place with its services, its load and its controllers' many lives.

    `url` is how controllers reach the store, "" for SQLite in `root`; `excused` are the spans of
    time in which the soak itself broke something that carries requests.
    """

    root: pathlib.Path
    url: str
    services: list[str]
    seed: int
    store: Store
    place: LocalPlace
    load: "subprocess.Popen[bytes] | None"
    outside: soak_outside.Outside | None = None
    lives: int = 0
    rounds: int = 0
    controllers: dict[int, BaseProcess] = dataclasses.field(default_factory=dict)
    problems: list[str] = dataclasses.field(default_factory=list)
    excused: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    # Requests a second to each service.
    rate: float = RATE

    def keep(self, count: int) -> int:
        """Have `count` controllers alive; how many had to be begun. One that ended by itself ends
        the soak.
        """
        for pid, child in list(self.controllers.items()):
            if child.exitcode is not None:
                del self.controllers[pid]
                if child.exitcode != -signal.SIGKILL:
                    raise SystemExit(f"a controller ended with {child.exitcode}:\n{self.said()}")
        begun = count - len(self.controllers)
        for _ in range(begun):
            child = FORKING.Process(
                target=soak_controller.main, args=(self.root, self.url, self.services)
            )
            child.start()
            assert child.pid is not None
            self.controllers[child.pid] = child
            self.lives += 1
        return begun

    def holder(self) -> int | None:
        """The pid of the controller that has the place, while it lives."""
        held = self.store.leases.get(PLACE)
        pid = int(held.holder.split(":")[-2]) if held and held.holder.count(":") >= 2 else 0
        child = self.controllers.get(pid)
        return pid if child is not None and child.exitcode is None else None

    def kill(self, pid: int) -> None:
        """SIGKILL, and wait for it."""
        child = self.controllers[pid]
        child.kill()
        child.join()

    def aim(self, targets: list[tuple[str, str, int]]) -> None:
        """Where lives that begin from now on are to end."""
        fresh = self.root / "targets.new"
        fresh.write_text(json.dumps(targets), encoding="utf-8")
        fresh.replace(self.root / soak_controller.TARGETS)

    def killed(self) -> Counter[tuple[str, str]]:
        """How often each boundary was the last instant of a life."""
        record = self.root / soak_controller.KILLS
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return Counter((line.split()[0], line.split()[1]) for line in lines)

    def said(self, characters: int = 6000) -> str:
        """What the controllers said last."""
        log = self.root / soak_controller.LOG
        return log.read_text(encoding="utf-8")[-characters:] if log.exists() else ""

    def end(self) -> None:
        """Stop the controllers in good order."""
        for child in self.controllers.values():
            child.terminate()
        for child in self.controllers.values():
            child.join(20)
            if child.exitcode is None:
                child.kill()
                child.join()
        self.controllers.clear()


@contextlib.contextmanager
def a_world(
    folder: pathlib.Path,
    services: list[str],
    seed: int,
    url: str = "",
    *,
    seen: str = "",
    data: str = "",
    rate: float = RATE,
) -> Iterator[World]:
    """Services at version r0, all of them ready, under load. `seen` is the store's URL for the
    soak itself, where that is another one than for controllers (a proxy between); `data` where the
    services' own data are ("": SQLite in `folder`).
    """
    folder.mkdir(parents=True)
    kept = soak_controller.files(folder, seen or url)
    place = LocalPlace.start(kept.place(PLACE))
    try:
        first = [
            soak_strategies.workload(name, "r0", "good", 1, soak_strategies.REPLICAS)
            for name in services
        ]
        serving = [name for name in services if soak_strategies.row_of(name).serves]
        splits = [Split(name, 1, {"r0": FULL_WEIGHT}) for name in serving]
        place.bring_up(first, splits, [Ingress(f"/{name}/", name) for name in serving], 180.0)
        store = wiring.open_store(kept, SystemClock())
        bind(store, first)
        outside = begin_outside(folder, data, services)
        load = begin_load(folder, place, serving, rate)
        world = World(folder, url, services, seed, store, place, load, outside, rate=rate)
        try:
            yield world
        finally:
            world.end()
            if load is not None:
                load.terminate()
                load.wait(30)
            if outside is not None:
                outside.close()
            store.close()
    finally:
        place.stop()


def begin_outside(
    folder: pathlib.Path, data: str, services: list[str]
) -> soak_outside.Outside | None:
    """What those services meet outside that meet anything there; None where none does."""
    meeting = [name for name in services if soak_strategies.row_of(name).outside]
    return soak_outside.Outside(folder, data, meeting) if meeting else None


def begin_load(
    folder: pathlib.Path, place: LocalPlace, serving: list[str], rate: float
) -> "subprocess.Popen[bytes] | None":
    """Requests to all that serve them; None where nobody does."""
    if not serving:
        return None
    command = [sys.executable, str(HERE / "soak_load.py"), place.ingress_url, json.dumps(serving)]
    return subprocess.Popen([*command, str(rate), str(folder / "load.json")])


def bind(store: Store, workloads: list[Workload]) -> None:
    """What runs is the stable version."""
    lease = store.leases.take(PLACE, "soak", 5.0, lambda _holder: True)
    with store.writing(lease) as writing:
        for one in workloads:
            address = f"service/{one.service}"
            plain = orders.workload_json(one)
            bound = Bound(
                PLACE, address, one.service, one.version, "0" * 64, 1, 1, plain, None, writing.at
            )
            store.bindings.bind(writing, bound, "soak")
    store.leases.give_back(lease)


def release(world: World, service: str, number: int, fate: str) -> Release:
    """The next version of one service begins its way."""
    stored = world.store.bindings.get(PLACE, f"service/{service}")
    assert stored is not None
    policy = soak_strategies.policy_of(service, fate, number)
    canary = soak_strategies.workload(service, f"r{number}", fate, 0, policy.canary_replicas)
    prepared = releases.Prepared(
        service=stored.service,
        name=service,
        place=PLACE,
        digest="0" * 64,
        policy=policy,
        tick_seconds=soak_controller.PACE.tick,
        stable=orders.workload(stored.workload),
        canary=canary,
        traffic=releases.Traffic(world.rate, {}),
        forecast=forecast.forecast(policy, world.rate, {}),
    )
    return releases.start(world.store, prepared, who="soak", now=time.time())


def play(world: World, number: int, meanwhile: Callable[[], None]) -> dict[str, str]:
    """One round to its end: service -> its stable version then. `meanwhile` is called all along:
    it keeps controllers alive, or does them harm.
    """
    fates = {name: soak_strategies.fate(world.seed, name, number) for name in world.services}
    rows = {name: release(world, name, number, fate) for name, fate in fates.items()}
    asked: set[str] = set()
    lives, deadline = world.lives, time.monotonic() + ROUND_LIMIT_SECONDS
    while world.store.releases.revisions(PLACE):
        if ENDED.is_set():
            raise SystemExit("ended by a signal")
        meanwhile()
        if world.lives > lives:
            lives, deadline = world.lives, time.monotonic() + ROUND_LIMIT_SECONDS
        for name, fate in fates.items():
            interfere(world, rows[name], fate, asked)
        if time.monotonic() > deadline:
            raise SystemExit(f"round {number} does not end: {standing(world)}\n{world.said()}")
        time.sleep(0.03)
    settle(world, meanwhile)
    world.rounds += 1
    if world.outside is not None:
        world.problems += world.outside.check(world.store, world.rounds)
    return {name: judge(world, rows[name], fates[name]) for name in world.services}


def standing(world: World) -> list[tuple[str, str, str, object]]:
    """Where the active releases are."""
    active = world.store.releases.active(PLACE)
    return [(one.id, one.phase, one.state.get("reason", ""), dict(one.progress)) for one in active]


def interfere(world: World, row: Release, fate: str, asked: set[str]) -> None:
    """What people do: abort at once, or promote as soon as it is looked at."""
    if row.id in asked or fate not in {"aborted", "promoted"}:
        return
    now = world.store.releases.get(row.id)
    if fate == "promoted" and (now is None or now.phase not in {"stepping", "promoting"}):
        return
    with contextlib.suppress(RefusedError):  # it was over a moment before
        verb = "abort" if fate == "aborted" else "promote"
        control.ask(world.store, row.id, verb, who="somebody", reason="soak")
    asked.add(row.id)


def settle(world: World, meanwhile: Callable[[], None]) -> None:
    """Orders of the last tick may still be under way; a removed version drains."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        meanwhile()
        state = world.place.state()
        if (
            len(state.workloads) == len(world.services)
            and all(one.phase == "ready" for one in state.replicas)
            and not (world.outside and world.outside.untold(world.store))
        ):
            return
        time.sleep(0.1)


def judge(world: World, before: Release, fate: str) -> str:
    """Whether everything about one release is right; its service's stable version."""
    row = world.store.releases.get(before.id)
    bound = world.store.bindings.get(PLACE, before.service)
    assert row is not None
    assert bound is not None
    state = world.place.state()
    serves = soak_strategies.row_of(row.name).serves
    expected = row.to_version if row.phase == "promoted" else row.from_version
    served = [dict(one.weights) for one in state.splits if one.service == row.name]
    versions = [one.version for one in state.workloads if one.service == row.name]
    replicas = sum(one.service == row.name and one.phase == "ready" for one in state.replicas)
    ticks = [one.tick for one in world.store.ledger.of(row.id)]
    ended = (row.phase == "promoted") == (fate in soak_strategies.PROMOTED)
    differences = disagreements(world.store, row)
    checks = {
        f"fate {fate} ended as {row.phase} ({row.state.get('reason')})": ended,
        f"bound to {bound.version}": bound.version == expected,
        f"Envoy serves {served}": served == ([{expected: FULL_WEIGHT}] if serves else []),
        f"versions {versions}": versions == [expected],
        f"{replicas} replicas": replicas == soak_strategies.REPLICAS,
        "a tick is twice in the ledger": len(ticks) == len(set(ticks)),
        f"disagrees: {differences}": not differences,
    }
    world.problems += [f"{row.id}: {text}" for text, right in checks.items() if not right]
    return bound.version


def disagreements(store: Store, row: Release) -> tuple[str, ...]:
    """What a recount of the ledger finds otherwise."""
    if not store.ledger.of(row.id, limit=1):
        return ()
    return evidence.recompute(store, row).differences[:2]


def report(world: World, title: str) -> bool:
    """What the load generator and the audit log say, after the world has ended."""
    store = wiring.open_store(soak_controller.files(world.root, store_url(world)), SystemClock())
    chain = store.audit.verify()
    store.close()
    sent, failures, excused = requests(world)
    print(
        f"{title}: {world.lives} lives; {sent} requests, {len(failures)} failed by the tool, "
        f"{excused} while the soak itself broke what carries them or in a declared gap; "
        f"audit log: {chain or 'whole'}"
    )
    for problem in [*world.problems, *map(str, failures[:5])]:
        print(f"PROBLEM {title}: {problem}", flush=True)
    return not (world.problems or failures or chain)


def store_url(world: World) -> str:
    """Where the soak itself finds the records."""
    return world.store._database.url  # noqa: SLF001 - a tool of the house


def requests(world: World) -> tuple[int, list[tuple[float, str, str]], int]:
    """How many were sent, which failed by the tool, and how many failed for other reasons."""
    if world.load is None:
        return 0, [], 0
    load = json.loads((world.root / "load.json").read_text(encoding="utf-8"))
    failures = [(at, name, why) for at, name, why in load["failures"]]
    mine = [
        one
        for one in failures
        if not soak_strategies.row_of(one[1]).gap
        and not any(begin - EXCUSED_SECONDS <= one[0] <= end for begin, end in world.excused)
    ]
    return load["sent"], mine, len(failures) - len(mine)
