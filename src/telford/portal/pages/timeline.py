"""A service's releases over time: what each place ran when, as bars on one axis."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import timeline
from telford.portal import page

router = APIRouter(include_in_schema=False)

MAX_RELEASES = 200
"""The newest; a picture of more is a smear."""
MAX_SERVICES = 2_000
"""In the list to choose from; the address takes any."""


@router.get("/timeline")
def show(request: Request) -> Response:
    """One service's; without one, a form to choose it."""
    service = resolved(request, request.query_params.get("service", "")[:200])
    span = request.query_params.get("span", "")[:20]
    href = page.linker(request)
    crumbs = (page.Crumb("Releases", href("/releases")), page.Crumb("Timeline"))
    rows = page.context_of(request).estate.current().index.rows
    services = [row.address for row in rows if row.kind == "Service"]
    sheet = page.Sheet("releases", "Timeline", crumbs, ("releases",))
    return page.render(
        request,
        "timeline.html",
        sheet,
        services=services[:MAX_SERVICES],
        service=service,
        span=span,
        spans=timeline.SPANS,
        found=view_of(request, service, span) if service else None,
    )


def resolved(request: Request, text: str) -> str:
    """A service's canonical address, where the estate knows it; else the text as it is."""
    if not text:
        return ""
    estate = page.context_of(request).estate.current().estate
    found = estate.find(text if "/" in text else f"service/{text}")
    return str(found[0].address) if len(found) == 1 else text


def view_of(request: Request, service: str, span: str = "") -> timeline.Timeline:
    """The timeline of one service, over one of `timeline.SPANS` or all ("")."""
    context = page.context_of(request)
    store = context.store
    releases = store.releases.brief(service, limit=MAX_RELEASES)
    places = {one.place for one in store.bindings.everywhere(service)}
    kept: dict[str, list[str]] = {}
    for one in store.quarantines.of(service=service):
        kept.setdefault(one.place, []).append(one.version)
    return timeline.timeline(
        service,
        {place: store.bindings.history(place, service) for place in places},
        releases,
        kept,
        now=context.clock.now(),
        span=span,
    )
