"""Rendering: templates, the frame around every page, and links that keep the chosen place.

A page is a pure view model from `telford.app`, a template, and one call of `render`. Called by
every module of `telford.portal.pages`.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from telford.app.described import Described
from telford.basics.diagnostics import Severity
from telford.estate.place import Place
from telford.portal import texts
from telford.portal.context import Context

PLACE_FIELD = "in"


@dataclass(frozen=True, slots=True)
class Crumb:
    """One breadcrumb; `href` is "" for the page one is on, `address` sets it in monospace."""

    text: str
    href: str = ""
    address: bool = False


@dataclass(frozen=True, slots=True)
class Room:
    """One entry of the rail."""

    id: str
    path: str
    label: str
    icon: str


RAIL = (
    Room("overview", "/", "Overview", "overview"),
    Room("catalogue", "/catalogue", "Catalogue", "catalogue"),
    Room("map", "/map", "Map", "map"),
    Room("releases", "/releases", "Releases", "releases"),
    Room("plan", "/plan", "Plan", "plan"),
    Room("objectives", "/objectives", "Objectives", "objectives"),
    Room("audit", "/audit", "Audit", "audit"),
    Room("docs", "/docs", "Docs", "docs"),
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page says about itself: the room of the rail, its title, the way to it, and the topics
    whose changes it wants to hear of (`telford.portal.live`). `tab` is the title in the browser's
    tab where it differs.
    """

    room: str
    title: str
    crumbs: tuple[Crumb, ...] = ()
    topics: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    status: int = 200
    tab: str = ""


def context_of(request: Request) -> Context:
    """The context that the application was made with."""
    context: Context = request.app.state.context
    return context


def place_of(request: Request, described: Described) -> Place | None:
    """The place that is looked at: the one in the URL, else the one this process controls, else
    the first of the estate; None where the estate has none.
    """
    asked = described.place(request.query_params.get(PLACE_FIELD, ""))
    controlled = described.place(context_of(request).place)
    return asked or controlled or (described.places[0] if described.places else None)


def linker(request: Request) -> Callable[..., str]:
    """A function that makes links which keep the place that was chosen in the URL."""
    chosen = request.query_params.get(PLACE_FIELD, "")

    def href(path: str, **query: object) -> str:
        kept = {key.rstrip("_"): value for key, value in query.items() if value not in {None, ""}}
        if chosen and PLACE_FIELD not in kept:
            kept[PLACE_FIELD] = chosen
        encoded = urlencode({key: str(value) for key, value in kept.items()})
        return f"{quote(path)}?{encoded}" if encoded else quote(path)

    return href


def entity_path(address: str) -> str:
    """The path of an entity's page."""
    return f"/catalogue/{address}"


@cache
def asset(name: str) -> str:
    """The URL of one of our own files, with its hash, so that it may be kept for ever."""
    data = resources.files("telford.portal").joinpath("static", *name.split("/")).read_bytes()
    return f"/static/{name}?v={hashlib.sha256(data).hexdigest()[:12]}"


@cache
def environment() -> jinja2.Environment:
    """The templates. Everything is escaped: the estate's texts are somebody else's."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("telford.portal", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(texts.FILTERS)
    made.globals.update(asset=asset, entity_path=entity_path, rail=RAIL)
    return made


def render(request: Request, template: str, sheet: Sheet, **values: Any) -> HTMLResponse:
    """A whole page."""
    context = context_of(request)
    described = context.estate.current()
    text = (
        environment()
        .get_template(template)
        .render(
            sheet=sheet,
            described=described,
            place=place_of(request, described),
            errors=errors_of(described),
            href=linker(request),
            here=_here(request),
            now=context.clock.now(),
            name=context.name,
            version=context.version,
            fields=_kept_fields(request),
            chosen=request.query_params.get(PLACE_FIELD, ""),
            **values,
        )
    )
    return HTMLResponse(text, status_code=sheet.status)


def fragment(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A part of a page, for htmx."""
    now = context_of(request).clock.now()
    text = environment().get_template(template).render(href=linker(request), now=now, **values)
    return HTMLResponse(text)


def errors_of(described: Described) -> int:
    """How many errors the estate has now."""
    return sum(one.severity is Severity.ERROR for one in described.diagnostics)


def _here(request: Request) -> str:
    query = request.url.query
    return f"{quote(request.url.path)}?{query}" if query else quote(request.url.path)


def _kept_fields(request: Request) -> Sequence[tuple[str, str]]:
    """The query without the place: what the place picker sends along."""
    pairs = request.query_params.multi_items()
    return [(key, value) for key, value in pairs if key != PLACE_FIELD]
