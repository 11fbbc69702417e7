"""`telford matrix`: show one thing across all environments and regions, differences first."""

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from telford.app import loading
from telford.app import matrix as use_case
from telford.app.matrix import Cell, Column, Matrix, Row
from telford.cli import options, output

# A column narrower than this is not read but deciphered; then the values go below one another.
_MIN_COLUMN = 12
# A longer value takes several lines of its cell.
_MAX_COLUMN = 40
# What a table adds to each column, and around all of them.
_GAP = 3
_EDGE = 2
# More than anybody scrolls through; --json has all.
_MAX_VALUE = 200


def command(
    address: Annotated[str, typer.Argument(help="an address, such as service/orders")],
    fields: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FIELD]...", help="fields, such as run or run.replicas; default: all"
        ),
    ] = None,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="list the fields that are the same everywhere too")
    ] = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show one thing across all environments and regions, differences first.

    Places with the same values share a column. A value is followed by the layer that set it where
    that is not the base.

    Example: telford matrix service/orders run
    """
    loaded = loading.load_folder(options.folder(estate), options.estate_cache())
    output.unsound(loaded.diagnostics)
    found = use_case.matrix(loaded.estate, address, fields or ())
    if as_json:
        output.json(found.as_json())
        return
    _show(found, everything=everything)


def _show(found: Matrix, *, everything: bool) -> None:
    rows = found.rows if everything else found.different
    output.line(found.address)
    if rows and found.present:
        _draw(found.present, rows)
    for column in found.columns:
        if column.absent:
            output.line(f"does not exist in {', '.join(column.places)}")
    folded = len(found.same)
    places = sum(len(column.places) for column in found.present)
    if folded and not everything:
        where = "everywhere it exists" if len(found.present) < len(found.columns) else "everywhere"
        some = f"{folded} field{'s' * (folded != 1)}"
        output.line(f"{some} the same {where} ({places} places); --all lists them")


def _draw(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """As a table, in groups of columns, or as a list, whichever the terminal has room for."""
    names = max(len(row.field) for row in rows) + _GAP
    widths = [_width(column, [row.cells[i] for row in rows]) for i, column in enumerate(columns)]
    room = _room() - names - _EDGE
    if room < min(max(widths), _MIN_COLUMN):
        _list(columns, rows)
        return
    for group in _groups(widths, room):
        header = ("field", *("\n".join(columns[i].places) for i in group))
        output.table(header, [(row.field, *(_text(row.cells[i]) for i in group)) for row in rows])


def _room() -> int:
    """How many characters a line has; a file has as many as it takes."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return sys.maxsize


def _width(column: Column, cells: Sequence[Cell]) -> int:
    longest = max(len(text) for text in [*column.places, *map(_text, cells)])
    return min(longest, _MAX_COLUMN) + _GAP


def _groups(widths: Sequence[int], room: int) -> Iterator[list[int]]:
    group: list[int] = []
    used = 0
    for index, width in enumerate(widths):
        if group and used + width > room:
            yield group
            group, used = [], 0
        group.append(index)
        used += width
    yield group


def _list(columns: Sequence[Column], rows: Sequence[Row]) -> None:
    for row in rows:
        output.line(row.field)
        for column, cell in zip(columns, row.cells, strict=True):
            output.line(f"  {_text(cell)}  in {', '.join(column.places)}")


def _text(cell: Cell) -> str:
    value = cell.value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "-" if value is None else text.replace("\n", "\\n")
    text = text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 3]}..."
    return text if cell.layer in ("", "base") else f"{text} ({cell.layer})"
