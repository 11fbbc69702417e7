"""Count the requests that a hundred releases, of all strategies and under load, cost.

Services on the real local place (supervisor, Envoy, processes), one for each strategy, visitors at
200 requests a second in a process of their own. In each round every service is released at once;
new versions are good or bad, some releases are aborted or finished by hand, and in two rounds of
three the controller is killed with SIGKILL at a random moment, and started again. Every answer is
judged at the load generator: an error that a version gave itself is that version's; what fails in
the gap that recreate announces is the strategy's; everything else is the tool's, and makes the
soak fail. So does a release with the wrong end, or a data plane that differs from the record.

`make soak-strategies`; `--out` writes the report (docs/benchmarks/strategies.md is one). The
worker among them is the shop's, so examples/shop must be on the path.
"""

import argparse
import contextlib
import dataclasses
import json
import math
import os
import pathlib
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from shop import labels

from telford.app import controlling, wiring
from telford.app import release as releases
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.deliver import forecast
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.deliver.state import FINAL
from telford.estate.workload import Ingress, Match, Probe, Split, Workload
from telford.flows import orders, watching
from telford.flows.controller import Pace, Report
from telford.store.bindings import Bound
from telford.store.commands import Command
from telford.store.releases import Release
from telford.store.store import Store

HERE = pathlib.Path(__file__).resolve().parent
SHOP = HERE.parent / "examples" / "shop"
PLACE = "soak"
PACE = Pace(tick=0.1, retry=0.3, lease=10.0, evaluate=60.0, tidy=60.0)
REPLICAS = 2
PREVIEW = Match("", "yes", header="x-preview")
ROUND_LIMIT_SECONDS = 240.0
FATES = ("good", "bad", "aborted", "good", "promoted", "bad")  # in an order of chance, each
ENDS = {"good": "promoted", "bad": "rolled-back", "promoted": "promoted", "aborted": "aborted"}
COLUMNS = (
    "strategy",
    "releases",
    "promoted",
    "rolled back",
    "aborted",
    "killed in flight",
    "median s",
    "requests",
    "own errors",
    "by the tool",
)
HEAD = """# Releases of every strategy under load

Made by `make soak-strategies`. One local place: supervisor, a real Envoy, processes, the real
controller with durable orders; eight services, one a strategy (two for canary: with session affinity,
and with a fresh baseline; the worker shares a queue and has no requests). In each round all eight are
released at once; new versions are good or bad (six of ten answers are errors), some releases are
aborted or finished by hand at a moment of chance, and in two rounds of three the controller is killed
with SIGKILL at a moment of chance and started again. Visitors come at 200 requests a second in all,
with cookies, with and without the preview's header, a quarter of them with a body.

Every answer is judged at the load generator. An error that a version gave itself (it says its name)
is that version's. A 503 of a service while it is recreated is the strategy's, which announces it.
Anything else that is not a good answer is the tool's. Soak times are a second, so that there are many
changes of traffic in little time; the releases' own times say nothing about real ones.
"""
QUICK = Policy(
    indicators=(Indicator("errors", Decimal("0.9")),),
    weights=(5000,),
    soak_seconds=(1.0,),
    warmup_seconds=0.2,
    deadline_seconds=200.0,
    stale_seconds=60.0,
    start_seconds=60.0,
    stable_replicas=REPLICAS,
    fuse_alpha=0.0,
)


def _policy(strategy: str, **changes: Any) -> Policy:
    return dataclasses.replace(QUICK, strategy=strategy, **changes)


POLICIES = {
    "canary": _policy("canary", weights=(1000, 5000), sticky="visitor"),
    "baseline": _policy("canary", weights=(4000,), baseline=True),
    "bluegreen": _policy(
        "blue-green", weights=(0, FULL_WEIGHT), matches=(PREVIEW,), keep_seconds=2.0
    ),
    "rolling": _policy("rolling"),
    "mirror": _policy("mirror", weights=(FULL_WEIGHT,)),
    "ab": _policy("ab", weights=(0,), matches=(PREVIEW,)),
    "recreate": _policy("recreate", weights=(FULL_WEIGHT,)),
    "worker": _policy("rolling", sharing="queue"),
}
SERVING = tuple(name for name in POLICIES if name != "worker")


def workload(service: str, version: str, fate: str, generation: int) -> Workload:
    """A version that is as good as its fate says."""
    bad = fate == "bad"
    if service == "worker":
        env = {"STATE_DIR": "{state}", "METRICS_PORT": "{metrics_port}"}
        env["SHOP_VERSION"] = "1.2.0" if bad else "1.0.0"
        command = (sys.executable, "-m", "shop.labels")
        return Workload(
            service, version, generation, command, env, str(SHOP), REPLICAS, listens=False
        )
    errors = "0.6" if bad else "0"
    return Workload(
        service,
        version,
        generation,
        (sys.executable, "-S", str(HERE / "soak_version.py"), "{port}", version, errors),
        replicas=REPLICAS,
        probe=Probe(interval_seconds=0.05),
    )


@dataclasses.dataclass
class Ended:
    """One release as it ended; `killed` where the controller died while it was on its way."""

    service: str
    fate: str
    row: Release
    killed: bool

    @property
    def seconds(self) -> float:
        """From its creation to its end."""
        return (self.row.finished_at or self.row.created_at) - self.row.created_at

    @property
    def right(self) -> bool:
        """Whether it ended as its fate demands. An abort may come when all is done, or late."""
        wanted = {ENDS[self.fate]} | ({"promoted"} if self.fate == "aborted" else set())
        return self.row.phase in wanted


class Soak:
    """The place, its store, the controller's lives, the visitors."""

    def __init__(self, root: pathlib.Path, rate: float, seed: int) -> None:
        self.root, self.rate = root, rate
        self.kept = wiring.Files(root, f"sqlite:///{root / 'store.db'}")
        self.chance = random.Random(seed)
        self.problems: list[str] = []
        self.ended: list[Ended] = []
        self.kills = 0
        self._fates: dict[str, list[str]] = {name: [] for name in POLICIES}
        self._controller: subprocess.Popen[bytes] | None = None

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Everything up; everything ended afterwards, the visitors' summary in `summary`."""
        self.place = LocalPlace.start(self.kept.place(PLACE))
        try:
            first = [workload(name, "r0", "good", 1) for name in POLICIES]
            splits = [Split(name, 1, {"r0": FULL_WEIGHT}) for name in SERVING]
            ingress = [Ingress(f"/{name}/", name) for name in SERVING]
            self.place.bring_up(first, splits, ingress, 120.0)
            self.store: Store = wiring.open_store(self.kept, SystemClock())
            self._bind(first)
            self._begin()
            yield
        finally:
            self._end()
            self.store.close()
            self.place.stop()

    @contextlib.contextmanager
    def visited(self) -> Iterator[None]:
        """Visitors come, and in the end say what they saw."""
        out = self.root / "visitors.json"
        command = [sys.executable, str(HERE / "soak_visitors.py"), self.place.ingress_url]
        visitors = subprocess.Popen([*command, ",".join(SERVING), str(self.rate), str(out)])
        try:
            yield
        finally:
            visitors.terminate()
            visitors.wait(60)
        self.summary = json.loads(out.read_text(encoding="utf-8"))

    def _bind(self, workloads: list[Workload]) -> None:
        lease = self.store.leases.take(PLACE, "soak", 5.0, lambda _holder: True)
        with self.store.writing(lease) as writing:
            for one in workloads:
                plain = orders.workload_json(one)
                address = f"service/{one.service}"
                bound = Bound(
                    PLACE, address, one.service, "r0", "0" * 64, 1, 1, plain, None, writing.at
                )
                self.store.bindings.bind(writing, bound, "soak")
        self.store.leases.give_back(lease)

    # ---- the controller's lives

    def _begin(self) -> None:
        command = [sys.executable, str(HERE / "soak_releases.py"), "--controller", str(self.root)]
        with (self.root / "controller.log").open("ab") as log:
            self._controller = subprocess.Popen(command, stdout=log, stderr=log)

    def _end(self) -> None:
        if self._controller is not None and self._controller.poll() is None:
            self._controller.terminate()
            self._controller.wait(30)

    def _kill(self) -> None:
        assert self._controller is not None
        self._controller.kill()
        self._controller.wait()
        self.kills += 1
        self._begin()

    # ---- rounds

    def round(self, number: int) -> None:
        """Release every service once; see how it ends."""
        version = f"r{number}"
        fates = {name: self._fate(name) for name in POLICIES}
        before = {name: self._stable(name) for name in POLICIES}
        ids = {name: self._release(name, version, fate) for name, fate in fates.items()}
        kill_at = time.monotonic() + self.chance.uniform(0.3, 8.0) if number % 3 else None
        verbs = {name: time.monotonic() + self.chance.uniform(0.5, 6.0) for name in fates}
        killed: set[str] = set()
        deadline = time.monotonic() + ROUND_LIMIT_SECONDS
        while time.monotonic() < deadline:
            rows = {name: self._row(key) for name, key in ids.items()}
            if all(row.phase in FINAL for row in rows.values()):
                break
            now = time.monotonic()
            if kill_at is not None and now > kill_at:
                killed = {name for name, row in rows.items() if row.phase not in FINAL}
                self._kill()
                kill_at = None
            for name, row in rows.items():
                if fates[name] in {"aborted", "promoted"} and now > verbs.get(name, now):
                    self._by_hand(name, fates[name], row, verbs)
            time.sleep(0.05)
        else:
            late = {n: r.progress.get("waits") for n, r in rows.items() if r.phase not in FINAL}
            raise SystemExit(f"round {number} never ended: {late}")
        found = [Ended(name, fates[name], rows[name], name in killed) for name in POLICIES]
        self._judge(found, before, version)

    def _fate(self, service: str) -> str:
        """Every service meets every fate about as often."""
        left = self._fates[service]
        if not left:
            left += self.chance.sample(FATES, len(FATES))
        return left.pop()

    def _by_hand(self, name: str, fate: str, row: Release, verbs: dict[str, float]) -> None:
        """Abort at any time; finish by hand once requests are on their way."""
        verb = "abort" if fate == "aborted" else "promote"
        if verb == "promote" and row.phase != "stepping":
            return
        del verbs[name]
        with self.store.writing() as writing:
            command = Command(f"{row.id}-{verb}", row.id, verb, "ann", "", self.store.clock.now())
            self.store.commands.ask(writing, command)

    def _judge(self, found: list[Ended], before: dict[str, str], version: str) -> None:
        self.ended += found
        state = self.place.state()
        for one in found:
            name = one.service
            if not one.right:
                reason = one.row.state["reason"]
                self.problems.append(f"{one.row.id} ({one.fate}) ended {one.row.phase}: {reason}")
            stays = version if one.row.phase == "promoted" else before[name]
            split = next((dict(s.weights) for s in state.splits if s.service == name), None)
            if name in SERVING and split != {stays: FULL_WEIGHT}:
                self.problems.append(f"{one.row.id}: Envoy serves {split}, not {stays}")
            here = Counter(r.version for r in state.replicas if r.service == name)
            if here != {stays: REPLICAS}:
                self.problems.append(f"{one.row.id}: {dict(here)} run, not {REPLICAS} of {stays}")
            if self._stable(name) != stays:
                self.problems.append(f"{one.row.id}: the record says {self._stable(name)}")

    def _stable(self, service: str) -> str:
        bound = self.store.bindings.get(PLACE, f"service/{service}")
        assert bound is not None
        return bound.version

    def _row(self, key: str) -> Release:
        row = self.store.releases.get(key)
        assert row is not None
        return row

    def _release(self, service: str, version: str, fate: str) -> str:
        bound = self.store.bindings.get(PLACE, f"service/{service}")
        assert bound is not None
        policy = POLICIES[service]
        prepared = releases.Prepared(
            service=bound.service,
            name=service,
            place=PLACE,
            digest="0" * 64,
            policy=policy,
            tick_seconds=PACE.tick,
            stable=orders.workload(bound.workload),
            canary=workload(service, version, fate, bound.generation),
            traffic=releases.Traffic(self.rate, {}),
            forecast=forecast.forecast(policy, self.rate, {}),
        )
        key = f"{service}-{version}"
        with self.store.writing() as writing:
            generation = self.store.bindings.issue(writing, PLACE, bound.service)
            at = self.store.clock.now()
            row = releases.planned(prepared, key, generation, who="ann", reason=fate, at=at)
            self.store.releases.create(writing, row)
        return key


def feed(folder: pathlib.Path, ending: threading.Event) -> None:
    """Keep jobs in the worker's queue."""
    queue = labels.connect(folder)
    while not ending.wait(0.1):
        labels.put(queue, 4)
    queue.close()


def control(root: pathlib.Path) -> None:
    """One life of the controller, until SIGTERM or worse."""
    kept = wiring.Files(root, f"sqlite:///{root / 'store.db'}")
    store = wiring.open_store(kept, SystemClock())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    lease = controlling.take_lease(store, PLACE, PACE)
    place = LocalPlace.connect(kept.place(PLACE))
    watch = watching.watch([(f"service/{name}", name) for name in POLICIES], ())
    found = controlling.control(kept, store, lease, place, watch=watch, pace=PACE)

    def say(tick: Report) -> None:
        for problem in tick.problems:
            print(f"{tick.at:.1f} {problem}", flush=True)

    found.controller.run(stop.wait, say)
    found.close()


# ---- the report


def blame(soak: Soak) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Failures of the tool, and those in a gap that recreate announced."""
    spans = [
        (one.row.created_at, one.row.finished_at or one.row.created_at)
        for one in soak.ended
        if one.service == "recreate"
    ]
    tools: list[dict[str, Any]] = []
    gap: list[dict[str, Any]] = []
    for one in soak.summary["failures"]:
        announced = (
            one["service"] == "recreate"
            and one["what"].startswith("503 no healthy upstream")
            and any(began <= one["at"] <= ended for began, ended in spans)
        )
        (gap if announced else tools).append(one)
    return tools, gap


def report(soak: Soak, seed: int) -> str:
    """The page, in Markdown."""
    tools, gap = blame(soak)
    seen = soak.summary
    killed = sum(one.killed for one in soak.ended)
    sent, own = seen["sent"], sum(seen["own"].values())
    facts = (
        f"{len(soak.ended)} releases, {killed} of them in flight when the controller was killed",
        f"{soak.kills} kills of the controller with SIGKILL; seed {seed}",
        f"{sent:,} requests in {seen['seconds']:.0f} s, {sent / seen['seconds']:.0f} a second",
        f"as the visitors saw it: p50 {seen['p50_ms']:.1f} ms, p99 {seen['p99_ms']:.1f} ms",
        f"**requests failed by the tool: {len(tools)}**, {_bound(len(tools), sent)} of all requests",
        f"errors that bad versions gave themselves: {own:,}",
        f"requests in the gaps that recreate announces: {len(gap):,}, in {_gaps(gap)}",
        f"releases with a wrong end, or a place that differs from the record: {len(soak.problems)}",
        f"Python {platform.python_version()}, {platform.machine()}, Linux",
        f"{os.cpu_count()} cores, load average {os.getloadavg()[2]:.0f} meanwhile",
    )
    lines = [HEAD, *(f"- {fact}" for fact in facts), "", f"| {' | '.join(COLUMNS)} |"]
    lines.append("|---" * len(COLUMNS) + "|")
    return "\n".join([*lines, *(_row(soak, name, tools) for name in POLICIES)]) + "\n"


def _row(soak: Soak, name: str, tools: list[dict[str, Any]]) -> str:
    mine = [one for one in soak.ended if one.service == name]
    ends = Counter(one.row.phase for one in mine)
    median = statistics.median(one.seconds for one in mine) if mine else 0.0
    cells = [
        name,
        len(mine),
        ends["promoted"],
        ends["rolled-back"],
        ends["aborted"],
        sum(one.killed for one in mine),
        f"{median:.1f}",
        f"{_of(soak.summary['answered'], name) + _of(soak.summary['own'], name):,}",
        f"{_of(soak.summary['own'], name):,}",
        sum(one["service"] == name for one in tools),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def _gaps(gap: list[dict[str, Any]]) -> str:
    """How many gaps there were, and how long; failures a second apart belong to one."""
    times = sorted(one["at"] for one in gap)
    starts = [at for at, before in zip(times, [0.0, *times], strict=False) if at - before > 1.0]
    ends = [at for at, after in zip(times, [*times[1:], math.inf], strict=True) if after - at > 1.0]
    lengths = [end - start for start, end in zip(starts, ends, strict=True)]
    if not lengths:
        return "no gap"
    return (
        f"{len(lengths)} gaps, median {statistics.median(lengths):.1f} s, most {max(lengths):.1f} s"
    )


def _of(counts: dict[str, int], service: str) -> int:
    return sum(count for key, count in counts.items() if key.split()[0] == service)


def _bound(failed: int, sent: int) -> str:
    """The rule of three where nothing failed; the share itself elsewhere."""
    return f"with 95% confidence below {3 / sent:.1e}" if not failed else f"{failed / sent:.1e}"


def main() -> int:
    """Run the soak; 1 where the tool failed a request or a release ended wrongly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--releases", type=int, default=100)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--controller", type=pathlib.Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.controller:
        control(asked.controller)
        return 0
    rounds = -(-asked.releases // len(POLICIES))
    with tempfile.TemporaryDirectory(prefix="soak-strategies-") as folder:
        soak = Soak(pathlib.Path(folder), asked.rate, asked.seed)
        ending = threading.Event()
        with soak.running():
            queue = soak.place.root / "data" / "worker"
            feeder = threading.Thread(target=feed, args=(queue, ending))
            feeder.start()
            try:
                with soak.visited():
                    for number in range(1, rounds + 1):
                        began = time.monotonic()
                        soak.round(number)
                        took = time.monotonic() - began
                        print(f"round {number} of {rounds}: {took:.0f} s", flush=True)
                    time.sleep(1.0)
            finally:
                ending.set()
                feeder.join()
    text = report(soak, asked.seed)
    print(text)
    tools, _ = blame(soak)
    for one in [*soak.problems, *tools[:50]]:
        print(one)
    if asked.out:
        asked.out.write_text(text, encoding="utf-8")
    return 1 if tools or soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
