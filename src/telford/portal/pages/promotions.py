"""Promotions: which release of each service is where, what waits and why; and what is kept out.

A quarantine is lifted here as on the command line: by a person, with a reason.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import promotion
from telford.app import quarantine as quarantines
from telford.portal import forms, page

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 200
"""Nobody reads more services at once; `telford promotions --json` has all."""


@router.get("/promotions")
def show(request: Request) -> Response:
    """Every service over all places, and every quarantine that holds."""
    return _sheet(request, {}, "")


@router.post("/promotions/lift/{key}")
def lift(
    request: Request, key: str, fields: Annotated[dict[str, str], Depends(forms.form)]
) -> Response:
    """Let a version in again, or show the form again with what is missing."""
    context = page.context_of(request)
    if context.store.quarantines.get(key) is None:
        raise HTTPException(404, f"there is no quarantine {key}")
    reason = fields.get("reason", "")
    if not reason:
        return _sheet(request, {key: "Say why, in a few words: it is what others read later."}, key)
    quarantines.lift(context.store, key, who=context.who, reason=reason)
    return RedirectResponse(page.linker(request)("/promotions"), status_code=303)


def _sheet(request: Request, wrong: dict[str, str], opened: str) -> Response:
    context = page.context_of(request)
    described = context.estate.current()
    wanted = request.query_params.get("service", "")[:200]
    rows = promotion.matrix(context.store, described.estate, context.clock.now(), wanted)
    held = context.store.quarantines.of()
    crumbs = (page.Crumb("Releases", page.linker(request)("/releases")), page.Crumb("Promotions"))
    status = 422 if wrong else 200
    sheet = page.Sheet("releases", "Promotions", crumbs, ("releases", "audit"), status=status)
    return page.render(
        request,
        "promotions.html",
        sheet,
        rows=rows[:MAX_SHOWN],
        total=len(rows),
        held=held,
        wrong=wrong,
        opened=opened,
        service=wanted,
    )
