"""``/api``: objectives and the audit log as JSON."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from telford.portal import page
from telford.portal.pages import objectives as objectives_view

router = APIRouter(prefix="/api", tags=["objectives"])

MAX_RECORDS = 1000


@router.get("/objectives")
def objectives(request: Request) -> dict[str, Any]:
    """Every objective as it stands in a place (`in`), the worst first."""
    return {"objectives": [one.as_json() for one in objectives_view.views_of(request)]}


@router.get("/audit")
def audit(request: Request, subject: str = "", limit: int = 100) -> dict[str, Any]:
    """The audit log, newest first."""
    found = page.context_of(request).store.audit.tail(
        subject=subject, limit=min(max(limit, 1), MAX_RECORDS)
    )
    return {
        "records": [
            {
                "sequence": one.sequence,
                "at": one.at,
                "who": one.who,
                "verb": one.verb,
                "subject": one.subject,
                "detail": dict(one.detail),
                "previous": one.previous,
                "hash": one.hash,
            }
            for one in found
        ]
    }
