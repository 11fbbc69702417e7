"""The estate's types as plain JSON values and back: for the protocol and for the state file."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from telford.estate.observation import Counters, Series
from telford.estate.workload import (
    Ingress,
    Match,
    PlaceState,
    Probe,
    ReplicaState,
    Split,
    Workload,
)

Plain = dict[str, Any]


def plain(value: Workload | Split | Ingress | ReplicaState) -> Plain:
    """Fields as JSON values."""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: _plain_field(item) for name, item in fields.items()}


def _plain_field(item: object) -> object:
    if isinstance(item, Probe | Match):
        return dataclasses.asdict(item)
    if isinstance(item, Mapping):
        return dict(item)
    if isinstance(item, tuple):
        return [_plain_field(one) for one in item]
    return item


def workload(values: Plain) -> Workload:
    """The reverse of `plain`."""
    fixed = dict(values)
    fixed["command"] = tuple(fixed["command"])
    fixed["upstreams"] = tuple(fixed.get("upstreams", ()))
    fixed["objects"] = tuple(fixed.get("objects", ()))
    fixed["probe"] = Probe(**fixed.get("probe", {}))
    return Workload(**fixed)


def split(values: Plain) -> Split:
    """The reverse of `plain`."""
    return Split(
        service=values["service"],
        generation=int(values["generation"]),
        weights=dict(values["weights"]),
        matches=tuple(Match(**one) for one in values.get("matches", ())),
        mirror=dict(values.get("mirror", {})),
        sticky=values.get("sticky", ""),
    )


def ingress(values: Plain) -> Ingress:
    """The reverse of `plain`."""
    return Ingress(**values)


def plain_state(state: PlaceState) -> Plain:
    """A place's state as JSON values."""
    return {
        "replicas": [plain(item) for item in state.replicas],
        "workloads": [plain(item) for item in state.workloads],
        "splits": [plain(item) for item in state.splits],
        "ingress_url": state.ingress_url,
    }


def state(values: Plain) -> PlaceState:
    """The reverse of `plain_state`."""
    return PlaceState(
        replicas=tuple(ReplicaState(**item) for item in values["replicas"]),
        workloads=tuple(workload(item) for item in values["workloads"]),
        splits=tuple(split(item) for item in values["splits"]),
        ingress_url=values["ingress_url"],
    )


def plain_counters(series: Series, counters: Counters) -> Plain:
    """One replica's counters as JSON values."""
    return {
        "series": [series.service, series.version, series.replica],
        "requests": counters.requests,
        "errors": counters.errors,
        "buckets": [[str(bound), count] for bound, count in counters.buckets.items()],
    }


def counters(values: Plain) -> tuple[Series, Counters]:
    """The reverse of `plain_counters`."""
    buckets = {float(bound): int(count) for bound, count in values["buckets"]}
    return Series(*values["series"]), Counters(values["requests"], values["errors"], buckets)
