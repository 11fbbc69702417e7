"""``/api``: rollouts over places, a service's timeline, and what happened."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from telford.app import rollout, rollout_acts, rollout_page
from telford.basics.errors import UsageError
from telford.portal import page
from telford.portal.context import Wanted
from telford.portal.pages import rollouts as rollouts_view
from telford.portal.pages import timeline as timeline_view
from telford.store.events import Event

router = APIRouter(prefix="/api", tags=["rollouts"])

MAX_ROLLOUTS = 50


class Begin(BaseModel):
    """A rollout to begin: `service` is an address or a name; its delivery's waves name the places."""

    service: str = Field(min_length=1, max_length=200)
    version: str = Field(min_length=1, max_length=128)
    reason: str = Field(min_length=1, max_length=2000)


class Order(BaseModel):
    """What a rollout is told: pause, resume or abort; why. With `keep_promoted` an abort leaves the
    new version where it has everything, with false those places get the old one back; without it
    the delivery's onFailure says.
    """

    verb: str
    reason: str = Field(min_length=1, max_length=2000)
    keep_promoted: bool | None = None


@router.get("/rollouts")
def rollouts(request: Request, service: str = "") -> dict[str, Any]:
    """The newest rollouts, of all services or of one, each as it stands."""
    context = page.context_of(request)
    wanted = timeline_view.resolved(request, service)
    found = context.store.rollouts.find(service=wanted, limit=MAX_ROLLOUTS)
    stand = rollout.standings(context.store, found, context.clock.now())
    return {"rollouts": [_plain(one) for one in stand]}


@router.post("/rollouts", status_code=201)
def begin(request: Request, wanted: Begin) -> dict[str, Any]:
    """Begin a rollout: one release a place, each waiting for its turn."""
    return {"rollout": page.context_of(request).acts.rollout(_wanted(request, wanted))}


@router.post("/rollouts/plan")
def plan(request: Request, wanted: Begin) -> dict[str, Any]:
    """What beginning it would do, before it does it."""
    prospect = page.context_of(request).acts.rollout_prospect(_wanted(request, wanted))
    return {"steps": list(prospect.steps)}


@router.get("/rollouts/{key}")
def one_rollout(request: Request, key: str) -> dict[str, Any]:
    """One rollout: waves, whose turn it is, the evidence of all places together."""
    return _plain(rollouts_view.standing_of(request, key))


@router.get("/rollouts/{key}/plan/{verb}")
def act_plan(
    request: Request, key: str, verb: str, keep_promoted: bool | None = None
) -> dict[str, Any]:
    """What telling a rollout to pause, resume or abort would do in each place, before it does it."""
    found = rollouts_view.standing_of(request, key)
    steps = rollout_acts.plan(found, verb)
    steps += rollout_acts.finished(found, keep_promoted) if verb == "abort" else ()
    return {"rollout": found.rollout.id, "verb": verb, "steps": list(steps)}


@router.post("/rollouts/{key}/commands", status_code=202)
def command(request: Request, key: str, order: Order) -> dict[str, Any]:
    """Tell a rollout to pause, resume or abort; each place's controller obeys at its next tick.
    Telling it what it was told already changes nothing.
    """
    context = page.context_of(request)
    found = rollouts_view.standing_of(request, key)
    rollout_acts.ask(
        context.store,
        found,
        order.verb,
        who=context.who,
        reason=order.reason,
        keep=order.keep_promoted,
    )
    return _plain(rollouts_view.standing_of(request, key))


@router.get("/timeline")
def timeline(request: Request, service: str, span: str = "") -> dict[str, Any]:
    """What each place ran when, and every release: of the last hour, day, week, month, or all."""
    wanted = timeline_view.resolved(request, service)
    if not wanted:
        raise UsageError("name a service", fix="?service=NAME")
    return timeline_view.view_of(request, wanted, span).as_json()


@router.get("/events")
def events(
    request: Request,
    release: str = "",
    place: str = "",
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """What happened, newest first; with `after` what came beyond that sequence, oldest first."""
    store = page.context_of(request).store
    found = store.events.find(release=release, place=place, after=after, limit=limit)
    return {"events": [_event(one) for one in found]}


def _plain(found: rollout.Standing) -> dict[str, Any]:
    return rollout.as_json(found) | {"sentence": rollout_page.line(found).sentence}


def _wanted(request: Request, wanted: Begin) -> Wanted:
    service = timeline_view.resolved(request, wanted.service)
    who = page.context_of(request).who
    return Wanted(service, wanted.version, "", who, wanted.reason)


def _event(one: Event) -> dict[str, Any]:
    return {
        "sequence": one.sequence,
        "id": one.id,
        "at": one.at,
        "place": one.place,
        "name": one.name,
        "service": one.service,
        "release": one.release,
        "event": dict(one.event),
    }
