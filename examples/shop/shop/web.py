"""The HTTP server under every service of the shop: routes, counts, and an end without losses.

A service makes an `App`, adds its routes and hands it to `run`, which listens until
SIGTERM. What goes wrong in a handler becomes a status with a reason, never a dropped connection.
"""

import asyncio
import json
import signal
import urllib.parse
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import httptools

from shop import log, upstream, wire

GRACE_SECONDS = 0.3  # after SIGTERM: time for callers to see /healthz fail and go elsewhere
DRAIN_SECONDS = 4.0  # then: time for requests in flight; Telford kills after 5 s in all
MAX_CONNECTIONS = 1024  # a data plane keeps tens; more is a leak or an attack
UNMATCHED = "(none)"

JSON = "application/json"
METRICS = "text/plain; version=0.0.4"


class RefusedError(Exception):
    """A handler's way to answer with an error: the status and the reason the caller reads."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handler answers."""

    status: int
    body: bytes
    content_type: str = JSON


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a handler sees it: the values of the route's `{names}`, the query, the body."""

    parameters: dict[str, str]
    query: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as a JSON object; anything else is the caller's mistake."""
        try:
            value = json.loads(self.body)
        except ValueError as error:
            raise RefusedError(400, "the body is not JSON") from error
        if not isinstance(value, dict):
            raise RefusedError(400, "the body is not a JSON object")
        return value


Handler = Callable[[Call], Awaitable[Reply]]


def reply(value: object, status: int = 200) -> Reply:
    """`value` as a JSON reply."""
    return Reply(status, json.dumps(value).encode())


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    pattern: str
    parts: tuple[str, ...]
    handler: Handler

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        if len(parts) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for mine, theirs in zip(self.parts, parts, strict=True):
            if mine[:1] == "{":
                found[mine[1:-1]] = theirs
            elif mine != theirs:
                return None
        return found


@dataclass
class App:
    """A service's routes, what it has answered so far, and the state of its end."""

    service: str
    version: str
    log: log.Log
    counts: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _routes: list[_Route] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.route("GET", "/healthz", self._healthz)
        self.route("GET", "/metrics", self._metrics)

    @property
    def served_by(self) -> str:
        """The value of the `x-served-by` header."""
        return f"{self.service}/{self.version}"

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Answer `method` on `pattern` (`/orders/{id}`) with `handler`."""
        self._routes.append(_Route(method, pattern, tuple(pattern.split("/")), handler))

    async def answer(self, request: wire.Request) -> Reply:
        """The reply to `request`, counted by method, route and status."""
        path, _, query = request.target.partition("?")
        route, parameters = self._find(request.method, path)
        if route is None:
            result = _error(404, f"nothing here answers {request.method} {path}")
        else:
            fields = dict(urllib.parse.parse_qsl(query)) if query else {}
            result = await self._handle(route, Call(parameters, fields, request.body))
        pattern = UNMATCHED if route is None else route.pattern
        self.counts[request.method, pattern, result.status] += 1
        return result

    def _find(self, method: str, path: str) -> tuple[_Route | None, dict[str, str]]:
        parts = path.split("/")
        for route in self._routes:
            if route.method == method:
                parameters = route.match(parts)
                if parameters is not None:
                    return route, parameters
        return None, {}

    async def _handle(self, route: _Route, call: Call) -> Reply:
        try:
            return await route.handler(call)
        except RefusedError as error:
            return _error(error.status, str(error))
        except upstream.UnavailableError as error:
            self.log("error", route=route.pattern, status=error.status, reason=str(error))
            return _error(error.status, str(error))
        except Exception as error:  # noqa: BLE001 - a bug costs one request, and is logged
            self.log("error", route=route.pattern, status=500, reason=log.error_text(error))
            return _error(500, f"{self.service} failed: {type(error).__name__}")

    async def _healthz(self, _: Call) -> Reply:
        if self.stopping.is_set():
            raise RefusedError(503, "stopping")
        return reply({"service": self.service, "version": self.version})

    async def _metrics(self, _: Call) -> Reply:
        lines = ["# TYPE shop_requests_total counter"]
        for (method, route, status), count in sorted(self.counts.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            lines.append(f"shop_requests_total{{{labels}}} {count}")
        return Reply(200, ("\n".join(lines) + "\n").encode(), METRICS)


def _error(status: int, reason: str) -> Reply:
    return reply({"error": reason}, status)


class _Listener:
    """The open connections of an App: one task each, requests of a connection one by one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._idle: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until either side ends it."""
        task = asyncio.current_task()
        assert task is not None, "asyncio serves each connection in a task"
        self._tasks.add(task)
        try:
            if len(self._tasks) <= MAX_CONNECTIONS:
                await self._conversation(reader, writer)
        except OSError:
            pass  # the other side went away: its right, and nobody is left to be told
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            writer.write(self._bytes(_error(400, "not an HTTP request we can read"), close=True))
        finally:
            self._tasks.discard(task)
            self._idle.discard(writer)
            writer.close()

    async def close(self) -> None:
        """End idle connections, wait for the others to have their answer."""
        self._closing = True
        for writer in self._idle:
            writer.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def _conversation(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        inbox = wire.RequestInbox()
        while not self._closing:
            while not inbox.ready:
                self._idle.add(writer)
                data = await reader.read(wire.READ_BYTES)
                self._idle.discard(writer)
                if not data:
                    return
                inbox.feed(data)
            request = inbox.ready.popleft()
            result = await self._app.answer(request)
            close = not request.keep_alive or self._app.stopping.is_set()
            writer.write(self._bytes(result, close=close))
            await writer.drain()
            if close:
                return

    def _bytes(self, result: Reply, *, close: bool) -> bytes:
        served_by = self._app.served_by
        return wire.response_bytes(
            result.status, result.body, result.content_type, served_by, close=close
        )


def stop_on_signals(stopping: asyncio.Event) -> None:
    """Set `stopping` on SIGTERM and SIGINT."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)


async def run(
    app: App, host: str, port: int, beside: Coroutine[Any, Any, None] | None = None
) -> None:
    """Serve `app` on `host` and `port` until SIGTERM, then let requests in flight finish.

    `beside` is work that never ends by itself. If it fails, so does the service, with exit code 1:
    its supervisor starts it again, which is better than half a service that looks healthy.
    """
    stop_on_signals(app.stopping)
    listener = _Listener(app)
    try:
        server = await asyncio.start_server(listener.serve, host, port, backlog=512)
    except OSError as error:
        app.log("error", reason=f"cannot listen on {host}:{port}: {error}")
        raise SystemExit(1) from error
    app.log("start", port=server.sockets[0].getsockname()[1])
    work = asyncio.create_task(beside) if beside is not None else None
    if work is not None:
        work.add_done_callback(lambda _: app.stopping.set())
    await app.stopping.wait()
    await asyncio.sleep(GRACE_SECONDS)
    server.close()
    await listener.close()
    failure = _end(work)
    app.log("stop", answered=sum(app.counts.values()), **failure)
    if failure:
        raise SystemExit(1)


def _end(work: asyncio.Task[None] | None) -> dict[str, str]:
    """End the work beside the requests; why it had failed before, if it had."""
    if work is None or work.cancel():
        return {}
    error = None if work.cancelled() else work.exception()
    return {"reason": log.error_text(error) if error else "the work beside the requests ended"}
