"""A home that Argo CD owns: what it brings back is seen and taken out; a promotion waits for its commit."""

import dataclasses
import functools
import pathlib
import threading
import time
from collections.abc import Iterator

import pytest
import worlds
from cluster_objects import NAMESPACE, deployment, image, service_object, workload
from raised import ESTATE, Started, built
from worlds import World

import bare_git
import bindings
import quick_yaml as yaml
from backends.kubernetes.api_server import ApiServer
from telford.app import gitops, release
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError
from telford.deliver.quarantine import Quarantine
from telford.estate.workload import Workload
from telford.flows.carrying import Outside
from telford.flows.guarding import Guard
from telford.road.traffic_ways import RATIO
from telford.store.git_changes import GitChange
from telford.store.store import Store

SERVICE, PLACE, ARGO = "service/orders", "prod", "argocd-controller"
BAD = "registry.example.com/orders@sha256:" + "b" * 64


@pytest.fixture
def world() -> Iterator[World]:
    """Version 1.0.0 came by Git; 1.1.0 was tried beside it, by its digest, and is gone."""
    with worlds.cluster(RATIO) as found:
        synced(found, image("orders", "1.0.0"))
        assert found.server
        found.server.apply(service_object("orders"), ARGO)
        found.start()
        found.place.apply(by_digest("1.1.0", BAD))
        found.place.remove("orders", "1.1.0", 3)
        yield found


def synced(world: World, image: str) -> None:
    """Argo CD applies what it finds in Git."""
    assert world.server
    world.server.apply(deployment("orders", image), ARGO)


def by_digest(version: str, image: str) -> Workload:
    made = workload(version, 2, 1)
    others = [one for one in made.objects if one["kind"] != "Deployment"]
    return dataclasses.replace(made, objects=(*others, deployment("orders", image)))


def running(world: World) -> str:
    assert world.server
    with world.server.lock:
        home = world.server.store.objects["apps", "deployments", NAMESPACE, "orders"]
        return home["spec"]["template"]["spec"]["containers"][0]["image"]


def guard(world: World, folder: pathlib.Path) -> tuple[Store, Guard]:
    """1.0.0 is stable, and 1.1.0 is quarantined."""
    store = Store(f"sqlite:///{folder / 'store.db'}", SystemClock())
    lease = store.leases.take(PLACE, "one", 600.0, lambda holder: True)
    bindings.bind(store, PLACE, SERVICE, workload("1.0.0", 3), lease=lease, digest="a")
    kept_out = Quarantine(
        "q1", PLACE, SERVICE, "1.1.0", "b", BAD, "2.1 times the errors", "ann", 0.0
    )
    with store.writing(lease) as writing:
        store.quarantines.add(writing, kept_out)
    place = world.place
    return store, Guard(store, lease, PLACE, Outside(place, place, place))


def test_what_a_resync_brings_back_into_the_home_is_recognised_and_taken_out(
    world: World, tmp_path: pathlib.Path
) -> None:
    store, watching = guard(world, tmp_path)
    assert watching.step() == ()
    synced(world, BAD)
    world.until(lambda state: worlds.phases(state, "1.1.0") == ["ready"] * 2)
    assert [one.version for one in world.place.state().workloads] == ["1.1.0"]
    (said,) = watching.step()
    assert "it ran again and was taken out" in said
    assert running(world) == image("orders", "1.0.0")
    world.ready("1.0.0", 2)
    assert watching.step() == ()
    assert worlds.weights(world.place.state()) == {"1.0.0": 10_000}
    [found] = store.quarantines.of(PLACE, SERVICE)
    assert found.returns == 1
    store.close()


def test_an_old_wish_that_is_asked_for_again_overwrites_nothing_of_git(world: World) -> None:
    synced(world, image("orders", "2.0.0"))
    assert "2.0.0" in {one.version for one in world.place.state().workloads}
    with pytest.raises(RefusedError, match=r"runs .*:2\.0\.0 here, which is not version 1\.0\.0"):
        world.place.apply(workload("1.0.0", 3))
    assert running(world) == image("orders", "2.0.0")
    world.place.apply(workload("1.0.0", 4))
    assert running(world) == image("orders", "1.0.0")


# --- a promotion through Git ----------------------------------------------------------------------

ARCHITECTURE = """---
apiVersion: telford/v1
kind: Architecture
name: shop
owner: team/shop
targets: [kubernetes]
choices: {delivery: argo-cd}
repository: {url: ORIGIN, path: deploy}
"""
MANIFEST = "deploy/kubernetes/prod/orders.yaml"


class Argo(threading.Thread):
    """Applies what Git says, again and again, as whoever owns it."""

    def __init__(self, server: ApiServer, origin: pathlib.Path) -> None:
        super().__init__(daemon=True)
        self.server, self.origin = server, origin
        self.ended = threading.Event()
        self.synced = ""

    def sync(self) -> None:
        head = bare_git.git("-C", str(self.origin), "rev-parse", "main")
        if head != self.synced:
            for item in yaml.safe_load_all(bare_git.checkout(self.origin)[MANIFEST]):
                self.server.apply(item, ARGO)
            self.synced = head

    def run(self) -> None:
        while not self.ended.wait(0.1):
            self.sync()


def changes(started: Started) -> tuple[GitChange, ...]:
    """What Git was owed of the service, the newest last."""
    return tuple(started.running.store.git_changes.of(PLACE, SERVICE))


def test_a_good_release_is_committed_while_it_is_promoted_and_ends_at_home(
    server: ApiServer, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = functools.partial(gitops.keeping, step_seconds=0.1)
    monkeypatch.setattr(gitops, "keeping", often)
    origin = tmp_path / "origin.git"
    text = ESTATE.rstrip() + "\n" + ARCHITECTURE.replace("ORIGIN", str(origin))
    bare_git.bare(origin, {f"deploy/{path}": text for path, text in built(text).items()})
    argo = Argo(server, origin)
    argo.sync()
    started = Started(server, tmp_path, text)
    argo.start()
    try:
        row = release.start(
            started.running.store, started.prepare("1.1.0"), who="ann", now=time.time()
        )
        started.until(lambda: not started.release(row.id).active)
        assert started.release(row.id).phase == "promoted", started.release(row.id).state
        assert started.image().endswith(":1.1.0")
        assert set(started.objects("Deployment")) == {"orders"}
        assert bare_git.log(origin)[0].startswith(f"Promote {SERVICE} 1.1.0")
        commit, ended = changes(started)[-1].done_at, started.release(row.id).finished_at
        assert commit is not None
        assert ended is not None
        assert commit < ended, "the commit came while it was being promoted"
    finally:
        argo.ended.set()
        argo.join(10)
        started.running.stop()
