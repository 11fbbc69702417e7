"""Starting a release: choose, look at what it would do and how long it needs, say why, start."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.basics.errors import RefusedError, TelfordError, UsageError
from telford.portal import forms, page
from telford.portal.context import Prospect, Wanted

router = APIRouter(include_in_schema=False)


@router.get("/releases/new")
def ask(request: Request) -> Response:
    """The form; with a service and a version in the URL, also the plan."""
    given = {key: request.query_params.get(key, "")[:200] for key in ("service", "version")}
    return _form(request, given, {})


@router.post("/releases/new")
def start(request: Request, fields: Annotated[dict[str, str], Depends(forms.form)]) -> Response:
    """Start it, or show the form again with what is missing."""
    wrong = {}
    if not fields.get("reason"):
        wrong["reason"] = "Say why, in a few words: it is what others read later."
    if not fields.get("version"):
        wrong["version"] = "Name the version to release."
    wanted = _wanted(request, fields)
    if wrong or not wanted.service:
        return _form(request, fields, wrong)
    try:
        key = page.context_of(request).acts.start(wanted)
    except (RefusedError, UsageError) as error:
        return _form(request, fields, {"version": error.message})
    return RedirectResponse(page.linker(request)(f"/releases/{key}"), status_code=303)


def _wanted(request: Request, fields: dict[str, str]) -> Wanted:
    context = page.context_of(request)
    described = context.estate.current()
    named = fields.get("service", "")
    found = described.estate.find(named) or described.estate.find(f"service/{named}")
    place = page.place_of(request, described)
    return Wanted(
        service=str(found[0].address) if len(found) == 1 else "",
        version=fields.get("version", ""),
        place=str(place) if place else "",
        who=context.who,
        reason=fields.get("reason", ""),
    )


def _form(request: Request, given: dict[str, str], wrong: dict[str, str]) -> Response:
    context = page.context_of(request)
    described = context.estate.current()
    wanted = _wanted(request, given)
    prospect = _prospect(request, wanted) if wanted.service and wanted.version else None
    crumbs = (page.Crumb("Releases", page.linker(request)("/releases")), page.Crumb("Start"))
    sheet = page.Sheet("releases", "Start a release", crumbs, status=422 if wrong else 200)
    bound = {one.service: one.version for one in context.store.bindings.of(wanted.place)}
    return page.render(
        request,
        "start.html",
        sheet,
        wanted=wanted,
        wrong=wrong,
        prospect=prospect,
        services=[row.address for row in described.index.rows if row.kind == "Service"],
        running=bound,
        who=context.who,
    )


def _prospect(request: Request, wanted: Wanted) -> Prospect:
    try:
        return page.context_of(request).acts.prospect(wanted)
    except TelfordError as error:
        return Prospect((), error.message)
