"""The map of the estate, and the same as a list for those who do not see or do not like pictures."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import map_page
from telford.portal import page
from telford.portal.pages import catalogue as catalogue_page

router = APIRouter(include_in_schema=False)

DEPTHS = (1, 2, 3, map_page.MAX_DEPTH)


@router.get("/map")
def show(request: Request) -> Response:
    """The map that the URL asks for; the script draws what ``/api/graph`` gives for it."""
    described = page.context_of(request).estate.current()
    query = query_of(request)
    sheet = page.Sheet(
        "map", "Map", (page.Crumb("Map"),), ("estate",), scripts=("map.js",), tab="Map"
    )
    return page.render(
        request,
        "map.html",
        sheet,
        query=query,
        index=described.index,
        view=map_page.draw(described.index, described.connections, query),
        connections=described.connections,
        depths=DEPTHS,
        limit=map_page.MAX_NODES,
        focus_row=described.index.by_address.get(query.focus),
    )


def query_of(request: Request) -> map_page.Query:
    """The query of a URL."""
    given = request.query_params
    described = page.context_of(request).estate.current()
    focus = described.estate.find(given.get("focus", ""))
    depth = catalogue_page.number(given.get("depth", ""))
    return map_page.Query(
        focus=str(focus[0].address) if len(focus) == 1 else "",
        depth=2 if depth is None else depth,
        owner=given.get("owner", ""),
        system=given.get("system", ""),
        tier=catalogue_page.number(given.get("tier", "")),
    )
