"""What becomes of a route's rules and of a guest's objects: pure, no cluster."""

import random
import re

import cluster_objects
import pytest

from telford.backends.kubernetes import arms, names, rules
from telford.basics.errors import RefusedError
from telford.estate.workload import Match, Workload
from telford.road import traffic_ways
from telford.road.traffic_ways import GATEWAY, ISTIO, LINKERD, RATIO, Needs

HOME = rules.Target("1.0.0", "orders", "stable", "1.0.0", home=True)
GUEST = rules.Target("1.1.0", "orders-1-1-0", "canary", "1.1.0")


def division(guest: int, **more) -> rules.Division:
    shares = {HOME: 10_000 - guest, GUEST: guest}
    known = {"1.0.0": HOME, "1.1.0": GUEST}
    having = {target: share for target, share in shares.items() if share}
    hosts = ("orders", "orders.shop", "orders.shop.svc.cluster.local")
    return rules.Division(hosts, 7, having, known, apart=True, **more)


def test_another_service_keeps_its_part_of_a_rule_that_is_divided():
    to = {"name": "orders", "port": 80, "weight": 3}
    (rule,) = rules.gateway(
        [{"backendRefs": [to, {**to, "name": "old", "weight": 1}]}], division(2000)
    )
    weights = {ref["name"]: ref["weight"] for ref in rule["backendRefs"]}
    total = sum(weights.values())
    assert weights["old"] / total == pytest.approx(0.25)
    assert weights["orders-1-1-0"] / total == pytest.approx(0.75 * 0.2)


def test_rules_come_back_as_they_were_however_often_they_were_divided():
    route = {**cluster_objects.route_object()}
    item = route
    for guest in (1000, 5000, 10_000):
        made = division(guest)
        item = rules.rewritten(
            item, "rules", lambda found, made=made: rules.gateway(found, made), {}
        )
    whole = rules.Division(("orders",), 9, {HOME: 10_000}, {"1.0.0": HOME})
    item = rules.rewritten(item, "rules", lambda found: rules.gateway(found, whole), {})
    assert item["spec"] == route["spec"]
    assert item["metadata"]["annotations"] == {}


def test_what_others_made_of_a_route_meanwhile_is_the_new_original():
    item = rules.rewritten(
        cluster_objects.route_object(),
        "rules",
        lambda found: rules.gateway(found, division(1000)),
        {},
    )
    item["spec"]["rules"] = item["spec"]["rules"][:1]
    assert rules.base(item, item["spec"]["rules"]) == item["spec"]["rules"]


def test_copies_and_single_requests_are_beside_the_weights():
    found = rules.gateway(
        cluster_objects.route_object()["spec"]["rules"],
        division(0, mirror={"1.1.0": 500}, matches=(Match("1.1.0", "yes", header="X-Preview"),)),
    )
    _, single, rest = found
    assert single["matches"][0]["headers"] == [
        {"type": "Exact", "name": "X-Preview", "value": "yes"}
    ]
    (copy,) = rest["filters"]
    assert copy["requestMirror"]["fraction"] == {"numerator": 500, "denominator": 10_000}
    assert copy["requestMirror"]["backendRef"]["name"] == "orders-1-1-0"


def test_under_istio_every_rule_that_leads_to_the_service_is_divided():
    found = rules.istio(cluster_objects.virtual_service()["spec"]["http"], division(3000))
    assert [rule["name"] for rule in found] == ["web-reads", "default"]
    for rule in found:
        shares = {one["destination"]["subset"]: one["weight"] for one in rule["route"]}
        assert shares == {"stable": 7, "canary": 3}


def _visit(found: list[dict], cookie: str, chance: random.Random) -> str:
    """What a proxy does: the first rule whose cookie matches, then a draw; the cookie after it."""
    for rule in found:
        headers = [match.get("headers") for match in rule.get("match") or [{}]]
        patterns = [one["cookie"]["regex"] for one in headers if one]
        if not patterns or any(re.fullmatch(one, f"a=b; arm={cookie}; c=d") for one in patterns):
            route = rule["route"]
            (one,) = chance.choices(route, [part["weight"] for part in route])
            told = one.get("headers", {}).get("response", {}).get("add", {}).get("Set-Cookie", "")
            return told.partition("=")[2].partition(";")[0] or cookie
    raise AssertionError("no rule")


def test_visitors_stay_with_a_version_and_the_shares_are_the_asked_ones():
    chance = random.Random(3)
    plain = [{"name": "default", "route": [{"destination": {"host": "orders"}}]}]
    cookies = ["none"] * 4000
    for before, now in ((0, 1000), (1000, 5000)):
        earlier = {"1.0.0": 10_000 - before, "1.1.0": before}
        made = rules.Division(
            **{
                **{name: getattr(division(now), name) for name in rules.Division.__slots__},
                "sticky": "arm",
                "before": earlier,
                "generation": now,
            }
        )
        found = rules.istio(plain, made)
        after = [_visit(found, cookie, chance) for cookie in cookies]
        stayed = [b for a, b in zip(cookies, after, strict=True) if a == "1.1.0"]
        assert set(stayed) <= {"1.1.0"}, "who has the new version keeps it"
        again = [_visit(found, cookie, chance) for cookie in after]
        assert again == after, "nobody changes without a change of the split"
        share = sum(cookie == "1.1.0" for cookie in after) / len(after)
        assert share == pytest.approx(now / 10_000, abs=0.03)
        cookies = after


def test_a_guest_has_the_labels_of_its_service_and_two_of_its_own():
    made = arms.guest(cluster_objects.workload("1.1.0"), 3, "shop")
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert cluster_objects.identity("orders").items() <= labels.items()
    assert labels["telford.dev/track"] == "canary"
    assert labels["telford.dev/runs"] == "1.1.0"
    assert made["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_what_a_release_tells_an_arm_reaches_its_containers():
    told = cluster_objects.workload("1.1.0")
    told = Workload(**{**_fields(told), "env": {"TELFORD_PARTITIONS": "0-3"}})
    container = arms.guest(told, 1, "shop")["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "TELFORD_PARTITIONS", "value": "0-3"} in container["env"]


def _fields(workload: Workload) -> dict:
    return {name: getattr(workload, name) for name in Workload.__slots__}


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [("DaemonSet", "no Deployment or StatefulSet"), ("Secret", "never recorded")],
)
def test_what_cannot_be_a_version_is_refused(kind: str, sentence: str):
    item = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "orders"}}
    with pytest.raises(RefusedError, match=sentence):
        arms.main(Workload("orders", "1.0.0", 1, (), objects=(item,)))


@pytest.mark.parametrize("version", ["1.8.0", "1.8.0+build.7", "V2", "x" * 80, "1.8.0-baseline"])
def test_names_of_guests_are_names_of_services_and_tell_versions_apart(version: str):
    name = names.guest("orders", version)
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 63
    assert name != names.guest("orders", version.swapcase() + ".")
    assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", names.label(version))


def test_each_way_says_what_it_cannot_and_who_could():
    every = Needs(matches=True, cookies=True, mirror=True, sticky=True)
    assert traffic_ways.refusals(ISTIO, every) == ()
    assert len(traffic_ways.refusals(RATIO, every)) == 4
    assert "Gateway API and Istio could" in traffic_ways.refusals(LINKERD, every)[0]
    assert traffic_ways.way_of("linkerd", "gateway-api") == LINKERD
    assert traffic_ways.way_of("none", "gateway-api") == GATEWAY
    assert traffic_ways.way_of("none", "ingress") == RATIO
