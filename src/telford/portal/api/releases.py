"""``/api``: releases as JSON, and the commands that people give them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from telford.app import (
    places,
    release_acts,
    release_again,
    release_compare,
    release_list,
    release_page,
    release_series,
    replay,
)
from telford.app.release import Prepared
from telford.basics.errors import UsageError
from telford.deliver import hands
from telford.deliver.state import State
from telford.estate import overlays
from telford.flows import waves
from telford.portal import evidence, page
from telford.portal.context import Context, Wanted
from telford.portal.pages import release as release_view
from telford.portal.pages import releases as releases_view
from telford.store.releases import Release

router = APIRouter(prefix="/api", tags=["releases"])

MAX_RELEASES = 500


class Order(BaseModel):
    """A command to a release: promote (finish), step (go on), abort, pause, resume or hold; why."""

    verb: str
    reason: str = Field(min_length=1, max_length=2000)


class Start(BaseModel):
    """A release to start. `service` is an address or a name; `place` ENVIRONMENT or ENVIRONMENT/REGION."""

    service: str
    version: str = Field(min_length=1, max_length=128)
    place: str
    reason: str = Field(min_length=1, max_length=2000)


class Searched(BaseModel):
    """What releases are narrowed by; `which` is on-the-way or ended, `since` hour, day, week or
    month, `version` and `who` parts of a text, `place` a place or an environment.
    """

    service: str = ""
    system: str = ""
    team: str = ""
    place: str = ""
    which: str = ""
    phase: str = ""
    strategy: str = ""
    who: str = ""
    version: str = ""
    since: str = ""
    page: int = 1


@router.get("/releases")
def releases(
    request: Request, service: str = "", place: str = "", active: bool | None = None
) -> dict[str, Any]:
    """Releases, newest first."""
    found = page.context_of(request).store.releases.find(
        place=place, service=service, active=active, limit=MAX_RELEASES
    )
    return {"releases": [_summary(one) for one in found]}


@router.get("/releases/search")
def search(request: Request, asked: Annotated[Searched, Query()]) -> dict[str, Any]:
    """A page of 50 releases, newest first, with how many there are in each phase."""
    context = page.context_of(request)
    given = {name: str(value) for name, value in asked.model_dump().items()}
    found = release_list.page(
        context.store,
        context.estate.current().index,
        release_list.read(given),
        context.clock.now(),
    )
    return {
        "total": found.total,
        "page": found.asked.page,
        "more": found.more,
        "phases": dict(found.counts),
        "releases": [_summary(one) for one in found.rows],
    }


@router.post("/releases", status_code=201)
def start(request: Request, wanted: Start) -> dict[str, Any]:
    """Start a release."""
    context = page.context_of(request)
    estate = context.estate.current().estate
    found = estate.find(wanted.service) or estate.find(f"service/{wanted.service}")
    if len(found) != 1:
        raise UsageError(f"the estate has no {wanted.service}")
    key = context.acts.start(
        Wanted(str(found[0].address), wanted.version, wanted.place, context.who, wanted.reason)
    )
    return {"release": key}


@router.get("/replay")
def replays(
    request: Request, service: str, place: str, last: int = replay.LAST, settings: str = ""
) -> dict[str, Any]:
    """What the settings of a service would have decided on its last releases in a place.

    `settings` are changes to them: NAME=VALUE, several with semicolons between.
    """
    context = page.context_of(request)
    estate = context.estate.current().estate
    binding = overlays.bind(estate, places.choose(estate, place))
    changes = replay.parsed([one for one in settings.split(";") if one.strip()])
    found = replay.over_last(context.store, binding, service, last=last, changes=changes)
    return found.as_json()


@router.get("/releases/{key}")
def release(request: Request, key: str) -> dict[str, Any]:
    """One release as it stands: the sentence, rates with intervals, evidence, gates, acts."""
    found = release_view.release_of(request, key)
    view = release_view.view_of(request, found)
    return {
        **_summary(found),
        "sentence": view.sentence,
        "stale": view.stale,
        "requests_per_second": view.rps,
        "rollout": waves.rollout_of(view.state) or None,
        "notices": [{"word": one.word, "text": one.text} for one in view.notices],
        "stages": [{"name": one.name, "state": one.status, "asks": one.asks} for one in view.steps],
        "indicators": [_indicator(one) for one in view.indicators],
        "gates": [
            {"name": one.name, "state": one.word, "open": one.meaning == "good", "opens": one.opens}
            for one in view.gates
        ],
        "acts": [
            {"verb": one.verb, "does": one.says, "refused": one.refusal or None}
            for one in view.acts
        ],
    }


@router.get("/releases/{key}/evidence")
def series(request: Request, key: str) -> dict[str, Any]:
    """A release over time, as columns: weights, rates with intervals, evidence as log10."""
    found = release_view.release_of(request, key)
    entries: evidence.Entries = request.app.state.entries
    policy = State.from_json(found.state).policy
    return release_series.series(entries.of(found.id), policy, found.from_version, found.to_version)


@router.get("/releases/{key}/ledger")
def ledger(request: Request, key: str, after: int = -1, limit: int = 1000) -> dict[str, Any]:
    """The evidence ledger, a page at a time: `after` is the last tick one has."""
    found = release_view.release_of(request, key)
    entries = page.context_of(request).store.ledger.of(
        found.id, after=after, limit=min(max(limit, 1), 10_000)
    )
    return {"release": found.id, "policy": found.policy, "entries": [one.entry for one in entries]}


@router.get("/releases/{key}/plan/{verb}")
def plan(
    request: Request, key: str, verb: Annotated[str, Path(pattern=f"^({'|'.join(hands.VERBS)})$")]
) -> dict[str, Any]:
    """What a command would do, before it does it."""
    found = release_view.release_of(request, key)
    now = page.context_of(request).clock.now()
    steps = release_acts.plan(State.from_json(found.state), verb, now)
    return {"release": found.id, "verb": verb, "steps": list(steps)}


@router.post("/releases/{key}/commands", status_code=202)
def command(request: Request, key: str, order: Order) -> dict[str, Any]:
    """Tell a release to promote, step, abort, pause, resume or hold; taken at the next tick."""
    if order.verb not in hands.VERBS:
        raise UsageError(f"a release cannot be told to {order.verb}")
    found = release_view.release_of(request, key)
    context = page.context_of(request)
    release_acts.plan(State.from_json(found.state), order.verb, context.clock.now())
    return {"command": context.acts.command(found.id, order.verb, context.who, order.reason)}


class Again(BaseModel):
    """Why something that ended is begun anew."""

    reason: str = Field(min_length=1, max_length=2000)


@router.post("/releases/{key}/retry", status_code=201)
def retry(request: Request, key: str, wanted: Again) -> dict[str, Any]:
    """Release the version of a release that ended once more, with the settings that it had."""
    found, context = release_view.release_of(request, key), page.context_of(request)
    now = context.clock.now()
    prepared = release_again.retry(context.store, found, now=now)
    why = f"retry of {found.id}"
    return _begun(context, prepared, why, wanted.reason, now)


@router.post("/releases/{key}/rollback", status_code=201)
def rollback(request: Request, key: str, wanted: Again) -> dict[str, Any]:
    """Restore what a release that was promoted brought: a new release, switched at once."""
    found, context = release_view.release_of(request, key), page.context_of(request)
    now = context.clock.now()
    prepared = release_again.back_to(context.store, found.id, now=now)
    return _begun(context, prepared, f"back to {found.id}", wanted.reason, now)


@router.get("/releases/{key}/compare/{other}")
def compare(request: Request, key: str, other: str) -> dict[str, Any]:
    """Two releases beside each other: settings, what was run, what came of it."""
    first, second = (release_view.release_of(request, one) for one in (key, other))
    return release_compare.compare(first, second).as_json()


def _begun(
    context: Context, prepared: Prepared, why: str, reason: str, now: float
) -> dict[str, Any]:
    row = release_again.start(
        context.store, prepared, who=context.who, why=why, reason=reason, now=now
    )
    return {"release": row.id, "says": prepared.forecast.sentence}


@router.get("/commands/{key}")
def taken(request: Request, key: str) -> dict[str, Any]:
    """Whether a command was taken, and what came of it."""
    found = page.context_of(request).store.commands.get(key)
    if found is None:
        raise UsageError(f"there is no command {key}")
    return {"command": found.id, "taken_at": found.taken_at, "outcome": found.outcome}


def _summary(one: Release) -> dict[str, Any]:
    return {
        "id": one.id,
        "service": one.service,
        "place": one.place,
        "strategy": one.policy.get("strategy", "canary"),
        "from_version": one.from_version,
        "to_version": one.to_version,
        "digest": one.digest,
        "phase": one.phase,
        "active": one.active,
        "weight_bp": releases_view.weight_of(one),
        "harmed": releases_view.harm_of(one),
        "who": one.who,
        "reason": one.reason,
        "tick": one.tick,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "finished_at": one.finished_at,
    }


def _indicator(one: release_page.IndicatorView) -> dict[str, Any]:
    return {
        "name": one.name,
        "budget": one.budget,
        "ratio": one.ratio,
        "harmed": one.harm.excess_bad,
        "rates": {
            rate.arm: {
                "requests": rate.requests,
                "bad": rate.bad,
                "rate": rate.rate,
                "low": rate.low,
                "high": rate.high,
            }
            for rate in (one.canary, one.stable)
        },
        "evidence": {
            value.name: {"log_e": finite(value.log_e), "log_bound": finite(value.log_bound)}
            for value in one.evidence
        },
    }


def finite(value: float) -> float | None:
    """JSON has no infinity: None says that it is beyond any number."""
    return value if abs(value) < float("inf") else None
