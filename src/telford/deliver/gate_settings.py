"""What each kind of gate needs, typed; and how that is kept in a `Gate`'s settings, as texts.

A release freezes its gates when it starts, so what is here is complete: addresses are whole, times
are seconds, windows are written out. Made by `telford.app.gate_policy`; read by `gates` and, for
webhooks and commands, by `telford.backends.hooks`.
"""

import json
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, TypeVar

from telford.analysis.people import Group
from telford.basics.errors import UsageError
from telford.deliver import codec
from telford.deliver.gates import Gate
from telford.road.holding import Rule

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]
# Different gates of all releases on their way; each is read once.
KEPT = 4096


@dataclass(frozen=True, slots=True)
class Budget:
    """`objectives` are addresses; `slow` what a slow pace does (soak, closed or open), `factor` how
    many times as long a step soaks then.
    """

    objectives: tuple[str, ...] = ()
    slow: str = "soak"
    factor: float = 3.0


@dataclass(frozen=True, slots=True)
class Approval:
    """So many different people of `people`."""

    count: int = 1
    people: Group = field(default_factory=Group)


@dataclass(frozen=True, slots=True)
class Window:
    """The windows that hold for the service in its place."""

    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Soak:
    """How long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Dependency:
    """What is needed (its address), and what must be true of it; "" and None ask for nothing.

    `objectives` are those of its own, `worst` the worst state that they may be in. `contract` must
    offer `offers`: `offered` are the versions that the estate named when the release was prepared,
    `sunset` the day from which nobody may count on that one.
    """

    on: str
    objectives: tuple[str, ...] = ()
    worst: str = ""
    settled: bool = True
    version: str = ""
    contract: str = ""
    offers: str = ""
    offered: tuple[str, ...] = ()
    sunset: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A value in a JSON answer: its pointer, and itself as JSON."""

    at: str
    equals: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """See `telford.estate.kinds.gates.Webhook`; times in seconds. `key` and `token` are names of
    variables, never values.
    """

    url: str
    method: str = "POST"
    status: tuple[int, ...] = (200, 201, 202, 204)
    expect: tuple[Expected, ...] = ()
    limit: float = 10.0
    interval: float = 30.0
    retries: int = 3
    key: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """See `telford.estate.kinds.gates.CommandGate`; times in seconds."""

    run: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    limit: float = 30.0
    interval: float = 30.0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """A pattern that finds the id, and who is asked about it."""

    pattern: str
    lookup: Webhook | None = None


Settings = Budget | Approval | Window | Soak | Dependency | Webhook | Command | Record
KINDS: dict[str, type[Any]] = {
    "budget": Budget,
    "approval": Approval,
    "window": Window,
    "soak": Soak,
    "dependency": Dependency,
    "webhook": Webhook,
    "command": Command,
    "record": Record,
}
# Beside what its kind needs, each gate may say who may override it.
_OVERRIDE = "override"


def pairs(settings: Settings, override: Group | None = None) -> Pairs:
    """Settings as texts, in the order of their fields."""
    plain = codec.encode(settings)
    if override is not None:
        plain = {**plain, _OVERRIDE: codec.encode(override)}
    return tuple((name, json.dumps(value, sort_keys=True)) for name, value in plain.items())


def read(kind: type[T], gate: Gate) -> T:
    """The inverse. Raises `UsageError` where they are no settings of that kind."""
    known: Any = kind
    found: T = _read(known, gate.settings)
    return found


def override(gate: Gate) -> Group | None:
    """Who may open the gate all the same; None for nobody."""
    text = dict(gate.settings).get(_OVERRIDE)
    return None if text is None else codec.decode(Group, json.loads(text))


@lru_cache(maxsize=KEPT)
def _read(kind: Any, settings: Pairs) -> Any:
    names = {one.name for one in fields(kind)}
    try:
        plain = {name: json.loads(text) for name, text in settings if name in names}
    except ValueError as error:
        raise UsageError(f"the settings of a gate are no JSON: {error}") from error
    return codec.decode(kind, plain)
