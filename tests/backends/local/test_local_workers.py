"""Workers: no requests, so they say themselves what they did, on a port the place gives."""

import dataclasses
import os
import signal

import pytest
from local_load import until
from local_samples import QUICK, program, stub

from telford.backends.local import desired, work
from telford.basics.errors import PermanentError, UsageError
from telford.estate.observation import Counters, Series
from telford.estate.workload import Probe

# Serves its page; "done" grows by one with each look, so that each look differs.
WORKER = """
import http.server, os, sys, time
class Page(http.server.BaseHTTPRequestHandler):
    looks = 0
    def do_GET(self):
        Page.looks += 1
        text = f'telford_work_total{{outcome="done"}} {Page.looks}.0\\n'
        text += 'telford_work_total{outcome="failed"} 2\\n'
        text += f'telford_work_seconds_bucket{{le="0.07"}} {Page.looks}\\n'
        text += f'telford_work_seconds_bucket{{le="+Inf"}} {Page.looks + 2}\\n'
        text += os.environ.get("MORE", "")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *rest): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Page).serve_forever()
"""


def worker(version="w1", generation=1, **fields):
    made = program(WORKER, version, generation, service="packer", listens=False, **fields)
    return dataclasses.replace(made, command=(*made.command, "{metrics_port}"))


def counted(place, replica="0", version="w1"):
    return place.read().counters.get(Series("packer", version, replica))


def ready(place):
    return [r for r in place.state().replicas if r.phase == "ready"]


def test_what_workers_did_is_in_the_same_reading_replica_by_replica(place):
    place.apply(worker(replicas=2))
    place.wait_ready("packer", "w1")
    found = counted(place)
    assert found.errors == 2
    assert found.requests >= 3
    assert found.buckets == {70.0: found.requests - 2, float("inf"): found.requests}
    assert counted(place).requests > found.requests
    assert counted(place, "1").errors == 2


def test_a_worker_that_is_started_again_goes_on_counting(place):
    place.apply(worker())
    place.wait_ready("packer", "w1")
    before = [counted(place) for _ in range(3)][-1]
    (old,) = ready(place)
    os.kill(old.pid, signal.SIGKILL)
    until(lambda: [r for r in ready(place) if r.pid != old.pid], "it was started again")
    after = counted(place)
    assert after.requests > before.requests
    assert after.errors == before.errors + 2


def test_a_version_that_comes_again_begins_at_zero(place):
    place.apply(worker())
    place.wait_ready("packer", "w1")
    for _ in range(5):
        before = counted(place)
    place.remove("packer", "w1", 2)
    place.wait_gone("packer", "w1")
    assert counted(place) is None
    place.apply(worker("w1", 3))
    place.wait_ready("packer", "w1")
    assert counted(place).requests < before.requests


def test_a_worker_whose_heart_stopped_is_started_anew(places):
    place = places(settings=dataclasses.replace(QUICK, heartbeat_seconds=0.5))
    old_beat = "telford_work_heartbeat_seconds 1000000\n"
    place.apply(worker(env={"MORE": old_beat}))
    place.wait_ready("packer", "w1")
    said = until(lambda: [r for r in place.state().replicas if r.restarts], "it was started anew")
    assert "gave no sign of life" in place.logs("supervisor")
    assert said[0].replica == "0"


def test_a_worker_without_a_page_is_never_ready_where_it_promised_one(place):
    silent = program("import time; time.sleep(60)", "w1", service="packer", listens=False)
    command = (*silent.command, "{metrics_port}")
    probe = Probe(interval_seconds=0.05, deadline_seconds=0.4)
    place.apply(dataclasses.replace(silent, command=command, probe=probe))
    with pytest.raises(PermanentError, match=r"/metrics could not be asked"):
        place.wait_ready("packer", "w1")


def test_a_worker_is_replaced_without_two_of_a_name_at_work(place):
    place.apply(worker(replicas=2))
    place.wait_ready("packer", "w1")
    old = {r.pid for r in ready(place)}
    place.apply(worker("w1", 2, replicas=2, env={"TELFORD_PARTITIONS": "0-1"}))

    def renewed():
        states = place.state().replicas
        alive = [r.replica for r in states if r.pid]
        assert len(alive) == len(set(alive))
        return len(states) == 2 and len(ready(place)) == 2 and not old & {r.pid for r in states}

    until(renewed, "both are new")


def test_a_service_with_requests_is_told_which_port_to_use():
    workload = stub("v1", 1, env={"PAGE": "{metrics_port}"})
    with pytest.raises(UsageError, match="for workers") as raised:
        desired.with_workload(desired.Desired(), workload)
    assert "{port}" in raised.value.fix


def test_a_page_is_read_whatever_else_is_on_it():
    page = work.read(
        "# HELP telford_work_total work\n"
        'telford_work_total{queue="a",outcome="done"} 1e3 1795000000000\n'
        'telford_work_total{queue="b",outcome="done"} 7\n'
        'telford_work_total{outcome="failed"} NaN\n'
        'telford_work_total{outcome="skipped"} 5\n'
        'telford_work_seconds_bucket{le="0.3"} 4\n'
        'telford_work_seconds_bucket{le="bad"} 4\n'
        "telford_work_heartbeat_seconds 12.5\n"
        "process_cpu_seconds_total 3\nrubbish\n"
    )
    assert page == work.Page(Counters(1007, 0, {300.0: 4}), 12.5)


def test_sums_never_fall_and_a_process_that_counts_anew_is_added():
    ledger, series = work.Ledger(), Series("packer", "w1", "0")
    looks = [(1, 5, 1), (1, 9, 1), (1, 2, 0), (2, 2, 0), (2, 3, 3)]
    expected = [(5, 1), (9, 1), (11, 1), (13, 1), (14, 4)]
    for (pid, requests, errors), sums in zip(looks, expected, strict=True):
        ledger.add(series, pid, work.Page(Counters(requests, errors, {70.0: requests})))
        total = ledger.total(series)
        assert (total.requests, total.errors) == sums
        assert total.buckets == {70.0: total.requests}
