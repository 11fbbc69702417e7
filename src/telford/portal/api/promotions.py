"""``/api``: which release is where and what could go on; quarantines, and lifting one."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from telford.app import promotion
from telford.app import quarantine as quarantines
from telford.portal import page

router = APIRouter(prefix="/api", tags=["promotions"])


class Lift(BaseModel):
    """Why a version may come again."""

    reason: str = Field(min_length=1, max_length=2000)


@router.get("/promotions")
def promotions(request: Request, service: str = "") -> dict[str, Any]:
    """Every service (or one) over all places: version, since when, what could come next and why
    it waits.
    """
    context = page.context_of(request)
    estate, now = context.estate.current().estate, context.clock.now()
    rows = promotion.matrix(context.store, estate, now, service)
    return {"promotions": [row.as_json() for row in rows]}


@router.get("/quarantines")
def held(request: Request, place: str = "", *, everything: bool = False) -> dict[str, Any]:
    """The versions that are kept out of places; lifted ones too with `everything`."""
    store = page.context_of(request).store
    found = store.quarantines.of(place, active=not everything)
    return {"quarantines": [quarantines.as_json(one) for one in found]}


@router.post("/quarantines/{key}/lift")
def lift(request: Request, key: str, given: Lift) -> dict[str, Any]:
    """Let a version in again."""
    context = page.context_of(request)
    done = quarantines.lift(context.store, key, who=context.who, reason=given.reason)
    return quarantines.as_json(done)
