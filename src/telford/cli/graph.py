"""`telford graph`: show what depends on what."""

from enum import StrEnum
from typing import Annotated

import typer

from telford.app import explain, loading
from telford.app import graph as use_case
from telford.basics.errors import UsageError
from telford.cli import options, output


class Format(StrEnum):
    """How to show it."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


def command(
    address: Annotated[
        str, typer.Argument(help="an address, such as service/orders; default: everything")
    ] = "",
    dependents: Annotated[bool, typer.Option("--dependents", help="who needs it")] = False,
    dependencies: Annotated[
        bool, typer.Option("--dependencies", help="what it needs (the default)")
    ] = False,
    blast_radius: Annotated[
        bool, typer.Option("--blast-radius", help="what its failure touches, and whom")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="how to show it")] = Format.TREE,
    where: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show what depends on what, at base or in a place.

    Example: telford graph service/orders --blast-radius
    """
    if dependents + dependencies + blast_radius > 1:
        raise UsageError("give one of --dependents, --dependencies and --blast-radius")
    if (dependents or dependencies or blast_radius) and not address:
        raise UsageError("of what?", fix="name an address, such as service/orders")
    direction = "dependents" if dependents else "dependencies"
    loaded = loading.load_folder(options.folder(estate))
    output.unsound(loaded.diagnostics)
    place = explain.parse_place(loaded.estate, where)
    found = use_case.view(
        loaded.estate, address, "blast-radius" if blast_radius else direction, place
    )
    if as_json or form is Format.JSON:
        output.json(found.as_json())
        return
    if found.blast is not None and form is Format.TREE:
        _blast(found)
        return
    for line in use_case.FORMATS[form.value](found):
        output.line(line)


def _blast(found: use_case.View) -> None:
    blast = found.blast
    assert blast is not None
    hit = [r for r in blast.entities if r.critical]
    felt = [r for r in blast.entities if not r.critical]
    output.line(f"If {blast.address} fails:")
    rows = [
        ("fails with it", str(len(hit)), ", ".join(r.address for r in hit)),
        ("feels it", str(len(felt)), ", ".join(r.address for r in felt)),
        ("teams", str(len(blast.teams)), ", ".join(blast.teams)),
        ("objectives", str(len(blast.objectives)), ", ".join(blast.objectives)),
        ("environments", str(len(blast.environments)), ", ".join(blast.environments)),
    ]
    output.table(("what", "how many", "which"), rows)
