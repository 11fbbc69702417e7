"""Asking Envoy's admin socket from the supervisor's loop: one request, one connection, a limit."""

import asyncio
import pathlib

import httptools

from telford.backends.local import layout
from telford.basics.errors import TemporaryError

# The admin answers in about a millisecond; a second means that something hangs.
LIMIT_SECONDS = 3.0

# The dump of 500 services is below 5 MB.
MAX_BYTES = 50_000_000


class _Answer:
    """Collects one HTTP answer; httptools calls the `on_` methods."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.done = False

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.done = True


class Admin:
    """Envoy's admin over its unix socket."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path

    async def get(self, target: str) -> str:
        """GET; raises `TemporaryError` where Envoy does not answer in time or says no."""
        return await self._ask("GET", target)

    async def post(self, target: str) -> str:
        """POST; raises `TemporaryError` likewise."""
        return await self._ask("POST", target)

    async def _ask(self, method: str, target: str) -> str:
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                status, body = await self._exchange(method, target)
        except (OSError, TimeoutError, httptools.HttpParserError) as error:
            raise TemporaryError(
                "Envoy's admin does not answer", fix="see logs/envoy.log of the place"
            ) from error
        if status != 200:
            raise TemporaryError(f"Envoy's admin said {status} to {target}: {body[:200]}")
        return body

    async def _exchange(self, method: str, target: str) -> tuple[int, str]:
        with layout.short_path(self._path) as name:
            reader, writer = await asyncio.open_unix_connection(name)
        try:
            head = f"{method} {target} HTTP/1.1\r\nhost: admin\r\ncontent-length: 0\r\n\r\n"
            writer.write(head.encode())
            answer = _Answer()
            parser = httptools.HttpResponseParser(answer)
            while not answer.done:
                data = await reader.read(262_144)
                if not data or len(answer.body) > MAX_BYTES:
                    raise ConnectionResetError("the answer broke off")
                parser.feed_data(data)
            return parser.get_status_code(), answer.body.decode()
        finally:
            writer.close()
