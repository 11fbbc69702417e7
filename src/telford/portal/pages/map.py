"""The map of the estate, and the same as a list for those who do not see or do not like pictures.

What is drawn stands in the URL, so a map can be sent to somebody; the picture is made here, so it
is there without a script, which adds zoom, keys and pointing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from telford.app import catalogue, connections, graph_picture, map_page
from telford.app.described import Described
from telford.app.graph_picture import Thing
from telford.basics.errors import TelfordError
from telford.estate.place import Place
from telford.portal import page
from telford.portal.pages import catalogue as catalogue_page

router = APIRouter(include_in_schema=False)

DEPTHS = (1, 2, 3, map_page.MAX_DEPTH)
MAX_OFFERED = 1000
"""Addresses offered while one types: about 60 kB of page; others can be typed all the same."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A URL, understood. `place` is None for the estate as it is described; `problem` says what of
    the URL could not be done, or is "".
    """

    query: map_page.Query
    known: connections.Connections
    place: Place | None
    problem: str


@router.get("/map")
def show(request: Request) -> Response:
    """The map that the URL asks for."""
    described = page.context_of(request).estate.current()
    asked = asked_of(request)
    view = map_page.draw(described.index, asked.known, asked.query)
    sheet = page.Sheet(
        "map", "Map", (page.Crumb("Map"),), ("estate",), scripts=("map.js",), tab="Map"
    )
    return page.render(
        request,
        "map.html",
        sheet,
        query=asked.query,
        asked=asked,
        given=request.query_params.get("focus", ""),
        index=described.index,
        view=view,
        picture=_picture(request, view, asked),
        connections=asked.known,
        ties=_ties(view),
        kinds=[kind for kind in described.index.kinds if kind in map_page.DRAWN_KINDS],
        offered=_offered(described),
        depths=DEPTHS,
        most=map_page.MAX_OPEN,
        link=_linker(request, asked),
    )


def asked_of(request: Request) -> Asked:
    """What a URL asks for. What it names and the estate does not have is ignored, and said."""
    given = request.query_params
    described = page.context_of(request).estate.current()
    focus, problem = _focus(described, given.get("focus", "").strip())
    depth = catalogue_page.number(given.get("depth", ""))
    query = map_page.Query(
        focus=focus,
        depth=2 if depth is None else depth,
        owner=given.get("owner", ""),
        system=given.get("system", ""),
        tier=catalogue_page.number(given.get("tier", "")),
        kind=given.get("kind", ""),
        opened=tuple(name for text in given.getlist("open") for name in text.split(",") if name),
    )
    place = described.place(given.get(page.PLACE_FIELD, ""))
    try:
        return Asked(query, described.connected(place), place, problem)
    except TelfordError as error:
        # Overlays that do not resolve are an error of the estate; the base can be drawn.
        return Asked(query, described.connections, None, error.message)


def _focus(described: Described, text: str) -> tuple[str, str]:
    """The address that a text means: one that it names, else the first drawn that matches it."""
    if not text:
        return "", ""
    found = [str(one.address) for one in described.estate.find(text)]
    if len(found) == 1 and described.index.by_address[found[0]].kind in map_page.DRAWN_KINDS:
        return found[0], ""
    near = catalogue.best(described.index, text, MAX_OFFERED)
    drawn = [row.address for row in near if row.kind in map_page.DRAWN_KINDS]
    return (drawn[0], "") if drawn else ("", f"Nothing on the map is called {text}.")


def _linker(request: Request, asked: Asked) -> Callable[..., str]:
    """Makes links to this map with something about it changed."""
    href = page.linker(request)
    query = asked.query
    kept = {
        "focus": query.focus,
        "depth": query.depth if query.focus and query.depth != 2 else "",
        "owner": query.owner,
        "system": query.system,
        "tier": "" if query.tier is None else query.tier,
        "kind": query.kind,
        "open": ",".join(query.opened),
    }

    def link(**changed: object) -> str:
        return href("/map", **{**kept, **changed})

    return link


def _picture(request: Request, view: map_page.Map, asked: Asked) -> Markup:
    href = page.linker(request)
    link = _linker(request, asked)
    opened = asked.query.opened

    def of_thing(thing: Thing) -> str:
        if thing.kind != "System":
            return href(page.entity_path(thing.id))
        name = thing.id.partition("/")[2]
        return link(open=",".join((*(one for one in opened if one != name), name)))

    def of_frame(name: str) -> str:
        if name not in view.opened:
            return ""
        left = view.opened if map_page.ALL in opened else opened
        return link(open=",".join(one for one in left if one != name))

    drawing = map_page.picture(view)
    label = f"Map of the estate, {len(view.nodes)} boxes"
    return Markup(  # noqa: S704 - `graph_picture` escapes everything
        graph_picture.inline(drawing, graph_picture.Links(of_thing, of_frame), label)
    )


def _ties(view: map_page.Map) -> dict[str, list[connections.Edge]]:
    """What each box of the map needs that is on the map."""
    found: dict[str, list[connections.Edge]] = {}
    for edge in view.edges:
        found.setdefault(edge.source, []).append(edge)
    return found


def _offered(described: Described) -> list[str]:
    rows = (row for row in described.index.rows if row.kind in map_page.DRAWN_KINDS)
    return [row.address for row, _ in zip(rows, range(MAX_OFFERED), strict=False)]
