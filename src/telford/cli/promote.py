"""`telford promote`: finish a release by hand, or take it one step further."""

from typing import Annotated

import typer

from telford.cli import options, running

Step = Annotated[bool, typer.Option("--step", help="only to its next step")]


def command(
    release: running.ReleaseName,
    step: Step = False,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Give a release's new version all traffic now, without waiting for its evidence.

    With --step it only goes on to its next step, and is judged there. A closed gate is not passed:
    see `telford gates`.

    Example: telford promote storefront --reason "verified by hand"
    Example: telford promote storefront --step
    """
    verb, says = "promote", "all traffic goes to the new version now"
    if step:
        verb, says = "step", "goes on to its next step now"
    running.order(verb, estate, release, reason, as_json=as_json, says=says)
