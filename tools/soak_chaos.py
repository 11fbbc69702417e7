"""Everything but controllers broken while releases are on their way; the end must be right.

In each act one round of releases of every chosen strategy is played on two controllers, and in the
midst of it: Envoy, the supervisor or services are killed; the controller that holds the place is
stopped (SIGSTOP) past the take-over and woken (SIGCONT); the store answers slowly, not at all, or
refuses for 30 s; counters cannot be read for 60 s. Called by tools/soak_kill.py.
"""

import argparse
import contextlib
import os
import pathlib
import signal
import time
from collections.abc import Callable

import soak_controller
import soak_proxy
import soak_strategies
import soak_world
from soak_world import PLACE, World

from telford.backends.local.place import LocalPlace
from telford.basics.errors import TelfordError
from telford.testing import postgres

CONTROLLERS = 2
TAKE_OVER_SECONDS = 15.0
OUTAGE_SECONDS = 30.0
BLIND_SECONDS = 60.0
# An act begins when releases are on their way.
UNDER_WAY_SECONDS = 1.5
WAIT_SECONDS = 90.0
Act = Callable[[World], None]


def run(folder: pathlib.Path, options: argparse.Namespace, server: postgres.Server | None) -> bool:
    """All acts on one store; `server` is None for SQLite."""
    proxy = soak_proxy.Proxy(server.socket) if server else None
    name = server.fresh() if server else ""
    url = server.url(name, "127.0.0.1", proxy.port) if server and proxy else ""
    services = soak_strategies.services(tuple(options.rows), 1)
    with soak_world.a_world(
        folder,
        services,
        options.seed,
        url,
        seen=server.url(name) if server else "",
        data=server.url(server.fresh()) if server else "",
    ) as world:
        chosen = [one for one in acts(proxy) if options.acts in one[0]]
        for number, (title, act) in enumerate(chosen, 1):
            began = time.monotonic()
            play(world, number, act)
            print(f"{folder.name}: {title}: {time.monotonic() - began:.0f} s", flush=True)
    return soak_world.report(world, folder.name)


def acts(proxy: soak_proxy.Proxy | None) -> list[tuple[str, Act]]:
    """What is broken, in order."""
    found: list[tuple[str, Act]] = [
        ("Envoy killed three times", kill_envoy),
        ("services killed", kill_services),
        ("the supervisor killed", kill_supervisor),
        ("a controller stopped past the take-over, and woken", stop_and_wake),
        (f"no counters for {BLIND_SECONDS:.0f} s", blind),
    ]
    if proxy is not None:
        outages = {"slow": "slow", "silent": "silent", "closed": "gone"}
        found += [
            (f"the store {word} for {OUTAGE_SECONDS:.0f} s", outage(proxy, mode))
            for mode, word in outages.items()
        ]
    return found


def play(world: World, number: int, act: Act) -> None:
    """One round with one act in its midst."""
    due, acted = time.monotonic() + UNDER_WAY_SECONDS, False

    def meanwhile() -> None:
        nonlocal acted
        world.keep(CONTROLLERS)
        if not acted and time.monotonic() >= due and world.holder() is not None:
            acted = True
            act(world)

    soak_world.play(world, number, meanwhile)
    if not acted:
        world.problems.append(f"act {number} came too late: the round was over")


def kill_envoy(world: World) -> None:
    """It is started anew by the supervisor; meanwhile requests are refused."""
    for _ in range(3):
        begin = time.time()
        for pid in children(world, "envoy"):
            os.kill(pid, signal.SIGKILL)
        serve_again(world)
        world.excused.append((begin, time.time() + soak_world.EXCUSED_SECONDS))


def kill_services(world: World) -> None:
    """Every second replica, whatever its version."""
    begin = time.time()
    for pid in children(world, "soak_stub.py")[::2]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    serve_again(world)
    world.excused.append((begin, time.time() + 2 * soak_world.EXCUSED_SECONDS))


def kill_supervisor(world: World) -> None:
    """Everything of the place ends with it; the next start resumes what was wanted."""
    begin = time.time()
    for pid in processes(world, "telford.backends.local.supervisor"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.5)
    root = soak_controller.files(world.root, world.url).place(PLACE)
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            world.place = LocalPlace.start(root)
            break
        except TelfordError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
    serve_again(world)
    world.excused.append((begin, time.time() + 5 * soak_world.EXCUSED_SECONDS))


def stop_and_wake(world: World) -> None:
    """SIGSTOP past the take-over; woken, it changes nothing and stands by, with a sentence."""
    pid, epoch = world.holder(), epoch_of(world)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    while epoch_of(world) == epoch and time.monotonic() - began < WAIT_SECONDS:
        time.sleep(0.05)
    took = time.monotonic() - began
    print(f"taken over {took:.1f} s after the stop", flush=True)
    taken = epoch_of(world)
    if took > TAKE_OVER_SECONDS:
        world.problems.append(f"the take-over took {took:.1f} s")
    time.sleep(1.0)
    os.kill(pid, signal.SIGCONT)
    sentence = f"{pid} says: stands by from now on"
    deadline = time.monotonic() + WAIT_SECONDS
    while sentence not in world.said(100_000) and time.monotonic() < deadline:
        time.sleep(0.1)
    if sentence not in world.said(100_000):
        world.problems.append(f"the woken controller {pid} did not say that it stands by")
    if epoch_of(world) != taken:
        world.problems.append("the lease changed hands when the old controller woke")


def blind(world: World) -> None:
    """Nobody can read the counters."""
    flag = world.root / soak_controller.BLIND
    flag.touch()
    time.sleep(BLIND_SECONDS)
    flag.unlink()


def outage(proxy: soak_proxy.Proxy, mode: str) -> Act:
    """The store is slow, silent or gone for the controllers."""

    def act(_world: World) -> None:
        proxy.set(mode)
        time.sleep(OUTAGE_SECONDS)
        proxy.set("through")

    return act


def epoch_of(world: World) -> int:
    """The newest epoch of the place's lease."""
    held = world.store.leases.get(PLACE)
    return held.epoch if held else 0


def serve_again(world: World) -> None:
    """Until the place answers and all its replicas are ready."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(TelfordError):
            if all(one.phase in {"ready", "draining"} for one in world.place.state().replicas):
                return
        time.sleep(0.1)
    world.problems.append("the place did not come back")


def children(world: World, word: str) -> list[int]:
    """Processes of the place whose command holds `word`."""
    supervisors = processes(world, "telford.backends.local.supervisor")
    found = []
    for pid in all_processes():
        line = command_of(pid)
        if word in line and any(ancestor in supervisors for ancestor in ancestors(pid)):
            found.append(pid)
    return sorted(found)


def processes(world: World, word: str) -> list[int]:
    """Processes that name both `word` and this world's folder."""
    return [
        pid
        for pid in all_processes()
        if word in command_of(pid) and str(world.root) in command_of(pid)
    ]


def all_processes() -> list[int]:
    """Every pid of this machine."""
    return [int(one.name) for one in pathlib.Path("/proc").iterdir() if one.name.isdigit()]


def command_of(pid: int) -> str:
    """Its command line, "" where it is gone."""
    try:
        raw = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace")


def ancestors(pid: int) -> list[int]:
    """Its parents, the nearest first."""
    found: list[int] = []
    while pid > 1:
        try:
            text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return found
        pid = int(text.rpartition(") ")[2].split()[1])
        found.append(pid)
    return found
