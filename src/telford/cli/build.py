"""`telford build`: render an estate for the systems it runs on."""

from pathlib import Path
from typing import Annotated

import typer

from telford.app import building
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.backends import cache, files
from telford.cli import options, output, table
from telford.plan.actions import Verb

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="the folder of the artifacts")]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", help="only this target (more than once: these); default: all"),
]
Force = Annotated[
    bool, typer.Option("--force", help="overwrite and delete files that were edited by hand")
]


def command(
    out: Out,
    target: Targets = None,
    place: options.In = "",
    estate: options.Estate = None,
    force: Force = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="render even if nothing changed")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Render an estate into a folder, for every place or for one, writing only what changed.

    Only files that an earlier build wrote are changed or removed; one that was edited by hand since
    is left alone and reported. With an error in the estate nothing is written.
    Exit code 0: the folder is as the estate says; 1: an error in the estate, or an edited file.

    Example: telford build --estate examples/shop/estate --out build --in prod
    """
    proposal = proposed(out, target, place, estate, force=force, no_cache=no_cache)
    if proposal.ok:
        building.carry_out(proposal)
    if as_json:
        output.json(proposal.as_json())
    else:
        _say(proposal)
    if not proposal.ok or proposal.plan.of(Verb.EDITED):
        raise typer.Exit(1)


def proposed(
    out: Path,
    target: list[str] | None,
    place: str,
    estate: Path | None,
    *,
    force: bool,
    no_cache: bool = False,
) -> Proposal:
    """The plan: recalled where the same texts were built before, else made by the slow half."""
    scope = Scope(tuple(dict.fromkeys(target or ())), place.rstrip("/"))
    store = None if no_cache else cache.FileCache(options.cache_folder() / "build")
    found = files.read([options.folder(estate)])
    known = building.recalled(found, out, scope, force=force, cache=store)
    if known is not None:
        return known
    planning = table.load("telford.app.planning")
    fresh: Proposal = planning.fresh(found, out, scope, force=force, cache=store)
    return fresh


def _say(proposal: Proposal) -> None:
    if proposal.diagnostics:
        output.diagnostics(proposal.diagnostics)
    if not proposal.ok:
        output.line("nothing was written")
        return
    output.line(f"{proposal.out}: {counted(proposal)}")


def counted(proposal: Proposal) -> str:
    """How many files of each kind, in words."""
    counts = proposal.plan.counts()
    words = {
        Verb.CREATE: "created",
        Verb.CHANGE: "changed",
        Verb.DELETE: "deleted",
        Verb.EDITED: "left as edited by hand",
        Verb.UNCHANGED: "unchanged",
    }
    said = [f"{counts[verb]:,} {word}" for verb, word in words.items() if counts[verb]]
    return ", ".join(said) or "nothing to write"
