"""The soak's load generator: a steady rate to every service, each answer judged.

``python soak_load.py INGRESS_URL SERVICES RATE_PER_SERVICE OUT``: GET /s0/, /s1/, ... until
SIGTERM, then writes ``{"sent", "answered", "failed": {reason: count}}`` to OUT. Anything but a 200
within the limit is a failed request.
"""

import asyncio
import json
import pathlib
import signal
import sys
from collections import Counter
from urllib.parse import urlsplit

LIMIT_SECONDS = 10.0


async def one(host: str, port: int, path: str, seen: Counter[str]) -> None:
    seen["sent"] += 1
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                request = f"GET {path} HTTP/1.1\r\nhost: soak\r\nconnection: close\r\n\r\n"
                writer.write(request.encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        seen[f"failed: {path} {type(error).__name__}"] += 1
        return
    if answer.startswith(b"HTTP/1.1 200") and answer.endswith(b"ok"):
        seen["answered"] += 1
    else:
        seen[f"failed: {path} {answer[:24].decode(errors='replace')}"] += 1


async def main(url: str, services: int, rate: float, out: str) -> None:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    seen: Counter[str] = Counter()
    flying: set[asyncio.Task[None]] = set()
    due, turn = loop.time(), 0
    while not ending.is_set():
        due = max(due + 1 / (rate * services), loop.time() - 1.0)
        await asyncio.sleep(max(due - loop.time(), 0))
        task = asyncio.create_task(one(host, port, f"/s{turn}/", seen))
        flying.add(task)
        task.add_done_callback(flying.discard)
        turn = (turn + 1) % services
    if flying:
        await asyncio.wait(flying, timeout=LIMIT_SECONDS + 1)
    failed = {key: count for key, count in seen.items() if key.startswith("failed")}
    summary = {"sent": seen["sent"], "answered": seen["answered"], "failed": failed}
    pathlib.Path(out).write_text(json.dumps(summary), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
