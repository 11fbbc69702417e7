"""All releases, newest first."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.portal import page
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 100


@router.get("/releases")
def show(request: Request) -> Response:
    """The releases that match the URL: of one service, of one place, on the way or ended."""
    given = request.query_params
    service, which = given.get("service", ""), given.get("which", "")
    place = given.get("place", "")
    active = {"on-the-way": True, "ended": False}.get(which)
    found = page.context_of(request).store.releases.find(
        place=place, service=service, active=active, limit=MAX_SHOWN
    )
    sheet = page.Sheet("releases", "Releases", (page.Crumb("Releases"),), ("releases",))
    return page.render(
        request,
        "releases.html",
        sheet,
        releases=found,
        services=sorted({one.service for one in found} | ({service} if service else set())),
        service=service,
        which=which,
        chosen_place=place,
        weight_of=weight_of,
        harm_of=harm_of,
        limit=MAX_SHOWN,
    )


def weight_of(release: Release) -> int:
    """The new version's weight in basis points."""
    return int(release.state.get("desired_bp", 0))


def harm_of(release: Release) -> float:
    """Requests harmed, from the row as it is: a list decodes no states."""
    return sum(_excess(one) for one in release.state.get("harm", ()))


def _excess(harm: Mapping[str, Any]) -> float:
    (n0, k0), (n1, k1) = harm["stable"], harm["canary"]
    rate = k0 / n0 if n0 else 0.0
    return max(0.0, float(k1 - n1 * rate))
