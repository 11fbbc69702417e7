"""Promotion between environments: what could go where, what waits and why, and going there.

The same release is bound in the next place: its image by digest, nothing is built again, and the
place's own gates and evidence decide there as they do for any release. Called by `telford release
--from`, `telford promotions`, the API, the portal, and beside the controller for environments whose
promotion is automatic.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from telford.app import release as releases
from telford.app import workloads
from telford.basics import units
from telford.basics.errors import RefusedError, TelfordError, UsageError
from telford.deliver import promotion, quarantine
from telford.deliver.promotion import Standing, Verdict, Way
from telford.deliver.quarantine import Quarantine
from telford.estate import overlays
from telford.estate.kinds.places import Environment
from telford.estate.model import Binding, Estate
from telford.estate.place import Place
from telford.flows import gitops
from telford.store.releases import Release
from telford.store.store import Store

ACTOR = "controller"
# A release that ended in a place is found by its digest among so many of the service's.
LOOKED_BACK = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """A release that could go to a place, and the answer."""

    service: str
    offered: Standing
    to: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Cell:
    """One service in one place: what is stable there, None for nothing; what could come next."""

    place: str
    standing: Standing | None
    offer: Offer | None
    quarantined: tuple[Quarantine, ...]

    def as_json(self) -> dict[str, Any]:
        """The stable JSON view."""
        return {
            "place": self.place,
            "version": self.standing.version if self.standing else None,
            "digest": self.standing.digest if self.standing else None,
            "image": (self.standing.image or None) if self.standing else None,
            "since": self.standing.since if self.standing else None,
            "release": (self.standing.release or None) if self.standing else None,
            "underway": (self.standing.underway or None) if self.standing else None,
            "next": self._next(),
            "quarantined": [
                {"id": one.id, "version": one.version, "reason": one.reason, "since": one.at}
                for one in self.quarantined
            ],
        }

    def _next(self) -> dict[str, Any] | None:
        if self.offer is None:
            return None
        answer = self.offer.verdict
        return {
            "version": self.offer.offered.version,
            "from": self.offer.offered.place,
            "open": answer.open,
            "opens_at": answer.opens_at,
            "why": [*answer.refusals, *answer.waits],
        }


@dataclass(frozen=True, slots=True)
class Row:
    """One service over all places."""

    service: str
    cells: tuple[Cell, ...]

    def as_json(self) -> dict[str, Any]:
        """The stable JSON view."""
        return {"service": self.service, "places": [one.as_json() for one in self.cells]}


def ways(estate: Estate) -> dict[str, Way]:
    """How a release gets into each environment, in their order; the first takes what is built."""
    found: dict[str, Way] = {}
    before = ""
    for spec in overlays.environments(estate):
        assert isinstance(spec, Environment)
        said = spec.promotion
        after = float(units.seconds(said.after))
        found[spec.name] = Way(spec.name, said.from_ or before, after, said.automatic)
        before = spec.name
    return found


def standings(store: Store, estate: Estate, service: str) -> dict[str, Standing]:
    """What a service (an address) is in each place where it is bound."""
    found = {}
    for place in overlays.places(estate):
        bound = store.bindings.get(str(place), service)
        if bound is None:
            continue
        underway = store.releases.find(place=bound.place, service=service, active=True, limit=1)
        known = store.versions.get(service, bound.digest)
        found[str(place)] = Standing(
            place=str(place),
            environment=place.environment,
            version=bound.version,
            digest=bound.digest,
            image=known.image if known else "",
            since=bound.since,
            release=bound.release or "",
            underway=underway[0].id if underway else "",
        )
    return found


def find(
    store: Store,
    estate: Estate,
    binding: Binding,
    service: str,
    origin: str,
    *,
    skip: str = "",
    now: float,
) -> Offer:
    """What `origin` (a place, or an environment) offers to the place of `binding`. `skip` is why the
    order does not count this time.

    Raises `UsageError` where there is no such service, or where it is not bound in `origin`.
    """
    address, to = str(workloads.named(binding, service).entity.address), binding.place
    known = standings(store, estate, address)
    way = ways(estate)[to.environment]
    offered = _origin(known, origin, address)
    if skip:
        way = replace(way, before=offered.environment, after_seconds=0.0)
    return _offer(store, address, offered, known, way, str(to), now)


def prepare(
    store: Store, binding: Binding, local: workloads.Local, found: Offer, *, now: float
) -> releases.Prepared:
    """The offered release bound in its new place: nothing is written yet.

    Raises `RefusedError` with everything that keeps it from going there, or where the estate
    describes another release by now: promoting it would bring something that was never tried.
    """
    answer = found.verdict
    if not answer.open:
        raise RefusedError(
            f"{found.offered.version} cannot go to {found.to}: "
            + "; ".join((*answer.refusals, *answer.waits)),
            fix="see `telford promotions`; in an emergency: --skip REASON",
        )
    offered = found.offered
    service = found.service
    made = releases.prepare(
        store, binding, local, service, version=offered.version, image=offered.image, now=now
    )
    if offered.image and made.digest != offered.digest:
        raise RefusedError(
            f"the estate describes another {service} than {offered.place} runs: its base has changed"
            f" since {offered.version} was released there",
            fix=f"release it in {offered.place} first; what only this place needs goes to its overlay",
        )
    return made


def matrix(store: Store, estate: Estate, now: float, service: str = "") -> tuple[Row, ...]:
    """Every service that is bound somewhere (or one), over all places."""
    rows = []
    way = ways(estate)
    for entity in estate.of_kind("Service"):
        address = str(entity.address)
        if service and service.removeprefix("service/") not in (
            entity.spec.name,
            address.removeprefix("service/"),
        ):
            continue
        known = standings(store, estate, address)
        if known:
            cells = [
                _cell(store, address, place, known, way[place.environment], now)
                for place in overlays.places(estate)
            ]
            rows.append(Row(address, tuple(cells)))
    return tuple(rows)


def due(store: Store, estate: Estate, place: Place, now: float) -> tuple[Offer, ...]:
    """What goes to a place by itself now: each release once, whatever became of it there."""
    way = ways(estate)[place.environment]
    if not way.automatic or not way.before:
        return ()
    found = []
    for entity in estate.of_kind("Service"):
        address = str(entity.address)
        known = standings(store, estate, address)
        before = [one for one in known.values() if one.environment == way.before]
        if str(place) not in known or not before:
            continue
        made = _offer(store, address, before[0], known, way, str(place), now)
        if made.verdict.open and not _tried(store, address, str(place), made.offered.digest):
            found.append(made)
    return tuple(found)


def go(
    store: Store,
    estate: Estate,
    place: Place,
    local: workloads.Local,
    now: float,
) -> tuple[tuple[Release, ...], tuple[str, ...]]:
    """Start what is due; the releases, and sentences about what could not start."""
    begun: list[Release] = []
    problems: list[str] = []
    offers = due(store, estate, place, now)
    binding = overlays.bind(estate, place) if offers else None
    for one in offers:
        assert binding is not None
        try:
            made = prepare(store, binding, local, one, now=now)
            reason = f"promoted from {one.offered.place} by itself"
            begun.append(releases.start(store, made, who=ACTOR, reason=reason, now=now))
        except TelfordError as error:
            problems.append(error.message)
    return tuple(begun), tuple(problems)


def _offer(
    store: Store,
    service: str,
    offered: Standing,
    known: Mapping[str, Standing],
    way: Way,
    to: str,
    now: float,
) -> Offer:
    before = [one for one in known.values() if one.environment == way.before]
    kept_out: list[Quarantine] = []
    for place in sorted({to, offered.place}):
        kept_out += store.quarantines.of(place, service)
        kept_out += _rolled_back(store, service, place, offered.digest)
    answer = promotion.verdict(offered, known.get(to), before, way, kept_out, now)
    return Offer(service, offered, to, answer)


def _rolled_back(store: Store, service: str, place: str, digest: str) -> list[Quarantine]:
    """The newest try of this release in a place, where its evidence rolled it back and nobody
    lifted that: as good as a quarantine, whether Git is there to be kept from it or not.
    """
    rows = store.releases.find(place=place, service=service, active=False, limit=LOOKED_BACK)
    newest = next((row for row in rows if row.digest == digest), None)
    if newest is None or newest.phase not in quarantine.CONDEMNED:
        return []
    if store.quarantines.get(newest.id) is not None:
        return []  # it is among the quarantines, or was lifted
    return [gitops.quarantined(newest, "")]


def _cell(
    store: Store,
    service: str,
    place: Place,
    known: Mapping[str, Standing],
    way: Way,
    now: float,
) -> Cell:
    here = known.get(str(place))
    before = [one for one in known.values() if one.environment == way.before]
    made = None
    if before and not (here and here.digest == before[0].digest):
        made = _offer(store, service, before[0], known, way, str(place), now)
    return Cell(str(place), here, made, store.quarantines.of(str(place), service))


def _origin(known: Mapping[str, Standing], origin: str, service: str) -> Standing:
    found = [one for one in known.values() if origin in (one.place, one.environment)]
    if not found:
        places = ", ".join(known) or "nowhere"
        raise UsageError(f"{service} does not run in {origin}", fix=f"it runs in: {places}")
    return found[0]


def _tried(store: Store, service: str, place: str, digest: str) -> bool:
    """Whether this release was ever on its way into the place: a second try is a person's."""
    rows = store.releases.find(place=place, service=service, limit=LOOKED_BACK)
    return any(row.digest == digest for row in rows)
