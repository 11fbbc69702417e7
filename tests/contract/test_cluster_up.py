"""`telford up --on kubernetes`, and a release there: from an estate's text to objects in a cluster."""

import pathlib
import sys
import threading
import time
from collections.abc import Callable, Iterator

import cluster_objects
import pytest
from kubelet import Kubelet

from backends.kubernetes.api_server import ApiServer
from telford.app import cluster_place, loading, places, release, up, wiring, workloads
from telford.app.settings import Settings
from telford.backends import files
from telford.backends.kubernetes.access import Access
from telford.basics.clock import SystemClock
from telford.basics.errors import RefusedError, UsageError
from telford.cli import up as command
from telford.estate import overlays
from telford.flows.controller import Pace

ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: prod
namespace: shop
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
delivery: careful
run:
  image: registry.example.com/shop/orders:1.0.0
  replicas: 2
---
apiVersion: telford/v1
kind: Delivery
name: careful
owner: team/shop
strategy: STRATEGY
steps:
  - {weight: 33%, soak: 1s}
tick: 200ms
deadline: 5m
---
apiVersion: telford/v1
kind: Objective
name: orders-availability
owner: team/shop
service: orders
target: 90%
sli:
  availability: {}
"""
LIMIT = 60.0
DIGEST = "registry.example.com/shop/orders@sha256:" + "b" * 64


class Started:
    """An estate on a cluster, with its controller."""

    def __init__(self, server: ApiServer, folder: pathlib.Path, strategy: str = "canary") -> None:
        text = ESTATE.replace("STRATEGY", strategy)
        self.server = server
        self.estate = loading.require(loading.of_texts(files.Texts(texts={"shop.yaml": text})))
        self.place = places.choose(self.estate, "prod")
        self.binding = overlays.bind(self.estate, self.place)
        self.local = workloads.Local(str(folder), sys.executable)
        config = folder / "kubeconfig"
        config.write_text(server.kubeconfig(namespace="shop"))
        chosen = cluster_place.Cluster({"KUBECONFIG": str(config)}, folder)
        pace = Pace(tick=0.2)
        request = up.Request(self.estate, self.place, self.local, "ann", pace=pace, cluster=chosen)
        kept = wiring.files(Settings(state=str(folder / "state")), folder)
        self.running = up.raise_up(request, kept, SystemClock(), lambda _: None)

    def prepare(self, version: str, image: str = "", *, skip: bool = True) -> release.Prepared:
        return release.prepare(
            self.running.store,
            self.binding,
            self.local,
            "orders",
            version=version,
            image=image,
            skip_analysis=skip,
            now=time.time(),
        )

    def objects(self, kind: str) -> dict[str, dict]:
        with self.server.lock:
            return {
                item["metadata"]["name"]: item
                for item in self.server.store.objects.values()
                if item["kind"] == kind
            }

    def home(self) -> dict:
        return self.objects("Deployment")["orders"]

    def image(self) -> str:
        return self.home()["spec"]["template"]["spec"]["containers"][0]["image"]

    def until(self, seen: Callable[[], bool]) -> None:
        end = time.monotonic() + LIMIT
        while not seen():
            assert not self.running.failed, self.running.failed
            assert time.monotonic() < end
            time.sleep(0.1)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer(kinds=cluster_objects.ALL_KINDS) as found:
        access = Access("tests", found.url, "shop")
        with Kubelet(access, "shop", routes=False, version=lambda: found.store.version):
            yield found


def test_an_estate_comes_up_on_a_cluster_and_is_released_there(
    server: ApiServer, tmp_path: pathlib.Path
):
    started = Started(server, tmp_path)
    try:
        assert started.image().endswith(":1.0.0")
        assert "orders" in started.objects("NetworkPolicy")
        prepared = started.prepare("1.1.0", DIGEST)
        row = release.start(started.running.store, prepared, who="ann", now=time.time())

        def ended() -> bool:
            found = started.running.store.releases.get(row.id)
            assert found is not None
            return not found.active

        started.until(ended)
        found = started.running.store.releases.get(row.id)
        assert found is not None
        assert found.phase == "promoted", found.state["reason"]
        assert started.image() == DIGEST
        assert set(started.objects("Deployment")) == {"orders"}
        home = started.home()
    finally:
        started.running.stop()
    again = Started(server, tmp_path)
    try:
        assert again.home()["spec"] == home["spec"], "what was released by its digest stays"
    finally:
        again.running.stop()
    assert not [one for one in threading.enumerate() if one.name == up.THREAD]


@pytest.mark.parametrize(
    "words", [{"on": "mars"}, {"context": "prod"}, {"prometheus": "http://127.0.0.1:9090"}]
)
def test_what_is_about_no_cluster_is_said_at_once(words: dict[str, str]):
    with pytest.raises(UsageError, match=r"there is no --on mars|are about a cluster"):
        command.command(**words)


def test_a_strategy_that_nothing_here_can_serve_is_refused_before_it_starts(
    server: ApiServer, tmp_path: pathlib.Path
):
    started = Started(server, tmp_path, "mirror")
    try:
        with pytest.raises(
            RefusedError, match="nobody copies requests; Gateway API and Istio could"
        ):
            started.prepare("1.1.0", skip=False)
    finally:
        started.running.stop()
