"""A tiny HTTP service for tests: standard library only, one process, about 20 MB.

``python stub_service.py --port 8000 [--name v1] [--errors 0.1] [--delay-ms 5] [--ready-after 0.5]
[--seed 1]``. ``GET /healthz`` says ready; any other request waits the delay and answers its name,
or 500 for the given share. For single requests: ``?status=503`` and ``?ms=200`` override, ``?cut``
breaks the answer off, ``/pid`` gives the process, ``/via?url=`` relays. `--echo` prints host and mirror
header of each request. SIGTERM finishes what is in flight.
"""

import argparse
import asyncio
import os
import random
import signal
import time
from urllib.parse import parse_qs, urlsplit


class Stub:
    def __init__(self, options):
        self.options = options
        self.chance = random.Random(options.seed)
        self.began = time.monotonic()
        self.active = 0
        self.ending = asyncio.Event()

    async def serve(self, reader, writer):
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        _, target, *_ = head.split(b"\r\n", 1)[0].decode().split()
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        await reader.readexactly(length)
        if self.options.echo and b"/healthz" not in head:
            print(header(head, "host") + "|" + header(head, "x-telford-mirror"), flush=True)  # noqa: T201
        self.active += 1
        try:
            status, body, cut = await self._answer(urlsplit(target))
            size = len(body) + (100 if cut else 0)
            writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n\r\n%s" % (status, size, body))
            await writer.drain()
        finally:
            self.active -= 1
        closing = b"connection: close" in head.lower()
        return not (cut or closing or self.ending.is_set())

    async def _answer(self, url):
        query = parse_qs(url.query, keep_blank_values=True)
        if url.path == "/healthz":
            ready = time.monotonic() - self.began >= self.options.ready_after
            return (200 if ready else 503), b"ready" if ready else b"not yet", False
        if url.path == "/pid":
            return 200, b"%d" % os.getpid(), False
        if url.path == "/via":
            return 200, await fetch(query["url"][0]), False
        await asyncio.sleep(float(query.get("ms", [self.options.delay_ms])[0]) / 1000)
        failed = self.chance.random() < self.options.errors
        status = int(query["status"][0]) if "status" in query else 500 if failed else 200
        return status, self.options.name.encode(), "cut" in query


def header(head, name):
    for line in head.decode().split("\r\n"):
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return ""


async def fetch(url):
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"GET {parts.path or '/'} HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n\r\n".encode()
    )
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def main(options):
    stub = Stub(options)
    server = await asyncio.start_server(stub.serve, "127.0.0.1", options.port)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stub.ending.set)
    print(f"{options.name} listens", flush=True)  # noqa: T201
    await stub.ending.wait()
    server.close()
    while stub.active:
        await asyncio.sleep(0.005)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", default="stub")
    parser.add_argument("--errors", type=float, default=0.0)
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--ready-after", type=float, default=0.0)
    parser.add_argument("--echo", action="store_true")
    parser.add_argument("--seed", type=int, default=None)
    asyncio.run(main(parser.parse_args()))
