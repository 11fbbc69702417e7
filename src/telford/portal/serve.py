"""Running the portal inside another process: a socket on 127.0.0.1, uvicorn in a thread.

The order: `listen` takes the port, so that the addresses are known; a `Context` is made with
`hosts` of it; `start` serves. Called by the controller (`telford up`, `telford demo`) and by tests.
"""

import ipaddress
import secrets
import socket
import threading
import time
from dataclasses import dataclass

import uvicorn

from telford.basics.errors import PermanentError, TemporaryError, UsageError
from telford.portal import server
from telford.portal.context import Context
from telford.portal.guard import TOKEN_FIELD

BACKLOG = 64
START_SECONDS = 10.0
"""Uvicorn answers within 50 ms of its start; more means that it never will."""
STOP_SECONDS = 5.0
GRACE_SECONDS = 1
"""Open event streams never end by themselves; the browser comes back."""
KEEP_ALIVE_SECONDS = 20


def new_token() -> str:
    """A start token: 192 random bits."""
    return secrets.token_urlsafe(24)


def listen(port: int = 0, host: str = "127.0.0.1") -> socket.socket:
    """A listening socket on the loopback interface; port 0 takes a free one.

    Raises `UsageError` for any other host: without sign-in nobody else may reach it.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise UsageError(
            f"the portal listens on the loopback interface only, not on {host}",
            fix="use 127.0.0.1, and a tunnel (ssh -L) from elsewhere",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise PermanentError(
            f"the portal cannot listen on {host}:{port}", fix="choose another port, or 0 for any"
        ) from error
    return listening


def hosts(listening: socket.socket) -> frozenset[str]:
    """The values of ``Host`` under which a browser reaches the socket."""
    host, port = listening.getsockname()[:2]
    literal = f"[{host}]" if ":" in host else host
    return frozenset({f"{literal}:{port}", f"localhost:{port}"})


def link(listening: socket.socket, token: str) -> str:
    """The link to print: it signs in whoever opens it."""
    host, port = listening.getsockname()[:2]
    literal = f"[{host}]" if ":" in host else host
    return f"http://{literal}:{port}/?{TOKEN_FIELD}={token}"


@dataclass(frozen=True, slots=True)
class Serving:
    """A portal that runs in a thread of its own."""

    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        """Stop and wait; open streams are cut after `GRACE_SECONDS`."""
        self.server.should_exit = True
        self.thread.join(STOP_SECONDS)


def start(context: Context, listening: socket.socket) -> Serving:
    """Serve in a thread; returns once it answers. Raises `TemporaryError` where it does not."""
    serving = uvicorn.Server(_config(context))
    thread = threading.Thread(
        target=serving.run, args=([listening],), name="telford-portal", daemon=True
    )
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not serving.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise TemporaryError("the portal did not start")
        time.sleep(0.01)
    return Serving(serving, thread)


def run(context: Context, listening: socket.socket) -> None:
    """Serve in this thread until a signal ends it."""
    uvicorn.Server(_config(context)).run([listening])


def _config(context: Context) -> uvicorn.Config:
    # No access log: the start link carries the token.
    return uvicorn.Config(
        server.create_app(context),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="off",
        limit_concurrency=256,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
