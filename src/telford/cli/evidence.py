"""`telford evidence`: recompute a release's verdict from the raw counts in its ledger."""

from typing import Annotated

import typer

from telford.app import control
from telford.app import evidence as use_case
from telford.cli import options, output, running
from telford.deliver import judging
from telford.deliver.weighing import EValue

Entries = Annotated[
    bool, typer.Option("--entries/--no-entries", help="with --json: every tick of the ledger")
]


def command(
    release: running.ReleaseName,
    entries: Entries = True,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Derive a release's verdict again from its raw counts, and say whether the ledger agrees.

    Example: telford evidence storefront-1.2.0-3f9a --json > evidence.json
    """
    with running.records(estate) as store:
        found = use_case.recompute(store, control.find(store, release))
    if as_json:
        output.json(found.as_json(entries=entries))
    else:
        _show(found)
    if not found.agrees:
        raise typer.Exit(1)


def _show(found: use_case.Recomputed) -> None:
    row, last = found.release, found.last
    output.line(f"{row.id}: {row.service} {row.from_version} -> {row.to_version} in {row.place}")
    output.line(f"{row.phase}; {len(found.entries)} ticks in the ledger")
    output.line(f"recomputed at tick {last.tick}: {last.decision.value}: {last.reason}")
    output.table(
        ("evidence", "indicator", "odds", "bound", "crossed"),
        [_row(value) for value in last.evidence],
    )
    if found.agrees:
        output.line("the ledger agrees: every e-value and decision follows from the raw counts")
        return
    output.line(f"the ledger disagrees in {len(found.differences)} places:")
    for difference in found.differences[:20]:
        output.line(f"  {difference}")


def _row(value: EValue) -> tuple[str, ...]:
    return (
        value.name,
        value.indicator or "-",
        judging.odds(value.log_e),
        judging.odds(value.log_bound),
        "yes" if value.crossed else "no",
    )
