"""Whole releases through the real controller on a cluster: good, bad, aborted, its controller killed."""

import pathlib
import random
from collections.abc import Iterator

import cluster_objects
import pytest
import worlds
from cluster_objects import NAMESPACE, workload

from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.place import KubernetesPlace
from telford.backends.kubernetes.writing import WritingServer
from telford.basics.clock import SystemClock
from telford.estate.observation import Counters, Reading, Series
from telford.estate.workload import Workload
from telford.road.traffic_ways import GATEWAY, ISTIO
from telford.testing.clock import FakeClock
from telford.testing.simulation import CANARY, QUICK, STABLE, Simulation

RATE = 200.0
BOUNDS = (300.0, float("inf"))


class Trafficked(KubernetesPlace):
    """The place, with requests that are divided as it says and counted by pod."""

    clock: FakeClock
    bad: float
    lost = 0

    def begin(self, clock: FakeClock, bad: float) -> None:
        self.clock, self.bad = clock, bad
        self.chance = random.Random(1)
        self.counts: dict[Series, list[int]] = {}

    def flow(self, seconds: float) -> None:
        state = self.state()
        for split in state.splits:
            versions = list(split.weights)
            pods = {
                version: [
                    one.replica
                    for one in state.replicas
                    if one.version == version and one.phase == "ready"
                ]
                for version in versions
            }
            shares = list(split.weights.values())
            for version in self.chance.choices(versions, shares, k=int(RATE * seconds)):
                if not pods[version]:
                    self.lost += 1
                    continue
                series = Series(split.service, version, self.chance.choice(pods[version]))
                count = self.counts.setdefault(series, [0, 0])
                count[0] += 1
                count[1] += version == CANARY and self.chance.random() < self.bad

    def read(self) -> Reading:
        found = {
            series: Counters(total, bad, dict.fromkeys(BOUNDS, total))
            for series, (total, bad) in self.counts.items()
        }
        return Reading(self.clock.now(), found)


class OnCluster(Simulation):
    """The simulated world, with a cluster for its place."""

    held: Trafficked
    bad: float

    def __post_init__(self) -> None:
        self._chance.seed(self.seed)
        self.clock = FakeClock()
        self.place = self.held  # type: ignore[assignment]
        self.held.begin(self.clock, self.bad)
        self._boot()
        with self.store.writing(self._lease) as writing:
            for service in self.services:
                self.held.bring_up([self._workload(service, STABLE)], [], [])
                self._bring_up(writing, service)

    def _workload(self, service: str, version: str) -> Workload:
        return workload(version, replicas=self.replicas, service=service)


@pytest.fixture
def cluster() -> Iterator[worlds.World]:
    with worlds.cluster(GATEWAY) as found:
        yield found


def test_a_good_version_is_promoted_under_istio(tmp_path: pathlib.Path):
    with worlds.cluster(ISTIO) as found:
        ended(played(found, tmp_path), found, "promoted", CANARY)


def played(cluster: worlds.World, folder: pathlib.Path, bad: float = 0.0) -> OnCluster:
    assert cluster.server
    server = WritingServer(Access("tests", cluster.server.url, NAMESPACE), worlds.QUICK)
    place = Trafficked(
        server, NAMESPACE, {"orders": cluster.kind}, SystemClock(), waits=worlds.WAITS
    )
    made = type("Played", (OnCluster,), {"held": place, "bad": bad})
    world = made(f"sqlite:///{folder / 'store.db'}", rate=RATE)
    world.release(QUICK)
    cluster.opened = server  # type: ignore[attr-defined]
    return world


def ended(world: OnCluster, cluster: worlds.World, phase: str, version: str) -> None:
    """The right end: one version, all requests, the home alone, nobody without an answer."""
    row = world.run(120)
    assert row.phase == phase, row.state.get("reason")
    state = world.held.state()
    assert [one.version for one in state.workloads] == [version]
    assert worlds.weights(state) == {version: 10_000}
    assert cluster.server
    deployments = {
        key[3]: item
        for key, item in cluster.server.store.objects.items()
        if key[1] == "deployments"
    }
    assert set(deployments) == {"orders"}
    image = deployments["orders"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == cluster_objects.image("orders", version)
    assert world.held.lost == 0
    world.store.close()
    cluster.opened.close()  # type: ignore[attr-defined]


def test_a_good_version_is_promoted_and_at_home(cluster: worlds.World, tmp_path: pathlib.Path):
    ended(played(cluster, tmp_path), cluster, "promoted", CANARY)


def test_a_bad_version_is_rolled_back_and_gone(cluster: worlds.World, tmp_path: pathlib.Path):
    ended(played(cluster, tmp_path, bad=0.5), cluster, "rolled-back", STABLE)


def test_an_aborted_release_ends_as_it_began(cluster: worlds.World, tmp_path: pathlib.Path):
    world = played(cluster, tmp_path)
    world.until("stepping", 60)
    world.step()
    world.ask("abort", reason="a feeling")
    ended(world, cluster, "aborted", STABLE)


def test_a_controller_that_is_killed_again_and_again_comes_to_the_same_end(
    cluster: worlds.World, tmp_path: pathlib.Path
):
    world = played(cluster, tmp_path)
    for _ in range(12):
        if not world.store.releases.revisions(world.site):
            break
        world.step()
        world.restart()
    ended(world, cluster, "promoted", CANARY)
