"""`telford rollback`: restore what ran before, whole and at once."""

from typing import Annotated

import typer

from telford.app import release_again
from telford.app import status as views
from telford.basics.clock import SystemClock
from telford.cli import options, output, running

Target = Annotated[
    str,
    typer.Argument(
        metavar="RELEASE|SERVICE@VERSION", help="a release that was promoted, or what to go back to"
    ),
]


def command(
    target: Target,
    place: options.In = "",
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Go back to what an earlier release brought: its image, configuration and secret versions.

    It is a new release that switches at once, without analysis; that is recorded. A release that is
    on its way is stopped by `telford abort` instead.

    Example: telford rollback storefront@1.0.0 --reason "the new prices are wrong"
    Example: telford rollback storefront-1.0.0-3f9a1c
    """
    now = SystemClock().now()
    with running.records(estate) as store:
        prepared = release_again.back_to(store, target, place=place, now=now)
        if not as_json:
            output.note(prepared.forecast.sentence)
        row = release_again.start(
            store,
            prepared,
            who=running.who(),
            why=f"back to {target}",
            reason=reason,
            now=now,
        )
        if as_json:
            output.json({**prepared.as_json(), **views.release_json(row), "restores": target})
        else:
            output.line(f"{row.id} is {row.phase}")
