"""`telford source`: show where a generated line comes from."""

from typing import Annotated

import typer

from telford.app import sources
from telford.app.source_map import Origin
from telford.app.sources import Sources
from telford.cli import build, options, output


def command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE[:LINE]", help="a generated file and a line of it; without a line: all"
        ),
    ],
    out: build.Out,
    estate: options.Estate = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="every value that the line hangs on, not only the nearest"),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show the line of the estate, or of the road's defaults, that a generated line comes from.

    Each line is known exactly (the value stands on it), is derived (another value would make
    another line), or is of a document as a whole. Nothing is written.
    Exit code 0: it was found; 1: the estate has errors or makes the line no more; 2: no such file.

    Example: telford source kubernetes/prod/shop/orders.yaml:34 --out build
    """
    name, line = _parsed(file)
    found = sources.of(
        options.folder(estate), out, name, line=line, every=every, cache=options.estate_cache()
    )
    if as_json:
        output.json(found.as_json())
    elif line:
        _one(found)
    else:
        _all(found)


def _parsed(text: str) -> tuple[str, int]:
    """File and line; 0 where there is none."""
    name, colon, number = text.rpartition(":")
    return (name, int(number)) if colon and number.isdigit() and int(number) else (text, 0)


def _one(found: Sources) -> None:
    (line,) = found.lines
    output.line(f"{found.path}:{line.number}: {line.text.strip()}")
    rows = [(*_shown(origin), origin.text) for origin in line.origins]
    output.table(("known", "where", "field", "says"), rows)


def _all(found: Sources) -> None:
    rows = []
    for line in found.lines:
        known = _shown(line.origins[0]) if line.origins else ("edited", "", "")
        rows.append((str(line.number), line.text, *known))
    output.table(("line", "text", "known", "where", "field"), rows)


def _shown(origin: Origin) -> tuple[str, str, str]:
    where = f"{origin.position.file}:{origin.position.line}"
    field = f"{origin.address or 'road defaults'} {origin.field}".strip()
    return origin.how.value, where, field
