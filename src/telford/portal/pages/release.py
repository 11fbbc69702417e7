"""A release, live: the page that people remember."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telford.app import data_page, objective_page, release_page, release_prospect
from telford.flows import waves
from telford.portal import evidence, page
from telford.portal.context import Context
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)

LEDGER_ROWS = 60
"""One screen of ticks; the API and `telford evidence` give all."""


@router.get("/releases/{key}")
def show(request: Request, key: str) -> Response:
    """The page of one release."""
    context = page.context_of(request)
    release = release_of(request, key)
    view = view_of(request, release)
    href = page.linker(request)
    crumbs = (
        page.Crumb("Releases", href("/releases")),
        page.Crumb(release.service, href(page.entity_path(release.service)), True),
        page.Crumb(release.to_version),
    )
    sheet = page.Sheet(
        "releases",
        f"{release.name} {release.to_version}",
        crumbs,
        (f"release/{release.id}", "estate"),
        scripts=("chart.js",),
        tab=f"{release.name} {release.to_version} {release.phase}",
    )
    stable, canary = colours_of(request, release)
    return page.render(
        request,
        "release.html",
        sheet,
        view=view,
        stable_colour=stable,
        canary_colour=canary,
        rows=view.entries[:LEDGER_ROWS],
        commands=context.store.commands.of(release.id),
        data=data_page.panel(context.store, release, view.state.policy.data),
        rollout=waves.rollout_of(view.state),
        refused=_refused(context, release),
        before=_before(context, release),
    )


def _refused(context: Context, release: Release) -> Mapping[str, str]:
    """What cannot be done with a release that ended, and why."""
    if release.active:
        return {}
    return release_prospect.refusals(context.store, release, context.clock.now())


def _before(context: Context, release: Release) -> str:
    """The id of the service's release before this one in its place: what one compares with."""
    others = context.store.releases.brief(release.service)
    older = [one for one in others if one.created_at < release.created_at]
    return next((one.id for one in older if one.place == release.place), "")


def release_of(request: Request, key: str) -> Release:
    """The release of that id; 404 where there is none."""
    release = page.context_of(request).store.releases.get(key)
    if release is None:
        raise HTTPException(404, f"there is no release {key}")
    return release


def view_of(request: Request, release: Release) -> release_page.ReleasePage:
    """The view of a release as it stands now."""
    context = page.context_of(request)
    entries: evidence.Entries = request.app.state.entries
    return release_page.page(
        release, entries.of(release.id), context.clock.now(), _allowances(request, release)
    )


def colours_of(request: Request, release: Release) -> tuple[int, int]:
    """The colours of its two versions, which are theirs on every page."""
    store = page.context_of(request).store
    past = store.bindings.history(release.place, release.service)
    others = store.releases.brief(release.service)
    seen = sorted(
        [(one.at, one.version) for one in past]
        + [(one.created_at, one.to_version) for one in others]
    )
    versions = [version for _, version in seen]
    return release_page.colours(versions, release.from_version, release.to_version)


def _allowances(request: Request, release: Release) -> Mapping[str, release_page.Allowance]:
    store = page.context_of(request).store
    described = page.context_of(request).estate.current()
    evaluated = store.objectives.of(release.place, release.service)
    return objective_page.allowances(described.estate, evaluated)
