"""A thousand releases in flight on one controller: processor, memory, latency, commit.

The controller, its store and every decision are real; the place and its traffic are simulated in
memory (`telford.testing.simulation`), and the time spent in the simulation is left out. Every
release is at a step where nothing is decided yet, so each tick weighs all of them: reads all
counters, computes every e-value, writes a ledger entry and a row for each.

- *work a release*: processor time of a tick, the place's own share left out, over the releases;
- *commit*: the transaction that writes everything, durably (SQLite: WAL with a synchronisation);
- *verdict latency*: from the counters' reading to the committed decision.

Each store has a process of its own, so that neither lives off the memory of the other. What is
printed can be pasted into docs/benchmarks/controller.md.

``make bench-controller``; ``--profile`` says where a tick's time goes.
"""

import argparse
import contextlib
import cProfile
import dataclasses
import gc
import json
import os
import pathlib
import platform
import pstats
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal

from telford.basics import garbage
from telford.deliver.policy import Indicator
from telford.testing import postgres
from telford.testing.place import Behaviour
from telford.testing.simulation import CANARY, QUICK, STABLE, Simulation

RATE = 20.0
LIMIT_MS = 1.0
POLICY = dataclasses.replace(
    QUICK,
    indicators=(
        Indicator("errors", Decimal("0.99")),
        Indicator("slowness", Decimal("0.95"), 300.0),
    ),
    weights=(1000, 5000),
    soak_seconds=(1e6,),
    deadline_seconds=1e7,
    start_seconds=1e6,
)


@dataclasses.dataclass
class Watch:
    """Wall and processor seconds spent in some calls since the last `take`."""

    wall: float = 0.0
    processor: float = 0.0

    @contextlib.contextmanager
    def on(self) -> Iterator[None]:
        """Add what passes meanwhile."""
        wall, processor = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.wall += time.perf_counter() - wall
            self.processor += time.process_time() - processor

    def take(self) -> tuple[float, float]:
        """What there was, and begin anew."""
        found = self.wall, self.processor
        self.wall = self.processor = 0.0
        return found


@dataclasses.dataclass(frozen=True)
class Tick:
    """One tick in seconds; `place` is the simulated place's own share of it."""

    wall: float
    processor: float
    commit: float
    place: float


def measure(url: str, options: argparse.Namespace) -> dict[str, float]:
    """A world of that many releases, and its ticks."""
    services = tuple(f"s{number}" for number in range(options.releases))
    behaviour = Behaviour(bad=0.002, slow=0.01)
    behaviours = {(name, version): behaviour for name in services for version in (STABLE, CANARY)}
    gc.collect()
    before = resident()
    world = Simulation(url, behaviours, services=services, rate=RATE)
    garbage.settle()  # As the controller's loop does when it begins.
    world.release_all(POLICY, {name: f"r-{name}" for name in services})
    for _ in range(options.warm):
        world.step()
    moving = [world.row(f"r-{name}").phase for name in services]
    if set(moving) != {"stepping"}:
        raise SystemExit(f"not all releases are at a step: {sorted(set(moving))}")
    ticks = measured(world, options)
    ledger = sum(len(world.store.ledger.of(f"r-{name}")) for name in services)
    found = summary(ticks, options.releases)
    found["memory_mb"] = (resident() - before) / 1e6
    found["ledger_entries"] = ledger
    world.store.close()
    return found


def measured(world: Simulation, options: argparse.Namespace) -> list[Tick]:
    """Ticks one after the other, with what they are made of."""
    place, commit = Watch(), Watch()
    spy(world, place, commit)
    profile = cProfile.Profile() if options.profile else None
    ticks = []
    for _ in range(options.ticks):
        world.clock.advance(world.tick_seconds)
        world.place.flow(world.tick_seconds)
        place.take()
        commit.take()
        whole = Watch()
        with profile or contextlib.nullcontext(), whole.on():
            world.controller.tick()
        wall, processor = whole.take()
        place_wall, place_processor = place.take()
        ticks.append(
            Tick(wall - place_wall, processor - place_processor, commit.take()[0], place_wall)
        )
        world.engine.work()
    if profile is not None:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("tottime").print_stats(35)
    return ticks


def spy(world: Simulation, place: Watch, commit: Watch) -> None:
    """Time what the simulation and the store do."""
    fake, store = world.place, world.store
    writing, slow_state = store.writing, type(fake).state
    slow_read = type(fake).read

    def timed_state(self: object) -> object:
        with place.on():
            return slow_state(self)  # type: ignore[arg-type]

    def timed_read(self: object) -> object:
        with place.on():
            return slow_read(self)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def timed_writing(*arguments: object) -> Iterator[object]:
        with commit.on(), writing(*arguments) as found:  # type: ignore[arg-type]
            yield found

    type(fake).state = timed_state  # type: ignore[assignment, method-assign]
    type(fake).read = timed_read  # type: ignore[assignment, method-assign]
    store.writing = timed_writing  # type: ignore[assignment, method-assign]


def summary(ticks: list[Tick], releases: int) -> dict[str, float]:
    """Milliseconds."""
    each = sorted(1e3 * one.processor / releases for one in ticks)
    latency = sorted(1e3 * one.wall for one in ticks)
    commit = sorted(1e3 * one.commit for one in ticks)
    return {
        "work_a_release_ms": statistics.median(each),
        "work_a_release_worst_ms": each[-1],
        "latency_ms": statistics.median(latency),
        "latency_worst_ms": latency[-1],
        "commit_ms": statistics.median(commit),
        "commit_worst_ms": commit[-1],
        "processor_share": statistics.median(sorted(one.processor for one in ticks)),
    }


def resident() -> int:
    """Bytes of memory that this process has."""
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * 4096


def on(store: str, options: argparse.Namespace) -> dict[str, float]:
    """One store."""
    if store == "sqlite":
        with tempfile.TemporaryDirectory(prefix="bench-controller-") as folder:
            return measure(f"sqlite:///{folder}/store.db", options)
    server = postgres.start(durable=True)
    try:
        return measure(server.url(server.fresh()), options)
    finally:
        server.stop()


def apart(store: str, options: argparse.Namespace) -> dict[str, float]:
    """One store, in a process of its own."""
    told = ("releases", "ticks", "warm")
    arguments = [f"--{name}={getattr(options, name)}" for name in told]
    arguments += ["--profile"] if options.profile else []
    command = [sys.executable, __file__, *arguments, f"--stores={store}", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    try:
        found: dict[str, dict[str, float]] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"nothing was measured on {store}") from None
    return found[store]


def circumstances(before: float) -> str:
    """What the numbers depend on; `before` is how many processes wanted to run before."""
    after = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {os.cpu_count()} cores; processes that wanted to "
        f"run: {before:.1f} before, {after:.1f} at the end."
    )


def table(found: dict[str, dict[str, float]], options: argparse.Namespace) -> str:
    """For docs/benchmarks/controller.md."""
    lines = [
        f"| {options.releases:,} releases, {options.ticks} ticks | {' | '.join(found)} |",
        "|---|" + "---:|" * len(found),
    ]
    rows = {
        "work a release and tick, median": ("work_a_release_ms", "{:.2f} ms"),
        "work a release, worst tick": ("work_a_release_worst_ms", "{:.2f} ms"),
        "one core busy with a tick a second": ("processor_share", "{:.0%}"),
        "commit, median": ("commit_ms", "{:.0f} ms"),
        "commit, worst": ("commit_worst_ms", "{:.0f} ms"),
        "verdict latency, median": ("latency_ms", "{:.0f} ms"),
        "verdict latency, worst": ("latency_worst_ms", "{:.0f} ms"),
        "memory": ("memory_mb", "{:.0f} MB"),
    }
    for title, (key, form) in rows.items():
        cells = " | ".join(form.format(one[key]) for one in found.values())
        lines.append(f"| {title} | {cells} |")
    return "\n".join(lines)


def main() -> int:
    """Both stores; exit code 1 where a tick's work is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--releases", type=int, default=1000)
    parser.add_argument("--ticks", type=int, default=40)
    parser.add_argument("--warm", type=int, default=8)
    parser.add_argument("--stores", default="sqlite,postgresql")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    stores, load = options.stores.split(","), os.getloadavg()[0]
    run = on if len(stores) == 1 else apart
    found = {store: run(store, options) for store in stores}
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print(f"{circumstances(load)}\n\n{table(found, options)}")
    return int(any(one["work_a_release_ms"] > LIMIT_MS for one in found.values()))


if __name__ == "__main__":
    sys.exit(main())
