"""`telford confirm`: say of inferred facts whether they are so, once and for all."""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from telford.app import confirm as use_case
from telford.app.changing import Rewrite
from telford.app.confirm import Found, Inventory
from telford.basics.errors import UsageError
from telford.cli import options, output
from telford.intake.settled import State

_ANSWERS = {"y": "confirm", "n": "refuse", "s": "skip", "q": "quit"}


def command(
    address: Annotated[
        str,
        typer.Argument(help="an address or a pattern, such as service/orders or 'service/shop.*'"),
    ] = "",
    dependency: Annotated[
        str, typer.Argument(help="what was inferred, such as service/stock; default: each in turn")
    ] = "",
    *,
    listed: Annotated[bool, typer.Option("--list", help="list what was inferred")] = False,
    refuse: Annotated[bool, typer.Option("--refuse", help="say that it is not so")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="all of them, without a question")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show the change, write nothing")
    ] = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Confirm or refuse what an import inferred: a dependency from an address, a team from a label.

    A confirmed dependency counts as declared, and policies are made from it. A refused one is gone
    and does not come back when the same input is imported again.

    Example: telford confirm service/orders service/stock --dry-run
    """
    known = use_case.inventory(options.folder(estate))
    if listed or not address:
        _list(known, address, as_json=as_json)
        return
    chosen = _undone(known.matching(address, dependency), refuse=refuse)
    confirmed, refused = _decided(chosen, named=bool(dependency) or yes or dry_run, refuse=refuse)
    change = use_case.settle(known, confirmed, refused=refused)
    written = () if dry_run else change.write()
    if as_json:
        output.json(_as_json(confirmed, refused, change, written))
    else:
        _say(confirmed, refused, change, dry_run=dry_run)


def _list(known: Inventory, address: str, *, as_json: bool) -> None:
    facts = known.matching(address) if address else known.facts
    if as_json:
        output.json({"facts": [fact.as_json() for fact in facts]})
        return
    rows = [(f.address, f.what, f.fact.state.value, f.fact.origin, str(f.position)) for f in facts]
    if rows:
        output.table(("thing", "inferred", "state", "from", "where"), rows)
    left = len(known.of(State.OPEN))
    output.line(f"{len(facts)} inferred, {left} of all to confirm or refuse")


def _undone(facts: Sequence[Found], *, refuse: bool) -> list[Found]:
    """Those that are not yet what is asked for."""
    done = State.REFUSED if refuse else State.CONFIRMED
    return [found for found in facts if found.fact.state is not done]


def _decided(
    chosen: Sequence[Found], *, named: bool, refuse: bool
) -> tuple[list[Found], list[Found]]:
    """What to confirm and what to refuse: as the command line says, or as somebody answers."""
    if named or not chosen:
        return ([], list(chosen)) if refuse else (list(chosen), [])
    if not sys.stdin.isatty():
        raise UsageError(
            f"{len(chosen)} inferred facts, and nobody to ask",
            fix="name one, or say --yes for all of them (--list shows them)",
        )
    confirmed: list[Found] = []
    refused: list[Found] = []
    for found in chosen:
        answer = _asked(found)
        if answer == "q":
            break
        if answer in ("y", "n"):
            (confirmed if answer == "y" else refused).append(found)
    return confirmed, refused


def _asked(found: Found) -> str:
    origin = f" (from {found.fact.origin})" if found.fact.origin else ""
    question = f"{found.address}: {found.what}{origin} - is it so?"
    meaning = ", ".join(f"{key} {word}" for key, word in _ANSWERS.items())
    while True:
        answer = str(typer.prompt(f"{question} [{meaning}]", err=True)).strip().lower()[:1]
        if answer in _ANSWERS:
            return answer


def _as_json(
    confirmed: Sequence[Found], refused: Sequence[Found], change: Rewrite, written: Sequence[str]
) -> dict[str, object]:
    return {
        "confirmed": [found.as_json() for found in confirmed],
        "refused": [found.as_json() for found in refused],
        "diff": change.diff(),
        "written": list(written),
    }


def _say(
    confirmed: Sequence[Found], refused: Sequence[Found], change: Rewrite, *, dry_run: bool
) -> None:
    if dry_run:
        sys.stdout.write(change.diff())
    for word, facts in (("confirm", confirmed), ("refuse", refused)):
        for found in facts:
            said = f"would {word}" if dry_run else f"{word.removesuffix('e')}ed"
            output.line(f"{said} {found.address} -> {found.what}")
    if not change.after:
        output.line("nothing to change")
