"""One local place with a service for each strategy, visitors at each, and the real controller.

Everything is real but the services: supervisor, Envoy, durable orders, store, the loop that
decides. Visitors keep every answer, and say of each bad one whose it was: the version's own (it
said so itself) or nobody's, which is the tool's.
"""

import dataclasses
import http.client
import itertools
import pathlib
import sys
import threading
import time
from collections import Counter, defaultdict
from decimal import Decimal
from urllib.parse import urlsplit

from shop import labels

import bindings
from telford.app import controlling, wiring
from telford.app import release as releases
from telford.backends.local.place import LocalPlace
from telford.backends.local.settings import Settings
from telford.basics.clock import SystemClock
from telford.deliver import forecast
from telford.deliver.policy import FULL_WEIGHT, Indicator, Policy
from telford.deliver.state import FINAL
from telford.estate.workload import Ingress, Match, Probe, Split, Workload
from telford.flows import orders, watching
from telford.flows.controller import Pace
from telford.store.commands import Command

HERE = pathlib.Path(__file__).resolve()
STUB = HERE.parents[1] / "backends" / "local" / "stub_service.py"
SHOP = HERE.parents[2] / "examples" / "shop"
PLACE = "strategies"
STABLE, GOOD, BAD = "1.0.0", "1.1.0", "1.2.0"
REPLICAS = 2
RATE = 25.0  # requests a second to each service
PREVIEW = Match("", "yes", header="x-preview")
LIMIT_SECONDS = 120.0

QUICK = Policy(
    indicators=(Indicator("errors", Decimal("0.9")),),
    weights=(5000,),
    soak_seconds=(0.5,),
    warmup_seconds=0.2,
    deadline_seconds=100.0,
    stale_seconds=60.0,
    start_seconds=60.0,
    stable_replicas=REPLICAS,
    fuse_alpha=0.0,
)


def _policy(strategy, **changes):
    return dataclasses.replace(QUICK, strategy=strategy, **changes)


WORK = {"sharing": "queue", "stable_replicas": 4}
POLICIES = {
    "affinity": _policy("canary", weights=(4000, 7000), sticky="visitor"),
    "baseline": _policy("canary", weights=(4000,), baseline=True),
    "bluegreen": _policy(
        "blue-green", weights=(0, FULL_WEIGHT), matches=(PREVIEW,), keep_seconds=1.0
    ),
    "rolling": _policy("rolling"),
    "mirror": _policy("mirror", weights=(FULL_WEIGHT,)),
    "ab": _policy("ab", weights=(0,), matches=(PREVIEW,)),
    "recreate": _policy("recreate", weights=(FULL_WEIGHT,)),
    "queue": _policy("rolling", **WORK),
    "onebyone": _policy("rolling", **{**WORK, "weights": (2500, 5000, 7500)}),
    "partition": _policy("rolling", **{**WORK, "sharing": "partition", "partitions": 8}),
}
WORKERS = ("queue", "onebyone", "partition")
SERVING = tuple(name for name in POLICIES if name not in WORKERS)


def workload(service, version, generation=1):
    """A version of a service; six of ten answers of the bad one are errors."""
    if service in WORKERS:
        env = {"SHOP_VERSION": version, "STATE_DIR": "{state}", "METRICS_PORT": "{metrics_port}"}
        command = (sys.executable, "-m", "shop.labels")
        replicas = POLICIES[service].stable_replicas
        return Workload(
            service, version, generation, command, env, str(SHOP), replicas, listens=False
        )
    command = [sys.executable, "-S", str(STUB), "--port", "{port}", "--name", version]
    command += ["--errors", "0.6", "--seed", "1"] if version == BAD else []
    probe = Probe(interval_seconds=0.05)
    return Workload(service, version, generation, tuple(command), replicas=REPLICAS, probe=probe)


@dataclasses.dataclass
class Answers:
    """What the visitors of one service got: (kind of request, version) -> how many, and when first
    and last; bad answers that a version gave itself, by version; those that nobody gave, which are
    the tool's; and how visitors with a cookie changed versions.
    """

    seen: Counter = dataclasses.field(default_factory=Counter)
    first: dict = dataclasses.field(default_factory=dict)
    last: dict = dataclasses.field(default_factory=dict)
    versions_own: Counter = dataclasses.field(default_factory=Counter)
    tools: list = dataclasses.field(default_factory=list)
    moves: Counter = dataclasses.field(default_factory=Counter)


class Visitors(threading.Thread):
    """A steady rate of requests to one service: some with the preview's header, some with cookies."""

    def __init__(self, service, url):
        super().__init__()
        self.answers = Answers()
        self._service, self._address = service, urlsplit(url).netloc
        self._end = threading.Event()
        self._jars = [{} for _ in range(10)]
        self._last = {}

    def stop(self):
        self._end.set()
        self.join(30)

    def run(self):
        connection = http.client.HTTPConnection(self._address, timeout=20)
        due = time.monotonic()
        for number in itertools.count():
            due = max(due + 1 / RATE, time.monotonic() - 1)
            if self._end.wait(max(due - time.monotonic(), 0)):
                break
            kind = "preview" if number % 4 == 0 else "plain"
            try:
                self._ask(connection, kind, number % len(self._jars))
            except (OSError, http.client.HTTPException) as error:
                self.answers.tools.append((time.time(), kind, repr(error)))
                connection.close()
        connection.close()

    def _ask(self, connection, kind, visitor):
        jar = self._jars[visitor]
        headers = {"x-preview": "yes"} if kind == "preview" else {}
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        connection.request("GET", f"/{self._service}/", headers=headers)
        answer = connection.getresponse()
        version = answer.read().decode()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value
        if version not in (STABLE, GOOD, BAD):
            self.answers.tools.append((time.time(), kind, f"{answer.status} {version[:80]}"))
            return
        found, now = self.answers, time.time()
        found.versions_own[version] += answer.status >= 500
        found.seen[kind, version] += 1
        found.first.setdefault((kind, version), now)
        found.last[kind, version] = now
        if jar and self._last.get(visitor, version) != version:
            found.moves[self._last[visitor], version] += 1
        self._last[visitor] = version


class Feeder(threading.Thread):
    """Keeps jobs in every worker's queue."""

    def __init__(self, folders):
        super().__init__()
        self._folders = folders
        self._end = threading.Event()

    def stop(self):
        self._end.set()
        self.join(30)

    def run(self):
        queues = [labels.connect(folder) for folder in self._folders]
        while not self._end.wait(0.1):
            for queue in queues:
                labels.put(queue, 6)
        for queue in queues:
            queue.close()


class World:
    """See the module. `start` it once, `release` in rounds, `stop` it."""

    def __init__(self, root):
        self.root = root
        self.kept = wiring.Files(root, f"sqlite:///{root / 'store.db'}")
        self.problems = []
        self._stop = threading.Event()
        self._numbers = itertools.count(1)
        self.visitors = {}

    def start(self):
        chosen = Settings(backoff_first_seconds=0.05)
        self.place = LocalPlace.start(self.kept.place(PLACE), chosen)
        first = [workload(name, STABLE) for name in POLICIES]
        self.place.bring_up(
            first,
            [Split(name, 1, {STABLE: FULL_WEIGHT}) for name in SERVING],
            [Ingress(f"/{name}/", name) for name in SERVING],
        )
        clock = SystemClock()
        self.store = wiring.open_store(self.kept, clock)
        self._bind(first)
        pace = Pace(tick=0.2, retry=0.3, lease=30.0, evaluate=60.0, tidy=60.0)
        lease = controlling.take_lease(self.store, PLACE, pace)
        watch = watching.watch([(address(name), name) for name in POLICIES], ())
        self._control = controlling.control(
            self.kept, self.store, lease, self.place, watch=watch, pace=pace
        )
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        data = self.kept.place(PLACE) / "data"
        self._feeder = Feeder([data / name for name in WORKERS])
        self._feeder.start()

    def _run(self):
        self._control.controller.run(
            self._stop.wait, lambda report: self.problems.extend(report.problems)
        )

    def stop(self):
        self._stop.set()
        self._thread.join(30)
        self._control.close()
        self._feeder.stop()
        self.store.close()
        self.place.stop()

    def _bind(self, workloads):
        """What runs at the beginning, as if it had been released long ago."""
        for one in workloads:
            bindings.bind(self.store, PLACE, address(one.service), one)

    # ---- a round of releases

    def round(self, version, services=tuple(POLICIES), verbs=None):
        """Release a version of each service at once, visitors included; wait for all ends."""
        self.visitors = {
            name: Visitors(name, self.place.ingress_url) for name in services if name in SERVING
        }
        for one in self.visitors.values():
            one.start()
        try:
            ids = {name: self._release(name, version) for name in services}
            seen = self._watch(ids, verbs or {})
        finally:
            for one in self.visitors.values():
                one.stop()
        ends = {name: self.store.releases.get(key) for name, key in ids.items()}
        return Round(ends, seen, {name: one.answers for name, one in self.visitors.items()})

    def _release(self, service, version):
        stored = self.store.bindings.get(PLACE, address(service))
        stable, policy = orders.workload(stored.workload), POLICIES[service]
        prepared = releases.Prepared(
            service=address(service),
            name=service,
            place=PLACE,
            digest="0" * 64,
            policy=policy,
            tick_seconds=0.2,
            stable=stable,
            canary=workload(service, version, stored.generation),
            traffic=releases.Traffic(RATE, {}),
            forecast=forecast.forecast(policy, RATE, {}),
        )
        key = f"{service}-{next(self._numbers)}"
        with self.store.writing() as writing:
            generation = self.store.bindings.issue(writing, PLACE, address(service))
            at = self.store.clock.now()
            row = releases.planned(prepared, key, generation, who="ann", reason="", at=at)
            self.store.releases.create(writing, row)
        return key

    def _watch(self, ids, verbs):
        """Poll until all ended; service -> the phases, splits and replica counts on the way."""
        seen = defaultdict(list)
        asked = set()
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            rows = {name: self.store.releases.get(key) for name, key in ids.items()}
            state = self.place.state()
            for name, row in rows.items():
                shown = shape(state, name)
                if not seen[name] or seen[name][-1] != (row.phase, shown):
                    seen[name].append((row.phase, shown))
                if row.phase == "stepping" and name in verbs and name not in asked:
                    asked.add(name)
                    self._ask(row.id, verbs[name])
            if all(row.phase in FINAL for row in rows.values()):
                return seen
            time.sleep(0.1)
        late = {
            name: (row.phase, row.state["reason"], row.progress.get("waits"))
            for name, row in rows.items()
            if row.phase not in FINAL
        }
        raise AssertionError(f"never ended: {late}; {self.problems[-5:]}")

    def _ask(self, release, verb):
        with self.store.writing() as writing:
            at = self.store.clock.now()
            self.store.commands.ask(
                writing, Command(f"{release}-{verb}", release, verb, "bob", "", at)
            )


@dataclasses.dataclass
class Round:
    """How a round ended: rows, what was seen on the way, what visitors got."""

    rows: dict
    seen: dict
    answers: dict


def address(service):
    return f"service/{service}"


def shape(state, service):
    """The split and the ready replicas of a service, as the place shows them."""
    split = next((one for one in state.splits if one.service == service), None)
    ready = Counter(
        one.version for one in state.replicas if one.service == service and one.phase == "ready"
    )
    return split, dict(ready)
