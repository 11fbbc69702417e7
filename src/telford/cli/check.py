"""`telford check`: find everything wrong in an estate."""

from pathlib import Path
from typing import Annotated

import typer

from telford.app import remember
from telford.backends import files
from telford.cli import options, output, table


def command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATHS]...", help="files and folders; default: the estate's folder"
        ),
    ] = None,
    estate: options.Estate = None,
    strict: Annotated[bool, typer.Option("--strict", help="warnings count as errors")] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="check even if nothing changed")
    ] = False,
    day: options.Day = "",
    as_json: options.Json = False,
) -> None:  # fmt: skip
    """Find everything wrong in an estate, all at once, each with its line and how to fix it.

    Exit code 0: nothing wrong; 1: at least one error.

    Example: telford check --estate examples/shop/estate
    """
    where = paths or [options.folder(estate)]
    store = None if no_cache else options.estate_cache()
    found = files.read(where)
    found.today = options.day(day)
    report = remember.recall(found, store) if store is not None else None
    if report is None:
        report = table.load("telford.app.check").fresh(found, store)
    failed = not report.ok or (strict and bool(report.diagnostics))
    if as_json:
        output.json(report.as_json())
    else:
        if report.diagnostics:
            output.diagnostics(report.diagnostics)
        output.line(f"{report.entities} entities in {report.files} files: {_said(failed)}")
    if failed:
        raise typer.Exit(1)


def _said(failed: bool) -> str:
    return "not good" if failed else "good"
