"""The paved road's defaults, from `defaults.toml`, as typed values.

Used wherever a paved workload says nothing; an as-found workload gets what it adopted of it. An
organisation's own values are laid over them by `telford.road.recipes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from telford.basics import resources


@dataclass(frozen=True, slots=True)
class Health:
    """Probe timing, in seconds and counts."""

    path: str
    every_seconds: int
    timeout_seconds: int
    ready_failures: int
    live_every_seconds: int
    live_failures: int
    start_every_seconds: int
    start_failures: int


@dataclass(frozen=True, slots=True)
class Security:
    """What a replica may do: restricted Pod Security. `run_as_user` None: the image's own."""

    run_as_non_root: bool
    read_only_root_filesystem: bool
    allow_privilege_escalation: bool
    drop_capabilities: tuple[str, ...]
    seccomp: str
    run_as_user: int | None = None


@dataclass(frozen=True, slots=True)
class Jobs:
    """Finite workloads."""

    backoff: int
    ttl_seconds: int
    concurrency: str


@dataclass(frozen=True, slots=True)
class Network:
    """Where the cluster's own services are."""

    ingress_namespace: str
    gateway_namespace: str
    gateway_class: str
    mesh_gateway_namespace: str
    dns_namespace: str
    dns_labels: dict[str, str]


@dataclass(frozen=True, slots=True)
class Defaults:
    """All of `defaults.toml`."""

    revision_history: int
    replicas_production: int
    replicas_other: int
    max_unavailable: int | str
    max_surge: int | str
    target_cpu: str
    disruption_max_unavailable: int | str
    disruption_eviction: str
    ports: dict[str, int]
    cpu: str
    memory: str
    scratch_path: str
    scratch_size: str
    storage_size: str
    spread_keys: tuple[str, ...]
    health: Health
    security: Security
    jobs: Jobs
    network: Network
    engine_ports: dict[str, int]
    oldest_kubernetes: str
    newest_kubernetes: str


@cache
def defaults() -> Defaults:
    """The defaults; one value for the life of the process."""
    return _typed(_tables())


def with_entries(said: Mapping[tuple[str, str], Any]) -> Defaults:
    """The defaults with other values for some entries, by table and entry of `defaults.toml`. An
    entry may be one that the file leaves out (``security``, ``run_as_user``).
    """
    data = {table: dict(entries) for table, entries in _tables().items()}
    for (table, entry), value in said.items():
        data[table][entry] = value
    return _typed(data)


def own(table: str, entry: str) -> Any:
    """The road's own value of an entry; None where it says nothing."""
    return _tables()[table].get(entry)


@cache
def _tables() -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = resources.toml("telford.road", "defaults.toml")
    return tables


def _typed(data: dict[str, Any]) -> Defaults:
    return Defaults(
        revision_history=data["workload"]["revision_history"],
        replicas_production=data["replicas"]["production"],
        replicas_other=data["replicas"]["other"],
        max_unavailable=data["rollout"]["max_unavailable"],
        max_surge=data["rollout"]["max_surge"],
        target_cpu=data["scaling"]["target_cpu"],
        disruption_max_unavailable=data["disruption"]["max_unavailable"],
        disruption_eviction=data["disruption"]["eviction"],
        ports=data["ports"],
        cpu=data["resources"]["cpu"],
        memory=data["resources"]["memory"],
        scratch_path=data["scratch"]["path"],
        scratch_size=data["scratch"]["size"],
        storage_size=data["storage"]["size"],
        spread_keys=tuple(data["spread"]["keys"]),
        health=Health(**data["health"]),
        security=Security(
            **data["security"] | {"drop_capabilities": tuple(data["security"]["drop_capabilities"])}
        ),
        jobs=Jobs(**data["jobs"]),
        network=Network(**data["network"]),
        engine_ports=data["engines"],
        oldest_kubernetes=data["versions"]["oldest"],
        newest_kubernetes=data["versions"]["newest"],
    )
