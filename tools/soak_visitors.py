"""Visitors for the soak of strategies: a steady rate, each answer judged by who gave it.

``python soak_visitors.py URL SERVICES RATE OUT``: SERVICES separated by commas, RATE requests a
second in all (Poisson arrivals), until SIGTERM; then OUT gets one JSON object. Half of the visitors
keep cookies, a quarter send the preview's header, a quarter of the requests have a body. An answer
that is an error is the version's own where the version says so itself (``x-version``); any other
failure is one of the tool: it is kept with its moment, its service and what was seen.
"""

import asyncio
import json
import pathlib
import random
import signal
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

LIMIT_SECONDS = 20.0
JARS = 50
BODY = b"x" * 2000

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Seen:
    """What the visitors got."""

    sent: int = 0
    answered: Counter[str] = field(default_factory=Counter)  # "service version"
    own: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)
    slowest: deque[float] = field(default_factory=lambda: deque(maxlen=200_000))


class Visitors:
    """Connections that are kept, cookies, and what was seen."""

    def __init__(self, host: str, port: int, chance: random.Random) -> None:
        self.seen = Seen()
        self._host, self._port, self._chance = host, port, chance
        self._free: list[Stream] = []
        self._jars: dict[tuple[str, int], dict[str, str]] = {}

    async def visit(self, service: str) -> None:
        """One request, and what came of it."""
        self.seen.sent += 1
        began = time.time()
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                status, headers, body = await self._ask(service)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError) as error:
            self._failed(began, service, type(error).__name__)
            return
        self.seen.slowest.append(time.time() - began)
        version = headers.get("x-version", "")
        if version and status < 500:
            self.seen.answered[f"{service} {version}"] += 1
        elif version:
            self.seen.own[f"{service} {version}"] += 1
        else:
            self._failed(began, service, f"{status} {body[:60].decode(errors='replace')}")

    def _failed(self, at: float, service: str, what: str) -> None:
        self.seen.failures.append({"at": at, "service": service, "what": what})

    async def _ask(self, service: str) -> tuple[int, dict[str, str], bytes]:
        jar = self._jars.setdefault((service, self._chance.randrange(JARS)), {})
        lines = ["host: soak"]
        if self._chance.random() < 0.25:
            lines.append("x-preview: yes")
        if jar and self._chance.random() < 0.5:
            lines.append("cookie: " + "; ".join(f"{key}={value}" for key, value in jar.items()))
        body = BODY if self._chance.random() < 0.25 else b""
        lines.append(f"content-length: {len(body)}")
        head = f"{'POST' if body else 'GET'} /{service}/ HTTP/1.1\r\n" + "\r\n".join(lines)
        stream = self._free.pop() if self._free else await self._connect()
        stream[1].write(head.encode() + b"\r\n\r\n" + body)
        status, headers, answer = await _answer(stream[0])
        if headers.get("connection") == "close":
            stream[1].close()
        else:
            self._free.append(stream)
        name, _, value = headers.get("set-cookie", "").partition(";")[0].partition("=")
        if name:
            jar[name] = value
        return status, headers, answer

    async def _connect(self) -> Stream:
        return await asyncio.open_connection(self._host, self._port)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {}
    for line in lines:
        key, _, value = line.partition(":")
        headers[key.lower()] = value.strip()
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(first.split()[1]), headers, body


async def main(url: str, services: list[str], rate: float, out: pathlib.Path) -> None:
    """Visit until SIGTERM."""
    parts, chance = urlsplit(url), random.Random(1)
    visitors = Visitors(parts.hostname or "", parts.port or 80, chance)
    ending, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    flying: set[asyncio.Task[None]] = set()
    began = due = loop.time()
    while not ending.is_set():
        due = max(due + chance.expovariate(rate), loop.time() - 1.0)
        await asyncio.sleep(max(due - loop.time(), 0))
        task = asyncio.create_task(visitors.visit(chance.choice(services)))
        flying.add(task)
        task.add_done_callback(flying.discard)
    seconds = loop.time() - began
    if flying:
        await asyncio.wait(flying, timeout=LIMIT_SECONDS + 1)
    seen = visitors.seen
    times = sorted(seen.slowest)
    summary = {
        "seconds": seconds,
        "sent": seen.sent,
        "answered": seen.answered,
        "own": seen.own,
        "failures": seen.failures,
        "p50_ms": 1000 * times[len(times) // 2] if times else 0,
        "p99_ms": 1000 * times[len(times) * 99 // 100] if times else 0,
    }
    out.write_text(json.dumps(summary), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], sys.argv[2].split(","), float(sys.argv[3]), pathlib.Path(sys.argv[4]))
    )
