"""The first page: what needs eyes now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import objective_page, overview
from telford.estate.kinds import registry
from telford.portal import evidence, page

router = APIRouter(include_in_schema=False)

MAX_RELEASES = 40
MAX_AUDIT = 8


@router.get("/")
def show(request: Request) -> Response:
    """The overview of the place that is looked at."""
    sheet = page.Sheet("overview", "Overview", (), ("estate", "releases", "objectives", "audit"))
    view = view_of(request)
    return page.render(
        request,
        "overview.html",
        sheet,
        view=view,
        kinds=_kinds(request),
        records=page.context_of(request).store.audit.tail(limit=MAX_AUDIT),
    )


def view_of(request: Request) -> overview.Overview:
    """The overview as a value."""
    context = page.context_of(request)
    described = context.estate.current()
    place = page.place_of(request, described)
    name = str(place) if place else ""
    releases = context.store.releases.find(place=name, limit=MAX_RELEASES) if name else ()
    entries: evidence.Entries = request.app.state.entries
    return overview.overview(
        overview.Facts(
            place=name,
            errors=page.errors_of(described),
            kinds=described.index.kinds,
            bindings=context.store.bindings.of(name),
            releases=releases,
            entries={one.id: entries.of(one.id) for one in releases if one.active},
            objectives=objective_page.pages(
                described.estate, place, context.store.objectives.of(name)
            ),
            lease=context.store.leases.get(name),
            now=context.clock.now(),
        )
    )


def _kinds(request: Request) -> dict[str, int]:
    """How many of each kind, in the order in which the kinds are documented."""
    counted = page.context_of(request).estate.current().index.kinds
    return {name: counted[name] for name in registry.BY_NAME if name in counted}
