"""Acting on a release: a form that shows what would happen, then asks why, then does it."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import release_acts
from telford.basics.errors import RefusedError
from telford.deliver.state import State
from telford.portal import forms, page
from telford.portal.pages import release as release_view
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)


@router.get("/releases/{key}/{verb}")
def ask(request: Request, key: str, verb: str) -> Response:
    """The form of one act."""
    release = _known(request, key, verb)
    return _form(request, release, verb, {}, {})


@router.post("/releases/{key}/{verb}")
def do(
    request: Request, key: str, verb: str, fields: Annotated[dict[str, str], Depends(forms.form)]
) -> Response:
    """Do it, or show the form again with what is missing."""
    release = _known(request, key, verb)
    dangerous = verb in release_acts.DANGEROUS
    wrong = problems(release.name, fields, dangerous=dangerous)
    if wrong:
        return _form(request, release, verb, fields, wrong)
    context = page.context_of(request)
    # Raises where it is impossible now: better said here than by the controller a tick later.
    release_acts.plan(State.from_json(release.state), verb, context.clock.now())
    context.acts.command(release.id, verb, context.who, fields["reason"])
    path = page.linker(request)(f"/releases/{release.id}")
    return RedirectResponse(path, status_code=303)


def problems(name: str, fields: Mapping[str, str], *, dangerous: bool) -> dict[str, str]:
    """What the form still lacks: field -> what to do; a dangerous act wants the service's name."""
    wrong = {}
    if not fields.get("reason"):
        wrong["reason"] = "Say why, in a few words: it is what others read later."
    if dangerous and fields.get("name", "") != name:
        wrong["name"] = f"Type {name}, exactly."
    return wrong


def _known(request: Request, key: str, verb: str) -> Release:
    if verb not in release_acts.VERBS:
        raise HTTPException(404, f"a release cannot be told to {verb}")
    return release_view.release_of(request, key)


def _form(
    request: Request, release: Release, verb: str, fields: dict[str, str], wrong: dict[str, str]
) -> Response:
    now = page.context_of(request).clock.now()
    state = State.from_json(release.state)
    act = release_acts.act(state, verb, now)
    try:
        plan, refusal = release_acts.plan(state, verb, now), ""
    except RefusedError as error:
        plan, refusal = (), error.message
    return form(request, release, act, plan, refusal, fields, wrong)


def form(
    request: Request,
    release: Release,
    act: release_acts.Act,
    plan: tuple[str, ...],
    refusal: str,
    fields: dict[str, str],
    wrong: dict[str, str],
) -> Response:
    """The page of one act: what it will do, why, and the name where it is dangerous."""
    href = page.linker(request)
    title = f"{act.label} {release.name} {release.to_version}"
    crumbs = (
        page.Crumb("Releases", href("/releases")),
        page.Crumb(f"{release.name} {release.to_version}", href(f"/releases/{release.id}")),
        page.Crumb(act.label),
    )
    status = 409 if refusal else 422 if wrong else 200
    sheet = page.Sheet("releases", title, crumbs, status=status)
    return page.render(
        request,
        "act.html",
        sheet,
        about=release.name,
        lede=f"In {release.place}, from {release.from_version} to {release.to_version}.",
        back=href(f"/releases/{release.id}"),
        what="the release",
        act=act,
        plan=plan,
        refusal=refusal,
        given=fields,
        wrong=wrong,
        who=page.context_of(request).who,
    )
