"""The soak's controller: the product's own, in a process that kills itself where it is told to.

``python soak_controller.py ROOT TARGETS``: TARGETS is JSON, a list of [boundary, when, occurrence].
At the first of them that is reached the process writes it to ROOT/kills and sends itself SIGKILL.
Reached boundaries are counted for nobody else: each life begins at one.
"""

import faulthandler
import json
import os
import pathlib
import signal
import sys
import threading
from collections import Counter

from telford.app import controlling, wiring
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.flows import watching
from telford.flows.controller import Pace, Report

PLACE = "soak"
PACE = Pace(tick=0.1, retry=0.3, lease=5.0, evaluate=5.0, tidy=5.0)


class KillHere:
    """See `telford.flows.boundaries.Boundaries`; orders reach theirs from several threads."""

    def __init__(self, root: pathlib.Path, targets: list[tuple[str, str, int]]) -> None:
        self._record = root / "kills"
        self._targets = frozenset(targets)
        self._reached: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def reach(self, name: str, when: str) -> None:
        """Count, and die where it is time."""
        with self._lock:
            self._reached[name, when] += 1
            if (name, when, self._reached[name, when]) in self._targets:
                with self._record.open("a", encoding="utf-8") as file:
                    file.write(f"{name} {when}\n")
                os.kill(os.getpid(), signal.SIGKILL)


def files(root: pathlib.Path) -> wiring.Files:
    return wiring.Files(root, f"sqlite:///{root / 'store.db'}")


def main(root: pathlib.Path, targets: list[tuple[str, str, int]], services: list[str]) -> None:
    clock = SystemClock()
    kept = files(root)
    store = wiring.open_store(kept, clock)
    lease = controlling.take_lease(store, PLACE, PACE)
    place = LocalPlace.connect(kept.place(PLACE), clock)
    watch = watching.watch([(f"service/{name}", name) for name in services], ())
    edges = KillHere(root, targets)
    found = controlling.control(kept, store, lease, place, watch=watch, pace=PACE, edges=edges)
    faulthandler.register(signal.SIGUSR1)  # says where every thread stands
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def report(tick: Report) -> None:
        for problem in tick.problems:
            print(f"{tick.at:.1f} {problem}", flush=True)

    found.controller.run(stop.wait, report)
    found.close()


if __name__ == "__main__":
    main(
        pathlib.Path(sys.argv[1]),
        [(name, when, count) for name, when, count in json.loads(sys.argv[2])],
        json.loads(sys.argv[3]),
    )
