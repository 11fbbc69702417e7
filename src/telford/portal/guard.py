"""Who may come in: decided purely for each request before any page or API sees it.

The portal listens on 127.0.0.1 only, and that alone keeps nobody out: any web page in the same
browser can send requests there (DNS rebinding, forged forms). So, in this order:

1. the ``Host`` must be one of ours, or the request was sent to somebody else (421);
2. what changes something must come from our own origin (403);
3. the start token, printed once on the terminal, becomes a ``SameSite=Strict`` cookie and leaves
   the address bar by a redirect; without cookie or bearer token there is nothing to see (401).

`Guard` is the thin ASGI middleware that applies the decision and puts the security headers on every
answer. Called by `telford.portal.server` alone.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
TOKEN_FIELD = "token"  # noqa: S105 - the name of a query field
MAX_BODY_BYTES = 64 * 1024
"""Forms and commands are a few hundred bytes; nothing else is ever sent here."""
OPEN_PREFIX = "/static/"
"""Our own style sheets and scripts: the page that says how to get in needs them, and they hold
nothing of the estate."""

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not "no-referrer": with it browsers send ``Origin: null`` for our own forms too, and then
    # nobody could tell them from foreign ones. No other host ever gets a referrer either way.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}


class Answer(Enum):
    """What is done with a request."""

    PASS = "pass"  # noqa: S105 - not a password
    SIGN_IN = "sign in"
    NOT_SIGNED_IN = "not signed in"
    WRONG_HOST = "wrong host"
    FOREIGN = "foreign origin"
    TOO_LARGE = "too large"


@dataclass(frozen=True, slots=True)
class Keys:
    """What opens the door: the token itself, and what the cookie is called and holds.

    The cookie's name carries part of a hash of the token, so two portals on one machine (cookies
    know no ports) do not sign each other out.
    """

    token: str
    cookie_name: str
    cookie_value: str
    hosts: frozenset[str]

    def __repr__(self) -> str:
        return "Keys(...)"


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a request the decision looks at."""

    method: str
    path: str
    host: str
    origin: str | None
    fetch_site: str | None
    cookie: str
    bearer: str
    token: str
    body_bytes: int


def keys(token: str, hosts: frozenset[str]) -> Keys:
    """The keys that belong to a token."""
    name = hashlib.sha256(f"telford cookie name {token}".encode()).hexdigest()[:8]
    value = hmac.new(token.encode(), b"telford portal cookie", hashlib.sha256).hexdigest()
    return Keys(token, f"telford-{name}", value, hosts)


def judge(seen: Seen, door: Keys) -> Answer:
    """What to do with a request. Pure."""
    if seen.host.lower() not in door.hosts:
        return Answer.WRONG_HOST
    if seen.method not in SAFE_METHODS and not _ours(seen, door):
        return Answer.FOREIGN
    if seen.body_bytes > MAX_BODY_BYTES:
        return Answer.TOO_LARGE
    if seen.path.startswith(OPEN_PREFIX) and seen.method in SAFE_METHODS:
        return Answer.PASS
    if seen.token and seen.method in SAFE_METHODS:
        return Answer.SIGN_IN if _same(seen.token, door.token) else Answer.NOT_SIGNED_IN
    if _same(seen.cookie, door.cookie_value) or _same(seen.bearer, door.token):
        return Answer.PASS
    return Answer.NOT_SIGNED_IN


def _ours(seen: Seen, door: Keys) -> bool:
    """Whether a request that changes something comes from one of our own pages.

    Browsers send ``Origin`` with every such request. A client without one is no browser; it has no
    cookie jar that somebody else could use, so it may come with the bearer token only.
    """
    if seen.fetch_site not in {None, "same-origin"}:
        return False
    if seen.origin is None:
        return bool(seen.bearer) and not seen.cookie
    return seen.origin.lower() in {f"http://{host}" for host in door.hosts}


def _same(given: str, right: str) -> bool:
    return bool(given) and hmac.compare_digest(given.encode(), right.encode())


# Makes the response of a refused request; `telford.portal.server` hands in the pages.
Refuse = Callable[[Answer, Scope], Response]


class Guard:
    """Applies `judge` to every request and the security headers to every answer."""

    def __init__(self, app: ASGIApp, door: Keys, refuse: Refuse) -> None:
        self._app = app
        self._door = door
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan, which passes."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        answer = judge(look(scope, self._door), self._door)
        app: ASGIApp = self._app
        if answer is Answer.SIGN_IN:
            app = signed_in(scope, self._door)
        elif answer is not Answer.PASS:
            app = self._refuse(answer, scope)
        await app(scope, receive, _with_headers(send, scope["path"]))


def look(scope: Scope, door: Keys) -> Seen:
    """The parts of a request that `judge` looks at."""
    headers = Headers(scope=scope)
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    return Seen(
        method=scope["method"],
        path=scope["path"],
        host=headers.get("host", ""),
        origin=headers.get("origin"),
        fetch_site=headers.get("sec-fetch-site"),
        cookie=_cookie(headers.get("cookie", ""), door.cookie_name),
        bearer=bearer.strip() if scheme.lower() == "bearer" else "",
        token=_query(scope).get(TOKEN_FIELD, ""),
        body_bytes=_body_bytes(headers),
    )


def _body_bytes(headers: Headers) -> int:
    """What the request says; one that does not say is too large."""
    if "transfer-encoding" in headers:
        return MAX_BODY_BYTES + 1
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() and len(length) < 12 else MAX_BODY_BYTES + 1


def _query(scope: Scope) -> Mapping[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def signed_in(scope: Scope, door: Keys) -> Response:
    """Set the cookie and send the browser to the same page without the token."""
    rest = {key: value for key, value in _query(scope).items() if key != TOKEN_FIELD}
    # A path that begins with two slashes would be another host's address.
    path = "/" + quote(scope["path"].lstrip("/"))
    location = f"{path}?{urlencode(rest)}" if rest else path
    response = Response(status_code=303, headers={"location": location})
    response.set_cookie(
        door.cookie_name, door.cookie_value, path="/", httponly=True, samesite="strict"
    )
    return response


def _with_headers(send: Send, path: str) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if not path.startswith(OPEN_PREFIX):
                headers["cache-control"] = "no-store"
        await send(message)

    return sending
