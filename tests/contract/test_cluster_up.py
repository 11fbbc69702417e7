"""`telford up --on kubernetes`, and a release there: from an estate's text to objects in a cluster."""

import pathlib
import threading
import time

import pytest
from raised import DIGEST, ESTATE, Started

from backends.kubernetes.api_server import ApiServer
from telford.app import release, up
from telford.basics.errors import RefusedError, UsageError
from telford.cli import controller as controller_command
from telford.cli import up as up_command


def test_an_estate_comes_up_on_a_cluster_and_is_released_there(
    server: ApiServer, tmp_path: pathlib.Path
):
    started = Started(server, tmp_path)
    try:
        assert started.image().endswith(":1.0.0")
        assert "orders" in started.objects("NetworkPolicy")
        prepared = started.prepare("1.1.0", DIGEST)
        row = release.start(started.running.store, prepared, who="ann", now=time.time())
        started.until(lambda: not started.release(row.id).active)
        found = started.release(row.id)
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
        up_command.command(**words)
    with pytest.raises(UsageError, match=r"there is no --on mars|are about a cluster"):
        controller_command.command(**words)


def test_a_strategy_that_nothing_here_can_serve_is_refused_before_it_starts(
    server: ApiServer, tmp_path: pathlib.Path
):
    started = Started(server, tmp_path, ESTATE.replace("strategy: canary", "strategy: mirror"))
    try:
        with pytest.raises(
            RefusedError, match="nobody copies requests; Gateway API and Istio could"
        ):
            started.prepare("1.1.0", skip=False)
    finally:
        started.running.stop()
