"""Protocols for everything outside. Two sets of adapters implement them: local and Kubernetes.

Every method is idempotent and has a time limit. A call that carries a generation lower than one
the place has seen raises `RefusedError` and changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from telford.estate.observation import Reading
from telford.estate.workload import Ingress, PlaceState, Split, Workload


class Cluster(Protocol):
    """Runs versions of services."""

    def apply(self, workload: Workload) -> None:
        """Make `workload` the desired one of its service and version; returns before it is ready."""
        ...

    def remove(self, service: str, version: str, generation: int) -> None:
        """Drain and stop a version. Refused while it has traffic.

        One that is not there is fine; its removal raises the service's generation all the same, so
        that a start which was asked for before it and comes later is refused.
        """
        ...

    def replace(
        self, service: str, version: str, replica: str, incarnation: str, generation: int
    ) -> None:
        """Start one replica anew, elsewhere where there is an elsewhere, losing no request.

        `incarnation` is the replica's pid as text, as it was seen; where it is another one by now,
        nothing is done. Returns before the new one is ready.
        """
        ...

    def state(self) -> PlaceState:
        """What runs now."""
        ...


class Router(Protocol):
    """Divides traffic between versions of a service."""

    def route(self, split: Split) -> None:
        """Ask for a split and return once the data plane itself confirms that it serves it."""
        ...

    def expose(self, ingress: Sequence[Ingress]) -> None:
        """Replace the routes from outside."""
        ...


class Metrics(Protocol):
    """Counts requests, errors and latencies per series."""

    def read(self) -> Reading:
        """All counters now. Raises `TemporaryError` where they cannot be had."""
        ...


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody outside said to a gate: whether it may open, and why, in a sentence."""

    open: bool
    why: str


class Hooks(Protocol):
    """Asks somebody outside whether a gate may open: a webhook, a ticket system, a command."""

    def ask(self, hook: Mapping[str, Any], about: Mapping[str, str]) -> Said:
        """One call, within the hook's own time limit; asking again is harmless.

        `hook` is a webhook or a command as `telford.deliver.gate_settings` freezes it, `about` what
        is known of the release. A clear no is an answer; raises `TemporaryError` where there is no
        answer (dead, slow, an error of the server's own), `PermanentError` where there can be none.
        """
        ...
