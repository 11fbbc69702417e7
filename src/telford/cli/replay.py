"""`telford replay`: what these settings would have decided on the last releases of a service."""

from collections.abc import Iterator
from typing import Annotated

import typer

from telford.app import loading, places
from telford.app import replay as use_case
from telford.cli import options, output, running
from telford.deliver import replay
from telford.deliver.replay import Outcome, Replayed
from telford.estate import overlays

ServiceName = Annotated[str, typer.Argument(help="the service, such as storefront")]
Last = Annotated[int, typer.Option("--last", help="how many releases, newest first")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="another value, such as alpha=0.05"),
]


def command(
    service: ServiceName,
    last: Last = use_case.LAST,
    setting: Setting = None,
    place: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Hold a service's present settings against its past releases, from their ledgers.

    Says for each what would have been decided, when, at the price of how many bad requests, and
    what nobody can know because it never happened. Changes nothing.

    Example: telford replay storefront --last 30
    Example: telford replay storefront --set engine=E1 --set alpha=0.05 --json
    """
    changes = use_case.parsed(setting or [])
    described = loading.require(loading.load_folder(options.folder(estate), options.estate_cache()))
    binding = overlays.bind(described, places.choose(described, place))
    with running.records(estate) as store:
        found = use_case.over_last(store, binding, service, last=last, changes=changes)
    if as_json:
        output.json(found.as_json())
        return
    _show(found)


def _show(found: use_case.Replays) -> None:
    if not found.found:
        output.line(f"{found.service} has no release in {found.place} that could be replayed")
    else:
        output.table(
            ("release", "happened", "after", "would", "after", "excess bad requests"),
            [_row(one) for one in found.found],
        )
        for one in found.found:
            for sentence in one.unknown:
                output.line(f"{one.release}: {sentence}")
        output.line(found.sentence)
    for key, why in found.skipped:
        output.line(f"{key} is left out: {why}")


def _row(one: Replayed) -> tuple[str, ...]:
    sure = "" if one.known else " (not known)"
    return (
        one.release,
        *_outcome(one.happened),
        f"{one.would.decision}{sure}",
        replay.held_for(one.would),
        f"{one.happened.excess_bad:,.1f} -> {one.would.excess_bad:,.1f}",
    )


def _outcome(one: Outcome) -> Iterator[str]:
    yield one.decision
    yield replay.held_for(one)
