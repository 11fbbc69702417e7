"""Acting on a release that ended: try it once more, or bring back what it brought.

Both are new releases: the form shows what the new one would do, asks why and for the service's
name, and leads to it. Must stand before `act` in the list of routers, whose verbs have the same
form of address.
"""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import release_again, release_prospect
from telford.app.release_acts import Act
from telford.basics.errors import TelfordError
from telford.portal import forms, page
from telford.portal.pages import act as acting
from telford.portal.pages import release as release_view
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)

_LABELS = {"retry": "Retry", "rollback": "Roll back to"}


@router.get("/releases/{key}/retry")
@router.get("/releases/{key}/rollback")
def ask(request: Request, key: str) -> Response:
    """The form, with the plan of the new release."""
    return _form(request, release_view.release_of(request, key), _verb(request), {}, {})


@router.post("/releases/{key}/retry")
@router.post("/releases/{key}/rollback")
def do(
    request: Request, key: str, fields: Annotated[dict[str, str], Depends(forms.form)]
) -> Response:
    """Begin the new release, or show the form again with what is missing."""
    release, verb = release_view.release_of(request, key), _verb(request)
    context = page.context_of(request)
    wrong = acting.problems(release.name, fields, dangerous=True)
    if wrong:
        return _form(request, release, verb, fields, wrong)
    prepared = release_prospect.again(context.store, release, verb, context.clock.now())
    why = f"retry of {release.id}" if verb == "retry" else f"back to {release.id}"
    made = release_again.start(
        context.store,
        prepared,
        who=context.who,
        why=why,
        reason=fields["reason"],
        now=context.clock.now(),
    )
    path = page.linker(request)(f"/releases/{made.id}")
    return RedirectResponse(path, status_code=303)


def _verb(request: Request) -> str:
    return request.url.path.rpartition("/")[2]


def _form(
    request: Request, release: Release, verb: str, fields: dict[str, str], wrong: dict[str, str]
) -> Response:
    context = page.context_of(request)
    plan: tuple[str, ...] = ()
    refusal = ""
    try:
        plan = release_prospect.steps(
            release_prospect.again(context.store, release, verb, context.clock.now())
        )
    except TelfordError as error:
        refusal = f"{error.message}; {error.fix}" if error.fix else error.message
    act = Act(verb, _LABELS[verb], "", refusal, dangerous=True)
    return acting.form(request, release, act, plan, refusal, fields, wrong)
