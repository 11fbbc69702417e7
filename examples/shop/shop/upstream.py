"""Calls to another service: kept-alive connections, a limit on time and number, clear failures.

A failure is an `UnavailableError`, which `web` turns into the 502 or 503 the caller sees.
"""

import asyncio
import json
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

import httptools

from shop import wire

MAX_IN_FLIGHT = 64  # past this the upstream is in trouble, and waiting in line would only add to it


class UnavailableError(Exception):
    """An upstream gave no usable answer; `status` is what our own caller is told."""

    def __init__(self, upstream: str, status: int, reason: str) -> None:
        super().__init__(f"{upstream} {reason}")
        self.status = status


@dataclass(slots=True)
class Connection:
    """One kept-alive connection and what has arrived on it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    inbox: wire.ResponseInbox = field(default_factory=wire.ResponseInbox)
    used: bool = False

    async def exchange(self, request: bytes) -> wire.Response:
        """Send one request, return its whole response."""
        self.writer.write(request)
        while not self.inbox.ready:
            data = await self.reader.read(wire.READ_BYTES)
            if not data:
                raise ConnectionResetError("closed before it answered")
            self.inbox.feed(data)
        self.used = True
        return self.inbox.ready.popleft()


class Pool:
    """The kept-alive connections to one address. Sets no limits: its users do."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[Connection] = []

    async def exchange(self, request: bytes, *, may_repeat: bool = False) -> wire.Response:
        """Send `request`, return its response; OSError or HttpParserError when that fails.

        A kept connection may be closed by the other side just as we write; `may_repeat` sends a
        request that is safe (RFC 9110 9.2.2) once more then, on a fresh connection.
        """
        connection = await self._connection()
        try:
            response = await connection.exchange(request)
        except ConnectionError:
            connection.writer.close()
            if may_repeat and connection.used:
                return await self.exchange(request)
            raise
        except BaseException:
            connection.writer.close()
            raise
        if response.keep_alive:
            self._idle.append(connection)
        else:
            connection.writer.close()
        return response

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().writer.close()

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.reader.at_eof():
                return connection
            connection.writer.close()
        return Connection(*await asyncio.open_connection(self._host, self._port))


class Upstream:
    """One service as its caller sees it: an address, a time limit, a bound on calls in flight."""

    def __init__(self, name: str, url: str, timeout_seconds: float) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is not an http:// address")
        self.name = name
        self._host = f"{parts.hostname}:{parts.port or 80}"
        self._pool = Pool(parts.hostname, parts.port or 80)
        self._base = parts.path.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._in_flight = 0

    async def get(self, path: str, *, timeout_seconds: float | None = None) -> Any:
        """The JSON at `path`; None for a 404; raises UnavailableError."""
        return self._value(await self._call("GET", path, b"", timeout_seconds))

    async def post(self, path: str, value: object) -> Any:
        """The JSON that answers a POST of `value`; None for a 404; raises UnavailableError."""
        return self._value(await self._call("POST", path, json.dumps(value).encode(), None))

    async def put(self, path: str, value: object) -> Any:
        """The JSON that answers a PUT of `value`; None for a 404; raises UnavailableError."""
        return self._value(await self._call("PUT", path, json.dumps(value).encode(), None))

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _value(self, response: wire.Response) -> Any:
        if response.status == 404:
            return None
        if response.status >= 400:
            raise UnavailableError(self.name, 502, f"answered {response.status}")
        try:
            return json.loads(response.body)
        except ValueError as error:
            raise UnavailableError(self.name, 502, "answered something that is not JSON") from error

    async def _call(
        self, method: str, path: str, body: bytes, timeout_seconds: float | None
    ) -> wire.Response:
        if self._in_flight >= MAX_IN_FLIGHT:
            raise UnavailableError(self.name, 503, f"has {MAX_IN_FLIGHT} calls in flight already")
        limit = timeout_seconds or self._timeout_seconds
        request = wire.request_bytes(method, self._base + path, self._host, body)
        self._in_flight += 1
        try:
            async with asyncio.timeout(limit):
                return await self._pool.exchange(request, may_repeat=method == "GET")
        except TimeoutError as error:
            raise UnavailableError(self.name, 503, f"did not answer within {limit:g} s") from error
        except OSError as error:
            raise UnavailableError(self.name, 503, f"cannot be reached: {error}") from error
        except httptools.HttpParserError as error:
            raise UnavailableError(self.name, 502, "answered something that is not HTTP") from error
        finally:
            self._in_flight -= 1
