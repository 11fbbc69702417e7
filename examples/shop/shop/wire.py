"""HTTP/1.1 messages out of bytes, and bytes out of messages.

httptools parses; this module collects what it parses into whole messages. The server (`web`),
the client (`upstream`) and the load generator (`load.py`) share it: a framework on either side
costs several times more CPU per request than everything the shop itself does.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import httptools

MAX_BODY_BYTES = 1 << 20  # the largest honest body, a full page of stream records, is a fifth of it
MAX_HEADER_BYTES = 32 << 10  # Envoy's own limit is 60 KiB, a browser's a good deal less
READ_BYTES = 1 << 16

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus
}


class TooLargeError(Exception):
    """A message is over the limits above; its connection cannot be used any more."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived: header names in lower case, `target` with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Response:
    """A response as it arrived: header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    keep_alive: bool


class _Inbox:
    """What both directions share: httptools calls `on_*`, whole messages end in `ready`."""

    def __init__(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._url = b""
        self._header_bytes = 0
        self._body_bytes = 0

    def on_message_begin(self) -> None:
        self._headers = {}
        self._body = []
        self._url = b""
        self._header_bytes = self._body_bytes = 0

    def on_url(self, part: bytes) -> None:
        self._url += part
        self._count_header(len(part))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header(len(name) + len(value))
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, part: bytes) -> None:
        self._body_bytes += len(part)
        if self._body_bytes > MAX_BODY_BYTES:
            raise TooLargeError(f"a body over {MAX_BODY_BYTES} bytes")
        self._body.append(part)

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MAX_HEADER_BYTES:
            raise TooLargeError(f"headers over {MAX_HEADER_BYTES} bytes")


class RequestInbox(_Inbox):
    """The requests of one connection, in their order (pipelined ones included)."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: deque[Request] = deque()
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Parse `data`; raises httptools.HttpParserError, also for limits, or HttpParserUpgrade."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """The parser has seen the end of a message."""
        self.ready.append(
            Request(
                method=self._parser.get_method().decode("ascii"),
                target=self._url.decode("latin-1"),
                headers=self._headers,
                body=b"".join(self._body),
                keep_alive=self._parser.should_keep_alive(),
            )
        )


class ResponseInbox(_Inbox):
    """The responses of one connection."""

    def __init__(self) -> None:
        super().__init__()
        self.ready: deque[Response] = deque()
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Parse `data`; raises httptools.HttpParserError, also for limits."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """The parser has seen the end of a message."""
        self.ready.append(
            Response(
                status=self._parser.get_status_code(),
                headers=self._headers,
                body=b"".join(self._body),
                keep_alive=self._parser.should_keep_alive(),
            )
        )


def request_bytes(
    method: str, target: str, host: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> bytes:
    """One HTTP/1.1 request; a body is sent as JSON."""
    head = f"{method} {target} HTTP/1.1\r\nhost: {host}\r\n"
    if body or method != "GET":
        head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
    for name, value in (headers or {}).items():
        head += f"{name}: {value}\r\n"
    return (head + "\r\n").encode("latin-1") + body


def response_bytes(
    status: int, body: bytes, content_type: str, served_by: str, *, close: bool
) -> bytes:
    """One HTTP/1.1 response; `close` announces that the connection ends after it."""
    head = (
        f"{_STATUS_LINES[status]}content-type: {content_type}\r\ncontent-length: {len(body)}\r\n"
        f"x-served-by: {served_by}\r\n"
    )
    if close:
        head += "connection: close\r\n"
    return (head + "\r\n").encode("latin-1") + body
