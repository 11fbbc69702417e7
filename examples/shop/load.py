"""The shop's customers: an open-loop load generator for addresses on this machine.

Requests leave at their planned times whether or not earlier ones were answered, and a latency
counts from the planned time, so a server that stalls cannot hide what it did to those who would
have come meanwhile. One third of the requests place orders; the rest read. Everything is counted
as it was seen from here: by method, route, status and the version that answered.

    python examples/shop/load.py --url http://127.0.0.1:8080 --rate 100 --seconds 60 \
        --requests 10000 --out summary.json
"""

import argparse
import asyncio
import contextlib
import dataclasses
import ipaddress
import json
import math
import os
import pathlib
import random
import signal
import sys
import time
import urllib.parse
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import httptools
from shop import catalogue, upstream, versions, wire

RESOLUTION_MS = 0.1  # latencies are counted in steps of this: percentiles are exact to one step
RECENT_ORDERS = 1_000  # customers look at orders placed lately
MAX_RATE = 2_000.0  # one core of Python sends no more than this; a plan beyond it would be a lie
MAX_SECONDS = 7 * 86_400.0
PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much to ask of whom, and when to end: both bounds hold, the first one reached ends it.

    Raises ValueError for a plan that is not allowed: an address that is not this machine's own,
    a rate, duration or number that is not positive or too large.
    """

    url: str
    rate_per_second: float
    duration_seconds: float
    max_requests: int
    seed: int = 1
    arrival: str = "poisson"
    timeout_seconds: float = 5.0
    max_in_flight: int = 512

    def __post_init__(self) -> None:
        self.address()
        if not 0 < self.rate_per_second <= MAX_RATE:
            raise ValueError(f"the rate must be above 0 and at most {MAX_RATE:g} a second")
        if not 0 < self.duration_seconds <= MAX_SECONDS:
            raise ValueError(f"the duration must be above 0 and at most {MAX_SECONDS:g} s")
        if min(self.max_requests, self.max_in_flight) < 1 or self.timeout_seconds <= 0:
            raise ValueError("the bounds on requests, requests in flight and time must be positive")
        if self.arrival not in ("poisson", "constant"):
            raise ValueError(f"arrival is poisson or constant, not {self.arrival!r}")

    def address(self) -> tuple[str, int]:
        """Host and port of `url`; only an http:// address on loopback is allowed."""
        parts = urllib.parse.urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme != "http" or not _is_loopback(host):
            raise ValueError(f"only http:// addresses on loopback are loaded, not {self.url!r}")
        return host, parts.port or 80


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """One request to send, and the route it counts under."""

    method: str
    route: str
    target: str
    body: bytes = b""


class Customers:
    """What customers ask for, in an order that `seed` alone decides."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._products = list(catalogue.PRODUCTS)
        self._orders: deque[str] = deque(maxlen=RECENT_ORDERS)

    def gap_seconds(self, plan: Plan) -> float:
        """The time until the next request."""
        if plan.arrival == "constant":
            return 1.0 / plan.rate_per_second
        return self._random.expovariate(plan.rate_per_second)

    def next(self) -> Ask:
        """One third orders (one to ten pieces, equally often); two thirds pages of three kinds."""
        kind, where = self._random.random(), self._random.random()
        product = self._products[int(where * len(self._products))]
        quantity = self._random.randint(1, versions.MAX_QUANTITY)
        if kind < 1 / 3:
            body = json.dumps({"product": product, "quantity": quantity}).encode()
            return Ask("POST", "/orders", "/orders", body)
        if kind < 1 / 3 + 0.15:
            return Ask("GET", "/", "/")
        if kind < 1 / 3 + 0.30 and self._orders:
            order = self._orders[int(where * len(self._orders))]
            return Ask("GET", "/orders/{id}", f"/orders/{order}")
        return Ask("GET", "/products/{id}", f"/products/{product}")

    def learn(self, ask: Ask, response: wire.Response) -> None:
        """Remember an order that was placed, to look at it later."""
        if ask.method == "POST" and response.status == 201:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._orders.append(str(json.loads(response.body)["id"]))


@dataclasses.dataclass
class Tally:
    """What was seen so far."""

    sent: int = 0
    not_sent: int = 0
    in_flight: int = 0
    responses: Counter[tuple[str, str, int, str]] = dataclasses.field(default_factory=Counter)
    transport: Counter[str] = dataclasses.field(default_factory=Counter)
    steps: Counter[int] = dataclasses.field(default_factory=Counter)

    def answered(self, ask: Ask, response: wire.Response, seconds: float) -> None:
        """Count a response and its latency."""
        served_by = response.headers.get("x-served-by", "")
        self.responses[ask.method, ask.route, response.status, served_by] += 1
        self.steps[math.ceil(seconds * 1000 / RESOLUTION_MS)] += 1

    @property
    def failed(self) -> int:
        """Responses of 500 and above, and requests without a response."""
        bad = sum(count for key, count in self.responses.items() if key[2] >= 500)
        return bad + self.transport.total()

    def latency_ms(self) -> dict[str, float]:
        """Percentiles (nearest rank), mean and maximum of all responses; empty without any."""
        total = self.steps.total()
        if not total:
            return {}
        ranks = {name: math.ceil(share * total) for name, share in PERCENTILES.items()}
        found: dict[str, float] = {}
        below = 0
        for step, count in sorted(self.steps.items()):
            below += count
            for name, rank in ranks.items():
                if name not in found and below >= rank:
                    found[name] = round(step * RESOLUTION_MS, 1)
        mean = sum(step * count for step, count in self.steps.items()) / total
        found["mean"] = round(mean * RESOLUTION_MS, 1)
        found["max"] = round(max(self.steps) * RESOLUTION_MS, 1)
        return found


class Load:
    """One run of a plan. `run` it, `stop` it early, look at its `summary` at any time."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tally = Tally()
        host, port = plan.address()
        self._host = f"{host}:{port}"
        self._customers = Customers(plan.seed)
        self._pool = upstream.Pool(host, port)
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._began = 0.0
        self._before = (0, 0, 0)
        self._last_second = {"sent": 0, "answered": 0, "failed": 0}

    def stop(self) -> None:
        """Send nothing more; `run` returns once the requests in flight have ended."""
        self._stopping.set()

    async def run(
        self, each_second: Callable[[dict[str, Any]], None] | None = None
    ) -> dict[str, Any]:
        """Carry out the plan; hands a summary to `each_second` and returns the final one."""
        self._began = time.monotonic()
        reporter = asyncio.create_task(self._report(each_second))
        try:
            await self._send_all()
            if self._tasks:
                await asyncio.wait(self._tasks)  # each ends by its own time limit
        finally:
            reporter.cancel()
            self._pool.close()
        final = self.summary(final=True)
        if each_second is not None:
            each_second(final)
        return final

    def summary(self, *, final: bool = False) -> dict[str, Any]:
        """Everything counted so far, ready for JSON."""
        tally = self.tally
        return {
            "at": round(time.time(), 3),
            "final": final,
            "url": self.plan.url,
            "seed": self.plan.seed,
            "rate_per_second": self.plan.rate_per_second,
            "elapsed_seconds": round(time.monotonic() - self._began, 3) if self._began else 0.0,
            "sent": tally.sent,
            "answered": tally.responses.total(),
            "failed": tally.failed,
            "in_flight": tally.in_flight,
            "not_sent": tally.not_sent,
            "transport": dict(tally.transport),
            "responses": [
                {
                    "method": key[0],
                    "route": key[1],
                    "status": key[2],
                    "served_by": key[3],
                    "count": count,
                }
                for key, count in sorted(tally.responses.items())
            ],
            "latency_ms": tally.latency_ms(),
            "last_second": self._last_second,
        }

    async def _send_all(self) -> None:
        end = self._began + self.plan.duration_seconds
        due = self._began
        for _ in range(self.plan.max_requests):
            due += self._customers.gap_seconds(self.plan)
            if due > end or not await self._wait_until(due):
                return
            ask = self._customers.next()
            if self.tally.in_flight >= self.plan.max_in_flight:
                self.tally.not_sent += 1
                continue
            self.tally.sent += 1
            self.tally.in_flight += 1
            task = asyncio.create_task(self._ask(ask, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_until(self, due: float) -> bool:
        """Wait; False when the run was stopped meanwhile."""
        delay = due - time.monotonic()
        if delay > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._stopping.wait()
        return not self._stopping.is_set()

    async def _ask(self, ask: Ask, due: float) -> None:
        request = wire.request_bytes(ask.method, ask.target, self._host, ask.body)
        try:
            async with asyncio.timeout(self.plan.timeout_seconds):
                response = await self._pool.exchange(request)
        except TimeoutError:
            self.tally.transport["timeout"] += 1
        except ConnectionRefusedError:
            self.tally.transport["refused"] += 1
        except OSError:
            self.tally.transport["reset"] += 1
        except httptools.HttpParserError:
            self.tally.transport["garbled"] += 1
        else:
            self.tally.answered(ask, response, time.monotonic() - due)
            self._customers.learn(ask, response)
        finally:
            self.tally.in_flight -= 1

    async def _report(self, each_second: Callable[[dict[str, Any]], None] | None) -> None:
        second = 0
        while True:
            second += 1
            await asyncio.sleep(max(0.0, self._began + second - time.monotonic()))
            now = (self.tally.sent, self.tally.responses.total(), self.tally.failed)
            names = ("sent", "answered", "failed")
            changes = (new - old for new, old in zip(now, self._before, strict=True))
            self._last_second = dict(zip(names, changes, strict=True))
            self._before = now
            if each_second is not None:
                each_second(self.summary())


def write_summary(path: pathlib.Path, summary: dict[str, Any]) -> None:
    """Replace `path` by `summary` at once: a reader sees the old one or the new one, whole."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(summary, indent=1) + "\n")
    temporary.replace(path)


def _arguments(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Load the shop on this machine.")
    parser.add_argument("--url", required=True, help="where the storefront answers, on loopback")
    parser.add_argument("--rate", type=float, required=True, help="requests a second in all")
    parser.add_argument("--seconds", type=float, required=True, help="end after this time")
    parser.add_argument("--requests", type=int, required=True, help="end after this many requests")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--arrival", choices=("poisson", "constant"), default="poisson")
    parser.add_argument("--timeout", type=float, default=5.0, help="seconds for one request")
    parser.add_argument("--out", type=pathlib.Path, help="write the summary here each second")
    parser.add_argument(
        "--with-parent",
        type=int,
        metavar="PID",
        help="end when that process, which started this one, has gone",
    )
    parser.add_argument("--lines", action="store_true", help="and as JSON lines on stdout")
    options = parser.parse_args(given)
    try:
        options.plan = Plan(
            url=options.url,
            rate_per_second=options.rate,
            duration_seconds=options.seconds,
            max_requests=options.requests,
            seed=options.seed,
            arrival=options.arrival,
            timeout_seconds=options.timeout,
        )
    except ValueError as error:
        parser.error(str(error))
    return options


async def _main(options: argparse.Namespace) -> None:
    load = Load(options.plan)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, load.stop)

    def publish(summary: dict[str, Any]) -> None:
        if options.with_parent is not None and os.getppid() != options.with_parent:
            load.stop()
        if options.out is not None:
            write_summary(options.out, summary)
        if options.lines:
            print(json.dumps(summary), flush=True)

    final = await load.run(publish)
    if not options.lines:
        print(json.dumps(final, indent=1))


if __name__ == "__main__":
    asyncio.run(_main(_arguments(sys.argv[1:])))
