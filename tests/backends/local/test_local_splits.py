"""Matches, copies and visitors who stay, through the real Envoy: served, read back, counted."""

import contextlib
import dataclasses
import http.client
import threading
from collections import Counter
from urllib.parse import urlsplit

import pytest
from local_load import get, until
from local_samples import QUICK, routed, stub
from scipy.stats import binom

from telford.backends.local.place import LocalPlace
from telford.basics.errors import RefusedError, UsageError
from telford.estate.observation import Series
from telford.estate.workload import MIRRORED_SUFFIX, Ingress, Match, Split

PREVIEW = Match("v2", "yes", header="X-Preview")
FRIEND = Match("v2", "friends", cookie="segment")
BOUNDS = (1, 40, 125, 250)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One place with three versions, for all tests of this file."""
    chosen = dataclasses.replace(QUICK, bounds_ms=BOUNDS)
    place = LocalPlace.start(tmp_path_factory.mktemp("splits") / "place", chosen)
    versions = [stub(name, 1, replicas=2) for name in ("v1", "v2", "v1-baseline")]
    routed(place, *versions)
    place.expose([Ingress("/", "orders"), Ingress("/api", "orders")])
    yield place
    place.stop(20)


@pytest.fixture
def routes(shared):
    """Route with the next generation, over and over."""
    numbers = iter(range(highest(shared) + 1, 10_000))

    def route(weights, **fields):
        split = Split("orders", next(numbers), weights, **fields)
        shared.route(split)
        return split

    return route


def highest(place):
    return max((split.generation for split in place.state().splits), default=0)


class Visitor:
    """A client with one connection that keeps the cookies it is given."""

    def __init__(self, url):
        self.jar = {}
        self.set = 0
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)

    def ask(self, path="/", method="GET", body=None, **headers):
        if self.jar:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("set-cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.jar[name] = value
            self.set += 1
        return text

    def close(self):
        self._connection.close()


@pytest.fixture
def visit():
    """Visitors whose connections are closed in the end."""
    with contextlib.ExitStack() as stack:

        def visitor(url):
            made = Visitor(url)
            stack.callback(made.close)
            return made

        yield visitor


def both(place):
    return place.ingress_url, place.address("orders")


def test_a_header_or_a_cookie_sends_to_its_version_whatever_the_weights(shared, routes, visit):
    split = routes({"v1": 10_000}, matches=(PREVIEW, FRIEND))
    assert shared.state().splits == (split,)
    for url in both(shared):
        visitor = visit(url)
        assert {visitor.ask(), visitor.ask(**{"x-preview": "no"})} == {"v1"}
        assert visitor.ask(**{"x-preview": "yes"}) == "v2"
        assert visitor.ask("/api/x", cookie="a=b; segment=friends; c=d") == "v2"
        assert visitor.ask(cookie="segment=friendship") == "v1"
        assert visitor.ask(cookie="xsegment=friends") == "v1"


def test_a_split_is_read_back_whole_and_ends_whole(shared, routes):
    asked = routes(
        {"v1": 9_000, "v2": 1_000, "v1-baseline": 0},
        matches=(PREVIEW, FRIEND),
        mirror={"v2": 250, "v1-baseline": 0},
        sticky="visitor",
    )
    (shown,) = shared.state().splits
    assert (shown.generation, shown.matches, shown.sticky) == (
        asked.generation,
        asked.matches,
        "visitor",
    )
    assert (dict(shown.weights), dict(shown.mirror)) == ({"v1": 9_000, "v2": 1_000}, {"v2": 250})
    plain = routes({"v1": 10_000})
    assert shared.state().splits == (plain,)


def mirrored(place, version="v2"):
    """Copies by replica."""
    return {
        series.replica: counters
        for series, counters in place.read().counters.items()
        if series.version == version + MIRRORED_SUFFIX
    }


def copies(place):
    return sum(one.requests for one in mirrored(place).values())


def answered(place):
    found = Counter()
    for series, counters in place.read().counters.items():
        found[series.version] += counters.requests
    return found


def test_copies_are_counted_exactly_apart_and_nobody_sees_their_answers(shared, routes, visit):
    routes({"v1": 10_000}, mirror={"v2": 10_000})
    before, own = copies(shared), answered(shared)
    visitor = visit(shared.ingress_url)
    assert {visitor.ask(f"/?ms={ms}") for ms in (0, 60, 60, 130)} == {"v1"}
    assert visitor.ask("/?status=503") == "v1"
    assert visit(shared.address("orders")).ask(method="POST", body=b"x" * 200_000) == "v1"
    until(lambda: copies(shared) == before + 6, "six copies were counted")
    parts = mirrored(shared)
    assert set(parts) == {"0", "1"}  # replica by replica
    assert sum(one.errors for one in parts.values()) == 1
    assert sum(one.buckets[40.0] for one in parts.values()) == 3
    assert sum(one.buckets[125.0] for one in parts.values()) == 5
    assert sum(one.buckets[250.0] for one in parts.values()) == 6
    now = answered(shared)
    assert (now["v1"] - own["v1"], now["v2"] - own["v2"]) == (6, 0)


def test_a_share_is_copied_and_a_copy_that_breaks_or_hangs_harms_nobody(shared, routes, visit):
    routes({"v1": 10_000}, mirror={"v2": 2_000})
    before = copies(shared)
    visitor = visit(shared.ingress_url)
    assert {visitor.ask() for _ in range(600)} == {"v1"}
    low, high = binom.interval(1 - 1e-6, 600, 0.2)
    until(lambda: copies(shared) - before >= low, "copies arrived")
    assert copies(shared) - before <= high


def test_a_copy_keeps_the_host_and_says_what_it_is(places, visit):
    place = places("echo")
    routed(place, stub("v1", service="echo"), stub("v2", 1, "--echo", service="echo"))
    place.route(Split("echo", 2, {"v1": 10_000}, mirror={"v2": 10_000}))
    assert visit(place.ingress_url).ask(host="shop.example") == "v1"
    said = until(
        lambda: [line for line in place.logs("echo", "v2").splitlines() if "|" in line], ""
    )
    assert said == ["shop.example|echo/v2"]


def test_visitors_get_a_cookie_and_stay_while_the_canary_grows(shared, routes, visit):
    routes({"v1": 9_000, "v2": 1_000}, sticky="visitor")
    visitors = [visit(shared.ingress_url) for _ in range(200)]
    first = [one.ask() for one in visitors]
    low, high = binom.interval(1 - 1e-6, 200, 0.1)
    assert low <= first.count("v2") <= high
    assert [one.ask("/api") for one in visitors] == first
    assert {(one.set, *one.jar) for one in visitors} == {(1, "visitor")}
    for share in (3_000, 6_000, 10_000):
        routes({"v1": 10_000 - share, "v2": share}, sticky="visitor")
        now = [one.ask() for one in visitors]
        assert all(new == "v2" for new, old in zip(now, first, strict=True) if old == "v2")
        low, high = binom.interval(1 - 1e-6, 200, share / 10_000)
        assert low <= now.count("v2") <= high
        assert [one.ask() for one in visitors] == now
        first = now


def test_a_canary_and_a_baseline_grow_without_taking_visitors_from_each_other(
    shared, routes, visit
):
    def weights(share):
        return {"v1": 10_000 - 2 * share, "v1-baseline": share, "v2": share}

    routes(weights(1_000), sticky="visitor")
    visitors = [visit(shared.ingress_url) for _ in range(150)]
    first = [one.ask() for one in visitors]
    routes(weights(4_000), sticky="visitor")
    now = [one.ask() for one in visitors]
    kept = [(new, old) for new, old in zip(now, first, strict=True) if old != "v1"]
    assert all(new == old for new, old in kept)
    assert {old for _, old in kept} == {"v2", "v1-baseline"}


def test_what_requests_reach_by_any_way_must_be_ready_and_is_not_removed(shared, routes):
    shared.apply(stub("v3", 2, "--ready-after", "60"))
    generation = highest(shared) + 1
    for fields in (
        {"matches": (Match("v3", "1", header="x-a"),)},
        {"mirror": {"v3": 1}},
    ):
        with pytest.raises(RefusedError, match="no ready replica"):
            shared.route(Split("orders", generation, {"v1": 10_000}, **fields))
    routes({"v1": 10_000}, matches=(PREVIEW,))
    with pytest.raises(RefusedError, match="carries requests by a header"):
        shared.remove("orders", "v2", 3)
    routes({"v1": 10_000}, mirror={"v2": 5})
    with pytest.raises(RefusedError, match=r"carries copies of 0\.05%"):
        shared.remove("orders", "v2", 3)
    shared.remove("orders", "v3", 3)


def test_a_lower_generation_changes_neither_matches_nor_copies_nor_the_cookie(shared, routes):
    split = routes({"v1": 10_000})
    for fields in ({"matches": (PREVIEW,)}, {"mirror": {"v2": 10}}, {"sticky": "c"}):
        with pytest.raises(RefusedError, match="stale split"):
            shared.route(Split("orders", split.generation - 1, {"v1": 10_000}, **fields))
    assert shared.state().splits == (split,)


def test_flips_of_matches_copies_and_cookies_fail_no_request(shared, routes, visit):
    end, answers = threading.Event(), Counter()

    def load(url):
        visitor = visit(url)
        while not end.is_set():
            answers[visitor.ask(**{"x-preview": "yes"})] += 1

    threads = [threading.Thread(target=load, args=(url,)) for url in both(shared) * 2]
    for one in threads:
        one.start()
    for number in range(30):
        routes(
            {"v1": 5_000, "v2": 5_000},
            matches=(PREVIEW,) if number % 2 else (),
            mirror={"v2": 5_000} if number % 3 else {},
            sticky="visitor" if number % 5 else "",
        )
    end.set()
    for one in threads:
        one.join(20)
    assert set(answers) <= {"v1", "v2"}
    assert sum(answers.values()) > 50


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"matches": (Match("v2", "x"),)}, "a header or a cookie, one of them"),
        ({"matches": (Match("v2", "x", header="a", cookie="b"),)}, "one of them"),
        ({"matches": (Match("v2", "x", header=":path"),)}, "cannot be the name of a header"),
        ({"matches": (Match("v2", "", header="a"),)}, "cannot be the value"),
        ({"matches": (Match("v2", "a\nb", header="a"),)}, "cannot be the value"),
        ({"matches": (Match("v2", "a;b", cookie="a"),)}, "cannot be the value"),
        ({"matches": (PREVIEW, PREVIEW)}, "matched twice"),
        ({"matches": tuple(Match("v2", str(n), header="a") for n in range(21))}, "at most 20"),
        ({"mirror": {"v2": 10_001}}, "cannot get copies of 10001"),
        ({"mirror": {"v2": -1}}, "cannot get copies"),
        ({"sticky": "a b"}, "cannot be the name of a cookie"),
        ({"mirror": {"../v2": 1}}, "cannot be the name of a version"),
        ({"weights": {}, "sticky": "a"}, "need a version with weight"),
    ],
)
def test_a_split_that_makes_no_sense_is_refused_with_a_reason(shared, fields, says):
    before = shared.state().splits
    with pytest.raises(UsageError, match=says):
        shared.route(Split("orders", 99_999, **{"weights": {"v1": 10_000}, **fields}))
    assert shared.state().splits == before


def test_copies_to_a_version_whose_replicas_died_are_errors_of_nobody_else(places):
    place = places("dead")
    routed(place, stub("v1"), stub("v2"))
    place.route(Split("orders", 2, {"v1": 10_000}, mirror={"v2": 10_000}))
    place.apply(stub("v2", 3, replicas=0))
    until(lambda: [r.version for r in place.state().replicas] == ["v1"], "v2 has no replica")
    assert get(place.ingress_url) == (200, "v1")
    series = Series("orders", "v2" + MIRRORED_SUFFIX, "none")
    found = until(lambda: place.read().counters.get(series), "the copy was counted")
    assert (found.requests, found.errors) == (1, 1)
