"""The pure parts: fences around the wish, its file, the protocol, what Envoy's text means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from local_samples import stub

from telford.backends.local import (
    codec,
    dataplane,
    desired,
    envoy_config,
    envoy_reading,
    protocol,
    settings,
)
from telford.basics.errors import (
    PermanentError,
    RefusedError,
    TelfordError,
    TemporaryError,
    UsageError,
)
from telford.estate.observation import Series
from telford.estate.workload import Ingress, Match, Probe, Split, Workload

NAMES = st.sampled_from(["v1", "v2"])
GENERATIONS = st.integers(0, 6)
SHARES = st.integers(0, 10_000)


@given(st.lists(st.tuples(NAMES, GENERATIONS, SHARES), max_size=20))
def test_a_lower_generation_never_changes_a_split_and_an_equal_wish_is_always_fine(calls):
    wish = desired.with_workload(desired.Desired(), stub("v1"))
    wish = desired.with_workload(wish, stub("v2"))
    highest = None
    for name, generation, share in calls:
        other = "v2" if name == "v1" else "v1"
        split = Split("orders", generation, {name: share, other: 10_000 - share})
        repeated = wish.splits.get("orders") == split
        try:
            after = desired.with_split(wish, split)
        except RefusedError:
            assert highest is not None
            assert generation < highest
            continue
        assert repeated or highest is None or generation >= highest
        highest = generation if repeated or highest is None else max(highest, generation)
        highest = max(highest, wish.split_generations.get("orders", highest))
        assert after.splits["orders"] == split
        wish = after


@given(st.lists(st.tuples(st.booleans(), NAMES, GENERATIONS, st.integers(0, 3)), max_size=20))
def test_a_lower_generation_never_changes_or_removes_a_workload(calls):
    wish = desired.Desired()
    for removing, name, generation, replicas in calls:
        seen = wish.workload_generations.get("orders", generation)
        try:
            after = (
                desired.without_workload(wish, "orders", name, generation)
                if removing
                else desired.with_workload(wish, stub(name, generation, replicas=replicas))
            )
        except RefusedError:
            assert generation < seen
            continue
        if after is not wish:
            assert generation >= seen
            assert after.workload_generations["orders"] == max(seen, generation)
        wish = after


def test_another_services_generation_is_no_fence():
    wish = desired.with_workload(desired.Desired(), stub("v1", 9))
    desired.with_workload(wish, stub("v1", 1, service="stock"))


def test_the_wish_survives_its_file():
    wish = desired.with_workload(
        desired.Desired(),
        stub("v1", 3, env={"A": "1"}, upstreams=("stock",), probe=Probe("/ready", 1, 2, 3)),
    )
    wish = desired.with_split(wish, Split("orders", 4, {"v1": 10_000}))
    wish = desired.with_ingress(wish, [Ingress("/", "orders")])
    wish = desired.with_port(wish, "", 8080)
    assert desired.from_text(desired.as_text(wish)) == wish


def test_a_removed_version_leaves_the_split():
    wish = desired.with_workload(desired.Desired(), stub("v1"))
    wish = desired.with_workload(wish, stub("v2"))
    wish = desired.with_split(wish, Split("orders", 1, {"v1": 10_000, "v2": 0}))
    wish = desired.without_workload(wish, "orders", "v2", 2)
    assert dict(wish.splits["orders"].weights) == {"v1": 10_000}


@pytest.mark.parametrize(
    "error",
    [
        UsageError("a", fix="b"),
        RefusedError("a", fix="b"),
        PermanentError("a", fix="b"),
        TemporaryError("a", fix="b", retry_after_seconds=7.0),
    ],
)
def test_an_error_crosses_the_socket_as_it_was(error):
    with pytest.raises(type(error)) as raised:
        protocol.read_answer(protocol.failure(error))
    assert vars(raised.value) == vars(error)


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"v": 1}', b'{"v": 1, "op": 3}', b"\xff"])
def test_what_is_no_request_is_a_usage_error(line):
    with pytest.raises(UsageError):
        protocol.read_request(line)


def test_another_version_of_the_protocol_is_told_what_to_do():
    with pytest.raises(UsageError, match="speaks protocol 1, not 2") as raised:
        protocol.read_request(b'{"v": 2, "op": "state"}')
    assert "start it again" in raised.value.fix


def test_a_workload_survives_json():
    workload = Workload("orders", "v1", 1, ("a", "{port}"), {"K": "V"}, "/", 2, True, Probe("/r"))
    assert codec.workload(json.loads(json.dumps(codec.plain(workload)))) == workload


@pytest.mark.parametrize(
    "values",
    [
        {"bounds_ms": [5, 2]},
        {"bounds_ms": [0]},
        {"bounds_ms": [1.5]},
        {"bounds_ms": list(range(1, 100))},
        {"ingress_port": 70_000},
        {"drain_seconds": 0},
        {"envoy_threads": 0},
        {"no_such": 1},
    ],
)
def test_settings_that_make_no_sense_are_refused(values):
    with pytest.raises(TelfordError):
        settings.from_json(json.dumps(values))


def test_settings_survive_json():
    chosen = settings.Settings(bounds_ms=(1, 300), ingress_port=80)
    assert settings.from_json(chosen.as_json()) == chosen


def sample(replica, code, flags, bound, count):
    labels = f'service="o",version="v.1",replica="{replica}",code="{code}",flags="{flags}"'
    return f'envoy_telford_requests{{{labels},le="{bound}"}} {count}\n'


def test_envoys_samples_become_cumulative_counters():
    text = "# TYPE envoy_telford_requests counter\n" + "".join(
        [
            sample("0", "200", "-", "10", 5),
            sample("0", "500", "-", "10", 2),
            sample("0", "200", "UPE", "20", 1),
            sample("0", "0", "DC", "inf", 1),
            sample("-", "503", "UH", "10", 4),
            'envoy_telford_requests{service="-",version="-",replica="-",code="404",flags="NR",le="10"} 9\n',
        ]
    )
    counters = envoy_reading.counters(text, (10, 20))
    assert set(counters) == {Series("o", "v.1", "0"), Series("o", "v.1", "none")}
    one = counters[Series("o", "v.1", "0")]
    assert (one.requests, one.errors) == (9, 3)
    assert one.buckets == {10.0: 7, 20.0: 8, float("inf"): 9}
    none = counters[Series("o", "v.1", "none")]
    assert (none.requests, none.errors) == (4, 4)


def durations(condition):
    """The filters' bounds of one bucket, as (at least, at most)."""
    filters = condition.get("and_filter", {}).get("filters", [condition])
    found = {}
    for item in filters:
        comparison = item["duration_filter"]["comparison"]
        found[comparison["op"]] = comparison["value"]["default_value"]
    return found.get("GE", 0), found.get("LE", float("inf"))


@given(st.sets(st.integers(1, 9999), max_size=40), st.integers(0, 10_000))
def test_every_duration_falls_into_exactly_one_bucket(bounds, duration):
    chosen = settings.Settings(bounds_ms=tuple(sorted(bounds)))
    listener = envoy_config.listener("ingress", 1, chosen)
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    hits = []
    for log in manager["access_log"]:
        low, high = durations(log["filter"]) if "filter" in log else (0, float("inf"))
        if low <= duration <= high:
            tags = log["typed_config"]["counters"][0]["stat"]["tags"]
            hits.append(float(tags[-1]["value_format"]))
    expected = min((b for b in bounds if duration < b), default=float("inf"))
    assert hits == [expected]


def test_routes_are_tried_longest_prefix_first():
    routes = [Ingress("/", "a"), Ingress("/b/c", "c"), Ingress("/b", "b")]
    config = envoy_config.ingress_routes(routes, {}, settings.Settings())
    prefixes = [route["match"]["prefix"] for route in config["virtual_hosts"][0]["routes"]]
    assert prefixes == ["/b/c", "/b", "/"]


MATCHES = st.builds(
    lambda version, value, name, header: Match(
        version, value, header=name if header else "", cookie="" if header else name
    ),
    NAMES,
    st.text("abcXYZ019=", min_size=1, max_size=5),
    st.sampled_from(["x-preview", "segment"]),
    st.booleans(),
)
SPLITS = st.builds(
    lambda generation, share, matches, mirror, sticky: Split(
        "orders", generation, {"v1": share, "v.2": 10_000 - share}, tuple(matches), mirror, sticky
    ),
    st.integers(0, 2**62),
    SHARES,
    st.lists(MATCHES, max_size=4, unique=True),
    st.dictionaries(NAMES, SHARES, max_size=2),
    st.sampled_from(["", "visitor"]),
)


@given(SPLITS, st.sampled_from([("/",), ("/", "/api")]))
def test_a_split_is_read_back_from_a_dump_exactly(split, prefixes):
    chosen = settings.Settings()
    own = envoy_config.service_routes("orders", split, chosen)
    outside = envoy_config.ingress_routes(
        [Ingress(prefix, "orders") for prefix in prefixes], {"orders": split}, chosen
    )
    for name, config in {"service/orders": own, "ingress": outside}.items():
        dump = json.dumps({"configs": [{"version_info": "7", "route_config": config}]})
        assert envoy_reading.splits(dump) == (dataplane.served(split),)
        assert envoy_reading.route_versions(dump) == {name: "7"}
    assert codec.split(json.loads(json.dumps(codec.plain(split)))) == split


def test_a_removal_of_what_is_not_there_makes_an_earlier_start_stale():
    wish = desired.with_workload(desired.Desired(), stub("v1", 3))
    wish = desired.without_workload(wish, "orders", "v2", 5)
    with pytest.raises(RefusedError, match="stale"):
        desired.with_workload(wish, stub("v2", 4))
    assert desired.without_workload(wish, "orders", "v2", 4) is wish
