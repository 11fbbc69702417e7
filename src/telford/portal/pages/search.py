"""Search: any address, page or action, from anywhere."""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from telford.app import catalogue
from telford.portal import page

router = APIRouter(include_in_schema=False)

MAX_ADDRESSES = 8
MAX_RELEASES = 4
RECENT_RELEASES = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """One suggestion: what it is called, what it is, where it leads."""

    text: str
    what: str
    path: str
    address: bool = False


# What can be reached by its name; the words after the name find it too.
PLACES_TO_GO = (
    *(Hit(room.label, "page", room.path) for room in page.RAIL),
    Hit("Problems of the estate", "page", "/problems"),
    Hit("Conformance to the architecture", "page", "/conformance"),
    Hit("What a build would change", "page", "/plan"),
    Hit("Start a release", "action", "/releases/new"),
    Hit("Begin a rollout", "action", "/rollouts/new"),
    Hit("Rollouts", "page", "/rollouts"),
    Hit("Timeline of a service", "page", "/timeline"),
    Hit("Compare two releases", "page", "/compare"),
    Hit("Replay settings", "page", "/replay"),
    Hit("API and keyboard", "page", "/docs"),
)


@router.get("/search/suggest")
def suggest(request: Request) -> Response:
    """The list under the search box."""
    text = request.query_params.get("q", "").strip()[:200]
    hits = tuple(_hits(request, text)) if text else ()
    return page.fragment(request, "suggestions.html", hits=hits, text=text)


@router.get("/search")
def go(request: Request) -> Response:
    """Without script: the one thing that is meant, or the catalogue."""
    text = request.query_params.get("q", "").strip()[:200]
    href = page.linker(request)
    described = page.context_of(request).estate.current()
    exact = described.estate.find(text)
    if len(exact) == 1:
        path = href(page.entity_path(str(exact[0].address)))
        return RedirectResponse(path, status_code=303)
    return RedirectResponse(href("/catalogue", q=text), status_code=303)


def _hits(request: Request, text: str) -> Iterator[Hit]:
    context = page.context_of(request)
    words = text.lower()
    for hit in PLACES_TO_GO:
        if any(part.startswith(words) for part in hit.text.lower().split()):
            yield hit
    for row in catalogue.best(context.estate.current().index, text, MAX_ADDRESSES):
        yield Hit(row.address, row.description or row.kind, page.entity_path(row.address), True)
    releases = context.store.releases.find(limit=RECENT_RELEASES)
    named = (one for one in releases if words in f"{one.name} {one.to_version} {one.id}".lower())
    for _, one in zip(range(MAX_RELEASES), named, strict=False):
        what = f"release, {one.phase.replace('-', ' ')}"
        yield Hit(f"{one.name} {one.to_version}", what, f"/releases/{one.id}")
