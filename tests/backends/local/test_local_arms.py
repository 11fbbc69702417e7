"""Replicas of a version that is in use: more, fewer, others; nobody waits in vain."""

import dataclasses
import time

from local_load import Load, until
from local_samples import program, routed, stub

from telford.estate.workload import Split


def running(place, version="v1"):
    """Replica name -> pid of those that are ready; nothing else may be on its way."""
    mine = [r for r in place.state().replicas if r.version == version]
    ready = {r.replica: r.pid for r in mine if r.phase == "ready"}
    return ready if len(ready) == len(mine) else None


def settled(place, replicas, version="v1"):
    return until(
        lambda: (found := running(place, version)) and len(found) == replicas and found, ""
    )


def test_fewer_replicas_under_200_requests_a_second_lose_none_and_touch_no_other(place):
    routed(place, stub("v1", 1, "--delay-ms", "20", replicas=5))
    before = settled(place, 5)
    with Load(place.ingress_url, threads=8, pause=0.02) as load:
        for generation, replicas in enumerate((3, 1), start=2):
            place.apply(stub("v1", generation, "--delay-ms", "20", replicas=replicas))
            kept = settled(place, replicas)
            assert kept == {name: before[name] for name in kept}
        place.apply(stub("v1", 4, "--delay-ms", "20", replicas=4))
        grown = settled(place, 4)
        seen = load.total
        until(lambda: load.total > seen + 100, "more load")
    assert not load.bad()
    assert kept.items() <= grown.items()


def test_those_that_are_not_ready_go_first_then_the_newest(place):
    slow_once = (
        "import os, sys, time; from pathlib import Path; p = Path(sys.argv[1]) / "
        "os.environ['TELFORD_REPLICA']; first = not p.exists(); p.touch(); "
        "os.environ['TELFORD_REPLICA'] == '0' and not first and time.sleep(600); "
        "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
    )
    base = stub("v1", 1, replicas=3)
    command = (base.command[0], "-c", slow_once, "{state}", *base.command[1:])
    workload = dataclasses.replace(base, command=command)
    routed(place, workload)
    first = settled(place, 3)
    place.replace("orders", "v1", "0", str(first["0"]), 2)  # its successor is never ready
    until(lambda: len(place.state().replicas) == 4, "two of a name")
    place.apply(dataclasses.replace(workload, generation=3, replicas=4))
    until(lambda: "3" in {r.replica for r in place.state().replicas if r.phase == "ready"}, "grown")
    place.apply(dataclasses.replace(workload, generation=4, replicas=2))
    kept = until(lambda: (found := running(place)) and len(found) == 2 and found, "fewer")
    assert kept == {"1": first["1"], "2": first["2"]}
    place.apply(dataclasses.replace(workload, generation=5, replicas=1))
    assert settled(place, 1).keys() <= {"1", "2"}


def test_another_environment_replaces_one_replica_after_the_other(place):
    routed(place, stub("v1", 1, "--ready-after", "0.3", replicas=3))
    old = settled(place, 3)
    most = 0
    with Load(place.ingress_url) as load:
        place.apply(stub("v1", 2, "--ready-after", "0.3", replicas=3, env={"A": "2"}))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            states = place.state().replicas
            most = max(most, sum(r.phase == "starting" for r in states))
            assert sum(r.phase == "ready" for r in states) >= 3
            if len(states) == 3 and not set(old.values()) & {r.pid for r in states}:
                break
            time.sleep(0.01)
    assert most == 1
    assert not load.bad()
    assert settled(place, 3).keys() == old.keys()


def test_a_baseline_runs_as_the_version_it_copies(place):
    say = "import os, time; print(os.environ['TELFORD_VERSION'], flush=True); time.sleep(60)"
    place.apply(program(say, "1.7.4-baseline", listens=False))
    said = until(lambda: place.logs("orders", "1.7.4-baseline"), "it spoke")
    assert said.splitlines()[-1] == "1.7.4"


def test_a_version_without_replicas_keeps_its_place_and_comes_back(place):
    routed(place, stub("v1", 1), stub("v2", 1))
    place.apply(stub("v1", 2, replicas=0))  # recreate: the old one ends first
    until(lambda: not [r for r in place.state().replicas if r.version == "v1"], "v1 has ended")
    assert {w.version: w.replicas for w in place.state().workloads} == {"v1": 0, "v2": 1}
    place.route(Split("orders", 3, {"v2": 10_000}))
    with Load(place.ingress_url) as load:
        until(lambda: load.total > 50, "load")
    assert set(load.answers) == {(200, "v2")}
    place.apply(stub("v1", 4))
    settled(place, 1)
