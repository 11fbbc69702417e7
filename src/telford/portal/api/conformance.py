"""``/api``: how far workloads are as the reference architecture says, as JSON."""

from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request

from telford.basics.errors import UsageError
from telford.portal.pages import conformance

router = APIRouter(prefix="/api", tags=["conformance"])


@router.get("/conformance")
def measured(request: Request, address: str = "") -> dict[str, Any]:
    """Every workload in a place (`in`), or the one at an address, with all that differs and why."""
    try:
        return conformance.measured(request, address).as_json()
    except UsageError as error:
        raise HTTPException(404, error.message) from error
