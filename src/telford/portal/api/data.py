"""``/api/data``: how the data of a service stand in a place, and what people ask of its plan."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request

from telford.app import data as use_case
from telford.app import data_page, places
from telford.deliver.policy import Policy
from telford.estate import overlays
from telford.portal import page
from telford.portal.pages import release as release_view

router = APIRouter(prefix="/api", tags=["data"])


class Wish(BaseModel):
    """What is asked of a data plan, and why."""

    verb: Literal["pause", "resume", "contract", "stop"]
    place: str
    reason: str = Field(min_length=1, max_length=2000)


@router.get("/data/{service}")
def show(request: Request, service: str, place: str) -> dict[str, Any]:
    """The data plan of a service in a place, from the record."""
    return _overview(request, service, place).as_json()


@router.post("/data/{service}", status_code=202)
def ask(request: Request, service: str, wish: Wish) -> dict[str, Any]:
    """Pause, resume, contract or stop the plan; the controller's next tick obeys."""
    context = page.context_of(request)
    seen = _overview(request, service, wish.place)
    use_case.wish(context.store, seen.plan, wish.verb, who=context.who, reason=wish.reason)
    return {"service": seen.service, "place": seen.place, "asked": wish.verb}


@router.get("/releases/{key}/data")
def of_release(request: Request, key: str) -> dict[str, Any]:
    """The data panel of a release; 404 where it changes no data."""
    release = release_view.release_of(request, key)
    steps = Policy.from_json(release.policy).data
    found = data_page.panel(page.context_of(request).store, release, steps)
    if found is None:
        raise HTTPException(404, f"{key} changes no data")
    return found.as_json()


def _overview(request: Request, service: str, place: str) -> use_case.Overview:
    context = page.context_of(request)
    estate = context.estate.current().estate
    binding = overlays.bind(estate, places.choose(estate, place))
    return use_case.overview(context.store, binding, service)
