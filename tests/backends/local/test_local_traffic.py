"""Requests through the real Envoy: divided as asked, counted exactly, none lost."""

import os
import signal
import threading
from collections import Counter

import pytest
from local_load import Load, admin, alive, get, until
from local_samples import QUICK, routed, stub
from scipy.stats import binom

from telford.backends.local import envoy_reading
from telford.backends.local.settings import Settings
from telford.basics.errors import RefusedError
from telford.estate.observation import Series
from telford.estate.workload import Ingress, Split


def totals(place, service="orders"):
    """Requests per version."""
    found = Counter()
    for series, counters in place.read().counters.items():
        if series.service == service:
            found[series.version] += counters.requests
    return found


def test_a_service_that_was_brought_up_answers_through_the_ingress(place):
    routed(place, stub("v1"))
    assert get(place.ingress_url) == (200, "v1")


def test_ten_percent_is_ten_percent_and_internal_callers_get_the_same_split(place):
    routed(place, stub("v1", replicas=2), stub("v2"))
    place.route(Split("orders", 2, {"v1": 9000, "v2": 1000}))
    for url in (place.ingress_url, place.address("orders")):
        with Load(url) as load:
            until(lambda load=load: load.total >= 1500, "1,500 answers")
        seen = load.answers[200, "v2"]
        low, high = binom.interval(1 - 1e-6, load.total, 0.1)
        assert low <= seen <= high
        assert not load.bad()


def test_a_split_is_confirmed_by_envoys_own_dump_before_route_returns(place):
    routed(place, stub("v1"), stub("v2"))
    for generation, share in enumerate((100, 5000, 10_000, 0, 1), start=2):
        asked = {"v1": 10_000 - share, "v2": share}
        place.route(Split("orders", generation, asked))
        (shown,) = place.state().splits
        assert shown.generation == generation
        assert dict(shown.weights) == {name: weight for name, weight in asked.items() if weight}


def test_a_hundred_flips_of_the_weights_fail_no_request(place):
    routed(place, stub("v1", 1, "--delay-ms", "3"), stub("v2", 1, "--delay-ms", "3"))
    with Load(place.ingress_url) as load:
        for generation in range(2, 102):
            new, old = ("v1", "v2") if generation % 2 else ("v2", "v1")
            place.route(Split("orders", generation, {new: 10_000, old: 0}))
        until(lambda: load.total > 100, "some load")
    assert not load.bad()
    assert set(load.answers) == {(200, "v1"), (200, "v2")}


def test_all_traffic_is_on_the_new_version_once_route_has_returned(place):
    routed(place, stub("v1"), stub("v2"))
    place.route(Split("orders", 2, {"v2": 10_000}))
    before = totals(place)
    for _ in range(50):
        assert get(place.ingress_url) == (200, "v2")
    assert totals(place)["v1"] == before["v1"]


def test_counters_and_buckets_are_exactly_what_the_load_generator_did(places):
    place = places(settings=Settings(bounds_ms=(1, 40, 125, 250)))
    routed(place, stub("v1", replicas=2))
    sent = Counter()
    for query, times in {"status=200": 30, "status=503": 7, "status=404": 5, "cut": 1}.items():
        for _ in range(times):
            get(f"{place.ingress_url}/?{query}")
            sent[query] += 1
    for _ in range(4):
        get(f"{place.ingress_url}/?ms=130")
    reading = place.read().counters
    assert set(reading) == {Series("orders", "v1", "0"), Series("orders", "v1", "1")}
    both = list(reading.values())
    assert sum(c.requests for c in both) == 30 + 7 + 5 + 1 + 4
    assert sum(c.errors for c in both) == 7 + 1
    assert sum(c.buckets[125.0] for c in both) == 30 + 7 + 5 + 1
    assert sum(c.buckets[250.0] for c in both) == 47
    for counters in both:
        bounds = list(counters.buckets)
        assert bounds == [1.0, 40.0, 125.0, 250.0, float("inf")]
        assert list(counters.buckets.values()) == sorted(counters.buckets.values())
        assert counters.buckets[float("inf")] == counters.requests


def test_a_reading_under_load_never_has_more_errors_than_requests_in_a_tick(place):
    routed(place, stub("v1", 1, "--errors", "1"))
    last = (0, 0)
    with Load(place.ingress_url):
        for _ in range(40):
            now = [(c.requests, c.errors) for c in place.read().counters.values()]
            requests, errors = now[0] if now else (0, 0)
            assert requests - last[0] == errors - last[1] >= 0
            last = (requests, errors)


def test_a_client_that_hangs_up_is_a_slow_request_and_no_error(place):
    routed(place, stub("v1"))
    assert get(f"{place.ingress_url}/?ms=900", timeout=0.3) == (0, "")
    (counters,) = until(lambda: list(place.read().counters.values()), "it was counted")
    assert (counters.requests, counters.errors) == (1, 0)
    assert counters.buckets[200.0] == 0


def test_counters_go_on_when_weights_routes_and_versions_change(place):
    routed(place, stub("v1"))
    for _ in range(20):
        get(place.ingress_url)
    place.apply(stub("v2", 2))
    place.apply(stub("w1", service="stock"))
    place.wait_ready("orders", "v2")
    place.wait_ready("stock", "w1")
    place.route(Split("orders", 2, {"v2": 10_000}))
    place.route(Split("stock", 1, {"w1": 10_000}))
    place.expose([Ingress("/", "orders"), Ingress("/stock", "stock")])
    place.remove("orders", "v1", 3)
    place.wait_gone("orders", "v1")
    get(place.ingress_url)
    assert totals(place) == {"v1": 20, "v2": 1}


def test_the_longest_prefix_wins_and_unknown_services_answer_503(place):
    place.bring_up(
        [stub("v1"), stub("w1", service="stock")],
        [Split("orders", 1, {"v1": 10_000}), Split("stock", 1, {"w1": 10_000})],
        [Ingress("/", "orders"), Ingress("/stock", "stock"), Ingress("/later", "later")],
    )
    assert get(f"{place.ingress_url}/x") == (200, "v1")
    assert get(f"{place.ingress_url}/stock/7") == (200, "w1")
    status, text = get(f"{place.ingress_url}/later")
    assert (status, "no version with traffic" in text) == (503, True)


def test_a_service_reaches_another_through_the_split_and_is_counted(place):
    caller = stub("c1", service="front", env={"STOCK": "{upstream:orders}"})
    place.bring_up(
        [caller, stub("v1")],
        [Split("front", 1, {"c1": 10_000}), Split("orders", 1, {"v1": 10_000})],
        [Ingress("/", "front")],
    )
    url = f"{place.ingress_url}/via?url={place.address('orders')}/"
    assert get(url) == (200, "v1")
    until(lambda: totals(place, "orders")["v1"] == 1, "the inner call was counted")
    assert totals(place, "front") == {"c1": 1}


def test_a_replica_that_is_killed_idle_fails_no_request_and_comes_back(place):
    routed(place, stub("v1", replicas=3))
    for _ in range(5):
        get(place.ingress_url)
    for _ in range(4):
        victim = pids(place)[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda pid=victim: not alive(pid), "it is dead")
        assert {get(place.ingress_url) for _ in range(20)} == {(200, "v1")}
        until(lambda pid=victim: len(set(pids(place)) - {pid}) == 3, "it was started again")


def pids(place):
    return [r.pid for r in place.state().replicas if r.phase == "ready"]


def test_a_version_without_a_ready_replica_gets_no_traffic(place):
    routed(place, stub("v1"))
    place.apply(stub("v2", 2, "--ready-after", "60"))
    with pytest.raises(RefusedError, match="no ready replica") as refused:
        place.route(Split("orders", 2, {"v1": 9000, "v2": 1000}))
    assert refused.value.fix
    (shown,) = place.state().splits
    assert dict(shown.weights) == {"v1": 10_000}


def test_a_version_that_carries_traffic_cannot_be_removed(place):
    routed(place, stub("v1"), stub("v2"))
    place.route(Split("orders", 2, {"v1": 9999, "v2": 1}))
    with pytest.raises(RefusedError, match="carries"):
        place.remove("orders", "v2", 3)
    assert get(place.ingress_url)[0] == 200
    assert {r.version for r in place.state().replicas} == {"v1", "v2"}


def test_a_service_is_taken_away_by_an_empty_split(place):
    routed(place, stub("v1"))
    place.route(Split("orders", 2, {}))
    assert get(place.ingress_url)[0] == 503
    assert place.state().splits == ()
    place.remove("orders", "v1", 2)
    place.wait_gone("orders", "v1")
    assert place.state().replicas == place.state().workloads == ()


def test_removing_a_version_lets_its_requests_finish(place):
    routed(place, stub("v1"), stub("v2"))
    answers = []
    place.route(Split("orders", 2, {"v2": 10_000}))
    slow = threading.Thread(target=lambda: answers.append(get(f"{place.ingress_url}/?ms=700")))
    slow.start()
    until(lambda: in_flight(place) == 1, "the slow request is on its way")
    place.route(Split("orders", 3, {"v1": 10_000}))
    place.remove("orders", "v2", 4)
    slow.join()
    assert answers == [(200, "v2")]
    place.wait_gone("orders", "v2")


def test_stopping_the_place_lets_requests_from_outside_finish(places):
    place = places(settings=QUICK)
    routed(place, stub("v1"))
    answers = []
    slow = threading.Thread(target=lambda: answers.append(get(f"{place.ingress_url}/?ms=600")))
    slow.start()
    until(lambda: in_flight(place) == 1, "the slow request is on its way")
    place.stop()
    slow.join()
    assert answers == [(200, "v1")]


def in_flight(place):
    """Requests that Envoy has sent to a replica and that are not answered yet."""
    text = admin(place, "/clusters?format=json")
    return sum(active for _, active in envoy_reading.active_requests(text).values())


def test_fewer_replicas_drain_and_more_join_without_a_failed_request(place):
    routed(place, stub("v1", 1, "--delay-ms", "2", replicas=3))
    with Load(place.ingress_url) as load:
        for generation, replicas in enumerate((1, 3, 2), start=2):
            place.apply(stub("v1", generation, "--delay-ms", "2", replicas=replicas))
            until(lambda n=replicas: len(place.state().replicas) == n == len(pids(place)), "scaled")
    assert not load.bad()


def test_a_changed_command_replaces_replicas_one_by_one_without_a_failed_request(place):
    routed(place, stub("v1", 1, "--delay-ms", "2", replicas=2))
    old = set(pids(place))
    with Load(place.ingress_url) as load:
        place.apply(stub("v1", 2, "--delay-ms", "1", replicas=2))
        until(lambda: len(pids(place)) == 2 and not old & set(pids(place)), "all were replaced")
    assert not load.bad()


def test_a_replica_is_replaced_once_without_a_failed_request_and_fenced(place):
    routed(place, stub("v1", 5, replicas=2))
    before = {item.replica: item.pid for item in place.state().replicas}

    def pids():
        return {item.replica: item.pid for item in place.state().replicas if item.phase == "ready"}

    with Load(place.ingress_url) as load:
        place.replace("orders", "v1", "1", str(before["1"]), 6)
        until(
            lambda: len(place.state().replicas) == 2 and pids().get("1") not in (None, before["1"]),
            "the second replica runs in a new process",
        )
        after = pids()
        place.replace("orders", "v1", "1", str(before["1"]), 6)  # asked again: it was done
        until(lambda: load.total > 200, "some load")
    assert not load.bad()
    assert pids() == after
    assert after["0"] == before["0"]
    with pytest.raises(RefusedError, match="stale"):
        place.replace("orders", "v1", "0", str(before["0"]), 4)
    with pytest.raises(RefusedError, match="no version v9"):
        place.replace("orders", "v9", "0", "1", 7)
