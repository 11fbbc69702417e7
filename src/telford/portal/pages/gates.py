"""The gates of a release: each one, why it is closed, what opens it, and the forms to do so.

Must stand before `act` in the list of routers, whose verbs have the same form of address.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import gating
from telford.basics.errors import RefusedError, TelfordError
from telford.deliver.gates import ACTS
from telford.portal import forms, page
from telford.portal.pages import release as release_view
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)

WORDS = {
    "budget": "the error budget decides",
    "approval": "people decide",
    "window": "the calendar decides",
    "soak": "time decides",
    "dependency": "what it needs decides",
    "webhook": "a webhook decides",
    "command": "a command decides",
    "record": "a change record decides",
}
MOMENTS = {
    "start": "before it starts",
    "step": "before each further step",
    "promote": "before it is finished",
}
LABELS = {
    "approve": "Approve",
    "refuse": "Refuse",
    "override": "Override",
    "withdraw": "Take back what I said",
}


@router.get("/releases/{key}/gates")
def show(request: Request, key: str) -> Response:
    """The page of a release's gates."""
    return _page(request, release_view.release_of(request, key))


@router.post("/releases/{key}/gates")
def do(
    request: Request, key: str, fields: Annotated[dict[str, str], Depends(forms.form)]
) -> Response:
    """Do what a form asks, or show the page again with what is missing or the answer."""
    release = release_view.release_of(request, key)
    context = page.context_of(request)
    verb, gate = fields.get("verb", ""), fields.get("gate", "")
    if verb not in ACTS:
        raise HTTPException(404, f"nothing is done at a gate by {verb!r}")
    estate = context.estate.current().estate
    given = fields.get("reason", "")
    try:
        gating.act(context.store, estate, release, verb, who=context.who, reason=given, gate=gate)
    except TelfordError as error:
        if not any(one["name"] == gate for one in release.policy.get("gates", ())):
            raise
        status = 409 if isinstance(error, RefusedError) else 422
        wrong = {gate: f"{error.message}. {error.fix}".removesuffix(" ")}
        return _page(request, release, wrong, {gate: given}, status)
    path = page.linker(request)(f"/releases/{release.id}/gates")
    return RedirectResponse(f"{path}#gate-{gate}", status_code=303)


def _page(
    request: Request,
    release: Release,
    wrong: dict[str, str] | None = None,
    given: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    context = page.context_of(request)
    estate = context.estate.current().estate
    view = gating.look(context.store, estate, release, context.who, context.clock.now())
    href = page.linker(request)
    title = f"Gates of {release.name} {release.to_version}"
    crumbs = (
        page.Crumb("Releases", href("/releases")),
        page.Crumb(f"{release.name} {release.to_version}", href(f"/releases/{release.id}")),
        page.Crumb("Gates"),
    )
    topics = () if status != 200 else (f"release/{release.id}", "estate")
    sheet = page.Sheet("releases", title, crumbs, topics, status=status)
    return page.render(
        request,
        "gates.html",
        sheet,
        release=release,
        view=view,
        wrong=wrong or {},
        given=given or {},
        who=context.who,
        words=WORDS,
        moments=MOMENTS,
        labels=LABELS,
    )
