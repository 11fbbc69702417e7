"""A stand-by controller: wait for a place's lease, control it, stand by again when overtaken.

It starts and stops nothing of the place: a machine's supervisor is another process, and its death
another matter; a cluster was there before. One process controls one place, because the durable
engine is one a process; for several places start several. While it has the lease it also does what
goes on beside a controller (`telford.app.beside`). Called by `telford controller`; `standing` is for
`telford controllers`, `occupied` for `telford up`.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from telford import ports
from telford.app import beside, cluster_place, controlling, gitops, wiring, workloads
from telford.backends import process
from telford.backends.kubernetes.place import KubernetesPlace
from telford.backends.local.place import LocalPlace
from telford.basics.errors import OutsideError, RefusedError, TelfordError
from telford.estate import overlays
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.flows import boundaries, watching
from telford.flows.carrying import Outside
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


@dataclass(frozen=True, slots=True)
class Described:
    """What the estate says of the place, for what goes on beside the controller; with `cluster` the
    services run there and not on this machine.
    """

    estate: Estate
    place: Place
    local: workloads.Local
    cluster: cluster_place.Cluster | None = None


@dataclass(slots=True)
class StandBy:
    """One process's part in controlling one place; `stop` ends it. Without `described` it is a place
    of this machine, and nothing goes on beside its controller.
    """

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
    described: Described | None = None
    _there: KubernetesPlace | None = None
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
            if self._there is not None:
                self._there.close()

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
            place = self._place()
            found = controlling.control(
                self.kept,
                self.store,
                lease,
                place,
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
        beside_it = self._beside(lease, place)
        try:
            found.controller.run(self._over, self.voice.report)
        except RefusedError as overtaken:
            self._say(f"stands by from now on: {overtaken.message}")
        finally:
            # Before the lease is given back: nothing of ours goes on once another one may begin.
            for one in beside_it:
                one.ended.set()
            for one in beside_it:
                one.stop()
            found.close()

    def _beside(
        self, lease: Lease, place: LocalPlace | KubernetesPlace
    ) -> tuple[gitops.Keeping, ...]:
        """What the estate asks for beside the controller, begun in threads of their own."""
        if self.described is None:
            return ()
        needed = beside.Beside(
            estate=self.described.estate,
            place=self.described.place,
            local=self.described.local,
            store=self.store,
            lease=lease,
            outside=Outside(place, place, place),
            state=self.kept.state,
            clock=self.store.clock,
            cluster=self.described.cluster is not None,
            edges=self.edges or boundaries.Quiet(),
        )
        clock = self.store.clock
        return beside.start(
            needed, lambda said: self.voice.report(Report(clock.now(), problems=(said,)))
        )

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

    def _place(self) -> LocalPlace | KubernetesPlace:
        """The running place. Raises `OutsideError` where it does not run, or does not answer."""
        if self.described is None or self.described.cluster is None:
            return LocalPlace.connect(self.kept.place(self.place), self.store.clock)
        if self._there is None:
            binding = overlays.bind(self.described.estate, self.described.place)
            self._there = cluster_place.connect(self.described.cluster, binding, self.store.clock)
        self._there.reach()
        return self._there

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


def occupied(store: Store, place: str, refused: RefusedError) -> RefusedError:
    """Why `telford up` cannot begin in a place, and the way out.

    It is never let in by itself: with records that several machines share, whoever mistakes a place
    would start its services where they sit. So whoever controls it is ended by people, knowingly.
    """
    everyone = standing(store, place)
    ours = [one for one in everyone if one.part == "controls"]
    next_ones = [one for one in everyone if one.part == "stands-by"]
    if not ours:
        return refused  # it went in this moment: what was said of it holds
    said = f"{place} is controlled by {_process(ours[0])}, heard of {ours[0].heard or 0:.0f} s ago"
    if next_ones:
        waiting = ", ".join(_process(one) for one in next_ones)
        said += f"; behind it {'stand' if len(next_ones) > 1 else 'stands'} by {waiting}"
    return RefusedError(
        said,
        fix="what runs goes on there, and releases begin and move without `telford up`"
        f" (telford status --in {place}). To start or adopt services from here, end"
        f" {'these processes' if next_ones else 'that process'} where they run (Ctrl-C, or kill), and"
        " start `telford up` again; a `telford controller` started after it stands by",
    )


def _process(one: Standing) -> str:
    """``host:pid:start``, as people say it."""
    host, pid, _ = one.holder.rsplit(":", 2) if one.holder.count(":") > 1 else (one.holder, "", "")
    return f"process {pid} on {host}" if pid else host


def _quietly(act: Callable[[], None]) -> None:
    """What only informs people must not keep anybody from controlling."""
    try:
        act()
    except TelfordError:
        return
