"""`telford release`: release a version of a service step by step."""

import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from telford.app import loading, places, promotion, release_words, workloads
from telford.app import release as use_case
from telford.app import status as views
from telford.basics.clock import Clock, SystemClock
from telford.basics.errors import RefusedError, TemporaryError, UsageError
from telford.cli import options, output, running
from telford.deliver import strategies
from telford.deliver.policy import FULL_WEIGHT, Indicator
from telford.estate import overlays
from telford.store.releases import Release
from telford.store.store import Store

WATCH_PAUSE_SECONDS = 0.5
# A watch that sees no controller for so long says so and ends; the release itself goes on.
SILENT_SECONDS = 30.0

ServiceName = Annotated[str, typer.Argument(help="the service, such as storefront")]
Version = Annotated[
    str, typer.Option("--version", help="the version (default: the tag of the estate's image)")
]
Image = Annotated[str, typer.Option("--image", help="the image; its tag is the version")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="start without asking")]
From = Annotated[
    str,
    typer.Option(
        "--from", metavar="ENV[/REGION]", help="promote the release that is stable there",
        show_default=False,
    ),
]  # fmt: skip
Skip = Annotated[
    str, typer.Option("--skip", metavar="REASON", help="with --from: leave the order, and say why")
]
SkipAnalysis = Annotated[
    bool,
    typer.Option("--skip-analysis", help="an emergency: compare nothing; recorded, with --reason"),
]
Watch = Annotated[bool, typer.Option("--watch", help="follow it to its end")]


def command(  # noqa: PLR0917 - a command's signature is its options
    service: ServiceName,
    version: Version = "",
    image: Image = "",
    place: options.In = "",
    yes: Yes = False,
    watch: Watch = False,
    origin: From = "",
    skip: Skip = "",
    reason: running.Reason = "",
    skip_analysis: SkipAnalysis = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Release a version step by step; it is rolled back by itself where it is worse.

    Says first how long the gate needs at the present traffic. With --watch the exit code is 0
    where it was promoted and 1 where it was not.

    Example: telford release storefront --version 1.1.0 --watch
    Example: telford release storefront --image shop/storefront:1.1.0 --in dev --yes
    Example: telford release storefront --from staging --in prod
    Example: telford release storefront --version 1.1.1 --skip-analysis --reason "sev 1: no logins"
    """
    _require_whole(origin, skip, version or image)
    if skip_analysis and (origin or not reason):
        raise UsageError(
            "an emergency has a reason, and comes from no other place", fix='say it: --reason "..."'
        )
    folder = options.folder(estate)
    described = loading.require(loading.load_folder(folder, options.estate_cache()))
    binding = overlays.bind(described, places.choose(described, place))
    local = workloads.Local(str(folder.absolute()), sys.executable)
    clock = SystemClock()
    with running.records(estate) as store:
        now = clock.now()
        if origin:
            found = promotion.find(store, described, binding, service, origin, skip=skip, now=now)
            prepared = promotion.prepare(store, binding, local, found, now=now)
            reason = f"{reason}; out of order: {skip}".removeprefix("; ") if skip else reason
        else:
            prepared = use_case.prepare(
                store,
                binding,
                local,
                service,
                version=version,
                image=image,
                skip_analysis=skip_analysis,
                now=now,
            )
        _announce(prepared, as_json=as_json)
        if not (yes or _agreed()):
            raise RefusedError("nothing was started", fix="say yes, or give --yes")
        row = use_case.start(store, prepared, who=running.who(), reason=reason, now=clock.now())
        if watch:
            row = follow(store, row.id, clock, output.note if not as_json else _silent)
        if as_json:
            output.json({**prepared.as_json(), **views.release_json(row)})
        else:
            output.line(f"{row.id} is {row.phase}")
    if watch and row.phase != "promoted":
        raise typer.Exit(1)


def _require_whole(origin: str, skip: str, named: str) -> None:
    if origin and named:
        raise UsageError("--from says which release it is", fix="leave --version and --image out")
    if skip and not origin:
        raise UsageError("--skip is about the order of environments", fix="say --from as well")


def follow(store: Store, key: str, clock: Clock, say: Callable[[str], None]) -> Release:
    """Until a release is over, saying each change. Raises `TemporaryError` where no controller
    has been heard of for `SILENT_SECONDS`.
    """
    said = ""
    while True:
        row = store.releases.get(key)
        assert row is not None, f"the row of {key} is gone"
        line = _line(row)
        if line != said:
            say(line)
            said = line
        if not row.active:
            return row
        _heard_of(store, row, clock)
        clock.sleep(WATCH_PAUSE_SECONDS)


def _heard_of(store: Store, row: Release, clock: Clock) -> None:
    held = store.leases.get(row.place)
    heard = held.heartbeat if held else row.created_at
    if clock.now() - max(heard, row.created_at) > SILENT_SECONDS:
        raise TemporaryError(
            f"no controller of {row.place} was heard of for {SILENT_SECONDS:g} s",
            fix="the release goes on when one runs: telford up",
        )


def _line(row: Release) -> str:
    state: dict[str, Any] = dict(row.state)
    weight = 100 * state["desired_bp"] / FULL_WEIGHT
    waits = row.progress.get("waits", "")
    reason = f"{state['reason']}; {waits}" if waits else state["reason"]
    return f"{row.id}: {row.phase} at {weight:g}%: {reason}"


def _announce(prepared: use_case.Prepared, *, as_json: bool) -> None:
    if as_json:
        return
    output.note(
        f"{prepared.service}: {prepared.from_version} -> {prepared.to_version} in {prepared.place}"
    )
    stages = ", ".join(one.name for one in strategies.stages(prepared.policy))
    output.note(f"steps: {stages}, then all of it; {_judged(prepared)}")
    if not prepared.policy.skip_analysis:
        output.note(release_words.error_bounds(prepared.policy))
    output.note(prepared.forecast.sentence)


def _judged(prepared: use_case.Prepared) -> str:
    if prepared.policy.skip_analysis:
        return "judged by nothing"
    return "judged by " + " and ".join(_indicator(one) for one in prepared.policy.indicators)


def _indicator(one: Indicator) -> str:
    return f"{one.name} ({one.objective_target:%} good)" if one.objective_target else one.name


def _agreed() -> bool:
    """Nothing prompts where nobody can answer: there it is a yes, as it is for every command."""
    if not sys.stdin.isatty():
        return True
    return typer.confirm("start it?", err=True)


def _silent(_line: str) -> None:
    """With --json stdout is one object and nobody reads along."""
