"""Reading a cluster: every page of one moment, patience with a busy server, an end to every wait."""

import json
import pathlib
from collections.abc import Iterator

import pytest

from backends.kubernetes import api_schema
from backends.kubernetes.api_server import ApiServer, Fault
from telford.backends.kubernetes.access import Access, Credentials
from telford.backends.kubernetes.client import ApiServer as Client
from telford.backends.kubernetes.wire import Limits
from telford.basics.errors import PermanentError, TemporaryError
from telford.ports.objects import Query, Resource

LIMITS = Limits(answer_seconds=0.3, connect_seconds=0.3, longest_wait_seconds=0.01, page=4)
MAPS = Resource("", "v1", "ConfigMap", "configmaps", namespaced=True)
SECRETS = Resource("", "v1", "Secret", "secrets", namespaced=True)


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as running:
        for number in range(10):
            about = {"name": f"note-{number}", "namespace": "shop"}
            running.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about})
        yield running


OPEN: list[Client] = []


@pytest.fixture(autouse=True)
def closed():
    yield
    while OPEN:
        OPEN.pop().close()


def to(access: Access, limits: Limits = LIMITS, *more) -> Client:
    OPEN.append(Client(access, limits, *more))
    return OPEN[-1]


def client(server: ApiServer, limits: Limits = LIMITS) -> Client:
    return to(Access("tests", server.url), limits)


def names(listing) -> list[str]:
    assert listing.refused == ""
    return [item["metadata"]["name"] for item in listing.items]


EVERY = [f"note-{number}" for number in range(10)]


def test_a_list_has_every_page_of_one_moment(server: ApiServer):
    listing = client(server).list(Query(MAPS, "shop"))
    assert names(listing) == EVERY
    assert {item["kind"] for item in listing.items} == {"ConfigMap"}
    assert listing.resource_version == str(server.store.version)
    assert sum("continue=" in asked.path for asked in server.asked) == 2
    assert names(client(server).list(Query(MAPS, "elsewhere"))) == []


def test_a_list_whose_moment_is_forgotten_begins_again(server: ApiServer):
    server.faults.append(Fault("continue=", 410, reason="Expired"))
    assert names(client(server).list(Query(MAPS, "shop"))) == EVERY
    # However often that happens: the last time it is asked in one go.
    server.faults.append(Fault("continue=", 410, times=-1, reason="Expired"))
    assert names(client(server).list(Query(MAPS, "shop"))) == EVERY
    server.faults.append(Fault("configmaps", 410, times=-1, reason="Expired"))
    assert "faster than it could be read" in client(server).list(Query(MAPS, "shop")).refused


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_asks_for_patience_gets_some(server: ApiServer, status: int):
    server.faults.append(Fault("configmaps", status, times=2, headers={"Retry-After": "1"}))
    assert names(client(server).list(Query(MAPS, "shop"))) == EVERY


def test_patience_ends(server: ApiServer):
    server.faults.append(Fault("configmaps", 429, times=-1, reason="TooManyRequests"))
    listing = client(server).list(Query(MAPS, "shop"))
    assert listing.refused == "as the test wants it (429)"
    assert len(server.asked) == LIMITS.attempts


def test_silence_ends_and_is_no_absence(server: ApiServer):
    server.faults.append(Fault("configmaps", delay_seconds=0.6, times=-1))
    assert client(server).list(Query(MAPS, "shop")).refused == "no answer within 0.3 s"
    assert client(server).get(MAPS, "shop", "note-1").refused == "no answer within 0.3 s"


def test_the_time_of_all_questions_together_ends(server: ApiServer):
    over = client(server, Limits(total_seconds=0))
    assert over.list(Query(MAPS, "shop")).refused == "not asked: 0 s were up"


def test_an_answer_that_only_trickles_ends(server: ApiServer):
    server.faults.append(Fault("configmaps", 200, trickle_seconds=0.02, times=-1))
    slow = Limits(answer_seconds=5, total_seconds=0.4)
    assert client(server, slow).list(Query(MAPS, "shop")).refused == "no whole answer within 0.4 s"


def test_what_may_not_be_listed_is_refused_with_the_servers_words(server: ApiServer):
    server.forbidden.append(("list", "configmaps", "shop"))
    listing = client(server).list(Query(MAPS, "shop"))
    assert 'User "tests" cannot list resource "configmaps"' in listing.refused
    assert listing.items == ()


def test_one_object_by_its_name_or_none(server: ApiServer):
    assert names(client(server).get(MAPS, "shop", "note-3")) == ["note-3"]
    assert names(client(server).get(MAPS, "shop", "nothing")) == []


def test_values_of_secrets_never_get_in(server: ApiServer):
    copy = {"kubectl.kubernetes.io/last-applied-configuration": '{"data": {"key": "aHVzaA=="}}'}
    about = {"name": "key", "namespace": "shop", "annotations": copy | {"kept": "yes"}}
    server.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": about, "data": {"key": "aHVzaA=="}}
    )
    asked = client(server)
    for listing in (asked.list(Query(SECRETS, "shop")), asked.get(SECRETS, "shop", "key")):
        assert "aHVzaA" not in json.dumps(listing.items)
        assert listing.items[0]["kind"] == "Secret"
        assert listing.items[0]["metadata"]["annotations"] == {"kept": "yes"}
    assert all("as=PartialObjectMetadata" in one.accept for one in server.asked)


def test_a_server_that_ignores_the_wish_for_metadata_gets_no_secret_in(server: ApiServer):
    item = {"metadata": {"name": "key"}, "data": {"key": "aHVzaA=="}}
    body = json.dumps({"kind": "SecretList", "metadata": {}, "items": [item]}).encode()
    server.faults.append(Fault("secrets", 200, body=body))
    listing = client(server).list(Query(SECRETS, "shop"))
    assert names(listing) == ["key"]
    assert "aHVzaA" not in repr(listing)


@pytest.mark.parametrize("aggregated", [True, False])
def test_what_is_served_is_found_both_ways(aggregated: bool):
    with ApiServer(aggregated=aggregated) as server:
        server.stale.add("batch/v1")
        served = client(server).served()
        deployments = served.find("apps/v1", "Deployment")
        assert deployments is not None
        assert (deployments.plural, deployments.namespaced) == ("deployments", True)
        assert "list" in deployments.verbs
        roles = served.find("rbac.authorization.k8s.io/v1", "ClusterRole")
        assert roles is not None
        assert not roles.namespaced
        assert served.find("batch/v1", "Job") is None
        assert served.why_unknown("batch/v1")
        assert served.why_unknown("apps/v1") == ""
        assert served.other_versions("apps/v2", "Deployment") == ("apps/v1",)
        assert not any("/" in resource.plural for resource in served.resources)


def test_both_ways_of_discovery_agree():
    found = []
    for aggregated in (True, False):
        with ApiServer(aggregated=aggregated, kinds=api_schema.KINDS) as server:
            found.append(sorted(map(str, client(server).served().resources)))
    assert found[0] == found[1]


def test_a_cluster_that_is_not_there_is_told(server: ApiServer):
    gone = server.url
    server.__exit__()
    with pytest.raises(TemporaryError, match="cannot be reached"):
        to(Access("tests", gone), LIMITS).served()


def test_who_is_not_known_is_told(server: ApiServer):
    server.token = "right"
    with pytest.raises(PermanentError, match="does not know who asks"):
        client(server).served()
    known = Access("tests", server.url, credentials=Credentials(token="right"))
    assert to(known, LIMITS).served().resources


def test_a_token_in_a_file_is_read_again_for_each_request(
    server: ApiServer, tmp_path: pathlib.Path
):
    file = tmp_path / "token"
    asked = to(Access("tests", server.url, credentials=Credentials(token_file=file)), LIMITS)
    for token in ("one", "two"):
        file.write_text(token + "\n")
        server.token = token
        assert names(asked.list(Query(MAPS, "shop"))) == EVERY


def test_a_token_is_not_sent_in_the_open():
    access = Access("far", "http://192.0.2.1", credentials=Credentials(token="secret"))
    with pytest.raises(PermanentError, match="plain HTTP") as caught:
        to(access, LIMITS)
    assert "secret" not in repr(access) + str(caught.value)


def test_what_is_no_api_server_is_told(server: ApiServer):
    server.faults.append(Fault("/api", 200, times=-1, body=b"<html>"))
    with pytest.raises(TemporaryError, match="no JSON"):
        client(server).served()


def test_an_answer_without_end_ends(server: ApiServer):
    with pytest.raises(PermanentError, match="larger than 100 bytes"):
        client(server, Limits(answer_bytes=100)).list(Query(MAPS, "shop"))


def test_lists_are_asked_side_by_side_and_come_back_by_their_query(server: ApiServer):
    said: list[str] = []
    asked = to(Access("tests", server.url), LIMITS, said.append)
    queries = [Query(MAPS, "shop"), Query(MAPS, "none"), Query(MAPS, metadata_only=True)]
    found = asked.list_all(queries)
    assert list(found) == queries
    assert [len(listing.items) for listing in found.values()] == [10, 0, 10]
    assert said[-1] == "3 of 3 lists: configmaps"


def test_nothing_but_reading_was_asked(server: ApiServer):
    asked = client(server)
    asked.served()
    asked.list(Query(MAPS, "shop"))
    asked.get(MAPS, "shop", "note-1")
    assert server.methods() == {"GET"}
