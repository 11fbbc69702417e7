"""Two releases beside each other: what was released, by which settings, and what came of it."""

from collections.abc import Sequence

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import release_compare
from telford.portal import page
from telford.portal.pages import release as release_view
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)

MAX_CHOICES = 100


@router.get("/compare")
def show(request: Request) -> Response:
    """The releases `a` and `b`; with one or none, a form to choose."""
    first, second = (request.query_params.get(one, "")[:200] for one in ("a", "b"))
    store = page.context_of(request).store
    rows = [release_view.release_of(request, key) for key in (first, second) if key]
    service = rows[0].service if rows else ""
    found = release_compare.compare(rows[0], rows[1]) if first and second else None
    href = page.linker(request)
    crumbs = (page.Crumb("Releases", href("/releases")), page.Crumb("Compare"))
    topics = tuple(dict.fromkeys(f"release/{one.id}" for one in rows))
    return page.render(
        request,
        "compare.html",
        page.Sheet("releases", "Compare two releases", crumbs, topics),
        found=found,
        a=first,
        b=second,
        choices=_choices(store.releases.find(service=service, limit=MAX_CHOICES), rows),
    )


def _choices(near: Sequence[Release], rows: Sequence[Release]) -> list[Release]:
    """What one can choose, newest first, with what is chosen already."""
    known = {one.id for one in near}
    return [*(one for one in rows if one.id not in known), *near]
