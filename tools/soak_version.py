"""A version of a service for the soak of strategies: says who it is, and fails as it is told.

``python soak_version.py PORT NAME ERROR_SHARE``. Every answer carries ``x-version``, errors too, so
a visitor knows that the version itself failed. SIGTERM: what is in flight is answered first.
"""

import asyncio
import random
import signal
import sys

GRACE_SECONDS = 0.3


class Version(asyncio.Protocol):
    """One connection."""

    name = ""
    errors = 0.0
    chance = random.Random(1)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, rest = self.buffer.partition(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            if len(rest) < length:
                return
            self.buffer = rest[length:]
            healthy = head.startswith(b"GET /healthz") or self.chance.random() >= self.errors
            status = "200 OK" if healthy else "500 Internal Server Error"
            answer = f"HTTP/1.1 {status}\r\nx-version: {self.name}\r\ncontent-length: 2\r\n\r\nok"
            if isinstance(self.transport, asyncio.Transport) and not self.transport.is_closing():
                self.transport.write(answer.encode())


async def main(port: int, name: str, errors: float) -> None:
    """Serve until SIGTERM."""
    Version.name, Version.errors = name, errors
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ending.set)
    server = await loop.create_server(Version, "127.0.0.1", port)
    await ending.wait()
    server.close()
    await asyncio.sleep(GRACE_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
