"""A service for the soak: answers everything, some versions slowly. Standard library only.

``python soak_stub.py PORT DELAY_MS SICK_FILE``. `/healthz` is always quick. Where SICK_FILE is a
path that does not exist yet, this process creates it and is slow by DELAY_MS; the next one in its
place finds it and is quick: a bad host, not a bad version. SIGTERM finishes what is in flight.
"""

import asyncio
import pathlib
import signal
import sys

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GRACE_SECONDS = 0.3


class Answers(asyncio.Protocol):
    """One connection; requests without a body."""

    delay_seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each request after its delay."""
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            slow = self.delay_seconds and not head.startswith(b"GET /healthz")
            loop = asyncio.get_running_loop()
            loop.call_later(self.delay_seconds if slow else 0, self.answer)

    def answer(self) -> None:
        """One answer."""
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def main(port: int, delay_ms: float, sick: str) -> None:
    if sick:
        marker = pathlib.Path(sick)
        delay_ms = 0.0 if marker.exists() else delay_ms
        marker.touch()
    Answers.delay_seconds = delay_ms / 1000
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    server = await loop.create_server(Answers, "127.0.0.1", port)
    await ending.wait()
    server.close()
    await asyncio.sleep(GRACE_SECONDS + delay_ms / 1000)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] if sys.argv[3:] else ""))
