"""The soak's controller: the product's own stand-by controller, which kills itself where told to.

`main` is the whole life of one process, forked from a server that has everything imported already
(`multiprocessing`'s forkserver), so that a life begins in a tenth of a second. When it takes the
lease it reads ROOT/targets.json, a list of [boundary, when, occurrence]; at the first of them that
is reached it writes it to ROOT/kills and sends itself SIGKILL. While ROOT/blind exists, the place's
counters cannot be read.
"""

import faulthandler
import json
import os
import pathlib
import signal
import sys
import threading
from collections import Counter

import soak_outside

from telford.app import standing_by, wiring
from telford.backends.hooks import asking
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.basics.errors import TemporaryError
from telford.estate.observation import Reading
from telford.flows import watching
from telford.flows.controller import Pace, Report

PLACE = "soak"
PACE = Pace(tick=0.1, retry=0.3, lease=10.0, evaluate=5.0, tidy=5.0)
POLL_SECONDS = 0.1
TARGETS, KILLS, BLIND, LOG = "targets.json", "kills", "blind", "controller.log"


class KillHere:
    """See `telford.flows.boundaries.Boundaries`; orders reach theirs from several threads."""

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root
        self._targets: frozenset[tuple[str, str, int]] | None = None
        self._reached: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def reach(self, name: str, when: str) -> None:
        """Count, and die where it is time."""
        with self._lock:
            if self._targets is None:
                self._targets = targets(self._root)
            self._reached[name, when] += 1
            if (name, when, self._reached[name, when]) in self._targets:
                with (self._root / KILLS).open("a", encoding="utf-8") as file:
                    file.write(f"{name} {when}\n")
                os.kill(os.getpid(), signal.SIGKILL)


def targets(root: pathlib.Path) -> frozenset[tuple[str, str, int]]:
    """Where the life that begins now is to end."""
    try:
        plain = json.loads((root / TARGETS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return frozenset()
    return frozenset((name, when, count) for name, when, count in plain)


def files(root: pathlib.Path, url: str) -> wiring.Files:
    """Where a soak keeps what it keeps; `url` is the store's, "" for SQLite in the folder."""
    return wiring.Files(root, url or f"sqlite:///{root / 'store.db'}", root)


def main(root: pathlib.Path, url: str, services: list[str]) -> None:
    """One life, until SIGTERM."""
    log = (root / LOG).open("a", encoding="utf-8", buffering=1)
    sys.stdout = sys.stderr = log
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    faulthandler.register(signal.SIGUSR1)  # says where every thread stands
    _blindable(root)
    kept = files(root, url)
    described = soak_outside.described(root)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    store = wiring.open_store(kept, SystemClock())
    watch = watching.watch([(f"service/{name}", name) for name in services], ())

    def report(tick: Report) -> None:
        for problem in tick.problems:
            print(f"{os.getpid()} {tick.at:.1f} {problem}", flush=True)

    def say(sentence: str) -> None:
        print(f"{os.getpid()} says: {sentence}", flush=True)

    standing_by.StandBy(
        kept,
        store,
        PLACE,
        watch,
        PACE,
        standing_by.Voice(say, report),
        stop,
        KillHere(root),
        hooks=asking.Hooks(root, os.environ, SystemClock()),
        poll_seconds=POLL_SECONDS,
        described=described,
    ).run()
    store.close()


def _blindable(root: pathlib.Path) -> None:
    """Counters that cannot be read while a file says so."""
    seeing = LocalPlace.read

    def read(place: LocalPlace) -> Reading:
        if (root / BLIND).exists():
            raise TemporaryError("the counters do not answer")
        return seeing(place)

    LocalPlace.read = read  # type: ignore[method-assign]
