"""All releases, newest first, narrowed by what the URL says."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import release_list
from telford.deliver.state import Phase
from telford.portal import page
from telford.store.releases import Release

router = APIRouter(include_in_schema=False)

MAX_SERVICES = 2_000
"""In the list to choose from; the address takes any."""


@router.get("/releases")
def show(request: Request) -> Response:
    """One page of the releases that match the URL."""
    context = page.context_of(request)
    index = context.estate.current().index
    asked = release_list.read(request.query_params)
    found = release_list.page(context.store, index, asked, context.clock.now())
    sheet = page.Sheet("releases", "Releases", (page.Crumb("Releases"),), ("releases",))
    return page.render(
        request,
        "releases.html",
        sheet,
        found=found,
        asked=asked,
        services=[row.address for row in index.rows if row.kind == "Service"][:MAX_SERVICES],
        systems=list(index.systems),
        teams=list(index.owners),
        choices=release_list,
        phases=[one.value for one in Phase],
        weight_of=weight_of,
        harm_of=harm_of,
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
