"""Webhooks: ask a URL whether a gate may open, within a time limit, and read the answer carefully.

The whole call is bounded, not only each read: a server that sends a byte a second is slow. Nothing
is followed (a redirect is no answer to the question that was asked), no proxy or other setting of
the environment is used, no more than `MAX_BYTES` are read. Secrets are in headers only, and no
message shows them. Called by `asking`.
"""

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import httpx

from telford.backends.hooks import filling, signing
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError, TemporaryError
from telford.deliver.gate_settings import Webhook
from telford.ports import Said

MAX_BYTES = 65_536
"""An answer is a small document."""
_SHOWN_CHARS = 80
_SERVER_ERROR = 500
_TOO_MANY = 429


def ask(
    hook: Webhook, about: Mapping[str, str], environment: Mapping[str, str], clock: clocks.Clock
) -> Said:
    """One call. Raises `TemporaryError` where there is no answer, `PermanentError` where there can
    be none until somebody changes something (no key, no such scheme).
    """
    target = _target(filling.url(hook.url, about))
    body = b"" if hook.method == "GET" else json.dumps(dict(about), sort_keys=True).encode()
    headers = _headers(hook, about, body, environment, clock.now())
    limit = _Limit(hook.limit)
    try:
        with limit, httpx.Client(timeout=hook.limit, trust_env=False, verify=_trust()) as client:
            request = client.build_request(
                hook.method, target, headers=headers, content=body, extensions=limit.watching
            )
            answer = client.send(request, stream=True)
            return _said(hook, answer, _content(answer))
    except httpx.HTTPError as error:
        if limit.passed or isinstance(error, httpx.TimeoutException):
            raise TemporaryError(f"no answer within {hook.limit:g} s") from error
        raise TemporaryError(f"{_host(target)} does not answer: {_why(error)}") from error


class _Limit:
    """Ends a call at its limit, however little comes how often: its connection is shut."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._stream: Any = None
        self._timer = threading.Timer(seconds, self._cut)

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    @property
    def watching(self) -> dict[str, Any]:
        """For the request: tells which connection it takes."""
        return {"trace": self._saw}

    def _saw(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._stream = info["return_value"]

    def _cut(self) -> None:
        self.passed = True
        if self._stream is not None:
            with suppress(OSError):  # it ended by itself in the meantime
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


@cache
def _trust() -> ssl.SSLContext:
    """The authorities that this machine trusts."""
    return ssl.create_default_context()


def _target(text: str) -> httpx.URL:
    try:
        target = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise PermanentError(
            f"{text[:_SHOWN_CHARS]} is no URL", fix="mend the gate's url"
        ) from error
    if target.scheme not in {"http", "https"} or not target.host:
        raise PermanentError(
            f"{text[:_SHOWN_CHARS]} is no web address", fix="write https://, a host and a path"
        )
    return target


def _headers(
    hook: Webhook, about: Mapping[str, str], body: bytes, environment: Mapping[str, str], at: float
) -> dict[str, str]:
    found = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "telford"}
    if hook.method != "GET":
        found["content-type"] = "application/json"
    if hook.token:
        found["authorization"] = f"Bearer {_variable(hook.token, environment)}"
    if hook.key:
        # The same question at the same step has the same id, however often it is asked.
        parts = ("release", "gate", "at", "step")
        message = ":".join(about.get(part, "") for part in parts)
        key = _variable(hook.key, environment)
        found |= signing.headers(key, message, at, body)
    return found


def _variable(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "")
    if not value:
        raise PermanentError(
            f"the controller's environment has no {name}",
            fix=f"set {name} and start it again: telford up",
        )
    return value


def _content(answer: httpx.Response) -> bytes:
    found = b""
    for part in answer.iter_raw():
        found += part
        if len(found) > MAX_BYTES:
            raise TemporaryError(f"{_host(answer.url)} sent more than {MAX_BYTES} bytes")
    return found


def _said(hook: Webhook, answer: httpx.Response, content: bytes) -> Said:
    """What an answer means: errors of the server's own are none."""
    host, status = _host(answer.url), answer.status_code
    if status in hook.status:
        return _expected(hook, host, status, content)
    if status >= _SERVER_ERROR or status == _TOO_MANY:
        raise TemporaryError(f"{host} answered {status}")
    wanted = " or ".join(str(one) for one in hook.status)
    return Said(open=False, why=f"{host} answered {status}, and not {wanted}")


def _expected(hook: Webhook, host: str, status: int, content: bytes) -> Said:
    if not hook.expect:
        return Said(open=True, why=f"{host} answered {status}")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Said(open=False, why=f"{host} answered {status}, but with no JSON")
    for one in hook.expect:
        found, there = _at(document, one.at)
        if not there:
            return Said(open=False, why=f"{host} answered {status}, but nothing stands at {one.at}")
        if not _same(found, json.loads(one.equals)):
            shown = json.dumps(found, ensure_ascii=False)[:_SHOWN_CHARS]
            return Said(open=False, why=f"{host} says {shown} at {one.at}, and not {one.equals}")
    points = ", ".join(f"{one.at} is {one.equals}" for one in hook.expect)
    return Said(open=True, why=f"{host} answered {status}: {points}")


def _at(document: Any, pointer: str) -> tuple[Any, bool]:
    """What stands at a JSON pointer (RFC 6901), and whether anything does."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        else:
            return None, False
    return document, True


def _same(found: Any, wanted: Any) -> bool:
    """Equal, and a truth is no number."""
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _host(target: httpx.URL) -> str:
    return target.netloc.decode("ascii", "replace").rpartition("@")[2]


def _why(error: httpx.HTTPError) -> str:
    words = str(error).strip() or type(error).__name__
    return words[:_SHOWN_CHARS]
