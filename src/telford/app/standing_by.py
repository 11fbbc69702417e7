"""A stand-by controller: wait for a place's lease, control it, stand by again when overtaken.

It starts and stops nothing of the place: the supervisor is another process, and its death another
matter. One process controls one place, because the durable engine is one a process; for several
places start several. Called by `telford controller`; `standing` is for `telford controllers`.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from telford import ports
from telford.app import controlling, wiring
from telford.backends import process
from telford.backends.local.place import LocalPlace
from telford.basics.errors import OutsideError, RefusedError, TelfordError
from telford.flows import boundaries, watching
from telford.flows.controller import Pace, Report
from telford.store.database import Lease
from telford.store.store import Store

# A lease is taken over at most this long after it may be: with its limit (10 s) and the durable
# engine's start (1 s), a dead controller's releases go on within 15 s.
POLL_SECONDS = 1.0
# A place that does not answer for so long is given back, so that `telford up` can start it anew.
AWAY_SECONDS = 10.0
# A controller that beats each tick and was silent for this long is not running.
SILENT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Where a stand-by controller speaks: sentences for people, and each tick's report."""

    say: Callable[[str], None]
    report: Callable[[Report], None]


@dataclass(slots=True)
class StandBy:
    """One process's part in controlling one place; `stop` ends it."""

    kept: wiring.Files
    store: Store
    place: str
    watch: watching.Watch
    pace: Pace
    voice: Voice
    stop: threading.Event = field(default_factory=threading.Event)
    edges: boundaries.Boundaries | None = None
    hooks: ports.Hooks | None = None
    poll_seconds: float = POLL_SECONDS
    _said: str = ""
    _away_since: float | None = None

    def run(self) -> None:
        """Until `stop` is set. Raises what will not mend itself."""
        holder = process.identity()
        try:
            while not self.stop.is_set():
                lease = self._wait(holder)
                if lease is not None:
                    self._control(lease)
        finally:
            _quietly(lambda: self.store.controllers.leave(self.place, holder))

    def _wait(self, holder: str) -> Lease | None:
        """The lease, as soon as it may be taken and the place answers; None at `stop`."""
        while not self.stop.is_set():
            try:
                self._place()
                lease = controlling.take_lease(self.store, self.place, self.pace)
            except (RefusedError, OutsideError) as answer:
                self._say(f"standing by: {answer.message}")
                _quietly(lambda: self.store.controllers.wait(self.place, holder))
                self.stop.wait(self.poll_seconds)
            else:
                _quietly(lambda: self.store.controllers.leave(self.place, holder))
                self._say(f"controls {self.place} now (epoch {lease.epoch})")
                return lease
        return None

    def _control(self, lease: Lease) -> None:
        try:
            found = controlling.control(
                self.kept,
                self.store,
                lease,
                self._place(),
                watch=self.watch,
                pace=self.pace,
                edges=self.edges,
                hooks=self.hooks,
            )
        except OutsideError as error:
            self._say(f"cannot control {self.place}: {error.message}")
            controlling.give_back(self.store, lease)
            self.stop.wait(self.poll_seconds)
            return
        self._away_since = None
        try:
            found.controller.run(self._over, self.voice.report)
        except RefusedError as overtaken:
            self._say(f"stands by from now on: {overtaken.message}")
        finally:
            found.close()

    def _over(self, seconds: float) -> bool:
        """Whether to end, after a pause: at `stop`, or where the place has been away for long."""
        if self.stop.wait(seconds):
            return True
        now = self.store.clock.monotonic()
        try:
            self._place()
        except OutsideError:
            self._away_since = now if self._away_since is None else self._away_since
        else:
            self._away_since = None
        return self._away_since is not None and now - self._away_since > AWAY_SECONDS

    def _place(self) -> LocalPlace:
        """The running place. Raises `TemporaryError` where it does not run."""
        return LocalPlace.connect(self.kept.place(self.place), self.store.clock)

    def _say(self, sentence: str) -> None:
        """Once, not every second: what changes in a sentence while one waits is an age."""
        gist = sentence.partition(", heard of")[0]
        if gist != self._said:
            self._said = gist
            self.voice.say(sentence)


@dataclass(frozen=True, slots=True)
class Standing:
    """A controller and its part in a place: controls, silent, gave-back or stands-by; `heard` is
    seconds ago (None: never again since it gave the place back).
    """

    place: str
    holder: str
    part: str
    epoch: int | None
    heard: float | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        heard = None if self.heard is None else round(self.heard, 1)
        plain = {"place": self.place, "controller": self.holder, "part": self.part}
        return plain | {"epoch": self.epoch, "heard_seconds_ago": heard}


def standing(store: Store, place: str = "") -> tuple[Standing, ...]:
    """Who controls which place and who stands by, place by place."""
    now = store.now()
    found = []
    for held in store.leases.all():
        heard = None if held.heartbeat == 0 else max(now - held.heartbeat, 0.0)
        part = "gave-back" if heard is None else "controls"
        part = "silent" if heard is not None and heard > SILENT_SECONDS else part
        found.append(Standing(held.name, held.holder, part, held.epoch, heard))
    for one in store.controllers.waiting():
        heard = max(now - one.heard_at, 0.0)
        part = "silent" if heard > SILENT_SECONDS else "stands-by"
        found.append(Standing(one.place, one.holder, part, None, heard))
    chosen = [one for one in found if not place or one.place == place]
    return tuple(sorted(chosen, key=lambda one: (one.place, one.epoch is None, one.holder)))


def _quietly(act: Callable[[], None]) -> None:
    """What only informs people must not keep anybody from controlling."""
    try:
        act()
    except TelfordError:
        return
