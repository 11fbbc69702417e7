"""Replay: choose settings, and see what they would have decided on a service's last releases."""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from telford.app import replay
from telford.basics.errors import TelfordError, UsageError
from telford.deliver import replay as replaying
from telford.deliver.policy import Policy
from telford.estate import overlays
from telford.estate.model import Binding
from telford.portal import page
from telford.portal.pages import timeline

router = APIRouter(include_in_schema=False)

CHOICES: Mapping[str, tuple[str, ...]] = {
    "engine": ("E1", "E2", "E4"),
    "certificate": ("objective", "ratio", "both"),
    "on_deadline": ("hold", "promote", "rollback"),
}
"""Settings that are one of a few words; the others are numbers."""
WORDS: Mapping[str, str] = {
    "alpha": "a wrong rollback, at most",
    "beta": "a wrong promotion, at most",
    "rollback_ratio": "worse by this factor is rolled back",
    "tolerable_ratio": "no worse than this factor is good enough",
    "soak_seconds": "soak of each stage, seconds",
    "warmup_seconds": "warm-up, seconds",
    "deadline_seconds": "deadline of a stage, seconds",
    "fuse_factor": "fuse, times the budget",
}


@router.get("/replay")
def show(request: Request) -> Response:
    """The form; with ``last`` in the URL, also the answer."""
    context, given = page.context_of(request), request.query_params
    service = timeline.resolved(request, given.get("service", "")[:200])
    settings = {name: given.get(name, "")[:100].strip() for name in replay.CHANGEABLE}
    asked = {name: text for name, text in settings.items() if text}
    policy, found, wrong = _answer(request, service, given.get("last", ""), asked)
    href = page.linker(request)
    crumbs = (page.Crumb("Releases", href("/releases")), page.Crumb("Replay"))
    sheet = page.Sheet("releases", "Replay", crumbs, status=422 if wrong else 200)
    rows = context.estate.current().index.rows
    return page.render(
        request,
        "replay.html",
        sheet,
        services=[row.address for row in rows if row.kind == "Service"],
        service=service,
        settings=settings,
        asked=asked,
        last=given.get("last", "")[:10] or str(replay.LAST),
        declared={} if policy is None else policy.to_json(),
        found=found,
        wrong=wrong,
        names=replay.CHANGEABLE,
        choices=CHOICES,
        words=WORDS,
        held_for=replaying.held_for,
    )


def _answer(
    request: Request, service: str, last: str, asked: Mapping[str, str]
) -> tuple[Policy | None, replay.Replays | None, str]:
    """The declared settings, what was replayed, and what is wrong with what was asked."""
    if not service:
        return None, None, ""
    store = page.context_of(request).store
    policy = None
    try:
        binding = _binding(request)
        policy = replay.declared(store, binding, service)
        if not last:
            return policy, None, ""
        if not (last.isascii() and last.isdecimal()):
            raise UsageError(f"{last[:10]!r} is no number of releases")
        count = int(last[:10])
        return policy, replay.over_last(store, binding, service, last=count, changes=asked), ""
    except TelfordError as error:
        return policy, None, f"{error.message}; {error.fix}" if error.fix else error.message


def _binding(request: Request) -> Binding:
    described = page.context_of(request).estate.current()
    place = page.place_of(request, described)
    if place is None:
        raise UsageError("the estate has no place", fix="describe an Environment")
    return overlays.bind(described.estate, place)
