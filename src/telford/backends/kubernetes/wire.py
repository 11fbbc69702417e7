"""Asks an API server over HTTP: TLS, credentials, time limits, patience with a busy server.

What the server answers, refusals included, is an `Answer`; only a server that cannot be reached, is
not trusted or does not know us raises. Used by `discovery`, `client` and `writing`; the latter's
writes are asked again like reads, since each carries what makes a second one harmless.
"""

import json
import ssl
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from telford.backends.kubernetes.access import Access, Credentials
from telford.basics.errors import PermanentError, TemporaryError

JSON = "application/json"
# A busy server asks for patience (429, 503) or fails for a moment; a read may be asked again.
_WORTH_ANOTHER_TRY = frozenset({429, 500, 502, 503, 504})
_FIRST_WAIT_SECONDS = 0.1
# The cause in the answer to an eviction that a PodDisruptionBudget does not allow.
# https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
BUDGET = "DisruptionBudget"
# A time-out has cost its whole limit already.
_TRIES_OF_SILENCE = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much. `answer_seconds` is the longest silence within an answer,
    `total_seconds` what all questions of one client may take together; a client that lives for long
    has `call_seconds` for each question instead.
    """

    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    total_seconds: float = 180.0
    call_seconds: float | None = None
    attempts: int = 5
    longest_wait_seconds: float = 10.0
    # As kubectl and client-go page.
    page: int = 500
    # Twice what the largest supported cluster has of pods, the most frequent kind.
    # https://kubernetes.io/docs/setup/best-practices/cluster-large/
    objects: int = 300_000
    # A page of 500 objects of a hundred kilobytes each, with room to spare.
    answer_bytes: int = 128 * 1024 * 1024
    side_by_side: int = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. `status` is 0 where it said nothing in time; `body` is the decoded
    JSON object, {} where there was none; `why` is the server's own sentence where it refused.
    """

    status: int
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    why: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is an answer to what was asked."""
        return self.status in (httpx.codes.OK, httpx.codes.CREATED, httpx.codes.ACCEPTED)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """A field of the body that is an object; {} where it is anything else."""
        found = self.body.get(name)
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Question:
    """A request: `body` is encoded already."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    accept: str = JSON
    body: bytes | None = field(default=None, repr=False)
    content_type: str = JSON


class Wire:
    """One server, asked as one user. Safe to use from several threads."""

    def __init__(
        self,
        access: Access,
        limits: Limits,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.access = access
        self.limits = limits
        self._clock = clock
        self._sleep = sleep
        self._end = clock() + limits.total_seconds
        self._client = _client(access, limits)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def get(self, path: str, params: Mapping[str, str] | None = None, accept: str = JSON) -> Answer:
        """Ask once, and again while the server asks for patience. Raises `OutsideError` where the
        server cannot be reached, is not trusted, or does not know who asks.
        """
        return self.ask(Question("GET", path, params or {}, accept))

    def ask(self, question: "Question") -> Answer:
        """`get` for any method. A write whose answer was lost is asked again: what it carries
        (an observed version, a uid, a whole applied object) makes the second one harmless.
        """
        end = self._end_of_call()
        answer = Answer(0, why="out of time")
        for attempt in range(self.limits.attempts):
            if self._clock() >= end:
                up = f"not asked: {self._seconds():g} s were up"
                return answer if attempt else Answer(0, why=up)
            last = attempt + 1 == self.limits.attempts
            try:
                answer, patience = self._once(question, end)
            except httpx.TimeoutException as error:
                if isinstance(error, httpx.ConnectTimeout) and last:
                    raise self._unreachable("no connection in time") from error
                answer = Answer(0, why=self._too_late(end))
                if not isinstance(error, httpx.ConnectTimeout) and attempt + 1 >= _TRIES_OF_SILENCE:
                    return answer
                patience = None
            except httpx.TransportError as error:
                _raise_untrusted(self.access, error)
                if last:
                    raise self._unreachable(str(error) or type(error).__name__) from error
                patience = None
            if answer.ok or not _is_worth_another_try(answer):
                return answer
            self._wait(attempt, patience, end)
        return answer

    def lines(self, path: str, params: Mapping[str, str], seconds: float) -> Iterator[bytes]:
        """The lines of an answer that goes on (a watch), for at most so long; a refusal is the one
        line that there is, a ``Status``. Raises httpx's transport errors as they come.
        """
        end = self._clock() + seconds
        quiet = httpx.Timeout(self.limits.answer_seconds, connect=self.limits.connect_seconds)
        request = self._request(Question("GET", path, params), quiet)
        response = self._client.send(request, stream=True)
        try:
            for line in response.iter_lines():
                if len(line) > self.limits.answer_bytes:
                    return
                yield line.encode()
                if self._clock() >= end:
                    return
        finally:
            response.close()

    def pause(self, seconds: float) -> None:
        """Wait, no longer than the longest wait."""
        self._sleep(min(seconds, self.limits.longest_wait_seconds))

    def clock(self) -> float:
        """Seconds of the clock that limits are measured by."""
        return self._clock()

    def _end_of_call(self) -> float:
        each = self.limits.call_seconds
        return self._end if each is None else self._clock() + each

    def _seconds(self) -> float:
        each = self.limits.call_seconds
        return self.limits.total_seconds if each is None else each

    def _too_late(self, end: float) -> str:
        if self._clock() >= end:
            return f"no whole answer within {self._seconds():g} s"
        return f"no answer within {self.limits.answer_seconds:g} s"

    def _wait(self, attempt: int, patience: float | None, end: float) -> None:
        if attempt + 1 == self.limits.attempts:
            return
        wanted = _FIRST_WAIT_SECONDS * 2**attempt if patience is None else patience
        left = max(0.0, end - self._clock())
        self._sleep(min(wanted, self.limits.longest_wait_seconds, left))

    def _request(self, question: "Question", timeout: httpx.Timeout | None = None) -> httpx.Request:
        extensions: dict[str, Any] = {}
        if self.access.server_name:
            extensions["sni_hostname"] = self.access.server_name
        headers = {"Accept": question.accept}
        if question.body is not None:
            headers["Content-Type"] = question.content_type
        return self._client.build_request(
            question.method,
            question.path,
            params=question.params,
            headers=headers,
            content=question.body,
            extensions=extensions,
            timeout=timeout or httpx.USE_CLIENT_DEFAULT,
        )

    def _once(self, question: "Question", end: float) -> tuple[Answer, float | None]:
        """One answer, and how long the server wants us to wait."""
        response = self._client.send(self._request(question), stream=True)
        try:
            data = self._body(response, end)
        finally:
            response.close()
        if response.status_code == httpx.codes.UNAUTHORIZED:
            raise PermanentError(
                f"the cluster {self.access.name} does not know who asks (401)",
                fix="sign in again, or choose another context",
            )
        body = _decoded(data)
        if response.is_success and body is None:
            return Answer(0, why=f"{question.path} is no JSON: is this an API server?"), None
        why = "" if response.is_success else _reason(response.status_code, body or {})
        return Answer(response.status_code, body or {}, why), _patience(response)

    def _body(self, response: httpx.Response, end: float) -> bytes:
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if self._clock() >= end:
                # A byte now and then is no silence, and no answer either.
                raise httpx.ReadTimeout("the answer goes on for too long", request=response.request)
            if len(data) > self.limits.answer_bytes:
                raise PermanentError(
                    f"an answer of the cluster {self.access.name} is larger than"
                    f" {self.limits.answer_bytes:,} bytes",
                    fix="name a smaller part of the estate with --in",
                )
        return bytes(data)

    def _unreachable(self, said: str) -> TemporaryError:
        return TemporaryError(
            f"the cluster {self.access.name} at {self.access.server} cannot be reached: {said}",
            fix="check the network, the VPN and the server of the kubeconfig",
        )


def _is_worth_another_try(answer: Answer) -> bool:
    """A disruption budget says no with 429 too, and is not asked again within the same call."""
    causes = answer.mapping("details").get("causes")
    held = any(one.get("reason") == BUDGET for one in causes) if isinstance(causes, list) else False
    return not held and answer.status in _WORTH_ANOTHER_TRY | {0}


class _Bearer(httpx.Auth):
    """A token from a file that is written anew now and then (a pod's lives for an hour): read for
    every request, as it is a few hundred bytes.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token()}"
        yield request

    def _token(self) -> str:
        file = self._credentials.token_file
        if file is None:
            return self._credentials.token
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise PermanentError(
                f"the token {file} cannot be read: {error.strerror}", fix="check the kubeconfig"
            ) from error


def _client(access: Access, limits: Limits) -> httpx.Client:
    _refuse_open_credentials(access)
    trust = _trust(access)
    try:
        return httpx.Client(
            base_url=access.server,
            headers=[("User-Agent", "telford"), *access.headers],
            auth=_auth(access.credentials),
            verify=trust,
            proxy=access.proxy or None,
            timeout=httpx.Timeout(limits.answer_seconds, connect=limits.connect_seconds),
            limits=httpx.Limits(max_connections=limits.side_by_side),
        )
    except (ValueError, httpx.InvalidURL) as error:
        raise PermanentError(
            f"the server, the proxy or a header of {access.name} is of no use",
            fix="correct the kubeconfig",
        ) from error


def _refuse_open_credentials(access: Access) -> None:
    """A token over plain HTTP is everybody's, but on this machine alone."""
    try:
        parts = urlsplit(access.server)
    except ValueError as error:
        raise PermanentError(
            f"the server of {access.name} is no URL", fix="correct the kubeconfig"
        ) from error
    secret = (
        access.credentials.token or access.credentials.token_file or access.credentials.password
    )
    if parts.scheme == "https" or not secret or _is_here(parts.hostname or ""):
        return
    raise PermanentError(
        f"the cluster {access.name} is asked over plain HTTP, where anyone could read the token",
        fix="give its server as https:// in the kubeconfig",
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _auth(credentials: Credentials) -> httpx.Auth | None:
    if credentials.token or credentials.token_file:
        return _Bearer(credentials)
    if credentials.username:
        return httpx.BasicAuth(credentials.username, credentials.password)
    return None


def _trust(access: Access) -> ssl.SSLContext:
    """Whom to trust, and the certificate that we show. Raises `PermanentError` for a bad one."""
    if urlsplit(access.server).scheme == "http" and not access.credentials.certificate:
        # Nobody is trusted: reading the system's authorities costs 50 ms, and nothing would use them.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context = ssl.create_default_context(
            cadata=access.authority.decode() if access.authority else None
        )
        if access.unverified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if access.credentials.certificate:
            _show(context, access.credentials)
    except (ssl.SSLError, ValueError) as error:
        raise PermanentError(
            f"a certificate or key of {access.name} cannot be used", fix="correct the kubeconfig"
        ) from error
    return context


def _show(context: ssl.SSLContext, credentials: Credentials) -> None:
    """The library reads a certificate from a file only: one of ours alone, gone at once."""
    with tempfile.NamedTemporaryFile(prefix="telford-", suffix=".pem") as file:
        file.write(credentials.certificate + b"\n" + credentials.key)
        file.flush()
        # A key with a passphrase would make the library ask the terminal for it.
        context.load_cert_chain(file.name, password="")


def _raise_untrusted(access: Access, error: httpx.TransportError) -> None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise PermanentError(
                f"the certificate of {access.server} is not trusted: {cause.verify_message}",
                fix="give the cluster's certificate-authority in the kubeconfig",
            ) from error
        cause = cause.__cause__ or cause.__context__


def _decoded(data: bytes) -> Mapping[str, Any] | None:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _reason(status: int, body: Mapping[str, Any]) -> str:
    """The server's own sentence (a ``Status``), else the number."""
    message = body.get("message")
    return f"{message} ({status})" if isinstance(message, str) and message else f"it said {status}"


def _patience(response: httpx.Response) -> float | None:
    """``Retry-After`` in seconds; API servers never send a date."""
    said = response.headers.get("Retry-After", "")
    return float(said) if said.isdigit() else None
