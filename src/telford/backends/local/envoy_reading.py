"""What Envoy says, as values: its route dump as splits, its counters as a reading. Pure.

The supervisor and the client use it; `envoy_config` wrote what is read here.
"""

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from telford.backends.local import envoy_config
from telford.estate.observation import Counters, Series
from telford.estate.workload import MIRRORED_SUFFIX, Match, Split

# Path and query of the counters.
COUNTERS_PATH = f"/stats/prometheus?usedonly&filter=%5E{envoy_config.NAMESPACE}%5C."
OUTSIDE = f"http.{envoy_config.INGRESS}.downstream_rq_active"

# The replica of a request that no replica could be found for.
NO_REPLICA = "none"

# An answer that broke off after its status line is an error whatever the status was. Flags:
# upstream connection terminated, remote or local reset, protocol error, timeout, failure.
_FAULTS = frozenset({"UC", "UR", "LR", "UPE", "UT", "UF", "UMSDR", "SI"})

_SAMPLE = re.compile(
    rf"envoy_{envoy_config.NAMESPACE}_({envoy_config.COUNTER}|{envoy_config.MIRRORED})"
    r'\{service="([^"]*)",version="([^"]*)",replica="([^"]*)",'
    r'code="([^"]*)",flags="([^"]*)",le="([^"]*)"\} (\d+)'
)

_ABSENT = frozenset({"-", ""})  # what Envoy writes for metadata that nobody gave


def counters(text: str, bounds: Sequence[int]) -> dict[Series, Counters]:
    """Counters per series from Envoy's Prometheus text.

    A request is an error by status 500 and above or by a broken answer. A client that went away
    counts as a request of the length it waited, not as an error. Copied requests are those of
    version ``V-mirrored``.
    """
    totals: defaultdict[Series, int] = defaultdict(int)
    errors: defaultdict[Series, int] = defaultdict(int)
    slots: defaultdict[Series, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))
    for name, service, version, replica, code, flags, bound, value in _SAMPLE.findall(text):
        if service in _ABSENT:
            continue
        counted_as = version + (MIRRORED_SUFFIX if name == envoy_config.MIRRORED else "")
        series = Series(service, counted_as, NO_REPLICA if replica in _ABSENT else replica)
        count = int(value)
        totals[series] += count
        errors[series] += count if _is_error(code, flags) else 0
        slots[series][float(bound)] += count
    edges = [*map(float, bounds), math.inf]
    return {
        series: Counters(total, errors[series], _cumulative(slots[series], edges))
        for series, total in totals.items()
    }


def _is_error(code: str, flags: str) -> bool:
    return (code.isdigit() and int(code) >= 500) or not _FAULTS.isdisjoint(flags.split(","))


def _cumulative(slots: Mapping[float, int], edges: Sequence[float]) -> dict[float, int]:
    running = 0
    sums = {}
    for edge in edges:
        running += slots.get(edge, 0)
        sums[edge] = running
    return sums


def route_versions(dump: str) -> dict[str, str]:
    """Route configuration -> the version text of the file that Envoy took it from."""
    return {item["route_config"]["name"]: item["version_info"] for item in _configs(dump)}


def splits(dump: str) -> tuple[Split, ...]:
    """The splits that Envoy serves, whole; what has no weight and no share is not in them.

    Where the ingress and a service's own listener differ for a moment, the listener is told.
    """
    found: dict[str, Split] = {}
    own_last = sorted(
        _configs(dump), key=lambda item: item["route_config"]["name"] != envoy_config.INGRESS
    )
    for item in own_last:
        for host in item["route_config"].get("virtual_hosts", []):
            found |= _splits_of(host.get("routes", []))
    return tuple(found[name] for name in sorted(found))


def _splits_of(routes: Sequence[Mapping[str, Any]]) -> dict[str, Split]:
    """One split a service. Behind several prefixes the same routes are there several times."""
    marked: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for route in routes:
        mark = route.get("metadata", {}).get("filter_metadata", {}).get(envoy_config.NAMESPACE)
        if mark:
            marked.setdefault((mark["service"], int(mark["generation"])), []).append(route)
    return {key[0]: _split(*key, mine) for key, mine in marked.items()}


def _split(service: str, generation: int, routes: Sequence[Mapping[str, Any]]) -> Split:
    matches = [_match(route) for route in routes if "cluster" in route["route"]]
    weighted = [route["route"] for route in routes if "weighted_clusters" in route["route"]]
    first = weighted[0]
    return Split(
        service,
        generation,
        weights={
            _version(item["name"]): int(item["weight"])
            for item in first["weighted_clusters"]["clusters"]
        },
        matches=tuple(dict.fromkeys(matches)),
        mirror=dict(_mirror(item) for item in first.get("request_mirror_policies", [])),
        sticky=next((name for route in weighted for name in _cookies(route)), ""),
    )


def _match(route: Mapping[str, Any]) -> Match:
    """The route of requests with one header or one cookie."""
    version = _version(route["route"]["cluster"])
    for field, kind in (("headers", "header"), ("cookies", "cookie")):
        for item in route["match"].get(field, []):
            return Match(version, item["string_match"]["exact"], **{kind: item["name"]})
    raise ValueError(f"a route to {version} without a header or a cookie is not ours")


def _mirror(policy: Mapping[str, Any]) -> tuple[str, int]:
    (mutation,) = policy["request_headers_mutations"]
    target = _version(mutation["append"]["header"]["value"])
    return target, int(policy["runtime_fraction"]["default_value"]["numerator"])


def _cookies(route: Mapping[str, Any]) -> list[str]:
    """The cookie by which visitors stay with a version: at most one."""
    policies = route.get("hash_policy", [])
    return [item["cookie"]["name"] for item in policies if "cookie" in item]


def _version(cluster: str) -> str:
    return cluster.partition("/")[2]


def _configs(dump: str) -> list[dict[str, Any]]:
    configs: list[dict[str, Any]] = json.loads(dump).get("configs", [])
    return [item for item in configs if "route_config" in item]


def active_requests(clusters: str) -> dict[int, tuple[bool, int]]:
    """Port -> (is draining, requests in flight) of all endpoints, from ``/clusters?format=json``."""
    found = {}
    for cluster in json.loads(clusters).get("cluster_statuses", []):
        for host in cluster.get("host_statuses", []):
            address = host["address"].get("socket_address")
            if not address:  # the way of copies, inside Envoy
                continue
            port = int(address["port_value"])
            draining = host.get("health_status", {}).get("eds_health_status") == "DRAINING"
            found[port] = (draining, _in_flight(host.get("stats", [])))
    return found


def outside_requests(stats: str) -> int:
    """Requests in flight at the ingress, from ``/stats`` with `OUTSIDE` in it."""
    return int(plain_stats(stats).get(OUTSIDE, "0"))


def _in_flight(stats: Sequence[Mapping[str, Any]]) -> int:
    names = ("rq_active", "rq_pending_active")
    return sum(int(item.get("value", 0)) for item in stats if item["name"] in names)


def plain_stats(text: str) -> dict[str, str]:
    """``name: value`` lines; text values without their quotes."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return {name: value.strip('"') for name, _, value in pairs}
