"""The catalogue: search, filter, sort. One page of rows whatever the estate's size."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import catalogue
from telford.portal import page

router = APIRouter(include_in_schema=False)


@router.get("/catalogue")
def show(request: Request) -> Response:
    """The rows that match the query of the URL."""
    described = page.context_of(request).estate.current()
    query = query_of(request)
    sheet = page.Sheet("catalogue", "Catalogue", (page.Crumb("Catalogue"),), ("estate",))
    return page.render(
        request,
        "catalogue.html",
        sheet,
        index=described.index,
        query=query,
        found=catalogue.find(described.index, query),
        sorts=SORTS,
        asked=asked_of(query),
    )


SORTS = (
    ("name", "Name"),
    ("kind", "Kind"),
    ("system", "System"),
    ("owner", "Owner"),
    ("tier", "Tier"),
)


def query_of(request: Request) -> catalogue.Query:
    """The query of a URL; what makes no sense there is as if it were not there."""
    given = request.query_params
    sort = given.get("sort", "kind")
    return catalogue.Query(
        text=given.get("q", "")[:200],
        kind=given.get("kind", ""),
        owner=given.get("owner", ""),
        system=given.get("system", ""),
        tier=number(given.get("tier", "")),
        sort=sort if sort in catalogue.SORTS else "kind",
        descending=given.get("order") == "down",
        offset=number(given.get("offset", "")) or 0,
        limit=number(given.get("limit", "")) or catalogue.PAGE_SIZE,
    )


def asked_of(query: catalogue.Query) -> dict[str, object]:
    """The query as URL fields, without the page and the order."""
    return {
        "q": query.text,
        "kind": query.kind,
        "owner": query.owner,
        "system": query.system,
        "tier": query.tier,
    }


def number(text: str) -> int | None:
    """A small whole number, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else None
