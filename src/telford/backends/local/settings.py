"""How a local place is run: every limit and size in one value, stored with the running place.

Handed to `LocalPlace.start` by the wiring in `app`, passed to the supervisor as JSON.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass

from telford.basics.errors import UsageError

# Milliseconds. The usual 1-2-5 ladder, plus 300, 750 and 1500, which objectives like to name.
DEFAULT_BOUNDS_MS = (1, 2, 5, 10, 25, 50, 100, 200, 250, 300, 500, 750, 1000, 1500, 2500, 5000)

# Every bound is one more counter per series and one more filter per request.
MAX_BOUNDS = 40


@dataclass(frozen=True, slots=True)
class Settings:
    """One local place's settings; `bounds_ms` are whole milliseconds, rising.

    `ingress_port` 0 picks a free port. `envoy` is the path of the binary, "" the packaged one. A
    worker that gives no sign of life for `heartbeat_seconds` is started anew.
    """

    ingress_port: int = 0
    bounds_ms: tuple[int, ...] = DEFAULT_BOUNDS_MS
    request_timeout_seconds: float = 15.0
    envoy: str = ""
    envoy_threads: int = 2
    log_bytes: int = 5_000_000
    log_files: int = 3
    backoff_first_seconds: float = 0.2
    backoff_cap_seconds: float = 10.0
    backoff_forget_seconds: float = 10.0
    drain_seconds: float = 10.0
    confirm_seconds: float = 5.0
    heartbeat_seconds: float = 30.0

    def __post_init__(self) -> None:
        _check(self)

    def as_json(self) -> str:
        """One line of JSON that `from_json` reads back."""
        return json.dumps(dataclasses.asdict(self))


def from_mapping(values: Mapping[str, object]) -> Settings:
    """Settings from plain JSON values; unknown names raise `UsageError`."""
    known = {field.name for field in dataclasses.fields(Settings)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"unknown settings of the local place: {', '.join(unknown)}")
    fixed = dict(values)
    bounds = fixed.get("bounds_ms")
    if isinstance(bounds, list):
        fixed["bounds_ms"] = tuple(bounds)
    return Settings(**fixed)  # type: ignore[arg-type]  # _check refuses wrong values


def from_json(text: str) -> Settings:
    """The reverse of `Settings.as_json`."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise UsageError("the settings of the local place must be a JSON object")
    return from_mapping(values)


def _check(settings: Settings) -> None:
    bounds = settings.bounds_ms
    whole = all(isinstance(b, int) and b >= 1 for b in bounds)
    if not whole or list(bounds) != sorted(set(bounds)) or len(bounds) > MAX_BOUNDS:
        raise UsageError(
            f"latency bounds must be at most {MAX_BOUNDS} rising whole milliseconds, "
            f"not {list(bounds)}",
            fix="give the thresholds of the objectives as whole milliseconds, each once",
        )
    if not 0 <= settings.ingress_port <= 65535:
        raise UsageError(f"{settings.ingress_port} is not a port", fix="use 1-65535, or 0 for any")
    for name in ("envoy_threads", "log_bytes", "log_files"):
        if getattr(settings, name) < 1:
            raise UsageError(f"{name} must be at least 1")
    for field in dataclasses.fields(settings):
        if field.name.endswith("_seconds") and getattr(settings, field.name) <= 0:
            raise UsageError(f"{field.name} must be above 0")
