"""Who lives, who dies and who notices: the supervisor, Envoy, the services, the client."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading

import pytest
from local_load import Load, alive, descendants, get, until
from local_samples import QUICK, program, routed, stub

from telford.backends.local import protocol
from telford.backends.local.place import LocalPlace
from telford.backends.local.settings import Settings
from telford.basics.errors import RefusedError, TemporaryError
from telford.estate.workload import Split, Workload


def replicas(place, phase="ready"):
    return [item for item in place.state().replicas if item.phase == phase]


def test_a_killed_supervisor_leaves_no_process_behind_not_even_grandchildren(place):
    family = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', "
    family += "'import time; time.sleep(600)']); time.sleep(600)"
    routed(place, stub("v1", replicas=2))
    place.apply(program(family, service="parent", listens=False))
    place.wait_ready("parent", "v1")
    owned = until(lambda: len(found := descendants(place.pid)) >= 6 and found, "all run")
    assert place.envoy_pid() in owned
    os.kill(place.pid, signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in owned), "everything it owned is dead")
    with pytest.raises(TemporaryError, match="no supervisor answers"):
        place.state()


def test_without_the_guardian_the_kernel_still_ends_envoy_and_the_services(place):
    routed(place, stub("v1"))
    owned = descendants(place.pid)
    services = [place.envoy_pid(), *(item.pid for item in replicas(place))]
    (guardian,) = set(owned) - set(services)
    os.kill(guardian, signal.SIGKILL)
    until(lambda: not alive(guardian), "the guardian is dead")
    os.kill(place.pid, signal.SIGKILL)
    until(lambda: not any(alive(pid) for pid in services), "they are dead")


def test_a_new_supervisor_brings_back_traffic_splits_and_generations(places):
    place = places()
    routed(place, stub("v1", 5), stub("v2", 5), generation=7)
    place.route(Split("orders", 8, {"v1": 2500, "v2": 7500}))
    url = place.ingress_url
    os.kill(place.pid, signal.SIGKILL)
    until(lambda: not alive(place.pid), "it is dead")
    again = places()
    assert again.ingress_url == url
    again.wait_ready("orders", "v1")
    again.wait_ready("orders", "v2")
    assert get(url)[0] == 200
    (split,) = again.state().splits
    assert (split.generation, dict(split.weights)) == (8, {"v1": 2500, "v2": 7500})
    with pytest.raises(RefusedError, match="stale"):
        again.route(Split("orders", 7, {"v1": 10_000}))
    with pytest.raises(RefusedError, match="stale"):
        again.apply(stub("v3", 4))


def test_the_death_of_a_client_changes_no_traffic(places):
    place = places()
    routed(place, stub("v1"))
    client = textwrap.dedent(f"""
        import pathlib, time
        from telford.backends.local.place import LocalPlace
        from telford.estate.workload import Split, Workload
        place = LocalPlace.connect(pathlib.Path({str(place.root)!r}))
        print("connected", flush=True)
        for generation in range(2, 100_000):
            place.route(Split("orders", generation, {{"v1": 10_000}}))
    """)
    with Load(place.ingress_url) as load:
        with subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"connected\n"
            until(lambda: place.state().splits[0].generation > 3, "it works")
            process.kill()
        seen = load.total
        until(lambda: load.total > seen + 100, "traffic goes on")
    assert not load.bad()
    before = place.state()
    other = LocalPlace.connect(place.root)
    assert (other.started_here, other.pid) == (False, place.pid)
    assert other.state() == before


def test_a_dead_replica_is_started_again_later_each_time(place):
    routed(place, stub("v1"))
    for restarts in (1, 2, 3):
        (victim,) = replicas(place)
        assert victim.restarts == restarts - 1
        os.kill(victim.pid, signal.SIGKILL)
        until(lambda pid=victim.pid: [r for r in replicas(place) if r.pid != pid], "it is back")
    log = place.logs("supervisor")
    assert log.count("backing-off") == 3
    assert "was killed by SIGKILL" in log


def test_a_dead_replica_leaves_the_endpoints_before_it_is_started_again(places):
    place = places(settings=Settings(backoff_first_seconds=60, backoff_cap_seconds=60))
    routed(place, stub("v1", replicas=2))
    victim = replicas(place)[0]
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: len(replicas(place, "backing-off")) == 1, "its end was noticed")
    assert {get(place.ingress_url) for _ in range(20)} == {(200, "v1")}
    assert {get(f"{place.ingress_url}/pid")[1] for _ in range(6)} == {str(replicas(place)[0].pid)}


def test_envoy_is_started_again_with_the_same_routes_and_ports(place):
    routed(place, stub("v1"), stub("v2"))
    place.route(Split("orders", 2, {"v2": 10_000}))
    first = place.envoy_pid()
    os.kill(first, signal.SIGKILL)
    until(lambda: place.envoy_pid() not in (0, first), "another Envoy runs")
    until(lambda: get(place.ingress_url) == (200, "v2"), "traffic is back")
    place.route(Split("orders", 3, {"v1": 10_000}))
    assert get(place.ingress_url) == (200, "v1")


def test_sigterm_ends_everything_and_the_next_start_resumes(places):
    place = places()
    routed(place, stub("v1"))
    owned = [place.pid, *descendants(place.pid)]
    os.kill(place.pid, signal.SIGTERM)
    until(lambda: not any(alive(pid) for pid in owned), "all ended")
    again = places()
    again.wait_ready("orders", "v1")
    assert get(again.ingress_url) == (200, "v1")


def test_stop_ends_everything_and_the_next_start_is_empty_but_remembers_generations(places):
    place = places()
    routed(place, stub("v1", 9))
    owned = [place.pid, *descendants(place.pid)]
    place.stop()
    place.stop()
    until(lambda: not any(alive(pid) for pid in owned), "all ended")
    again = places()
    assert again.state().workloads == again.state().splits == again.state().replicas == ()
    with pytest.raises(RefusedError, match="generation 8, already at 9"):
        again.apply(stub("v1", 8))


def test_a_service_that_ignores_sigterm_is_killed_at_its_limit(place):
    text = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    place.apply(program(text, service="deaf", listens=False, stop_seconds=0.3))
    place.wait_ready("deaf", "v1")
    (replica,) = replicas(place)
    place.remove("deaf", "v1", 2)
    place.wait_gone("deaf", "v1")
    assert not alive(replica.pid)


def test_a_second_supervisor_on_one_root_refuses(place):
    command = [sys.executable, "-m", "telford.backends.local.supervisor", "--root", place.root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == RefusedError.exit_code
    assert f"already supervised by process {place.pid}" in done.stdout
    assert alive(place.pid)


def test_starting_a_running_place_adopts_it_unless_the_settings_differ(places, place):
    again = places()
    assert (again.pid, again.started_here) == (place.pid, False)
    with pytest.raises(RefusedError, match="other settings"):
        LocalPlace.start(place.root, Settings(bounds_ms=(1, 2)))


def test_sockets_and_folders_are_private(place):
    modes = {
        name: stat.S_IMODE((place.root / name).stat().st_mode)
        for name in (".", "run", "run/supervisor.sock", "run/admin.sock")
    }
    assert modes == {
        ".": 0o700,
        "run": 0o700,
        "run/supervisor.sock": 0o600,
        "run/admin.sock": 0o600,
    }


def test_a_place_deep_in_the_file_system_works_too(places):
    place = places(name="/".join(["a-rather-long-name-of-a-folder"] * 6))
    routed(place, stub("v1"))
    assert get(place.ingress_url) == (200, "v1")
    assert len(place.read().counters) == 1


def test_a_worker_runs_without_port_and_route(place):
    place.apply(program("import time; print('at work'); time.sleep(600)", listens=False))
    place.wait_ready("orders", "v1")
    (worker,) = replicas(place)
    assert worker.port == 0
    with pytest.raises(RefusedError, match="worker"):
        place.route(Split("orders", 1, {"v1": 10_000}))


def test_logs_are_kept_per_replica_and_rotated(places):
    place = places(settings=Settings(log_bytes=2000, log_files=2, backoff_first_seconds=0.05))
    text = "import time\nfor n in range(300): print('line', n, flush=True)\ntime.sleep(600)"
    place.apply(program(text, service="chatty", listens=False))
    until(lambda: "line 299" in place.logs("chatty"), "all was said")
    files = sorted(path.name for path in (place.root / "logs/chatty/v1").iterdir())
    assert files == ["0.log", "0.log.1"]
    assert all(path.stat().st_size <= 2000 for path in (place.root / "logs/chatty/v1").iterdir())


def test_state_outlives_restarts_and_is_handed_in_as_a_folder(place):
    text = "import sys, time; open(sys.argv[1] + '/kept', 'a').write('x'); time.sleep(600)"
    command = (*program(text).command, "{state}")
    place.apply(Workload("orders", "v1", 1, command, listens=False))
    place.wait_ready("orders", "v1")
    os.kill(replicas(place)[0].pid, signal.SIGKILL)
    until(lambda: (place.root / "data/orders/kept").read_text() == "xx", "it wrote again")


def test_two_clients_that_start_one_place_at_once_get_one_supervisor(tmp_path):
    found = []

    def start():
        found.append(LocalPlace.start(tmp_path / "place", QUICK))

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found[0].stop()
    assert len({place.pid for place in found}) == 1
    assert sum(place.started_here for place in found) == 1


def test_garbage_on_the_socket_harms_nobody(place):
    answers = []
    for line in (b"hello\n", b'{"v": 1, "op": "explode"}\n', b'{"v": 1, "op": "apply"}\n'):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(place.root / "run/supervisor.sock"))
            connection.sendall(line)
            answers.append(json.loads(connection.makefile().readline())["error"]["kind"])
    assert answers == ["usage"] * 3
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(str(place.root / "run/supervisor.sock"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(b"x" * (protocol.MAX_LINE_BYTES + 1_000_000))
            assert connection.recv(1) == b""
    assert place.state().replicas == ()


def test_counters_of_a_place_that_is_gone_are_a_temporary_error(places):
    place = places()
    place.stop()
    with pytest.raises(TemporaryError, match="counters cannot be read"):
        place.read()
