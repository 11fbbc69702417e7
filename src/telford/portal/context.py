"""What the portal is given: the estate, the store, the acts, the clock, and who may come in.

A `Context` is made by whoever runs the portal (`telford up`) and by tests; nothing in the portal
reaches for anything that is not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from telford.app.described import Described
from telford.app.plan_page import Told
from telford.basics.clock import Clock
from telford.estate.artifact import Artifact
from telford.store.store import Store


class EstateSource(Protocol):
    """Where the estate comes from."""

    def current(self) -> Described:
        """The newest state that could be read."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A release that somebody wants to start."""

    service: str
    version: str
    place: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Prospect:
    """What starting it would do, in sentences, before anything is done; `refusal` says why it
    cannot be done, or is "".
    """

    steps: tuple[str, ...]
    refusal: str = ""


class Acts(Protocol):
    """The use cases that change something, the very ones that the CLI calls.

    Each raises `RefusedError` where the answer is no and writes the audit log itself.
    """

    def command(self, release: str, verb: str, who: str, reason: str) -> str:
        """Ask a release to promote, abort, pause or resume; returns the command's id."""
        ...

    def prospect(self, wanted: Wanted) -> Prospect:
        """What `start` would do."""
        ...

    def start(self, wanted: Wanted) -> str:
        """Start a release; returns its id."""
        ...

    def rollout_prospect(self, wanted: Wanted) -> Prospect:
        """What `rollout` would do; the waves name the places."""
        ...

    def rollout(self, wanted: Wanted) -> str:
        """Begin a rollout to the places of the service's waves; returns its id."""
        ...


class Artifacts(Protocol):
    """What the targets generate."""

    def of(self, address: str, place: str) -> Sequence[Artifact]:
        """The artifacts that one entity causes in a place."""
        ...


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan for the folder `out`, None before the first one is made. `stale` says that estate or
    folder have changed since, and another is being made; `problem` why there is no newer, or is "".
    """

    out: Path
    told: Told | None
    stale: bool
    problem: str = ""


class Plans(Protocol):
    """What a build would change."""

    def current(self) -> Planned:
        """The newest plan; never waits for one."""
        ...

    def lines(self, path: str) -> str | None:
        """What changes in one file, as a unified diff; None where the plan changes no such file.
        Raises `TemporaryError` while a plan is being made.
        """
        ...


@dataclass(frozen=True)
class Context:
    """See the module. `place` is the place that this process controls ("" where it controls
    none); `token` is never shown; `hosts` are the values of ``Host`` that are answered, with port;
    `plans` is None where nobody said into which folder is built.
    """

    estate: EstateSource
    store: Store
    acts: Acts
    artifacts: Artifacts
    clock: Clock
    hosts: frozenset[str]
    token: str = field(repr=False)
    name: str = "estate"
    place: str = ""
    who: str = "portal"
    version: str = ""
    plans: Plans | None = None
