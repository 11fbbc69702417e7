"""The estate as a server looks at it: read once, indexed once, read again when its texts change.

`EstateWatch` holds the newest `Described`. A read that fails keeps the last good one and says so,
so a page never goes away because somebody is in the middle of an edit. Called by the portal, which
asks for `current()` on each request; the texts are looked at no more often than
`LOOK_EVERY_SECONDS`.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from telford.app import catalogue, connections, mentions
from telford.app.connections import Connections
from telford.basics.clock import Clock
from telford.basics.diagnostics import Diagnostic
from telford.basics.errors import TelfordError
from telford.estate import overlays
from telford.estate.model import Estate, Loaded
from telford.estate.place import Place

LOOK_EVERY_SECONDS = 1.0
"""How old the answer to "have the texts changed?" may be; a look costs one stat a file."""

LOOK_SHARE = 20
"""Looking takes at most one part in so many of the time, however large the folder."""


@dataclass(frozen=True)
class Described:
    """An estate and what is made of it once. `read_at` is epoch seconds; `problem` says why a
    newer state could not be read, or is "".
    """

    loaded: Loaded
    read_at: float
    problem: str = ""

    @property
    def estate(self) -> Estate:
        """All that could be read."""
        return self.loaded.estate

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Every problem of it."""
        return self.loaded.diagnostics

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Every environment and region of it, in the order in which a change travels."""
        return overlays.places(self.estate)

    @cached_property
    def index(self) -> catalogue.Index:
        """The rows of the catalogue."""
        return catalogue.index(self.estate)

    @cached_property
    def connections(self) -> connections.Connections:
        """Who depends on whom."""
        return connections.connect(self.estate)

    @cached_property
    def mentions(self) -> mentions.Mentions:
        """Who names whom."""
        return mentions.collect(self.estate)

    def connected(self, place: Place | None) -> Connections:
        """The same in a place, where overlays say so; made once. Raises as `overlays.bind` does."""
        if place is None:
            return self.connections
        key = str(place)
        if key not in self._placed:
            binding = overlays.bind(self.estate, place)
            self._placed[key] = connections.connect(self.estate, binding)
        return self._placed[key]

    @cached_property
    def _placed(self) -> dict[str, Connections]:
        return {}

    def made(self) -> "Described":
        """The same, with everything made of it at once: so no request waits for that."""
        _ = self.places, self.index, self.connections, self.mentions, self.estate.by_short
        return self

    def place(self, text: str) -> Place | None:
        """The place of that name; None where the estate has no such place."""
        return next((one for one in self.places if str(one) == text), None)


# Runs a piece of work, now or beside the caller.
Spawn = Callable[[Callable[[], None]], None]


def beside(work: Callable[[], None]) -> None:
    """In a thread of its own: nobody who asks for a page waits for an estate to be read."""
    threading.Thread(target=work, name="telford-estate", daemon=True).start()


class EstateWatch:
    """The newest state of a folder of texts.

    `read` loads it; `signature` is a cheap value that changes whenever a text does. Both may raise
    `TelfordError`; the first read's error is the caller's.
    """

    def __init__(
        self,
        read: Callable[[], Loaded],
        signature: Callable[[], str],
        clock: Clock,
        spawn: Spawn = beside,
    ) -> None:
        self._read = read
        self._signature = signature
        self._clock = clock
        self._spawn = spawn
        self._looking = threading.Lock()
        self._seen = signature()
        self._held = Described(read(), clock.now()).made()
        self._due = clock.monotonic() + LOOK_EVERY_SECONDS

    def current(self) -> Described:
        """The newest that could be read; a look that is due is begun and not waited for."""
        if self._clock.monotonic() >= self._due and self._looking.acquire(blocking=False):
            self._spawn(self._look)
        return self._held

    def _look(self) -> None:
        began = self._clock.monotonic()
        try:
            seen = self._signature()
            if seen != self._seen or self._held.problem:
                self._held = Described(self._read(), self._clock.now()).made()
                self._seen = seen
        except TelfordError as error:
            self._held = replace(self._held, problem=error.message)
        finally:
            took = self._clock.monotonic() - began
            self._due = began + max(LOOK_EVERY_SECONDS, LOOK_SHARE * took)
            self._looking.release()
