"""``/api``: rollouts over places, a service's timeline, and what happened."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from telford.app import rollout
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


@router.get("/rollouts")
def rollouts(request: Request, service: str = "") -> dict[str, Any]:
    """The newest rollouts, of all services or of one, each as it stands."""
    context = page.context_of(request)
    wanted = timeline_view.resolved(request, service)
    found = context.store.rollouts.find(service=wanted, limit=MAX_ROLLOUTS)
    return {"rollouts": [_standing(request, one.id) for one in found]}


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
    return _standing(request, key)


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


def _standing(request: Request, key: str) -> dict[str, Any]:
    view = rollouts_view.view_of(request, key)
    phases = {
        box.place: box.phase for wave in view.waves for group in wave.groups for box in group.boxes
    }
    return rollout.as_json(view.standing) | {"phases": phases, "sentence": view.sentence}


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
