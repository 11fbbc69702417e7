"""Conformance: how far each workload is as the reference architecture says, and what differs why."""

import datetime as dt

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from telford.app import conformance
from telford.app.conformance import Conformance, Row
from telford.basics.errors import UsageError
from telford.portal import page

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 200
"""Nobody reads more at once; `telford conformance --json` has all."""
# Why something differs -> (meaning, icon): what is the mark beside the word.
MARKS = {
    "as-found": ("plain", "info"),
    "overridden": ("watch", "watch"),
    "inferred": ("watch", "link"),
    "waived": ("plain", "lock"),
}


@router.get("/conformance")
def show(request: Request) -> Response:
    """Every workload in the place that is looked at, the least conforming first."""
    text = request.query_params.get("q", "").lower()[:200]
    why = request.query_params.get("why", "")
    found = measured(request)
    rows = [row for row in found.rows if _asked(row, text, why)]
    rows.sort(key=lambda row: (row.tally.percent, row.address))
    sheet = page.Sheet("catalogue", "Conformance", (page.Crumb("Conformance"),), ("estate",))
    return page.render(
        request,
        "conformance.html",
        sheet,
        found=found,
        rows=rows[:MAX_SHOWN],
        total=len(rows),
        reasons={row.address: reasons(row) for row in rows[:MAX_SHOWN]},
        text=text,
        why=why,
        whys=tuple(MARKS),
        marks=MARKS,
    )


@router.get("/conformance/{kind}/{name}")
def one(request: Request, kind: str, name: str) -> Response:
    """One workload: what differs in the place that is looked at, and its share in every other."""
    described = page.context_of(request).estate.current()
    place = page.place_of(request, described)
    try:
        found = conformance.conformance_of(described.estate, _today(request), f"{kind}/{name}")
    except UsageError as error:
        raise HTTPException(404, error.message) from error
    address = found.rows[0].address
    href = page.linker(request)
    crumbs = (page.Crumb("Conformance", href("/conformance")), page.Crumb(address, "", True))
    sheet = page.Sheet("catalogue", name, crumbs, ("estate",), tab=f"{address} conforms")
    return page.render(
        request,
        "conforming.html",
        sheet,
        found=found,
        address=address,
        row=next((row for row in found.rows if row.place == str(place)), None),
        marks=MARKS,
    )


def measured(request: Request, address: str = "") -> Conformance:
    """What conforms in the place that is looked at; nothing where the estate has no place. Raises
    `UsageError` for what is no workload.
    """
    described = page.context_of(request).estate.current()
    place = page.place_of(request, described)
    if place is None:
        return Conformance("the road", "", ())
    return conformance.conformance_of(described.estate, _today(request), address, str(place))


def reasons(row: Row) -> dict[str, int]:
    """How many demands do not hold, by why."""
    counts: dict[str, int] = {}
    for difference in row.differences:
        counts[difference.why] = counts.get(difference.why, 0) + 1
    return counts


def _asked(row: Row, text: str, why: str) -> bool:
    found = f"{row.address} {row.owner}"
    return text in found and (not why or why in reasons(row))


def _today(request: Request) -> dt.date:
    now = page.context_of(request).clock.now()
    return dt.datetime.fromtimestamp(now, tz=dt.UTC).date()
