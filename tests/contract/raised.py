"""An estate on the cluster in this process, raised as `telford up --on kubernetes` does."""

import pathlib
import sys
import time
from collections.abc import Callable

import bindings
from backends.kubernetes.api_server import ApiServer
from telford.app import (
    cluster_place,
    desires,
    loading,
    places,
    release,
    rendering,
    up,
    wiring,
    workloads,
)
from telford.app.desires import Scope
from telford.app.settings import Settings
from telford.backends import files
from telford.basics.clock import SystemClock
from telford.estate import overlays
from telford.flows.controller import Pace
from telford.plan.actions import Inventory
from telford.store.releases import Release

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
strategy: canary
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
SERVICE = "service/orders"
DIGEST = "registry.example.com/shop/orders@sha256:" + "b" * 64


class Started:
    """An estate on a cluster, with its controller."""

    def __init__(self, server: ApiServer, folder: pathlib.Path, text: str = ESTATE) -> None:
        self.server = server
        source = folder / "estate"
        source.mkdir(exist_ok=True)
        (source / "shop.yaml").write_text(text)
        self.estate = loading.require(loading.of_texts(files.Texts(texts={"shop.yaml": text})))
        self.place = places.choose(self.estate, "prod")
        self.binding = overlays.bind(self.estate, self.place)
        self.local = workloads.Local(str(source), sys.executable)
        config = folder / "kubeconfig"
        config.write_text(server.kubeconfig(namespace="shop"))
        self.cluster = cluster_place.Cluster({"KUBECONFIG": str(config)}, folder)
        pace = Pace(tick=0.2, retry=0.2)
        request = up.Request(
            self.estate, self.place, self.local, "ann", pace=pace, cluster=self.cluster
        )
        self.kept = wiring.files(Settings(state=str(folder / "state")), folder)
        self.running = up.raise_up(request, self.kept, SystemClock(), lambda _: None)

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

    def stable(self, place: str, version: str) -> None:
        """Say that a version is stable in another place, which is not ours to look at."""
        store = self.running.store
        local = cluster_place.on_cluster(self.local, self.binding)
        service = self.binding.entities[SERVICE]
        made = workloads.workload(service, version, 1, local)
        bindings.bind(store, place, SERVICE, made, digest=release.digest(service, version))

    def objects(self, kind: str) -> dict[str, dict]:
        with self.server.lock:
            return {
                item["metadata"]["name"]: item
                for item in self.server.store.objects.values()
                if item["kind"] == kind
            }

    def release(self, key: str) -> Release:
        found = self.running.store.releases.get(key)
        assert found is not None
        return found

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


def built(text: str) -> dict[str, str]:
    """What `telford build` makes of an estate, by its path."""
    found = files.Texts(texts={"shop.yaml": text})
    made = rendering.desires(found, Scope(), Inventory(), desires.code_version())
    assert made.text is not None, made.diagnostics
    return {path: made.text(path) for path in made.entries}
