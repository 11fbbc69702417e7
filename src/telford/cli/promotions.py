"""`telford promotions`: which release is where, since when, and what waits for what."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from telford.app import loading
from telford.app import promotion as use_case
from telford.app.promotion import Cell, Row
from telford.basics.clock import SystemClock
from telford.cli import options, output, running

ServiceName = Annotated[str, typer.Argument(help="only this service", show_default=False)]


def command(
    service: ServiceName = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show which release is in which environment, since when, what could go on and why it waits.

    Example: telford promotions
    Example: telford promotions storefront --json
    """
    described = loading.load_folder(options.folder(estate), options.estate_cache()).estate
    with running.records(estate) as store:
        rows = use_case.matrix(store, described, SystemClock().now(), service)
    if as_json:
        output.json({"promotions": [row.as_json() for row in rows]})
        return
    if not rows:
        output.line("nothing runs anywhere yet; start it: telford up")
        return
    output.table(("service", "place", "version", "since", "next"), _lines(rows))


def _lines(rows: Iterable[Row]) -> Iterable[tuple[str, ...]]:
    for row in rows:
        name = row.service
        for cell in row.cells:
            here = cell.standing
            version = here.version if here else "-"
            yield name, cell.place, version, _moment(here.since) if here else "-", _next(cell)
            name = ""


def _next(cell: Cell) -> str:
    said = [f"quarantined: {one.version} ({one.reason})" for one in cell.quarantined]
    if cell.offer is not None:
        answer = cell.offer.verdict
        offered = f"{cell.offer.offered.version} from {cell.offer.offered.place}"
        why = "; ".join((*answer.refusals, *answer.waits))
        said.insert(0, f"{offered}: {why}" if why else f"{offered} may come now")
    return "; ".join(said) or "-"


def _moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
