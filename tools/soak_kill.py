"""Kill the controller at every named boundary, many times, while it releases; the end must be right.

Ten services run on the real local place (supervisor, Envoy, processes) under a steady load. In each
round every service gets a new version: good ones, slow ones, ones with one sick replica, ones that
people promote or abort. The controller (ticks of 100 ms) is killed with SIGKILL before and after
every effect boundary at least `--each` times, then `--random` times at any instant; it is started
again each time. Then the same rounds run once more without a kill. Right means:

- the same final weights as the unkilled run of the same seed, service by service and round by round;
- (release, tick) unique in the ledger, and every verdict recomputed from its raw counts agrees;
- Envoy's own dump equal to the record, no version left over, the audit log's chain whole;
- not one failed request at the load generator.

`make soak-kill`; exit code 1 where anything is not right.
"""

import argparse
import contextlib
import dataclasses
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import soak_controller

from telford.app import control, evidence, wiring
from telford.app import release as releases
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError
from telford.deliver import forecast
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.estate.workload import Ingress, Split, Workload
from telford.flows import boundaries, orders
from telford.store.bindings import Bound
from telford.store.releases import Release
from telford.store.store import Store

HERE = pathlib.Path(__file__).resolve().parent
PLACE = soak_controller.PLACE
SLOW_MS = 800
FATES = ("good", "good", "slow", "slow", "sick", "aborted", "promoted")
PROMOTED = frozenset({"good", "sick", "promoted"})
# A life that is not killed ends a round in much less than this, also on a busy machine.
LIFE_LIMIT_SECONDS = 240.0
MAX_ROUNDS = 60
# How many times a boundary is let pass at random before the kill, so that instants vary.
MOST_PASSED = 6
RATE = 30.0

POLICY = Policy(
    indicators=(Indicator("slowness", Decimal("0.9"), 500.0),),
    weights=(4000, 7000),
    soak_seconds=(1.0,),
    warmup_seconds=0.3,
    deadline_seconds=200.0,
    stale_seconds=60.0,
    start_seconds=900.0,  # also while the controller is away again and again
    fuse_alpha=0.0,
)

Target = tuple[str, str, int]


@dataclasses.dataclass
class World:
    """One place with its services, its load and its controller's many lives."""

    root: pathlib.Path
    services: list[str]
    chance: random.Random
    store: Store
    place: LocalPlace
    load: "subprocess.Popen[bytes]"
    child: "subprocess.Popen[bytes] | None" = None
    lives: int = 0
    born_at: float = dataclasses.field(default_factory=time.monotonic)
    problems: list[str] = dataclasses.field(default_factory=list)

    def begin(self, targets: list[Target]) -> None:
        """A new life of the controller."""
        command = [sys.executable, str(HERE / "soak_controller.py"), str(self.root)]
        command += [json.dumps(targets), json.dumps(self.services)]
        with (self.root / "controller.log").open("ab") as log:
            self.child = subprocess.Popen(command, stdout=log, stderr=log)
        self.lives += 1
        self.born_at = time.monotonic()

    def ended(self) -> bool:
        """Whether the present life is over; a life that ends by itself is a problem."""
        assert self.child is not None
        code = self.child.poll()
        if code is not None and code != -signal.SIGKILL:
            log = (self.root / "controller.log").read_text(encoding="utf-8")[-2000:]
            raise SystemExit(f"the controller ended by itself with {code}:\n{log}")
        return code is not None

    def stands(self) -> str:
        """What the controller said last, and where its threads stand now."""
        if self.child is not None and self.child.poll() is None:
            self.child.send_signal(signal.SIGUSR1)
            time.sleep(1.0)
        return (self.root / "controller.log").read_text(encoding="utf-8")[-8000:]

    def end(self) -> None:
        """Stop the controller in good order."""
        if self.child is not None and self.child.poll() is None:
            self.child.terminate()
            self.child.wait(30)

    def killed(self) -> Counter[tuple[str, str]]:
        """How often each boundary was the last instant of a life."""
        record = self.root / "kills"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return Counter((line.split()[0], line.split()[1]) for line in lines)


def workload(service: str, version: str, fate: str, generation: int, replicas: int) -> Workload:
    delay = SLOW_MS if fate in {"slow", "sick"} else 0
    command = [sys.executable, str(HERE / "soak_stub.py"), "{port}", str(delay)]
    if fate == "sick":
        # Only the first life of the version's first replica is slow.
        shell = (
            f'[ "$TELFORD_REPLICA" = 0 ] && exec "$@" {delay} {{state}}/{version} || exec "$@" 0'
        )
        command = ["/bin/sh", "-c", shell, "sh", *command[:3]]
    return Workload(service, version, generation, tuple(command), replicas=replicas)


@contextlib.contextmanager
def a_world(folder: pathlib.Path, count: int, seed: int) -> Iterator[World]:
    """Services at version r0, all of them ready, under load."""
    folder.mkdir()
    kept = soak_controller.files(folder)
    services = [f"s{number}" for number in range(count)]
    place = LocalPlace.start(kept.place(PLACE))
    try:
        first = [workload(name, "r0", "good", 1, 2) for name in services]
        splits = [Split(name, 1, {"r0": FULL_WEIGHT}) for name in services]
        place.bring_up(first, splits, [Ingress(f"/{name}/", name) for name in services], 120.0)
        store = wiring.open_store(kept, SystemClock())
        bind(store, first)
        command = [sys.executable, str(HERE / "soak_load.py"), place.ingress_url, str(count)]
        load = subprocess.Popen([*command, str(RATE), str(folder / "load.json")])
        world = World(folder, services, random.Random(seed), store, place, load)
        try:
            yield world
        finally:
            world.end()
            load.terminate()
            load.wait(30)
            store.close()
    finally:
        place.stop()


def bind(store: Store, workloads: list[Workload]) -> None:
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
    stored = world.store.bindings.get(PLACE, f"service/{service}")
    assert stored is not None
    replicas = 2 if fate == "sick" else 1
    policy = dataclasses.replace(POLICY, canary_replicas=replicas, stable_replicas=2)
    prepared = releases.Prepared(
        service=stored.service,
        name=service,
        place=PLACE,
        digest="0" * 64,
        policy=policy,
        tick_seconds=soak_controller.PACE.tick,
        stable=orders.workload(stored.workload),
        canary=workload(service, f"r{number}", fate, 0, replicas),
        traffic=releases.Traffic(RATE, {}),
        forecast=forecast.forecast(policy, RATE, {}),
    )
    return releases.start(world.store, prepared, who="soak", now=time.time())


def play(world: World, number: int, kills: "Kills") -> dict[str, str]:
    """One round to its end: service -> its stable version then."""
    fates = {name: world.chance.choice(FATES) for name in world.services}
    rows = {name: release(world, name, number, fate) for name, fate in fates.items()}
    asked: set[str] = set()
    while world.store.releases.revisions(PLACE):
        kills.go_on(world)
        for name, fate in fates.items():
            interfere(world, rows[name], fate, asked)
        if time.monotonic() > world.born_at + LIFE_LIMIT_SECONDS:
            left = [
                (one.id, one.phase, dict(one.progress))
                for one in world.store.releases.active(PLACE)
            ]
            raise SystemExit(f"round {number} does not end: {left}\n{world.stands()}")
        time.sleep(0.03)
    settle(world, kills)
    return {name: judge(world, rows[name], fates[name]) for name in world.services}


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


def settle(world: World, kills: "Kills") -> None:
    """Orders of the last tick may still be under way; a removed version drains."""
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline:
        kills.go_on(world)
        state = world.place.state()
        if len(state.workloads) == len(world.services) and all(
            one.phase == "ready" for one in state.replicas
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
    expected = row.to_version if row.phase == "promoted" else row.from_version
    served = [dict(one.weights) for one in state.splits if one.service == row.name]
    versions = [one.version for one in state.workloads if one.service == row.name]
    ticks = [one.tick for one in world.store.ledger.of(row.id)]
    checks = {
        f"fate {fate} ended as {row.phase}": (row.phase == "promoted") == (fate in PROMOTED),
        f"bound to {bound.version}": bound.version == expected,
        f"Envoy serves {served}": served == [{expected: FULL_WEIGHT}],
        f"versions {versions}": versions == [expected],
        "a tick is twice in the ledger": len(ticks) == len(set(ticks)),
        f"disagrees: {disagreements(world.store, row)}": not disagreements(world.store, row),
    }
    world.problems += [f"{row.id}: {text}" for text, right in checks.items() if not right]
    return bound.version


def disagreements(store: Store, row: Release) -> tuple[str, ...]:
    if not store.ledger.of(row.id, limit=1):
        return ()
    return evidence.recompute(store, row).differences[:2]


class Kills:
    """Starts the controller again and again until every boundary has had its kills."""

    def __init__(self, each: int, random_kills: int, seed: int, names: tuple[str, ...]) -> None:
        self._each, self._random = each, random_kills
        self._chance = random.Random(seed + 1)
        self._names = names
        self._due: float | None = None
        self.random_done = 0

    def missing(self, world: World) -> list[tuple[str, str]]:
        """The instants that have not had all their kills."""
        done = world.killed()
        every = [(name, when) for name in self._names for when in ("before", "after")]
        return [one for one in every if done[one] < self._each]

    def over(self, world: World) -> bool:
        """Whether everything that was asked for was killed."""
        return not self.missing(world) and self.random_done >= self._random

    def go_on(self, world: World) -> None:
        """Start a life where there is none; kill at random once the boundaries are done."""
        if world.child is None or world.ended():
            self._begin(world)
        elif self._due is not None and time.monotonic() >= self._due:
            assert world.child is not None
            world.child.kill()
            world.child.wait()
            self.random_done += 1
            self._due = None

    def _begin(self, world: World) -> None:
        missing = self.missing(world)
        self._due = None
        targets = [(name, when, self._chance.randint(1, MOST_PASSED)) for name, when in missing]
        # Rare ones are killed at their first time, or they would take all day.
        rare = {boundaries.BINDING_WRITE, boundaries.COMMAND_TAKE, boundaries.CLUSTER_REPLACE}
        targets = [(n, w, 1 if n in rare else c) for n, w, c in targets]
        if not missing and self.random_done < self._random:
            self._due = time.monotonic() + self._chance.uniform(0.2, 4.0)
        world.begin(targets)


class NoKills(Kills):
    """One life from beginning to end."""

    def __init__(self) -> None:
        super().__init__(0, 0, 0, ())


def killed_run(
    folder: pathlib.Path, options: argparse.Namespace
) -> tuple[list[dict[str, str]], bool]:
    names = tuple(options.only.split(",")) if options.only else boundaries.ALL
    kills = Kills(options.each, options.random, options.seed, names)
    ends = []
    with a_world(folder, options.services, options.seed) as world:
        for number in range(1, MAX_ROUNDS + 1):
            began = time.monotonic()
            ends.append(play(world, number, kills))
            left = sum(options.each - world.killed()[one] for one in kills.missing(world))
            print(
                f"round {number}: {time.monotonic() - began:.0f} s, {world.lives} lives, "
                f"{left} kills at boundaries and {options.random - kills.random_done} at random to go",
                flush=True,
            )
            if kills.over(world):
                break
        coverage(world, names)
    right = report(world) and kills.over(world)
    return ends, right


def coverage(world: World, names: tuple[str, ...]) -> None:
    done = world.killed()
    print(f"{'boundary':<18}{'before':>8}{'after':>8}")
    for name in names:
        print(f"{name:<18}{done[name, 'before']:>8}{done[name, 'after']:>8}")


def report(world: World) -> bool:
    """What the load generator and the audit log say."""
    load = json.loads((world.root / "load.json").read_text(encoding="utf-8"))
    store = wiring.open_store(soak_controller.files(world.root), SystemClock())
    chain = store.audit.verify()
    store.close()
    print(
        f"{world.lives} lives; {load['sent']} requests, {load['answered']} answered, "
        f"failed: {load['failed'] or 'none'}; audit log: {chain or 'whole'}"
    )
    for problem in world.problems:
        print(f"PROBLEM {problem}")
    return not (world.problems or load["failed"] or chain)


def unkilled_run(
    folder: pathlib.Path, options: argparse.Namespace, rounds: int
) -> tuple[list[dict[str, str]], bool]:
    with a_world(folder, options.services, options.seed) as world:
        kills = NoKills()
        ends = [play(world, number, kills) for number in range(1, rounds + 1)]
    return ends, report(world)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--services", type=int, default=10)
    parser.add_argument("--each", type=int, default=5, help="kills before and after each boundary")
    parser.add_argument("--random", type=int, default=50, help="kills at any instant")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="boundaries, separated by commas")
    parser.add_argument("--no-reference", action="store_true", help="leave the unkilled run out")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        ends, right = killed_run(pathlib.Path(folder) / "killed", options)
        if not options.no_reference:
            print(f"the same {len(ends)} rounds without a kill:", flush=True)
            reference, calm = unkilled_run(pathlib.Path(folder) / "calm", options, len(ends))
            same = ends == reference
            print(f"final weights of {len(ends)} rounds: {'the same' if same else 'DIFFERENT'}")
            right = right and calm and same
    print(f"{'RIGHT' if right else 'WRONG'} after {time.monotonic() - began:.0f} s")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
