"""Post a JSON document, within a time limit, and read whether it was taken.

No redirect is followed (a listener that moved is told again where it is now by whoever keeps the
estate), no proxy or setting of the environment is used, little is read of an answer, and no message
shows a URL beyond its host: a chat's URL is a secret. Called by the listeners of this folder.
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx

from telford.basics.errors import PermanentError, TemporaryError

LIMIT_SECONDS = 10.0
_SERVER_ERROR = 500
_OK = range(200, 300)
# Answers that say "later": request timeout, too early, too many requests.
_LATER = frozenset({408, 425, 429})


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises `TemporaryError` or `PermanentError` where it was not taken."""
    try:
        target = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise PermanentError(
            "the listener's URL is none", fix="mend its url or variable"
        ) from error
    if target.scheme not in {"http", "https"} or not target.host:
        raise PermanentError("the listener's URL is none", fix="write https://, a host and a path")
    try:
        with httpx.Client(timeout=LIMIT_SECONDS, trust_env=False) as client:
            answer = client.post(target, content=body, headers=dict(headers))
    except httpx.TimeoutException as error:
        raise TemporaryError(f"{target.host} took more than {LIMIT_SECONDS:g} s") from error
    except httpx.HTTPError as error:
        raise TemporaryError(f"{target.host} does not answer: {type(error).__name__}") from error
    _judge(target.host, answer.status_code)


def plain(document: Mapping[str, Any]) -> bytes:
    """The document as UTF-8 JSON; what is signed is exactly what is sent."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def variable(name: str, environment: Mapping[str, str]) -> str:
    """A variable's value. Raises `PermanentError` where it is not set."""
    value = environment.get(name, "")
    if not value:
        raise PermanentError(
            f"the variable {name} is not set", fix="set it where the controller is started"
        )
    return value


def _judge(host: str, status: int) -> None:
    if status in _OK:
        return
    if status in _LATER or status >= _SERVER_ERROR:
        raise TemporaryError(f"{host} answered {status}")
    raise PermanentError(f"{host} answered {status}", fix="see whether its URL and token are right")
