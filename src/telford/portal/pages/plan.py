"""The plan: what a build of the estate as it is now would change in the folder of artifacts."""

import shlex

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telford.app import plan_page
from telford.app.plan_page import Group
from telford.basics.errors import TemporaryError
from telford.plan.actions import Verb
from telford.portal import page
from telford.portal.context import Planned

router = APIRouter(include_in_schema=False)

MAX_GROUPS = 30
"""Causes of one page, the gravest first; more are on the next."""
MAX_THINGS = 50
"""Things of one cause on a page of its own."""
NAMED = 12
"""Of many things that change by one cause, on the page of all causes."""
MAX_FILES = 60
"""Files that one page shows with their fields."""
MAX_FIELDS = 30
MAX_KINDS = 6
"""Ways in which files change alike, of one cause."""
MAX_ERRORS = 20

# Meaning -> (meaning of the colour, icon). The words are those of `telford.plan.table`.
MARKS = {
    "loses-data": ("bad", "bad"),
    "stops": ("bad", "off"),
    "loosens": ("bad", "unlock"),
    "replaces": ("bad", "again"),
    "recreates": ("bad", "again"),
    "exposes": ("bad", "unlock"),
    "shrinks": ("watch", "minus"),
    "unknown": ("watch", "watch"),
    "text": ("watch", "info"),
    "restarts": ("watch", "again"),
    "releases": ("watch", "releases"),
    "secrets": ("watch", "lock"),
    "later": ("plain", "wait"),
    "reroutes": ("watch", "map"),
    "notifies": ("plain", "info"),
    "configures": ("plain", "change"),
    "runs": ("plain", "run"),
    "shows": ("plain", "objectives"),
    "hides": ("good", "lock"),
    "tightens": ("good", "lock"),
    "grows": ("plain", "plus"),
    "starts": ("plain", "run"),
    "adds": ("plain", "plus"),
    "removes": ("plain", "minus"),
    "label": ("plain", "info"),
}
VERBS = {
    Verb.CREATE: ("plus", "created"),
    Verb.CHANGE: ("change", "changed"),
    Verb.DELETE: ("minus", "deleted"),
}


@router.get("/plan")
def show(request: Request) -> Response:
    """Every cause, the gravest first."""
    now = _now(request)
    told = now.told if now is not None else None
    offset = _offset(request)
    groups = told.groups[offset : offset + MAX_GROUPS] if told is not None else ()
    return _page(
        request,
        _sheet(request, (page.Crumb("Plan"),)),
        now,
        state=state(now),
        groups=_cuts(groups),
        offset=offset,
        total=len(told.groups) if told is not None else 0,
        limit=MAX_GROUPS,
    )


@router.get("/plan/cause/{key}")
def cause(request: Request, key: str) -> Response:
    """One cause, all its things page by page; `thing` is the one that is looked at."""
    now = _now(request)
    group = now.told.by_key.get(key) if now is not None and now.told is not None else None
    thing = request.query_params.get("thing", "")
    crumbs = (page.Crumb("Plan", page.linker(request)("/plan")), page.Crumb("One cause"))
    sheet = _sheet(request, crumbs)
    if group is None:
        gone = state(now) in {"told", "nothing"}
        return _page(request, sheet, now, state="gone" if gone else state(now))
    if thing:
        details = tuple(d for d in group.details if d.action.owner == thing)
        group = plan_page.Group(group.key, group.cause, details)
    offset = _offset(request)
    files = MAX_FILES if not thing else max(MAX_FILES, len(group.details))
    shown = plan_page.cut(group, offset, MAX_THINGS, files)
    return _page(request, sheet, now, state="cause", group=group, shown=shown, thing=thing)


@router.get("/plan/lines")
def lines(request: Request) -> Response:
    """The changed lines of one `file`, as a part of the page: fetched when asked for."""
    plans = page.context_of(request).plans
    path = request.query_params.get("file", "")
    if plans is None:
        raise HTTPException(404, "no folder of artifacts is known")
    text, problem = None, ""
    try:
        text = plans.lines(path)
    except TemporaryError as error:
        problem = error.message
    # A file that the plan changes no more is no mistake: it was built while somebody looked.
    return page.fragment(request, "lines.html", path=path, text=text, problem=problem)


def state(now: Planned | None) -> str:
    """Which of its faces the page shows: no folder, loading, failed, errors, nothing, told."""
    if now is None:
        return "no-folder"
    if now.told is None:
        return "failed" if now.problem else "loading"
    if not now.told.proposal.ok:
        return "errors"
    return "told" if now.told.report.details else "nothing"


def _now(request: Request) -> Planned | None:
    plans = page.context_of(request).plans
    return plans.current() if plans is not None else None


def _offset(request: Request) -> int:
    text = request.query_params.get("offset", "0")
    return min(int(text), 10**6) if text.isascii() and text.isdigit() else 0


def _cuts(groups: tuple[Group, ...]) -> list[tuple[Group, plan_page.Slice]]:
    """What is shown of each group: all files of a small one as long as they fit on the page, and
    some names of one of many things.
    """
    found = []
    left = MAX_FILES
    for group in groups:
        shown = plan_page.cut(group, 0, NAMED, 0 if group.many else left)
        left -= sum(len(thing.details) for thing, whole in shown.rows if whole)
        found.append((group, shown))
    return found


def _sheet(request: Request, crumbs: tuple[page.Crumb, ...]) -> page.Sheet:
    return page.Sheet("plan", "Plan", crumbs, ("estate", "plan"))


def _page(request: Request, sheet: page.Sheet, now: Planned | None, **values: object) -> Response:
    told = now.told if now is not None else None
    return page.render(
        request,
        "plan.html",
        sheet,
        planned=now,
        told=told,
        command=f"telford build --out {shlex.quote(str(now.out))}" if now is not None else "",
        counts=told.proposal.plan.counts() if told is not None else {},
        marks=MARKS,
        verbs=VERBS,
        limits={"fields": MAX_FIELDS, "kinds": MAX_KINDS, "errors": MAX_ERRORS},
        rows_of=plan_page.rows,
        **values,
    )
