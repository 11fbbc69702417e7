"""Writing to a cluster: owners are named and never overrun, what changed is not written over, a
busy server is asked again, and a watch goes on where it broke.
"""

import threading
from collections.abc import Iterator

import pytest

from backends.kubernetes.api_server import ApiServer, Fault
from telford.backends.kubernetes.access import Access
from telford.backends.kubernetes.wire import Limits
from telford.backends.kubernetes.writing import WritingServer
from telford.basics.errors import TemporaryError
from telford.ports.objects import Observed, Owner, Query, Resource

MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
PODS = Resource("", "v1", "Pod", "pods", namespaced=True)
QUICK = Limits(answer_seconds=0.5, connect_seconds=0.5, call_seconds=3.0, longest_wait_seconds=0.02)
SECOND = 1.0


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[WritingServer]:
    made = WritingServer(Access("tests", server.url), QUICK)
    yield made
    made.close()


def note(data: dict[str, str], **about) -> dict:
    return {"metadata": {"name": "note", "namespace": "shop", **about}, "data": data}


def test_what_is_applied_is_there_and_ours(client: WritingServer, server: ApiServer):
    made = client.apply(MAPS, note({"a": "1"}))
    assert made.done
    assert made.item["data"] == {"a": "1"}
    assert made.item["metadata"]["managedFields"][0]["manager"] == "telford"


def test_a_conflict_names_who_owns_the_field_and_changes_nothing(
    client: WritingServer, server: ApiServer
):
    server.apply({"apiVersion": "v1", "kind": "ConfigMap", **note({"a": "theirs"})}, "argocd")
    refused = client.apply(MAPS, note({"a": "ours"}))
    assert refused.reason == "owned"
    assert refused.owners == (Owner("argocd", (".data.a",)),)
    assert client.get(MAPS, "shop", "note").items[0]["data"] == {"a": "theirs"}
    assert client.apply(MAPS, note({"a": "ours"}), force=True).done


def test_what_was_changed_since_is_not_written_over(client: WritingServer, server: ApiServer):
    seen = client.apply(MAPS, note({"a": "1"})).item
    client.apply(MAPS, note({"a": "2"}))
    stale = seen["metadata"]["resourceVersion"]
    assert client.apply(MAPS, note({"a": "3"}, resourceVersion=stale)).reason == "changed"
    assert client.update(MAPS, seen).reason == "changed"
    observed = Observed(resource_version=stale)
    patch = {"data": {"a": "4"}}
    assert client.patch(MAPS, "shop", "note", patch, observed).reason == "changed"
    assert client.get(MAPS, "shop", "note").items[0]["data"] == {"a": "2"}


def test_only_the_object_that_was_seen_is_deleted(client: WritingServer):
    first = client.apply(MAPS, note({})).item["metadata"]["uid"]
    assert client.delete(MAPS, "shop", "note", Observed(uid=first)).done
    client.apply(MAPS, note({}))
    assert client.delete(MAPS, "shop", "note", Observed(uid=first)).reason == "changed"
    assert client.delete(MAPS, "shop", "other", Observed()).reason == "missing"


def test_what_is_there_already_is_not_made_twice(client: WritingServer):
    assert client.create(MAPS, note({})).done
    assert client.create(MAPS, note({})).reason == "exists"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(client: WritingServer, server: ApiServer, status: int):
    server.faults.append(Fault("configmaps", status, 2, {"Retry-After": "0"}))
    assert client.apply(MAPS, note({"a": "1"})).done
    assert sum(one.method == "PATCH" for one in server.asked) == 3


def test_a_server_that_stays_busy_is_given_up_within_the_limit(
    client: WritingServer, server: ApiServer
):
    server.faults.append(Fault("configmaps", 500, -1))
    answer = client.apply(MAPS, note({}))
    assert answer.reason == "busy"
    assert "500" in answer.why


def test_a_write_whose_answer_is_lost_is_asked_again_and_done_once(
    client: WritingServer, server: ApiServer
):
    server.faults.append(Fault("configmaps", 0, 1, delay_seconds=0.8))
    assert client.apply(MAPS, note({"a": "1"})).done
    assert client.get(MAPS, "shop", "note").items[0]["metadata"]["generation"] == 1


def test_a_budget_holds_an_eviction_and_is_not_pressed(client: WritingServer, server: ApiServer):
    labels = {"app": "orders"}
    about = {"name": "orders-1", "namespace": "shop", "labels": labels}
    spec = {"containers": [{"name": "web", "image": "orders:1"}]}
    pod = server.create({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec})
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": labels}}
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    made = server.create({**kind, "metadata": {"name": "b", "namespace": "shop"}, "spec": budget})
    server.update({**made, "status": {"disruptionsAllowed": 0}}, "controller", "status")
    uid = pod["metadata"]["uid"]
    assert client.evict("shop", "orders-1", uid).reason == "held"
    assert sum(one.method == "POST" for one in server.asked) == 1
    now = server.store.find(server.kind("policy/v1", "PodDisruptionBudget"), "shop", "b")
    server.update({**now, "status": {"disruptionsAllowed": 1}}, "controller", "status")
    assert client.evict("shop", "orders-1", "another").reason == "changed"
    assert client.evict("shop", "orders-1", uid).done
    assert not client.get(PODS, "shop", "orders-1").items


def _names(client: WritingServer, since: str, wanted: int) -> list[tuple[str, str]]:
    found = []
    for change in client.watch(Query(MAPS, "shop"), since, 5 * SECOND):
        found.append((change.what, change.item["metadata"]["name"]))
        if len(found) == wanted:
            break
    return found


def _write_soon(server: ApiServer, names: list[str]) -> threading.Thread:
    def write() -> None:
        for name in names:
            about = {"name": name, "namespace": "shop"}
            server.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about})

    thread = threading.Timer(0.1, write)
    thread.start()
    return thread


def test_a_watch_tells_changes_as_they_come(client: WritingServer, server: ApiServer):
    since = client.list(Query(MAPS, "shop")).resource_version
    thread = _write_soon(server, ["one", "two"])
    assert _names(client, since, 2) == [("ADDED", "one"), ("ADDED", "two")]
    thread.join()


def test_a_watch_goes_on_where_a_connection_broke(client: WritingServer, server: ApiServer):
    since = client.list(Query(MAPS, "shop")).resource_version
    server.faults.append(Fault("watch=true", 500, 2))
    thread = _write_soon(server, ["one"])
    assert _names(client, since, 1) == [("ADDED", "one")]
    thread.join()


def test_a_watch_reads_all_anew_where_the_server_has_forgotten(
    client: WritingServer, server: ApiServer
):
    about = {"name": "kept", "namespace": "shop"}
    since = client.list(Query(MAPS, "shop")).resource_version
    server.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about})
    server.store.compact()
    thread = _write_soon(server, ["new"])
    assert _names(client, since, 2) == [("LISTED", "kept"), ("ADDED", "new")]
    thread.join()


def test_a_watch_ends_in_time(client: WritingServer):
    since = client.list(Query(MAPS, "shop")).resource_version
    assert list(client.watch(Query(MAPS, "shop"), since, 0.3)) == []


def test_a_server_that_is_not_there_is_said(server: ApiServer):
    client = WritingServer(Access("tests", "http://127.0.0.1:1"), QUICK)
    with pytest.raises(TemporaryError, match="cannot be reached"):
        client.apply(MAPS, note({}))
    client.close()
