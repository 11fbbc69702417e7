"""What is quarantined does not run: taken out of a place whoever brought it back. Level by level.

Where Argo CD or Flux applies an older state of Git (because Git is away, or behind), a version that
was rolled back runs again. Each step compares what the place shows with what is stable there; a
quarantined version is replaced by the stable one under a new generation. Bounded: what comes back
more than `quarantine.MAX_RETURNS` times is left, with an alarm, because two who undo each other for
ever are worse than one. Called by `telford.app.gitops`.
"""

import dataclasses

from telford.basics.errors import OutsideError, RefusedError
from telford.deliver import quarantine
from telford.deliver.policy import FULL_WEIGHT
from telford.deliver.quarantine import Quarantine
from telford.estate.workload import PlaceState, Split, Workload
from telford.flows import boundaries as edges
from telford.flows import gitops, orders
from telford.flows.carrying import Outside
from telford.store.bindings import Bound
from telford.store.database import Lease
from telford.store.store import Store

GUARD_DECIDE, GUARD_APPLY, GUARD_ROUTE, GUARD_REMOVE = (
    "guard.decide",
    "guard.apply",
    "guard.route",
    "guard.remove",
)
BOUNDARIES = (GUARD_DECIDE, GUARD_APPLY, GUARD_ROUTE, GUARD_REMOVE)


class Guard:
    """One place, watched by the holder of a lease."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        place: str,
        outside: Outside,
        boundaries: edges.Boundaries | None = None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._place = place
        self._outside = outside
        self._boundaries = boundaries or edges.Quiet()
        # The quarantines whose return was counted and is being undone.
        self._seen: set[str] = set()

    def step(self) -> tuple[str, ...]:
        """Take out what came back; sentences about it. Raises `RefusedError` where the lease was
        lost.
        """
        gitops.condemn(self._store, self._lease, self._place)
        try:
            place = self._outside.cluster.state()
        except OutsideError as error:
            return (error.message,)
        said: list[str] = []
        for bound in self._store.bindings.of(self._place):
            found = self._returned(bound, place)
            if found is not None:
                said += self._answer(bound, found, place)
        return tuple(said)

    def _returned(self, bound: Bound, place: PlaceState) -> Quarantine | None:
        """The quarantine that something in the place breaks; a release on its way decides itself."""
        known = self._store.quarantines.of(bound.place, bound.service)
        if not known or self._store.releases.find(
            place=bound.place, service=bound.service, active=True, limit=1
        ):
            return None
        running = {one.version for one in place.workloads if one.service == bound.name}
        for one in known:
            if one.version in running and one.version != bound.version:
                return one
            self._seen.discard(one.id)
        return None

    def _answer(self, bound: Bound, one: Quarantine, place: PlaceState) -> list[str]:
        """Take it out again, or give up with an alarm."""
        if one.alarm is not None:
            return []
        if one.id not in self._seen:
            with edges.around(self._boundaries, GUARD_DECIDE):
                gitops.count(self._store, self._lease, one, "it runs again")
            if not quarantine.returned(one):
                often = f"it came back {one.returns} times: a person must look at it"
                return [f"{one.sentence}; {often}"]
            self._seen.add(one.id)
        try:
            self._restore(bound, one, place)
        except (OutsideError, RefusedError) as error:
            return [f"{one.sentence}; it runs again, and is not out yet: {error.message}"]
        return [f"{one.sentence}; it ran again and was taken out"]

    def _restore(self, bound: Bound, one: Quarantine, place: PlaceState) -> None:
        """The stable version, all requests to it, the other one out: each idempotent."""
        with self._store.writing(self._lease) as writing:
            generation = self._store.bindings.issue(writing, bound.place, bound.service)
        stable = _stable(bound, generation)
        with edges.around(self._boundaries, GUARD_APPLY):
            self._outside.cluster.apply(stable)
        if stable.listens and not _ready(bound, place):
            return  # requests move once somebody can answer them: the next step
        if stable.listens:
            with edges.around(self._boundaries, GUARD_ROUTE):
                whole = Split(bound.name, generation, {bound.version: FULL_WEIGHT})
                self._outside.router.route(whole)
        with edges.around(self._boundaries, GUARD_REMOVE):
            self._outside.cluster.remove(bound.name, one.version, generation)


def _stable(bound: Bound, generation: int) -> Workload:
    return dataclasses.replace(orders.workload(bound.workload), generation=generation)


def _ready(bound: Bound, place: PlaceState) -> bool:
    """Whether the stable version is there and as large as it was."""
    wanted = orders.workload(bound.workload).replicas
    ready = [
        one
        for one in place.replicas
        if (one.service, one.version, one.phase) == (bound.name, bound.version, "ready")
    ]
    return len(ready) >= wanted
