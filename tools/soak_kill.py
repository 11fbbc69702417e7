"""Kill controllers at every named boundary of every strategy; the end must be the unkilled one.

Services of one strategy after the other (tools/soak_strategies.py) run on the real local place
(supervisor, Envoy, processes) under a steady load. In each round every service gets a new version:
good ones, slow ones, ones with one sick replica, ones that people promote or abort. Controllers
(ticks of 100 ms) are killed with SIGKILL before and after every effect boundary that the strategy
reaches, `--each` times in all, half of them on SQLite with one controller, half on PostgreSQL with
two, of which the other takes over; then `--random` times at any instant. Then everything else is
broken (tools/soak_chaos.py), and last the same rounds run once more without a kill. Right means:

- the same final weights as the unkilled run of the same seed, service by service, round by round;
- (release, tick) unique in the ledger, and every verdict recomputed from its raw counts agrees;
- Envoy's own dump equal to the record, no version left over, the audit log's chain whole;
- not one request failed by the tool at the load generator.

`make soak-kill`. Parts: ``--parts kills,chaos,reference``, ``--stores sqlite,postgresql``,
``--strategies canary,...``, ``--only BOUNDARY,...``. With ``--record FILE`` what was killed is kept
there, and the next run goes on from it. Exit code 1 where anything is not right.
"""

import argparse
import concurrent.futures
import contextlib
import json
import pathlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator

import soak_chaos
import soak_strategies
import soak_world
from soak_world import World

from telford.testing import postgres

STORES = ("sqlite", "postgresql")
CONTROLLERS = {"sqlite": 1, "postgresql": 2}
MAX_ROUNDS = 60
# How many times a boundary is let pass at random before the kill, so that instants vary.
MOST_PASSED = 4
Instant = tuple[str, str]


class Record:
    """What was done so far, in a file where one is named."""

    def __init__(self, path: str) -> None:
        self._path = pathlib.Path(path) if path else None
        self.kills: Counter[str] = Counter()
        # "strategy round" -> service -> the version it ended with.
        self.ends: dict[str, dict[str, str]] = {}
        if self._path is not None and self._path.exists():
            plain = json.loads(self._path.read_text(encoding="utf-8"))
            self.kills.update(plain["kills"])
            self.ends.update(plain["ends"])

    def keep(self) -> None:
        """Write it down."""
        if self._path is not None:
            plain = {"kills": self.kills, "ends": self.ends}
            self._path.write_text(json.dumps(plain, indent=1), encoding="utf-8")

    def done(self, store: str, strategy: str, instant: Instant) -> int:
        """How many kills of that kind."""
        return self.kills[f"{store} {strategy} {instant[0]} {instant[1]}"]

    def total(self, strategy: str, instant: Instant) -> int:
        """On both stores."""
        return sum(self.done(store, strategy, instant) for store in STORES)

    def end(self, strategy: str, number: int, versions: dict[str, str]) -> bool:
        """Note how a round ended; whether it is as it was before."""
        return self.ends.setdefault(f"{strategy} {number}", versions) == versions


class Kills:
    """Keeps controllers alive and aims each life, until every boundary has had its kills."""

    def __init__(
        self, world: World, store: str, row: soak_strategies.Row, options: argparse.Namespace
    ) -> None:
        self._world, self._count = world, CONTROLLERS[store]
        only = set(filter(None, options.only.split(",")))
        names = [one for one in row.boundaries if not only or one in only]
        self.instants = [(name, when) for name in names for when in ("before", "after")]
        share = -(-options.each // len(options.stores))
        self._wanted = {
            one: share - options.record.done(store, row.name, one) for one in self.instants
        }
        self._random = options.random_each
        self._chance = random.Random(f"{options.seed} {store} {row.name}")
        self._due: float | None = None
        self.random_done = 0

    def missing(self) -> list[Instant]:
        """The instants that have not had all their kills."""
        done = self._world.killed()
        return [one for one in self.instants if done[one] < self._wanted[one]]

    def over(self) -> bool:
        """Whether everything that was asked for was killed."""
        return not self.missing() and self.random_done >= self._random

    def go_on(self) -> None:
        """Begin lives where there are none; kill at random once the boundaries are done."""
        if self._world.keep(self._count):
            self._aim()
        elif self._due is not None and time.monotonic() >= self._due:
            pid = self._world.holder()
            if pid is not None:
                self._world.kill(pid)
                self.random_done += 1
                self._due = None

    def _aim(self) -> None:
        missing = self.missing()
        rare = soak_strategies.RARE
        self._world.aim(
            [
                (name, when, 1 if name in rare else self._chance.randint(1, MOST_PASSED))
                for name, when in missing
            ]
        )
        self._due = None
        if not missing and self.random_done < self._random:
            self._due = time.monotonic() + self._chance.uniform(0.2, 2.0)


@contextlib.contextmanager
def databases(store: str) -> Iterator["postgres.Server | None"]:
    """A server of PostgreSQL where it is asked for."""
    if store != "postgresql":
        yield None
        return
    server = postgres.start()
    try:
        yield server
    finally:
        server.stop()


def shares(options: argparse.Namespace) -> dict[str, int]:
    """How many of the kills at each instant each store gets; PostgreSQL the odd one."""
    count = len(options.stores)
    return {store: (options.each + number) // count for number, store in enumerate(options.stores)}


def killed_runs(folder: pathlib.Path, options: argparse.Namespace) -> bool:
    """Every strategy on every store; the stores beside one another where that was asked for."""

    def on(store: str) -> bool:
        right = True
        with databases(store) as server:
            for row in options.rows:
                right &= killed_run(folder / f"{store}-{row.name}", store, row, server, options)
        return right

    workers = len(options.stores) if options.beside else 1
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return all(list(pool.map(on, options.stores)))


def killed_run(
    folder: pathlib.Path,
    store: str,
    row: soak_strategies.Row,
    server: "postgres.Server | None",
    options: argparse.Namespace,
) -> bool:
    """One strategy on one store, until its boundaries have had their kills."""
    services = soak_strategies.services((row,), options.services)
    began, record = time.monotonic(), options.record
    url, data = (server.url(server.fresh()) if server else "" for _ in range(2))
    with soak_world.a_world(
        folder, services, options.seed, url, data=data, rate=options.rate
    ) as world:
        kills = Kills(world, store, row, options)
        for number in range(1, MAX_ROUNDS + 1):
            if kills.over():
                break
            versions = soak_world.play(world, number, kills.go_on)
            if not record.end(row.name, number, versions):
                world.problems.append(f"round {number} ended otherwise than before: {versions}")
        done, over = world.killed(), kills.over()
    for (name, when), count in done.items():
        record.kills[f"{store} {row.name} {name} {when}"] += count
    record.kills[f"{store} {row.name} at random"] += kills.random_done
    record.keep()
    took = time.monotonic() - began
    right = soak_world.report(world, f"{store} {row.name} ({number} rounds, {took:.0f} s)")
    if not over:
        print(f"PROBLEM {store} {row.name}: not killed enough: {kills.missing()}", flush=True)
    return right and over


def coverage(options: argparse.Namespace) -> bool:
    """The table of kills, both stores together: before/after; whether each has enough."""
    names = list(dict.fromkeys(name for row in options.rows for name in row.boundaries))
    print(f"{'boundary':<18}" + "".join(f"{row.name:>11}" for row in options.rows))
    enough = True
    only = set(filter(None, options.only.split(",")))
    for name in names:
        cells = []
        for row in options.rows:
            counts = [options.record.total(row.name, (name, when)) for when in ("before", "after")]
            reached = name in row.boundaries and (not only or name in only)
            enough &= not reached or min(counts) >= options.each
            cells.append("/".join(map(str, counts)) if reached else "-")
        print(f"{name:<18}" + "".join(f"{cell:>11}" for cell in cells))
    total = sum(options.record.kills.values())
    at_random = sum(n for key, n in options.record.kills.items() if key.endswith("at random"))
    print(f"{total} kills of controllers in all, {at_random} of them at any instant", flush=True)
    return enough


def reference(folder: pathlib.Path, options: argparse.Namespace) -> bool:
    """The same rounds without a kill, a world for each strategy, two of them at the same time."""
    with concurrent.futures.ThreadPoolExecutor(2 if options.beside else 1) as pool:
        return all(list(pool.map(lambda row: calm(folder, row, options), options.rows)))


def calm(folder: pathlib.Path, row: soak_strategies.Row, options: argparse.Namespace) -> bool:
    """The rounds of one strategy without a kill; whether they end as those with kills did."""
    killed = {
        int(key.split()[1]): ends
        for key, ends in options.record.ends.items()
        if key.split()[0] == row.name
    }
    services = soak_strategies.services((row,), options.services)
    with soak_world.a_world(folder / f"calm-{row.name}", services, options.seed) as world:
        for number in range(1, max(killed, default=0) + 1):
            versions = soak_world.play(world, number, lambda: alone(world))
            if killed.get(number, versions) != versions:
                world.problems.append(f"round {number} ends otherwise without kills: {versions}")
    return soak_world.report(world, f"{row.name}: {len(killed)} rounds without a kill")


def alone(world: World) -> None:
    """One controller, left in peace."""
    world.keep(1)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--services", type=int, default=4, help="services a strategy")
    parser.add_argument("--each", type=int, default=5, help="kills before and after each boundary")
    parser.add_argument("--random", type=int, default=50, help="kills at any instant")
    parser.add_argument("--rate", type=float, default=soak_world.RATE, help="requests a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parts", default="kills,chaos,reference")
    parser.add_argument("--stores", default=",".join(STORES))
    parser.add_argument("--strategies", default="", help=", ".join(soak_strategies.NAMES))
    parser.add_argument("--only", default="", help="boundaries, separated by commas")
    parser.add_argument("--acts", default="", help="of chaos, those with this in their title")
    parser.add_argument("--beside", action="store_true", help="both stores at the same time")
    parser.add_argument("--record", default="", help="a file that keeps what was done")
    options = parser.parse_args()
    options.stores = [one for one in STORES if one in options.stores.split(",")]
    options.rows = soak_strategies.rows(options.strategies)
    options.record = Record(options.record)
    worlds = len(options.rows) * max(len(options.stores), 1)
    options.random_each = -(-options.random // worlds)
    return options


def main() -> int:
    """All parts that were asked for."""
    # Whoever ends it ends its places too.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: soak_world.ENDED.set())
    options = parse()
    parts = options.parts.split(",")
    began, right = time.monotonic(), True
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = pathlib.Path(name)
        if "kills" in parts:
            right &= killed_runs(folder, options)
            right &= coverage(options)
        if "chaos" in parts:
            for store in options.stores:
                with databases(store) as server:
                    right &= soak_chaos.run(folder / f"chaos-{store}", options, server)
        if "reference" in parts:
            right &= reference(folder, options)
    print(f"{'RIGHT' if right else 'WRONG'} after {time.monotonic() - began:.0f} s")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
