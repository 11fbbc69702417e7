"""`telford plan`: show what a build would change, what that means, and why."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import rich.console
import rich.text
import typer

from telford.app import plan_markdown, planning
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.app.planning import Detail, Report, Shared
from telford.app.source_map import How, Origin
from telford.basics.errors import UsageError
from telford.cli import build, options, output
from telford.plan import table
from telford.plan.actions import Verb
from telford.plan.fields import Change
from telford.plan.meaning import Meaning

_MARKS = {Verb.CREATE: ("+", "green"), Verb.CHANGE: ("~", "yellow"), Verb.DELETE: ("-", "red")}
_WORDS = {Verb.CREATE: "create", Verb.CHANGE: "change", Verb.DELETE: "delete"}
# Of things that change alike, and of the ways in which they do; --all has every one.
_NAMED, _KINDS = 5, 10
# From here on up a meaning is worth a second look: those before it in the table.
_GRAVE = tuple(table.names())[: tuple(table.names()).index("restarts")]


def command(
    out: build.Out,
    target: build.Targets = None,
    place: options.In = "",
    estate: options.Estate = None,
    *,
    force: build.Force = False,
    diff: Annotated[bool, typer.Option("--diff", help="show the changed lines as well")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="every file, also where many change by one cause")
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="print Markdown, for a comment on a change")
    ] = False,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="exit with 1 where anything would change")
    ] = False,
    fail_on: Annotated[
        str,
        typer.Option(
            "--fail-on",
            metavar="MEANING,...",
            help="exit with 1 where a change has one of these meanings: loses-data,loosens",
        ),
    ] = "",
    as_json: options.Json = False,
) -> None:
    """Show what a build into a folder would create, change and delete, what it means, and why.

    By address: the meaning of each change, the gravest first, the fields, and the line of the
    estate behind it. What changes in many things by one cause is said once. Nothing is written.
    Exit code 0: the plan could be made, whatever it says; 1: an error in the estate, or, with
    --fail-on-change, a change, or, with --fail-on, a change of such a meaning.

    Example: telford plan --estate examples/shop/estate --out build --in prod --fail-on loosens
    """
    unwanted = _meanings(fail_on)
    proposal = build.proposed(out, target, place, estate, force=force)
    report = planning.report(
        proposal,
        options.folder(estate),
        Scope(tuple(dict.fromkeys(target or ())), place.rstrip("/")),
        diff=diff,
        cache=options.estate_cache(),
    )
    if as_json:
        output.json(planning.as_json(proposal, report))
    elif markdown:
        output.line(plan_markdown.text(proposal, report))
    else:
        _say(proposal, report, every=every)
    failed = (fail_on_change and proposal.plan.changes) or report.means(unwanted)
    if not proposal.ok or failed:
        raise typer.Exit(1)


def _meanings(text: str) -> tuple[str, ...]:
    """The names of meanings. Raises `UsageError` for one that there is not."""
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    for name in names:
        if name not in table.names():
            known = ", ".join(table.names())
            raise UsageError(f"there is no meaning {name}", fix=f"the meanings: {known}")
    return names


def _say(proposal: Proposal, report: Report, *, every: bool) -> None:
    if proposal.diagnostics:
        output.diagnostics(proposal.diagnostics)
    if not proposal.ok:
        output.line("no plan: the estate has errors")
        return
    screen = output.console()
    for name, count in report.summary.items():
        things = f"{count:,} thing{'s' * (count != 1)}"
        screen.print(_styled(f"{things}: {table.names()[name]}", name), soft_wrap=True)
    if report.summary:
        output.line()
    for shared in () if every else report.shared:
        _say_shared(screen, shared)
    _say_each(screen, report.details if every else report.alone)
    if report.hurried:
        output.line("some causes would take long to find: those name their document alone")
    output.line(f"{proposal.out}: {_counted(proposal)}")


def _say_shared(screen: rich.console.Console, shared: Shared) -> None:
    """What many things have in common, once."""
    screen.print(rich.text.Text(f"one cause: {shared.cause}", style="bold"), soft_wrap=True)
    count, paths = len(shared.addresses), len(shared.details)
    names = ", ".join(shared.addresses[:_NAMED])
    more = f" and {count - _NAMED:,} more (--all shows each)" if count > _NAMED else ""
    output.line(f"  -> {count:,} things, {paths:,} files: {names}{more}")
    _say_meanings(screen, shared.meanings)
    for detail, alike in shared.kinds[:_KINDS]:
        mark, colour = _MARKS[detail.action.verb]
        what = f"  {mark} {alike:,} files as {detail.action.path}"
        screen.print(rich.text.Text(what, style=colour), soft_wrap=True)
        for line in _fields(detail, shared.cause):
            screen.print(line, soft_wrap=True)
    if len(shared.kinds) > _KINDS:
        output.line(f"  and {len(shared.kinds) - _KINDS:,} more ways in which files change")
    output.line()


def _say_each(screen: rich.console.Console, details: Sequence[Detail]) -> None:
    by_owner: dict[str, list[Detail]] = {}
    for detail in details:
        by_owner.setdefault(detail.action.owner, []).append(detail)
    for owner, some in by_owner.items():
        screen.print(rich.text.Text(owner, style="bold"))
        _say_meanings(screen, planning.together(some))
        for detail in some:
            for line in _lines(detail):
                screen.print(line, soft_wrap=True)


def _say_meanings(screen: rich.console.Console, meanings: Sequence[Meaning]) -> None:
    for one in meanings:
        screen.print(_styled(f"  {one.words}", one.name), soft_wrap=True)


def _styled(text: str, meaning: str) -> rich.text.Text:
    return rich.text.Text(text, style="bold red" if meaning in _GRAVE else "")


def _lines(detail: Detail) -> Iterator[rich.text.Text]:
    mark, colour = _MARKS[detail.action.verb]
    because = f"  <- {detail.cause}" if detail.cause is not None else ""
    yield rich.text.Text(f"  {mark} {detail.action.path}{because}", style=colour)
    yield from _fields(detail, detail.cause)
    for line in detail.diff.splitlines():
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
        yield rich.text.Text(f"      {line}", style=colour)


def _fields(detail: Detail, cause: Origin | None) -> Iterator[rich.text.Text]:
    """The changed fields of a file that stays, each with its own cause where that is another."""
    if detail.action.verb is not Verb.CHANGE:
        return
    for meant, origin in zip(detail.meant, detail.origins, strict=True):
        own = origin is not None and origin != cause and origin.how is not How.ENTITY
        because = f"  <- {origin}" if own else ""
        yield rich.text.Text(f"      {_change(meant.change)}{because}")


def _change(change: Change) -> str:
    if change.old == change.new:
        return "comments, order or style" if not change.path else f"{change.path}: {change.new}"
    if change.old is None:
        return f"{change.path}: + {change.new}"
    if change.new is None:
        return f"{change.path}: - {change.old}"
    return f"{change.path}: {change.old} -> {change.new}".removeprefix(": ")


def _counted(proposal: Proposal) -> str:
    """How many of each are to come, in words."""
    counts = proposal.plan.counts()
    said = [f"{counts[verb]:,} to {word}" for verb, word in _WORDS.items()]
    if counts[Verb.EDITED]:
        said.append(f"{counts[Verb.EDITED]:,} edited by hand")
    return ", ".join([*said, f"{counts[Verb.UNCHANGED]:,} unchanged"])
