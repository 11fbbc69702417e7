"""Objectives: what is promised, how much of each budget is left, how fast it goes."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telford.app import objective_page
from telford.portal import page, picture

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 200
HOUR_SECONDS = 3600.0


@router.get("/objectives")
def show(request: Request) -> Response:
    """Every objective in the place that is looked at, the worst first."""
    views = views_of(request)
    state, text = request.query_params.get("state", ""), request.query_params.get("q", "").lower()
    kept = [
        one
        for one in views
        if (not state or one.state == state) and text in f"{one.address} {one.service} {one.owner}"
    ]
    sheet = page.Sheet(
        "objectives", "Objectives", (page.Crumb("Objectives"),), ("estate", "objectives")
    )
    return page.render(
        request,
        "objectives.html",
        sheet,
        objectives=kept[:MAX_SHOWN],
        total=len(kept),
        counts=_counts(views),
        state=state,
        text=text,
    )


@router.get("/objectives/{name}")
def one(request: Request, name: str) -> Response:
    """The page of one objective."""
    context = page.context_of(request)
    described = context.estate.current()
    found = described.estate.find(f"objective/{name}")
    if len(found) != 1:
        raise HTTPException(404, f"the estate has no objective/{name}")
    place = page.place_of(request, described)
    where = str(place) if place else ""
    evaluated = context.store.objectives.get(where, str(found[0].address))
    view = objective_page.page(described.estate, found[0], place, evaluated)
    href = page.linker(request)
    crumbs = (page.Crumb("Objectives", href("/objectives")), page.Crumb(view.address, "", True))
    sheet = page.Sheet("objectives", view.name, crumbs, ("estate", "objectives"), tab=view.address)
    return page.render(
        request,
        "objective.html",
        sheet,
        view=view,
        spark=_spark(request, view, where),
        releases=context.store.releases.find(place=where, service=view.service, limit=5)
        if view.service
        else (),
    )


def views_of(request: Request) -> tuple[objective_page.ObjectiveView, ...]:
    """All objectives in the place that is looked at."""
    context = page.context_of(request)
    described = context.estate.current()
    place = page.place_of(request, described)
    evaluated = context.store.objectives.of(str(place)) if place else ()
    return objective_page.pages(described.estate, place, evaluated)


def _counts(views: tuple[objective_page.ObjectiveView, ...]) -> dict[str, int]:
    counts = dict.fromkeys(objective_page.WORST_FIRST, 0)
    for view in views:
        counts[view.state] = counts.get(view.state, 0) + 1
    return {state: count for state, count in counts.items() if count}


def _spark(
    request: Request, view: objective_page.ObjectiveView, place: str
) -> picture.Spark | None:
    """The last hour, a point a minute; None where nothing was counted."""
    if not view.sli or not view.service:
        return None
    context = page.context_of(request)
    now = context.clock.now()
    found = context.store.measurements.series(place, view.service, view.sli, now - HOUR_SECONDS)
    return picture.spark(objective_page.per_minute(found, now), 1 - view.target)
