"""Who did what: the audit log, newest first, and whether its chain of hashes holds."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.portal import page

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 200


@router.get("/audit")
def show(request: Request) -> Response:
    """The newest entries, all or of one subject. The chain is verified when asked for: it reads
    the whole log.
    """
    audit = page.context_of(request).store.audit
    subject = request.query_params.get("subject", "")[:400]
    verify = request.query_params.get("verify") == "1"
    sheet = page.Sheet("audit", "Audit", (page.Crumb("Audit"),), () if verify else ("audit",))
    return page.render(
        request,
        "audit.html",
        sheet,
        records=audit.tail(subject=subject, limit=MAX_SHOWN),
        subject=subject,
        verified=audit.verify() if verify else None,
        limit=MAX_SHOWN,
    )
