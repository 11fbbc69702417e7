"""One JSON object a line over a private unix socket: what client and supervisor agree on.

Request ``{"v": 1, "op": "route", "args": {...}}``; answer ``{"v": 1, "ok": true, "result": ...}``
or ``{"v": 1, "ok": false, "error": {"kind", "message", "fix", "retry_after_seconds"}}``. Answers
come in the order of the requests. A version that the other side does not speak is an error value.
"""

import json
from typing import Any

from telford.basics.errors import (
    PermanentError,
    RefusedError,
    TelfordError,
    TemporaryError,
    UsageError,
)

VERSION = 1

# A place of 200 services with rich environments is below 1 MB; more is a mistake.
MAX_LINE_BYTES = 4_000_000

_KINDS: dict[str, type[TelfordError]] = {
    "usage": UsageError,
    "refused": RefusedError,
    "temporary": TemporaryError,
    "permanent": PermanentError,
}


def request(operation: str, arguments: dict[str, Any]) -> bytes:
    """One line that asks for something."""
    return _line({"v": VERSION, "op": operation, "args": arguments})


def answer(result: object) -> bytes:
    """One line that says yes."""
    return _line({"v": VERSION, "ok": True, "result": result})


def failure(error: TelfordError) -> bytes:
    """One line that says what went wrong, as a value."""
    kind = next((name for name, cls in _KINDS.items() if isinstance(error, cls)), "permanent")
    body: dict[str, object] = {"kind": kind, "message": error.message, "fix": error.fix}
    if isinstance(error, TemporaryError):
        body["retry_after_seconds"] = error.retry_after_seconds
    return _line({"v": VERSION, "ok": False, "error": body})


def read_request(line: bytes) -> tuple[str, dict[str, Any]]:
    """Operation and arguments; raises `UsageError` for what is not a request."""
    body = _object(line)
    if body.get("v") != VERSION:
        raise UsageError(
            f"this supervisor speaks protocol {VERSION}, not {body.get('v')}",
            fix="stop the place and start it again with this version of telford",
        )
    operation, arguments = body.get("op"), body.get("args", {})
    if not isinstance(operation, str) or not isinstance(arguments, dict):
        raise UsageError("a request needs an op (text) and args (an object)")
    return operation, arguments


def read_answer(line: bytes) -> Any:
    """The result; raises the error that the supervisor sent."""
    body = _object(line)
    if body.get("ok"):
        return body.get("result")
    error = body.get("error") or {}
    message, fix = str(error.get("message", "no reason given")), str(error.get("fix", ""))
    if error.get("kind") == "temporary":
        delay = float(error.get("retry_after_seconds", 1.0))
        raise TemporaryError(message, fix=fix, retry_after_seconds=delay)
    raise _KINDS.get(str(error.get("kind")), PermanentError)(message, fix=fix)


def _line(body: object) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise UsageError("not a line of JSON") from error
    if not isinstance(body, dict):
        raise UsageError("not a JSON object")
    return body
