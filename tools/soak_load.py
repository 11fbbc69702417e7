"""The soak's load generator: a steady rate to every service, each answer judged.

``python soak_load.py INGRESS_URL SERVICES RATE_PER_SERVICE OUT``: SERVICES is a JSON list; GET
/NAME/ of each in turn until SIGTERM, every third with the header ``x-soak: 1``; then writes
``{"sent", "answered", "failures": [[when, service, reason], ...]}`` to OUT, times in epoch seconds.
Anything but a 200 within the limit is a failed request.
"""

import asyncio
import json
import pathlib
import signal
import sys
import time
from urllib.parse import urlsplit

LIMIT_SECONDS = 10.0
HEADED = 3


class Seen:
    """What was sent and what came of it."""

    def __init__(self) -> None:
        self.sent = self.answered = 0
        self.failures: list[tuple[float, str, str]] = []


async def one(address: tuple[str, int], service: str, seen: Seen) -> None:
    """One request on a connection of its own."""
    began = time.time()
    header = "x-soak: 1\r\n" if seen.sent % HEADED == 0 else ""
    seen.sent += 1
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            reader, writer = await asyncio.open_connection(*address)
            try:
                head = (
                    f"GET /{service}/ HTTP/1.1\r\nhost: soak\r\n{header}connection: close\r\n\r\n"
                )
                writer.write(head.encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        seen.failures.append((began, service, type(error).__name__))
        return
    if answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"ok"):
        seen.answered += 1
    else:
        seen.failures.append((began, service, answer[:24].decode(errors="replace")))


async def main(url: str, services: list[str], rate: float, out: str) -> None:
    """Until SIGTERM."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    seen = Seen()
    flying: set[asyncio.Task[None]] = set()
    due, turn = loop.time(), 0
    while not ending.is_set():
        due = max(due + 1 / (rate * len(services)), loop.time() - 1.0)
        await asyncio.sleep(max(due - loop.time(), 0))
        task = asyncio.create_task(one(address, services[turn], seen))
        flying.add(task)
        task.add_done_callback(flying.discard)
        turn = (turn + 1) % len(services)
    if flying:
        await asyncio.wait(flying, timeout=LIMIT_SECONDS + 1)
    summary = {"sent": seen.sent, "answered": seen.answered, "failures": seen.failures}
    pathlib.Path(out).write_text(json.dumps(summary), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
