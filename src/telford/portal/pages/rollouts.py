"""Rollouts: one version on its way through several places, as waves on a map of places, and acts."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import rollout, rollout_acts, rollout_page
from telford.basics.errors import RefusedError, TelfordError, UsageError
from telford.deliver.state import Phase
from telford.deliver.turns import VERBS
from telford.portal import forms, page
from telford.portal.context import Prospect, Wanted
from telford.portal.pages import act as acting
from telford.portal.pages import timeline

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 50
"""The newest; older ones by the service they are of."""
KEEPS = {"keep": True, "back": False}
"""What the form says of places that have everything, as `keep` of an abort."""


@router.get("/rollouts")
def listed(request: Request) -> Response:
    """The newest rollouts, of all services or of one."""
    context = page.context_of(request)
    service = timeline.resolved(request, request.query_params.get("service", "")[:200])
    found = context.store.rollouts.find(service=service, limit=MAX_SHOWN)
    href = page.linker(request)
    crumbs = (page.Crumb("Releases", href("/releases")), page.Crumb("Rollouts"))
    return page.render(
        request,
        "rollouts.html",
        page.Sheet("releases", "Rollouts", crumbs, ("releases",)),
        views=rollout_page.lines(context.store, found, context.clock.now()),
        service=service,
        limit=MAX_SHOWN,
    )


@router.get("/rollouts/new")
def ask(request: Request) -> Response:
    """The form; with a service and a version in the URL, also the plan."""
    given = {key: request.query_params.get(key, "")[:200] for key in ("service", "version")}
    return _form(request, given, {})


@router.post("/rollouts/new")
def start(request: Request, fields: Annotated[dict[str, str], Depends(forms.form)]) -> Response:
    """Begin it, or show the form again with what is missing."""
    wrong = {}
    if not fields.get("reason"):
        wrong["reason"] = "Say why, in a few words: it is what others read later."
    wanted = _wanted(request, fields)
    if wrong or not wanted.service or not wanted.version:
        return _form(request, fields, wrong)
    try:
        key = page.context_of(request).acts.rollout(wanted)
    except (RefusedError, UsageError) as error:
        return _form(request, fields, {"version": error.message})
    return RedirectResponse(page.linker(request)(f"/rollouts/{key}"), status_code=303)


@router.get("/rollouts/{key}")
def show(request: Request, key: str) -> Response:
    """One rollout."""
    view = rollout_page.page(standing_of(request, key))
    one = view.standing.rollout
    href = page.linker(request)
    crumbs = (
        page.Crumb("Releases", href("/releases")),
        page.Crumb("Rollouts", href("/rollouts")),
        page.Crumb(f"{one.name} {one.to_version}"),
    )
    tab = f"{one.name} {one.to_version} {view.done} of {view.total}"
    title = f"Rollout of {one.name} {one.to_version}"
    sheet = page.Sheet("releases", title, crumbs, ("releases",), tab=tab)
    return page.render(request, "rollout.html", sheet, view=view)


@router.get("/rollouts/{key}/{verb}")
def ask_act(request: Request, key: str, verb: str) -> Response:
    """The form of one act on the whole rollout."""
    return _act_form(request, standing_of(request, key), verb, {}, {})


@router.post("/rollouts/{key}/{verb}")
def act(
    request: Request, key: str, verb: str, fields: Annotated[dict[str, str], Depends(forms.form)]
) -> Response:
    """Do it, or show the form again with what is missing."""
    context = page.context_of(request)
    found = standing_of(request, key)
    one = _act(found, verb)
    wrong = acting.problems(found.rollout.name, fields, dangerous=one.dangerous)
    chosen = fields.get("finished", "")
    if chosen and chosen not in KEEPS:
        wrong["finished"] = "Choose one of the two."
    if wrong:
        return _act_form(request, found, verb, fields, wrong)
    rollout_acts.ask(
        context.store, found, verb, who=context.who, reason=fields["reason"], keep=KEEPS.get(chosen)
    )
    return RedirectResponse(page.linker(request)(f"/rollouts/{key}"), status_code=303)


def standing_of(request: Request, key: str) -> rollout.Standing:
    """A rollout as it stands now; 404 where there is none of that id."""
    context = page.context_of(request)
    if context.store.rollouts.get(key) is None:
        raise HTTPException(404, f"there is no rollout {key}")
    return rollout.standing(context.store, key, context.clock.now())


def _act(found: rollout.Standing, verb: str) -> rollout_acts.Act:
    if verb not in VERBS:
        raise HTTPException(404, f"a rollout cannot be told to {verb}")
    return rollout_acts.act(found, verb)


def _act_form(
    request: Request,
    found: rollout.Standing,
    verb: str,
    fields: Mapping[str, str],
    wrong: Mapping[str, str],
) -> Response:
    act, one = _act(found, verb), found.rollout
    keep = KEEPS.get(fields.get("finished", ""), rollout_acts.keeps(found, None))
    href = page.linker(request)
    back = href(f"/rollouts/{one.id}")
    finished = [place for place, phase in found.phases.items() if phase == Phase.PROMOTED.value]
    crumbs = (
        page.Crumb("Releases", href("/releases")),
        page.Crumb("Rollouts", href("/rollouts")),
        page.Crumb(f"{one.name} {one.to_version}", back),
        page.Crumb(act.label),
    )
    title = f"{act.label} the rollout of {one.name} {one.to_version}"
    status = 409 if act.refusal else 422 if wrong else 200
    return page.render(
        request,
        "rollout_act.html",
        page.Sheet("releases", title, crumbs, status=status),
        about=one.name,
        target=one.to_version,
        lede=rollout_page.line(found).sentence,
        back=back,
        what="the rollout",
        act=act,
        refusal=act.refusal,
        plan=() if act.refusal else rollout_acts.plan(found, verb),
        finished=finished,
        keep=keep,
        given=fields,
        wrong=wrong,
        who=page.context_of(request).who,
    )


def _wanted(request: Request, fields: Mapping[str, str]) -> Wanted:
    context = page.context_of(request)
    service = timeline.resolved(request, fields.get("service", ""))
    return Wanted(service, fields.get("version", ""), "", context.who, fields.get("reason", ""))


def _form(request: Request, given: Mapping[str, str], wrong: Mapping[str, str]) -> Response:
    context = page.context_of(request)
    wanted = _wanted(request, given)
    prospect = _prospect(request, wanted) if wanted.service and wanted.version else None
    href = page.linker(request)
    crumbs = (
        page.Crumb("Releases", href("/releases")),
        page.Crumb("Rollouts", href("/rollouts")),
        page.Crumb("Begin"),
    )
    sheet = page.Sheet("releases", "Begin a rollout", crumbs, status=422 if wrong else 200)
    rows = context.estate.current().index.rows
    return page.render(
        request,
        "rollout_new.html",
        sheet,
        wanted=wanted,
        wrong=wrong,
        prospect=prospect,
        services=[row.address for row in rows if row.kind == "Service"],
        running={},
        who=context.who,
    )


def _prospect(request: Request, wanted: Wanted) -> Prospect:
    try:
        return page.context_of(request).acts.rollout_prospect(wanted)
    except TelfordError as error:
        return Prospect((), f"{error.message}; {error.fix}" if error.fix else error.message)
