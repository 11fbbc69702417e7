"""What `telford check` says about the estate now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.portal import page

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 200
"""Nobody reads more at once; `telford check` prints all."""


@router.get("/problems")
def show(request: Request) -> Response:
    """Every diagnostic, worst first within its file."""
    described = page.context_of(request).estate.current()
    sheet = page.Sheet("", "Problems of the estate", (page.Crumb("Problems"),), ("estate",))
    return page.render(
        request,
        "problems.html",
        sheet,
        shown=described.diagnostics[:MAX_SHOWN],
        total=len(described.diagnostics),
    )
