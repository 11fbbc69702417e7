"""A service's version as a place runs it, and how traffic is split between versions.

The same types serve every place: the local supervisor and Kubernetes. Both carry a
generation; an executor that has seen a higher one refuses a lower one (fencing).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Probe:
    """Readiness over HTTP: a GET of `path` on the replica's own port must answer 2xx or 3xx."""

    path: str = "/healthz"
    interval_seconds: float = 0.2
    timeout_seconds: float = 1.0
    deadline_seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class Workload:
    """One version of one service in a place: what to run and how often.

    `command` is an argument list; ``{port}`` in it and in `env` values is replaced by the port
    chosen for the replica, ``{upstream:NAME}`` by the address (``http://127.0.0.1:PORT``) under
    which this service reaches service NAME through the data plane, ``{state}`` by a folder of the
    service's own that outlives restarts. A `listens` of False is a worker: no port, no route;
    ``{metrics_port}`` is replaced by the port on which it says what it did.
    """

    service: str
    version: str
    generation: int
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    replicas: int = 1
    listens: bool = True
    probe: Probe = field(default_factory=Probe)
    upstreams: tuple[str, ...] = ()
    stop_seconds: float = 5.0
    # What a cluster runs instead of a command: the version's Kubernetes objects, plain JSON, as
    # the paved road renders them. Empty on a machine.
    objects: tuple[Mapping[str, Any], ...] = ()


PARTITIONS_VARIABLE = "TELFORD_PARTITIONS"
"""Tells a worker which partitions it has: "0-3"; empty for none, and unset for all of them."""

BASELINE_SUFFIX = "-baseline"
"""A fresh copy of the stable version beside the canary runs as version ``1.7.4-baseline``."""

MIRRORED_SUFFIX = "-mirrored"
"""Copied requests to version ``1.8.0`` are counted as version ``1.8.0-mirrored``: nobody waited for
their answers, so they never mix with those the version answered.
"""


@dataclass(frozen=True, slots=True)
class Match:
    """Requests that go to `version` whatever the weights: those with this header, or this cookie.

    Exactly one of `header` and `cookie` is set; the value must be equal.
    """

    version: str
    value: str
    header: str = ""
    cookie: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """How requests to a service are divided: version -> weight, basis points summing to 10,000.

    `matches` are looked at first, in order. `mirror` maps a version to the share (basis points) of
    the requests that it gets a copy of; nobody sees its answers. `sticky` names a cookie: whoever
    has it stays with one version as long as the weights let them, and a canary whose weight grows
    keeps those it has.
    """

    service: str
    generation: int
    weights: Mapping[str, int]
    matches: tuple[Match, ...] = ()
    mirror: Mapping[str, int] = field(default_factory=dict)
    sticky: str = ""


@dataclass(frozen=True, slots=True)
class Ingress:
    """Which requests from outside reach which service: the longest matching `prefix` wins."""

    prefix: str
    service: str


@dataclass(frozen=True, slots=True)
class ReplicaState:
    """One replica as it is: `phase` is starting, ready, backing-off, stopping, failed or stopped.

    `incarnation` tells a replica from the one that had its name before: the uid of a pod; "" where
    that is the pid.
    """

    service: str
    version: str
    replica: str
    phase: str
    port: int
    pid: int
    restarts: int
    message: str = ""
    incarnation: str = ""


@dataclass(frozen=True, slots=True)
class PlaceState:
    """What a place runs now: replicas, desired workloads, and the splits that the data plane
    itself confirms (not those that were asked for).
    """

    replicas: tuple[ReplicaState, ...]
    workloads: tuple[Workload, ...]
    splits: tuple[Split, ...]
    ingress_url: str = ""
