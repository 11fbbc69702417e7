"""A controller in a process of its own, so that it can be killed: FOLDER PLACE."""

import pathlib
import sys
import time

from telford.app import controlling, wiring
from telford.backends.local.place import LocalPlace
from telford.basics.clock import SystemClock
from telford.flows import watching
from telford.flows.controller import Pace

ROOT, PLACE = pathlib.Path(sys.argv[1]), sys.argv[2]
KEPT = wiring.Files(ROOT, f"sqlite:///{ROOT / 'store.db'}", ROOT)
PACE = Pace(tick=0.1, retry=0.3, lease=10.0, evaluate=60.0, tidy=60.0)

store = wiring.open_store(KEPT, SystemClock())
lease = controlling.take_lease(store, PLACE, PACE)
place = LocalPlace.connect(KEPT.place(PLACE))
watch = watching.watch([("service/customers", "customers")], ())
found = controlling.control(KEPT, store, lease, place, watch=watch, pace=PACE)


def wait(seconds: float) -> bool:
    time.sleep(max(seconds, 0))
    return False


def report(said: object) -> None:
    for problem in said.problems:
        sys.stdout.write(f"{problem}\n")
        sys.stdout.flush()


found.controller.run(wait, report)
