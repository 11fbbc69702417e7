"""The places that the contract is kept by."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import cluster_objects
import pytest
import worlds
from kubelet import Kubelet
from kubelet_hands import Direct

from backends.kubernetes.api_server import ApiServer
from telford.road.traffic_ways import GATEWAY, ISTIO, RATIO

REAL = os.environ.get("TELFORD_TEST_CLUSTER", "") == "1"
# Without a mesh and a gateway in the cluster replica counts divide.
REAL_WAY = os.environ.get("TELFORD_TEST_WAY", RATIO)
PLACES = [f"cluster-{REAL_WAY}"] if REAL else ["local", GATEWAY]
WAYS = PLACES if REAL else ["local", GATEWAY, ISTIO, RATIO]


@pytest.fixture(params=PLACES)
def world(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[worlds.World]:
    """One running place of each kind."""
    with _opened(request.param, tmp_path) as found:
        yield found


@pytest.fixture(params=WAYS)
def divided(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Iterator[worlds.World]:
    """One running place for each way of dividing requests."""
    with _opened(request.param, tmp_path) as found:
        yield found


def _opened(kind: str, folder: pathlib.Path) -> contextlib.AbstractContextManager[worlds.World]:
    if kind == "local":
        return worlds.local(folder)
    if REAL:
        return worlds.real_cluster(REAL_WAY)
    return worlds.cluster(kind)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    found = ApiServer(kinds=cluster_objects.ALL_KINDS)
    with found, Kubelet(Direct(found, "shop"), "shop", routes=False):
        yield found
