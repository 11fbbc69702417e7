"""Our own style sheets, scripts and pictures, from an explicit list: no path of a request ever
reaches the file system.
"""

from functools import cache
from importlib import resources

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

router = APIRouter(include_in_schema=False)

TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
NAMES = frozenset(
    {
        "app.css",
        "app.js",
        "chart.js",
        "map.js",
        "icon.svg",
        "vendor/htmx.js",
        "vendor/idiomorph.js",
        "vendor/uplot.css",
        "vendor/uplot.js",
    }
)
# The address carries the hash of the content (`telford.portal.page.asset`).
FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/static/{name:path}")
def file(name: str) -> Response:
    """One of our files."""
    if name not in NAMES:
        raise HTTPException(404, "there is no such file")
    content_type = TYPES[name[name.rindex(".") :]]
    return Response(
        _content(name),
        media_type=f"{content_type}; charset=utf-8",
        headers={"cache-control": FOR_EVER},
    )


@cache
def _content(name: str) -> bytes:
    return resources.files("telford.portal").joinpath("static", *name.split("/")).read_bytes()
