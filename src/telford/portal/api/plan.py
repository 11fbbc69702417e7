"""``/api``: what a build would change, as JSON."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from telford.basics.errors import RefusedError, TemporaryError
from telford.portal import page

router = APIRouter(prefix="/api", tags=["plan"])

RETRY_AFTER = "2"
"""Seconds; an edit is planned in less, the first plan of a large estate in some times as much."""


@router.get("/plan", response_model=dict[str, Any])
def plan(request: Request) -> Response:
    """What a build of the estate as it is now would change: the same as `telford plan --json`.

    503 while the plan is being made (with `Retry-After`), so what is answered is never old; 409
    where the server was given no folder of artifacts.
    """
    plans = page.context_of(request).plans
    if plans is None:
        raise RefusedError(
            "this server was given no folder of artifacts", fix="start it with --out DIR"
        )
    now = plans.current()
    if now.problem:
        raise TemporaryError(f"there is no plan now: {now.problem}")
    if now.told is None or now.stale or not now.told.causes:
        body = {"error": "the plan is being made", "fix": "ask again in a moment"}
        return JSONResponse(body, status_code=503, headers={"Retry-After": RETRY_AFTER})
    return JSONResponse(now.told.json)
