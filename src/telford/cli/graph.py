"""`telford graph`: show what depends on what."""

import shutil
import sys
from enum import StrEnum
from typing import Annotated

import typer

from telford.app import explain, graph_languages, graph_text, loading
from telford.app import graph as use_case
from telford.app.graph import Ask
from telford.basics.errors import UsageError
from telford.cli import options, output


class Format(StrEnum):
    """How to show it."""

    TREE = "tree"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"
    SVG = "svg"


Addresses = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ADDRESS", help="such as service/orders or system/shop; default: everything"
    ),
]
Dependencies = Annotated[bool, typer.Option("--dependencies", help="what it needs (the default)")]
Dependents = Annotated[bool, typer.Option("--dependents", help="who needs it")]
Both = Annotated[bool, typer.Option("--both", help="both ways")]
BlastRadius = Annotated[
    bool, typer.Option("--blast-radius", help="what its failure touches, and whom")
]
To = Annotated[str, typer.Option("--to", metavar="ADDRESS", help="every way from it to another")]
Shared = Annotated[bool, typer.Option("--shared", help="what several (or all) have in common")]
CriticalPath = Annotated[
    bool, typer.Option("--critical-path", help="the longest chain that must not break")
]
Cycles = Annotated[bool, typer.Option("--cycles", help="what goes round in a circle")]
Orphans = Annotated[bool, typer.Option("--orphans", help="what nothing needs or nobody can reach")]
Contexts = Annotated[
    bool, typer.Option("--contexts", help="which system depends on which, through what")
]
Depth = Annotated[
    int | None, typer.Option("--depth", metavar="N", help="at most so many steps away")
]
System = Annotated[str, typer.Option("--system", metavar="NAME", help="only things of this system")]
Team = Annotated[str, typer.Option("--team", metavar="NAME", help="only things of this team")]
Tier = Annotated[int | None, typer.Option("--tier", metavar="N", help="only things of this tier")]
Form = Annotated[Format, typer.Option("--format", help="how to show it")]


def command(
    addresses: Addresses = None,
    *,
    dependencies: Dependencies = False,
    dependents: Dependents = False,
    both: Both = False,
    blast_radius: BlastRadius = False,
    to: To = "",
    shared: Shared = False,
    critical_path: CriticalPath = False,
    cycles: Cycles = False,
    orphans: Orphans = False,
    contexts: Contexts = False,
    depth: Depth = None,
    system: System = "",
    team: Team = "",
    tier: Tier = None,
    form: Form = Format.TREE,
    where: options.In = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show what depends on what, at base or in a place.

    Ask one question at a time: --dependencies, --dependents, --both, --blast-radius or --to of an
    address; --shared and --critical-path of some or of all; --cycles, --orphans and --contexts of
    the estate.

    Example: telford graph service/orders --blast-radius
    """
    chosen = {
        Ask.DEPENDENCIES: dependencies,
        Ask.DEPENDENTS: dependents,
        Ask.BOTH: both,
        Ask.BLAST_RADIUS: blast_radius,
        Ask.PATHS: bool(to),
        Ask.SHARED: shared,
        Ask.CRITICAL_PATH: critical_path,
        Ask.CYCLES: cycles,
        Ask.ORPHANS: orphans,
        Ask.CONTEXTS: contexts,
    }
    question = use_case.Question(
        _ask([ask for ask, wanted in chosen.items() if wanted], bool(addresses)),
        tuple(addresses or ()),
        to,
        depth,
        use_case.Filter(system, team, tier),
    )
    loaded = loading.load_folder(options.folder(estate), options.estate_cache())
    output.unsound(loaded.diagnostics)
    found = use_case.answer(loaded.estate, question, explain.parse_place(loaded.estate, where))
    _show(found, Format.JSON if as_json else form)


def _ask(chosen: list[Ask], about_something: bool) -> Ask:
    if len(chosen) > 1:
        names = " and ".join("--to" if ask is Ask.PATHS else f"--{ask}" for ask in chosen)
        raise UsageError(f"{names} are several questions", fix="ask one at a time")
    return chosen[0] if chosen else Ask.DEPENDENCIES if about_something else Ask.ALL


def _show(found: use_case.View, form: Format) -> None:
    if form is Format.JSON:
        output.json(found.as_json())
        return
    if form is not Format.TREE:
        output.line(graph_languages.FORMATS[form.value](found).rstrip("\n"))
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    told = graph_text.text(found, width)
    for line in told.before:
        output.line(line)
    if told.rows:
        output.table(told.columns, told.rows)
    for line in told.after:
        output.line(line)
