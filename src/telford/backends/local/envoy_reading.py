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
from telford.estate.workload import Split

# Path and query of the counters.
COUNTERS_PATH = f"/stats/prometheus?usedonly&filter=%5E{envoy_config.NAMESPACE}%5C."
OUTSIDE = f"http.{envoy_config.INGRESS}.downstream_rq_active"

# The replica of a request that no replica could be found for.
NO_REPLICA = "none"

# An answer that broke off after its status line is an error whatever the status was. Flags:
# upstream connection terminated, remote or local reset, protocol error, timeout, failure.
_FAULTS = frozenset({"UC", "UR", "LR", "UPE", "UT", "UF", "UMSDR", "SI"})

_SAMPLE = re.compile(
    rf"envoy_{envoy_config.NAMESPACE}_{envoy_config.COUNTER}"
    r'\{service="([^"]*)",version="([^"]*)",replica="([^"]*)",'
    r'code="([^"]*)",flags="([^"]*)",le="([^"]*)"\} (\d+)'
)

_ABSENT = "-"


def counters(text: str, bounds: Sequence[int]) -> dict[Series, Counters]:
    """Counters per series from Envoy's Prometheus text.

    A request is an error by status 500 and above or by a broken answer. A client that went away
    counts as a request of the length it waited, not as an error.
    """
    totals: defaultdict[Series, int] = defaultdict(int)
    errors: defaultdict[Series, int] = defaultdict(int)
    slots: defaultdict[Series, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))
    for service, version, replica, code, flags, bound, value in _SAMPLE.findall(text):
        if service == _ABSENT:
            continue
        series = Series(service, version, NO_REPLICA if replica == _ABSENT else replica)
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
    """The splits that Envoy serves; versions without weight are not in it.

    Where the ingress and a service's own listener differ for a moment, the listener is told.
    """
    found: dict[str, Split] = {}
    own_last = sorted(
        _configs(dump), key=lambda item: item["route_config"]["name"] != envoy_config.INGRESS
    )
    for item in own_last:
        for host in item["route_config"].get("virtual_hosts", []):
            for route in host.get("routes", []):
                split = _split(route)
                if split:
                    found[split.service] = split
    return tuple(found[name] for name in sorted(found))


def _split(route: Mapping[str, Any]) -> Split | None:
    mark = route.get("metadata", {}).get("filter_metadata", {}).get(envoy_config.NAMESPACE)
    if not mark:
        return None
    clusters = route["route"]["weighted_clusters"]["clusters"]
    weights = {item["name"].partition("/")[2]: int(item["weight"]) for item in clusters}
    return Split(mark["service"], int(mark["generation"]), weights)


def _configs(dump: str) -> list[dict[str, Any]]:
    configs: list[dict[str, Any]] = json.loads(dump).get("configs", [])
    return [item for item in configs if "route_config" in item]


def active_requests(clusters: str) -> dict[int, tuple[bool, int]]:
    """Port -> (is draining, requests in flight) of all endpoints, from ``/clusters?format=json``."""
    found = {}
    for cluster in json.loads(clusters).get("cluster_statuses", []):
        for host in cluster.get("host_statuses", []):
            port = int(host["address"]["socket_address"]["port_value"])
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
