"""`telford conformance`: show how far everything is as the reference architecture says."""

import json
from collections import Counter
from typing import Annotated

import typer

from telford.app import conformance as use_case
from telford.app import loading
from telford.app.conformance import Conformance, Difference, Row
from telford.cli import options, output


def command(
    address: Annotated[
        str,
        typer.Argument(help="one workload, such as service/orders; default: all", show_default=False),
    ] = "",
    where: options.In = "",
    at_least: Annotated[
        float | None,
        typer.Option(
            "--at-least", metavar="PERCENT", min=0, max=100, show_default=False,
            help="exit with 1 where any of them conforms less",
        ),
    ] = None,
    day: options.Day = "",
    estate: options.Estate = None,
    *,
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Show how far each workload is as the reference architecture says, and why it differs.

    The share is of all demands of the road that apply to a workload and are not waived. A demand does
    not hold where the workload is as-found, overrides a value, or was inferred; waivers that have
    expired count for nothing.

    Exit code 1: one of them conforms less than --at-least.

    Example: telford conformance service/orders --in prod
    """
    loaded = loading.load_folder(options.folder(estate), options.estate_cache())
    output.unsound(loaded.diagnostics)
    found = use_case.conformance_of(loaded.estate, options.day(day), address, where)
    if as_json:
        output.json(found.as_json())
    elif address:
        for row in found.rows:
            _one(row)
    else:
        _all(found)
    if at_least is not None and any(row.tally.percent < at_least for row in found.rows):
        raise typer.Exit(1)


def _all(found: Conformance) -> None:
    groups: dict[tuple[float, str, str], list[str]] = {}
    for row in sorted(found.rows, key=lambda row: row.tally.percent):
        known = groups.setdefault((row.tally.percent, row.address, _differs(row)), [])
        known.append(row.place)
    places = Counter(row.address for row in found.rows)
    rows = [
        (_number(percent), address, _places(there, places[address]), differs)
        for (percent, address, differs), there in groups.items()
    ]
    output.table(("conforms", "workload", "in", "differs in"), rows[: output.MAX_SHOWN])
    if len(rows) > output.MAX_SHOWN:
        output.line(f"... and {len(rows) - output.MAX_SHOWN} more: --json has all of them")
    whole = found.tally
    output.line(
        f"{found.architecture} {found.version}: {_number(whole.percent)}"
        f" ({whole.held} of {whole.applying - whole.waived} demands, {whole.waived} waived)"
    )


def _places(there: list[str], every: int) -> str:
    """Where it is so; a thing that is the same in all its places says that."""
    return "all its places" if len(there) == every > 1 else ", ".join(there)


def _differs(row: Row) -> str:
    """How many demands do not hold, by why."""
    counts: dict[str, int] = {}
    for one in row.differences:
        counts[one.why] = counts.get(one.why, 0) + 1
    return ", ".join(f"{count} {why}" for why, count in counts.items()) or "nothing"


def _one(row: Row) -> None:
    asked = row.tally.applying - row.tally.waived
    output.line(
        f"{row.address} in {row.place}: {_number(row.tally.percent)} ({row.tally.held} of {asked} demands)"
    )
    if row.differences:
        output.table(
            ("demand", "wanted", "says", "why", "where"), map(_difference, row.differences)
        )


def _difference(one: Difference) -> tuple[str, str, str, str, str]:
    answer, waiver = one.answer, one.waiver
    why = one.why
    if waiver is not None:
        until = "expired" if waiver.expired else "until"
        why = f"{why} ({waiver.address} of {waiver.owner}, {until} {waiver.expires})"
    elif answer.detail:
        why = f"{why}: {answer.detail}"
    return answer.name, _shown(answer.wanted), _shown(answer.said), why, str(answer.position or "")


def _number(percent: float) -> str:
    return f"{percent:g}%"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return value
    return "-" if value is None else json.dumps(value, ensure_ascii=False)
