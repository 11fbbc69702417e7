"""The application: middleware, pages and API, in one visible list.

`create_app(context)` makes it; `telford.portal.serve` runs it. To add a page: one file in `pages`
with a `router`, one template, one line in `ROUTERS`, one entry of the rail where it is a room.
"""

from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Scope

from telford.basics.errors import RefusedError, TelfordError, UsageError
from telford.portal import evidence, guard, live, topics
from telford.portal.api import conformance as conformance_api
from telford.portal.api import data as data_api
from telford.portal.api import estate as estate_api
from telford.portal.api import events
from telford.portal.api import gates as gates_api
from telford.portal.api import objectives as objectives_api
from telford.portal.api import plan as plan_api
from telford.portal.api import promotions as promotions_api
from telford.portal.api import releases as releases_api
from telford.portal.api import rollouts as rollouts_api
from telford.portal.context import Context
from telford.portal.pages import (
    act,
    again,
    audit,
    catalogue,
    compare,
    conformance,
    docs,
    entity,
    gates,
    objectives,
    overview,
    plan,
    problems,
    promotions,
    refusals,
    release,
    releases,
    replay,
    rollouts,
    search,
    start,
    static,
    timeline,
)
from telford.portal.pages import map as map_page

ROUTERS: tuple[APIRouter, ...] = (
    overview.router,
    catalogue.router,
    entity.router,
    map_page.router,
    start.router,
    releases.router,
    timeline.router,
    rollouts.router,
    replay.router,
    compare.router,
    promotions.router,
    gates.router,
    again.router,
    act.router,
    release.router,
    objectives.router,
    conformance.router,
    plan.router,
    audit.router,
    problems.router,
    search.router,
    docs.router,
    static.router,
    events.router,
    estate_api.router,
    data_api.router,
    releases_api.router,
    rollouts_api.router,
    promotions_api.router,
    gates_api.router,
    objectives_api.router,
    conformance_api.router,
    plan_api.router,
)


class Portal(FastAPI):
    """An application with the guard around everything, its own error pages included."""

    def build_middleware_stack(self) -> ASGIApp:
        """See `FastAPI.build_middleware_stack`."""
        return guard.Guard(super().build_middleware_stack(), self.state.door, _refuse)


def create_app(context: Context) -> FastAPI:
    """The portal and the API of one context."""
    app = Portal(
        title="Telford",
        version=context.version or "0",
        summary="The estate, its releases and its objectives.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        middleware=[Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)],
        exception_handlers={
            HTTPException: _http_error,
            TelfordError: _telford_error,
            Exception: _bug,
        },
    )
    app.state.context = context
    app.state.door = guard.keys(context.token, frozenset(one.lower() for one in context.hosts))
    app.state.entries = evidence.Entries(context.store)
    app.state.pulse = live.Pulse(topics.looks(context))
    for router in ROUTERS:
        app.include_router(router)
    return app


def _refuse(answer: guard.Answer, scope: Scope) -> Response:
    status, words = refusals.WORDS[answer]
    if _wants_json(scope["path"], Headers(scope=scope)):
        return JSONResponse({"error": words}, status_code=status)
    return refusals.page(answer, scope)


def _wants_json(path: str, headers: Headers) -> bool:
    return path.startswith(("/api/", "/events", "/alive")) or "text/html" not in headers.get(
        "accept", "*/*"
    )


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": error.detail}, status_code=error.status_code)
    return refusals.problem(request, error.status_code, str(error.detail))


async def _telford_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TelfordError)
    status = 503
    if isinstance(error, RefusedError):
        status = 409
    elif isinstance(error, UsageError):
        status = 422
    if request.url.path.startswith("/api/"):
        body = {"error": error.message, "fix": error.fix}
        return JSONResponse(body, status_code=status)
    return refusals.problem(request, status, error.message, error.fix)


async def _bug(request: Request, error: Exception) -> Response:
    """A bug of ours: the log has it whole, the page has a sentence and nothing else."""
    words = "This is a mistake of Telford's own; the controller's log says where it is."
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": words}, status_code=500)
    return refusals.problem(request, 500, words)
