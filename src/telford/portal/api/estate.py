"""``/api``: the estate as JSON: entities, one entity, the graph, the diagnostics."""

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from telford.app import catalogue, entity_page, map_page
from telford.portal import page
from telford.portal.pages import catalogue as catalogue_page
from telford.portal.pages import map as map_view

router = APIRouter(prefix="/api", tags=["estate"])


@router.get("/entities")
def entities(  # one parameter a field of the query, so that OpenAPI says them
    request: Request,
    q: str = "",
    kind: str = "",
    owner: str = "",
    sort: str = "kind",
    offset: int = 0,
    limit: int = catalogue.PAGE_SIZE,
) -> dict[str, Any]:
    """The entities that match; `tier` and `system` filter as well."""
    index = page.context_of(request).estate.current().index
    found = catalogue.find(index, catalogue_page.query_of(request))
    return {
        "total": found.total,
        "offset": found.offset,
        "entities": [row.as_json() for row in found.rows],
    }


@router.get("/entities/{kind}/{name}")
def entity(request: Request, kind: str, name: str) -> dict[str, Any]:
    """One entity, with its dependencies, its blast radius and every field's source; `in` names the
    place that its fields are resolved for.
    """
    described = page.context_of(request).estate.current()
    found = described.estate.find(f"{kind}/{name}")
    if len(found) != 1:
        several = ", ".join(str(one.address) for one in found)
        raise HTTPException(404, f"which one: {several}?" if found else f"no {kind}/{name}")
    row = described.index.by_address[str(found[0].address)]
    place = page.place_of(request, described)
    return entity_page.page(
        described.estate, found[0], row, described.connections, described.mentions, place
    ).as_json()


@router.get("/graph")
def graph(  # one parameter a field of the query, so that OpenAPI says them
    request: Request, focus: str = "", depth: int = 2, owner: str = "", system: str = ""
) -> dict[str, Any]:
    """The map: what runs, with its dependencies, folded into systems where it is much; `tier`,
    `kind`, `in` (a place) and `open` (systems that are not folded, or ``all``) narrow it as well.
    """
    described = page.context_of(request).estate.current()
    asked = map_view.asked_of(request)
    return map_page.draw(described.index, asked.known, asked.query).as_json()


@router.get("/diagnostics")
def diagnostics(request: Request) -> dict[str, Any]:
    """What `telford check` says now."""
    described = page.context_of(request).estate.current()
    return {
        "errors": page.errors_of(described),
        "stale": described.problem or None,
        "diagnostics": [one.as_json() for one in described.diagnostics],
    }
