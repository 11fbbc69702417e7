"""`telford init`: start an estate in a folder."""

from pathlib import Path
from typing import Annotated

import typer

from telford.app import importing, initialise
from telford.app.initialise import Finding, Survey
from telford.cli import import_, options, output


def command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="the folder")] = Path(),
    *,
    yes: Annotated[bool, typer.Option("--yes", help="import what is there")] = False,
    as_json: options.Json = False,
) -> None:
    """Start an estate: a small commented one, or what the files there describe.

    Nothing is ever overwritten. Where there are manifests, compose files, infrastructure code or
    descriptors it says what it would import, and does so once you say yes; it asks only at a
    terminal.

    Example: telford init my-estate
    """
    with output.busy("looking"):
        found = initialise.survey(folder)
    if found.finding is Finding.IMPORTABLE:
        _importable(found, yes=yes, as_json=as_json)
        return
    written = initialise.start(found)
    if as_json:
        output.json({**found.as_json(), "written": list(written)})
        return
    for name in written:
        output.line((found.out / name).as_posix())
    output.line(f"next: telford check --estate {found.out}")


def _importable(found: Survey, *, yes: bool, as_json: bool) -> None:
    if not as_json:
        _say(found)
    agreed = yes or (not as_json and import_.agreed(f"Import all of it into {found.out}"))
    if not agreed:
        _offer(found, as_json=as_json)
        return
    assert found.gathered is not None
    answer = importing.finish(found.gathered, found.out)
    if as_json:
        output.json({**found.as_json(), **answer.as_json()})
    else:
        import_.show(answer, dry_run=False)
    if not answer.ok:
        raise typer.Exit(1)


def _say(found: Survey) -> None:
    """What is there, before anything is asked."""
    assert found.gathered is not None
    objects = found.gathered.imported.report.objects
    rows = [(title, str(count)) for title, count in found.gathered.formats.items()]
    output.table(("what is there", "files"), rows)
    output.line(", ".join(f"{count} {kind}" for kind, count in sorted(objects.items())))
    if found.environments.several:
        import_.show_environments(found.environments)


def _offer(found: Survey, *, as_json: bool) -> None:
    if as_json:
        output.json({**found.as_json(), "written": []})
        return
    output.line(f"`telford init {found.folder} --yes` imports it into {found.out};")
    output.line("nothing was written.")
