"""`telford init`: start an estate in a folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from telford.app import importing, initialise
from telford.app.initialise import Finding, Survey
from telford.cli import import_, options, output
from telford.intake.imported import Options


def command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="the folder")] = Path(),
    *,
    yes: Annotated[bool, typer.Option("--yes", help="import the manifests that are there")] = False,
    as_json: options.Json = False,
) -> None:
    """Start an estate: a small commented one, or what the Kubernetes YAML there describes.

    Nothing is ever overwritten. Where there are manifests it says what it would import, and does
    so once you say yes; it asks only at a terminal.

    Example: telford init my-estate
    """
    found = initialise.survey(folder)
    if found.finding is Finding.MANIFESTS:
        _manifests(found, yes=yes, as_json=as_json)
        return
    written = initialise.start(found)
    if as_json:
        output.json({**found.as_json(), "written": list(written)})
        return
    for name in written:
        output.line((found.out / name).as_posix())
    output.line(f"next: telford check --estate {found.out}")


def _manifests(found: Survey, *, yes: bool, as_json: bool) -> None:
    assert found.manifests is not None
    objects = found.manifests.report.objects
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(objects.items()))
    agreed = yes or (not as_json and _asked(f"Import {kinds} from {found.folder}"))
    if not agreed:
        _offer(found, kinds, as_json=as_json)
        return
    answer = importing.run([found.folder], found.out, Options())
    if as_json:
        output.json({**found.as_json(), **answer.as_json()})
    else:
        import_.show(answer, dry_run=False)
    if not answer.ok:
        raise typer.Exit(1)


def _asked(what: str) -> bool:
    """Whether the person at the terminal says yes; no where there is nobody to ask."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(f"{what}?", default=True, err=True)


def _offer(found: Survey, kinds: str, *, as_json: bool) -> None:
    if as_json:
        output.json({**found.as_json(), "written": []})
        return
    output.line(f"{found.folder} holds Kubernetes manifests: {kinds}.")
    output.line(f"`telford init {found.folder} --yes` imports them into {found.out};")
    output.line("nothing was written.")
