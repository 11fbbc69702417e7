"""One entity: owner, dependencies as a picture, promises, releases, artifacts, every field's why."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import entity_page, matrix
from telford.app.described import Described
from telford.basics.errors import TelfordError
from telford.estate.artifact import Artifact
from telford.estate.model import Entity
from telford.estate.place import Place
from telford.portal import page, picture
from telford.road import conformance

router = APIRouter(include_in_schema=False)

MAX_RELEASES = 8
MAX_ARTIFACTS = 60
"""An entity causes a dozen; a system's page shows none."""
MAX_FIELDS = 300
"""More than anybody compares by eye; the command has all."""


@router.get("/catalogue/{kind}/{name}")
def show(request: Request, kind: str, name: str) -> Response:
    """The page of one address; a short form leads to the canonical one."""
    context = page.context_of(request)
    described = context.estate.current()
    asked = f"{kind}/{name}"
    found = described.estate.find(asked)
    if not found:
        raise HTTPException(404, f"the estate has no {asked}")
    if len(found) > 1:
        return _choose(request, asked, found)
    entity = found[0]
    address = str(entity.address)
    if address != asked:
        return RedirectResponse(page.linker(request)(page.entity_path(address)), status_code=303)
    return _page(request, described, entity)


@router.get("/catalogue/{kind}/{name}/artifacts")
def artifacts(request: Request, kind: str, name: str) -> Response:
    """What the targets generate for it here, as a part of the page: it is fetched after the page,
    because rendering a large estate the first time takes a moment.
    """
    context = page.context_of(request)
    described = context.estate.current()
    found = described.estate.find(f"{kind}/{name}")
    place = page.place_of(request, described)
    if len(found) != 1 or place is None:
        raise HTTPException(404, f"the estate has no {kind}/{name}")
    made: tuple[Artifact, ...] = ()
    problem = ""
    try:
        made = tuple(context.artifacts.of(str(found[0].address), str(place)))
    except TelfordError as error:
        # An estate that does not build says why on the page; nothing is broken here.
        problem = error.message
    return page.fragment(
        request,
        "artifacts.html",
        artifacts=made[:MAX_ARTIFACTS],
        problem=problem,
        more=max(len(made) - MAX_ARTIFACTS, 0),
    )


@router.get("/catalogue/{kind}/{name}/matrix")
def across(request: Request, kind: str, name: str) -> Response:
    """One thing across all places, as a part of the page: fetched after it, as artifacts are."""
    described = page.context_of(request).estate.current()
    found = described.estate.find(f"{kind}/{name}")
    if len(found) != 1:
        raise HTTPException(404, f"the estate has no {kind}/{name}")
    view, problem = None, ""
    try:
        view = matrix.matrix(described.estate, str(found[0].address))
    except TelfordError as error:
        problem = error.message
    different = view.different[:MAX_FIELDS] if view else ()
    same = view.same[:MAX_FIELDS] if view else ()
    return page.fragment(
        request,
        "matrix.html",
        view=view,
        problem=problem,
        different=different,
        same=same,
        cut=len(view.rows) - len(different) - len(same) if view else 0,
        shown=entity_page.text_of,
    )


def _page(request: Request, described: Described, entity: Entity) -> Response:
    context = page.context_of(request)
    address = str(entity.address)
    place = page.place_of(request, described)
    row = described.index.by_address[address]
    named = described.mentions
    view = entity_page.page(described.estate, entity, row, described.connections, named, place)
    return page.render(
        request,
        "entity.html",
        _sheet(request, view),
        view=view,
        drawing=picture.draw(view.row, view.uses, view.used_by, described.index),
        members=[one for one in described.index.rows if one.system == row.name]
        if row.kind == "System"
        else [],
        owned=[one for one in described.index.rows if one.owner == address],
        releases=context.store.releases.find(service=address, limit=MAX_RELEASES),
        bound=context.store.bindings.get(str(place), address) if place else None,
        evaluated=_evaluated(request, address, place),
        demanded=conformance.applies(entity.spec),
        index=described.index,
    )


def _sheet(request: Request, view: entity_page.EntityPage) -> page.Sheet:
    href = page.linker(request)
    row = view.row
    system = f"system/{row.system}"
    between = (page.Crumb(system, href(page.entity_path(system)), True),) if row.system else ()
    crumbs = (
        page.Crumb("Catalogue", href("/catalogue")),
        *between,
        page.Crumb(row.address, "", True),
    )
    topics = ("estate", "releases", "objectives") if row.kind == "Service" else ("estate",)
    return page.Sheet("catalogue", row.name, crumbs, topics, tab=row.address)


def _evaluated(request: Request, address: str, place: Place | None) -> dict[str, object]:
    if place is None:
        return {}
    found = page.context_of(request).store.objectives.of(str(place), address)
    return {one.objective: one for one in found}


def _choose(request: Request, asked: str, found: tuple[Entity, ...]) -> Response:
    sheet = page.Sheet(
        "catalogue",
        "Several have this name",
        (page.Crumb("Catalogue", page.linker(request)("/catalogue")), page.Crumb(asked, "", True)),
        ("estate",),
        status=300,
    )
    addresses = [str(one.address) for one in found]
    return page.render(request, "choose.html", sheet, asked=asked, addresses=addresses)
