"""`telford plan`: show what a build would change."""

from collections.abc import Iterator
from typing import Annotated

import rich.text
import typer

from telford.app import planning
from telford.app.building import Proposal
from telford.app.planning import Detail
from telford.cli import build, options, output
from telford.plan.actions import Verb
from telford.plan.fields import Change

_MARKS = {Verb.CREATE: ("+", "green"), Verb.CHANGE: ("~", "yellow"), Verb.DELETE: ("-", "red")}
_WORDS = {Verb.CREATE: "create", Verb.CHANGE: "change", Verb.DELETE: "delete"}


def command(
    out: build.Out,
    target: build.Targets = None,
    place: options.In = "",
    estate: options.Estate = None,
    force: build.Force = False,
    diff: Annotated[bool, typer.Option("--diff", help="show the changed lines as well")] = False,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="exit with 1 where anything would change")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Show what a build into a folder would create, change and delete, by address and field.

    Nothing is written. Exit code 0: the plan could be made, whatever it says; 1: an error in the
    estate, or, with --fail-on-change, a change.

    Example: telford plan --estate examples/shop/estate --out build --in prod --diff
    """
    proposal = build.proposed(out, target, place, estate, force=force)
    if as_json:
        output.json(_as_json(proposal, diff=diff))
    else:
        _say(proposal, diff=diff)
    if not proposal.ok or (fail_on_change and proposal.plan.changes):
        raise typer.Exit(1)


def _as_json(proposal: Proposal, *, diff: bool) -> dict[str, object]:
    found = {d.action.path: d for d in planning.details(proposal, diff=diff)}
    rows = []
    for action in proposal.plan.of(Verb.CREATE, Verb.CHANGE, Verb.DELETE, Verb.EDITED):
        row = action.as_json()
        detail = found.get(action.path)
        if detail is not None:
            row["fields"] = [change.as_json() for change in detail.fields]
            if diff:
                row["diff"] = detail.diff
        rows.append(row)
    return {**proposal.as_json(), "actions": rows}


def _say(proposal: Proposal, *, diff: bool) -> None:
    if proposal.diagnostics:
        output.diagnostics(proposal.diagnostics)
    if not proposal.ok:
        output.line("no plan: the estate has errors")
        return
    screen = output.console()
    owner = None
    for detail in planning.details(proposal, diff=diff):
        if detail.action.owner != owner:
            owner = detail.action.owner
            screen.print(rich.text.Text(owner, style="bold"))
        for line in _lines(detail):
            screen.print(line, soft_wrap=True)
    output.line(f"{proposal.out}: {_counted(proposal)}")


def _lines(detail: Detail) -> Iterator[rich.text.Text]:
    mark, colour = _MARKS[detail.action.verb]
    yield rich.text.Text(f"  {mark} {detail.action.path}", style=colour)
    for change in detail.fields:
        yield rich.text.Text(f"      {_change(change)}")
    for line in detail.diff.splitlines():
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        yield rich.text.Text(f"      {line}", style=colour)


def _change(change: Change) -> str:
    if change.old is None:
        return f"{change.path}: + {change.new}"
    if change.new is None:
        return f"{change.path}: - {change.old}"
    return f"{change.path}: {change.old} -> {change.new}"


def _counted(proposal: Proposal) -> str:
    """How many of each are to come, in words."""
    counts = proposal.plan.counts()
    said = [f"{counts[verb]:,} to {word}" for verb, word in _WORDS.items()]
    if counts[Verb.EDITED]:
        said.append(f"{counts[Verb.EDITED]:,} edited by hand")
    return ", ".join([*said, f"{counts[Verb.UNCHANGED]:,} unchanged"])
