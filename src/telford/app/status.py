"""What runs in a place, what is on its way there, and how its promises stand: from the store and,
where the place answers, from the place itself. Called by `telford status`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telford import ports
from telford.basics.errors import TelfordError
from telford.deliver.policy import FULL_WEIGHT
from telford.deliver.quarantine import Quarantine
from telford.estate.workload import PlaceState
from telford.store.bindings import Bound
from telford.store.git_changes import GitChange
from telford.store.leases import Holding
from telford.store.objectives import Evaluated
from telford.store.releases import Release
from telford.store.store import Store

# A controller beats each tick; this much silence and it is not running.
SILENT_SECONDS = 30.0
FINISHED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a service: its share of the requests in basis points (None: it gets none by
    way of a split, as a worker), replicas ready and wanted.
    """

    version: str
    weight_bp: int | None
    ready: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is bound in the place; `versions` is empty where the place does not answer."""

    bound: Bound
    versions: tuple[Version, ...]
    release: Release | None


@dataclass(frozen=True, slots=True)
class Status:
    """A place as a whole. `answers` says whether the place itself was reached, `controlled`
    whether a controller was heard of lately.
    """

    place: str
    answers: bool
    controlled: bool
    controller: Holding | None
    ingress_url: str
    services: tuple[Service, ...]
    releases: tuple[Release, ...]
    objectives: tuple[Evaluated, ...]
    # What Git does not say yet, and what is kept out of the place.
    owed: tuple[GitChange, ...] = ()
    quarantined: tuple[Quarantine, ...] = ()

    @property
    def behind_since(self) -> float | None:
        """Since when Git is behind what runs; None where it is not."""
        return min((one.at for one in self.owed), default=None)

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "place": self.place,
            "answers": self.answers,
            "controlled": self.controlled,
            "ingress": self.ingress_url,
            "services": [_service_json(one) for one in self.services],
            "releases": [release_json(one) for one in self.releases],
            "objectives": [
                {"objective": one.objective, "state": one.state, **one.evaluation}
                for one in self.objectives
            ],
            "git": {
                "behind_since": self.behind_since,
                "owed": [_owed_json(one) for one in self.owed],
            },
            "quarantined": [
                {"id": one.id, "service": one.service, "version": one.version, "why": one.reason}
                for one in self.quarantined
            ],
        }


def status(
    store: Store, place: str, cluster: ports.Cluster | None, now: float, service: str = ""
) -> Status:
    """The place as it stands; `service` narrows it to one."""
    state = _state(cluster)
    held = store.leases.get(place)
    bounds = [one for one in store.bindings.of(place) if _is(one, service)]
    found = store.releases.find(place=place, service=service, limit=200)
    active = {one.service: one for one in found if one.active}
    finished = [one for one in found if not one.active][:FINISHED_SHOWN]
    return Status(
        place=place,
        answers=state is not None,
        controlled=held is not None and now - held.heartbeat <= SILENT_SECONDS,
        controller=held,
        ingress_url=state.ingress_url if state else "",
        services=tuple(
            Service(one, _versions(one, state), active.get(one.service)) for one in bounds
        ),
        releases=(*active.values(), *finished),
        objectives=store.objectives.of(place, bounds[0].service if service and bounds else ""),
        owed=store.git_changes.open(place),
        quarantined=store.quarantines.of(place, bounds[0].service if service and bounds else ""),
    )


def release_json(release: Release) -> dict[str, Any]:
    """A release for machines."""
    state: Mapping[str, Any] = release.state
    return {
        "id": release.id,
        "service": release.service,
        "place": release.place,
        "from": release.from_version,
        "to": release.to_version,
        "phase": release.phase,
        "active": release.active,
        "weight": state.get("desired_bp", 0) / FULL_WEIGHT,
        "step": state.get("step", 0),
        "reason": state.get("reason", ""),
        "waits": release.progress.get("waits", ""),
        "tick": release.tick,
        "who": release.who,
        "created_at": release.created_at,
        "finished_at": release.finished_at,
        "harm": state.get("harm", []),
        "digest": release.digest,
    }


def _service_json(one: Service) -> dict[str, Any]:
    return {
        "service": one.bound.service,
        "version": one.bound.version,
        "since": one.bound.since,
        "versions": [
            {
                "version": version.version,
                "weight": None if version.weight_bp is None else version.weight_bp / FULL_WEIGHT,
                "ready": version.ready,
                "wanted": version.wanted,
            }
            for version in one.versions
        ],
        "release": one.release.id if one.release else None,
    }


def _owed_json(one: GitChange) -> dict[str, Any]:
    return {
        "change": one.id,
        "service": one.service,
        "purpose": one.purpose,
        "since": one.at,
        "state": one.state,
        "url": one.url or None,
        "problem": one.problem or None,
    }


def _state(cluster: ports.Cluster | None) -> PlaceState | None:
    try:
        return cluster.state() if cluster else None
    except TelfordError:
        return None


def _is(bound: Bound, service: str) -> bool:
    return not service or service.removeprefix("service/") in {
        bound.name,
        bound.service.removeprefix("service/"),
    }


def _versions(bound: Bound, state: PlaceState | None) -> tuple[Version, ...]:
    if state is None:
        return ()
    split = next((one for one in state.splits if one.service == bound.name), None)
    return tuple(
        Version(
            version=one.version,
            weight_bp=split.weights.get(one.version, 0) if split else None,
            ready=sum(
                replica.service == bound.name
                and replica.version == one.version
                and replica.phase == "ready"
                for replica in state.replicas
            ),
            wanted=one.replicas,
        )
        for one in state.workloads
        if one.service == bound.name
    )
