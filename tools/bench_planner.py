"""One server that plans one edit after another: what tools/bench_build.py runs for that row.

Usage: python tools/bench_planner.py ESTATE OUT EDITS [TARGET ...]    prints JSON: seconds of wall
and CPU of the first plan and of each plan after an edit of one service's file, and the peak in MiB.
The folder OUT must have been built with the same targets before.
"""

import json
import pathlib
import resource
import sys
import time

from telford.app.desires import Scope
from telford.app.watching import Planner


def main() -> None:
    estate, out, edits = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    planner = Planner([estate], out, Scope(tuple(sys.argv[4:])))
    files = sorted(estate.rglob("service-*.yaml"))
    first = _timed(planner, 0)
    rows = []
    for number in range(edits):
        # Spread over the estate: the first, the last, and those between.
        path = files[(number * 397) % len(files)]
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("LOG_LEVEL: info", f"LOG_LEVEL: info-{number}"), "utf-8")
        rows.append(_timed(planner, 1))
        path.write_text(text, encoding="utf-8")
        planner.plan()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"first": first, "edits": rows, "peak": peak}))


def _timed(planner: Planner, least: int) -> list[float]:
    wall, cpu = time.perf_counter(), time.process_time()
    proposal = planner.plan()
    found = [time.perf_counter() - wall, time.process_time() - cpu]
    assert proposal.ok
    assert bool(proposal.plan.changes) == bool(least), "only an edit changes something"
    return found


if __name__ == "__main__":
    main()
