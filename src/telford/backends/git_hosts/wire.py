"""One Git host's HTTP API: the token, time limits, patience, pages.

A read is asked again while the host is busy (429, 5xx, silence); what changes something is asked
again only where the host says that it did not look at it (429, or 403 with a rate limit), because
whether it happened is then found out by reading. A redirect is not followed: the token goes to one
origin. Used by `github`, `gitlab` and `gitea`.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from telford.basics.errors import PermanentError, TemporaryError

_BUSY = frozenset({500, 502, 503, 504})
_FIRST_WAIT_SECONDS = 0.2
_LIMITED = frozenset({403, 429})
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much. A host may ask for more patience than `longest_wait_seconds`; then
    the call ends, and whoever drives it comes back later.
    """

    connect_seconds: float = 5.0
    answer_seconds: float = 20.0
    attempts: int = 4
    longest_wait_seconds: float = 20.0
    # Pages of a hundred: what `find` looks through.
    pages: int = 5
    answer_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the host said; `body` is decoded JSON, or text where it is none."""

    status: int
    body: Any = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def why(self) -> str:
        """The host's own sentence, shortened."""
        said = self.body
        if isinstance(said, dict):
            said = said.get("message") or said.get("error") or ""
        return str(said)[:300]


class Wire:
    """One API, asked as one user. `token` is asked for at each call, so that a new one is taken."""

    def __init__(
        self,
        base: str,
        headers: Callable[[], Mapping[str, str]],
        *,
        name: str,
        limits: Limits | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self._limits = limits or Limits()
        self._base = base.rstrip("/")
        self._headers = headers
        self._sleep = sleep
        known = self._limits
        self._client = httpx.Client(
            timeout=httpx.Timeout(known.answer_seconds, connect=known.connect_seconds),
            transport=transport,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None, accept: str = JSON) -> Answer:
        """Read; asked again while the host is busy."""
        return self._asked("GET", self._base + path, params=params, accept=accept)

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """Change something; the caller finds out by reading where the answer is lost."""
        return self._asked(method, self._base + path, body=body)

    def pages(self, path: str, params: Mapping[str, str]) -> Iterator[Any]:
        """The items of a list, page by page as `Link: rel=next` says, bounded."""
        answer = self.get(path, params)
        for _ in range(self._limits.pages):
            if not answer.ok or not isinstance(answer.body, list):
                raise self.unexpected(answer)
            yield from answer.body
            following = _next(answer.headers.get("link", ""))
            if not following:
                return
            self._require_same_origin(following)
            answer = self._asked("GET", following)

    def unexpected(self, answer: Answer) -> TemporaryError | PermanentError:
        """What an answer that nobody asked for means."""
        said = f": {answer.why}" if answer.why else ""
        if answer.status in (401, 403):
            return PermanentError(
                f"{self.name} does not let us in ({answer.status}){said}",
                fix="check the token that the Architecture's `repository.token` refers to, and its"
                " rights: contents and change requests, read and write",
            )
        if answer.status == 404:
            return PermanentError(
                f"{self.name} is not there, or the token may not see it (404)",
                fix="check `repository.url` and the rights of its token",
            )
        return TemporaryError(f"{self.name} answered {answer.status}{said}")

    def _asked(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        accept: str = JSON,
    ) -> Answer:
        reading = method == "GET"
        for attempt in range(self._limits.attempts):
            last = attempt + 1 == self._limits.attempts
            try:
                answer = self._once(method, url, params, body, accept)
            except httpx.TransportError as error:
                if last or not reading:
                    raise self._silent(error) from error
                self._sleep(_FIRST_WAIT_SECONDS * 2**attempt)
                continue
            patience = self._patience(answer, attempt)
            limited = _limited(answer)
            if limited and (last or patience > self._limits.longest_wait_seconds):
                raise TemporaryError(
                    f"{self.name} asks for patience (rate limit)", retry_after_seconds=patience
                )
            if not limited and (last or not reading or answer.status not in _BUSY):
                return self._settled(answer)
            self._sleep(patience)
        raise AssertionError("the loop returns or raises")

    def _settled(self, answer: Answer) -> Answer:
        if answer.status == 401 or answer.status in _BUSY:
            raise self.unexpected(answer)
        return answer

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        accept: str,
    ) -> Answer:
        headers = {"Accept": accept, "User-Agent": "telford", **self._headers()}
        with self._client.stream(
            method, url, params=params, json=body, headers=headers
        ) as response:
            data = self._read(response)
        return Answer(response.status_code, _decoded(data, response), response.headers)

    def _read(self, response: httpx.Response) -> bytes:
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > self._limits.answer_bytes:
                raise TemporaryError(f"{self.name} sent more than anybody asked for")
        return bytes(data)

    def _patience(self, answer: Answer, attempt: int) -> float:
        """How long the host wants us to wait, else a little longer each time."""
        for name in ("retry-after", "ratelimit-reset-after"):
            if answer.headers.get(name, "").isdigit():
                return float(answer.headers[name])
        reset = answer.headers.get("x-ratelimit-reset", "")
        if _limited(answer) and reset.isdigit():
            return max(float(reset) - time.time(), 1.0)
        return _FIRST_WAIT_SECONDS * 2.0**attempt

    def _silent(self, error: httpx.TransportError) -> TemporaryError:
        late = isinstance(error, httpx.TimeoutException)
        how = "did not answer in time" if late else "cannot be reached"
        return TemporaryError(f"{self.name} {how}", fix="nothing is lost: it is tried again")

    def _require_same_origin(self, url: str) -> None:
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise PermanentError(f"{self.name} sends us to another host for the next page")


def _limited(answer: Answer) -> bool:
    """429, or GitHub's 403 that is a rate limit."""
    if answer.status == 429:
        return True
    spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    return answer.status in _LIMITED and spent


def _decoded(data: bytes, response: httpx.Response) -> Any:
    kind = response.headers.get("content-type", "")
    # A file that GitHub gives raw has the type `application/vnd.github.raw+json`, and is no JSON.
    if "json" not in kind or "raw" in kind:
        return data.decode("utf-8", "replace")
    try:
        return json.loads(data or b"null")
    except ValueError:
        return ""


def _next(header: str) -> str:
    """The URL of ``rel="next"`` in a Link header (RFC 8288); "" where there is none."""
    for part in header.split(","):
        address, _, parameters = part.partition(";")
        if 'rel="next"' in parameters:
            return address.strip().strip("<>")
    return ""
