"""`telford status`: what runs in a place, what is being released, how its promises stand."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import typer

from telford.app import loading, places
from telford.app import status as use_case
from telford.basics.clock import SystemClock
from telford.cli import options, output, running
from telford.deliver.policy import FULL_WEIGHT

ServiceName = Annotated[str, typer.Argument(help="only this service", show_default=False)]


def command(
    service: ServiceName = "",
    place: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Say what runs, what is being released and how the promises stand.

    Example: telford status
    Example: telford status storefront --in dev --json
    """
    described = loading.load_folder(options.folder(estate), options.estate_cache()).estate
    name = str(places.choose(described, place))
    files = running.kept(estate)
    with running.records(estate) as store:
        now = SystemClock().now()
        found = use_case.status(store, name, running.connect(files, name), now, service)
    if as_json:
        output.json(found.as_json())
        return
    output.line(_headline(found))
    for sentence in _behind(found):
        output.line(sentence)
    output.table(
        ("service", "stable", "version", "traffic", "ready", "release"), _services(found.services)
    )
    if found.releases:
        output.table(("release", "from -> to", "phase", "weight", "why"), _releases(found))
    if found.objectives:
        output.table(("objective", "state", "budget left", "why"), _objectives(found))


def _headline(found: use_case.Status) -> str:
    if not found.answers:
        return f"{found.place} is not running; start it: telford up"
    controller = "" if found.controlled else "; no controller: releases stand still (telford up)"
    return f"{found.place} runs at {found.ingress_url}{controller}"


def _behind(found: use_case.Status) -> Iterable[str]:
    if found.behind_since is not None:
        since = datetime.fromtimestamp(found.behind_since, UTC)
        yield f"Git is behind the cluster since {since:%Y-%m-%d %H:%M:%S} UTC:"
        for one in found.owed:
            why = one.problem or one.url or "on its way"
            yield f"  {one.purpose} of {one.service}: {one.state}, {why}"
    for kept in found.quarantined:
        yield f"{kept.version} of {kept.service} is quarantined ({kept.id}): {kept.reason}"


def _services(services: Iterable[use_case.Service]) -> Iterable[tuple[str, ...]]:
    for one in services:
        first = (one.bound.service, one.bound.version)
        release = one.release.id if one.release else "-"
        if not one.versions:
            yield (*first, "-", "-", "-", release)
        for version in one.versions:
            share = "-" if version.weight_bp is None else _percent(version.weight_bp)
            yield (*first, version.version, share, f"{version.ready}/{version.wanted}", release)
            first = ("", "")


def _releases(found: use_case.Status) -> Iterable[tuple[str, ...]]:
    for one in found.releases:
        began = datetime.fromtimestamp(one.created_at, UTC)
        yield (
            one.id,
            f"{one.from_version} -> {one.to_version}",
            one.phase,
            _percent(one.state.get("desired_bp", 0)),
            f"{one.state.get('reason', '')} (begun {began:%Y-%m-%d %H:%M:%S} UTC)",
        )


def _objectives(found: use_case.Status) -> Iterable[tuple[str, ...]]:
    for one in found.objectives:
        left = Decimal(one.evaluation["left"])
        yield one.objective, one.state, f"{left:.2%}", one.evaluation["reason"]


def _percent(basis_points: int) -> str:
    return f"{100 * basis_points / FULL_WEIGHT:g}%"
