"""``/api``: the gates of a release as JSON, and what people do at them."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from telford.app import gating
from telford.basics.errors import UsageError
from telford.deliver.gates import ACTS
from telford.portal import page
from telford.portal.pages import release as release_view

router = APIRouter(prefix="/api", tags=["releases"])


class Saying(BaseModel):
    """What to do at a gate: approve, refuse, withdraw or override, and why."""

    verb: str
    reason: str = Field(default="", max_length=gating.MAX_REASON)


@router.get("/releases/{key}/gates")
def gates(request: Request, key: str) -> dict[str, Any]:
    """How each gate stands, why, what opens it, what was said at it, and who may do what."""
    context = page.context_of(request)
    release = release_view.release_of(request, key)
    estate = context.estate.current().estate
    view = gating.look(context.store, estate, release, context.who, context.clock.now())
    return view.as_json()


@router.post("/releases/{key}/gates/{gate}", status_code=201)
def say(request: Request, key: str, gate: str, saying: Saying) -> dict[str, Any]:
    """Approve, refuse, withdraw or override. The controller sees it at its next tick."""
    if saying.verb not in ACTS:
        raise UsageError(
            f"nothing is done at a gate by {saying.verb!r}", fix=f"one of {', '.join(ACTS)}"
        )
    context = page.context_of(request)
    release = release_view.release_of(request, key)
    done = gating.act(
        context.store,
        context.estate.current().estate,
        release,
        saying.verb,
        who=context.who,
        reason=saying.reason,
        gate=gate,
    )
    return {"act": done.id, "gate": done.gate, "person": done.person, "verb": done.verb}
