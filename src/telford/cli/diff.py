"""`telford diff`: say what changed between two revisions by meaning."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import rich.text
import typer

from telford.app import diff as use_case
from telford.basics.diagnostics import Position
from telford.cli import options, output
from telford.estate.comparing import FieldChange
from telford.estate.diff import Change

_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "renamed": (">", "cyan"), "changed": ("~", "yellow")}  # fmt: skip
# Names beyond these are counted; --json has all.
_MAX_NAMES = 4
_MAX_VALUE = 70


def command(
    before: Annotated[
        str, typer.Argument(metavar="REV", help="a revision, such as main or HEAD~1")
    ],
    after: Annotated[
        str, typer.Argument(metavar="[REV]", help="a second one; default: the work tree as it is")
    ] = "",
    *,
    where: options.In = "",
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="only this kind; may be given several times"),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="exit with 1 where anything changed")
    ] = False,
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show what changed between two Git revisions by meaning: resolved values in each place.

    Comments, order, style and moves between files are no change. Each change says what it does,
    where it takes effect, which lines say so, and whom it touches.

    Example: telford diff main --in prod
    """
    answer = use_case.run(options.folder(estate), before, after, where=where, kinds=kind or ())
    if as_json:
        output.json(answer.as_json())
    else:
        _show(answer)
    if exit_code and answer.different:
        raise typer.Exit(1)


def _show(answer: use_case.Answer) -> None:
    for side in (answer.before, answer.after):
        if side.errors:
            first = side.errors[0]
            output.note(
                f"{side} has {len(side.errors)} errors, the first: {first.summary}"
                f" ({first.position}); what they hide is left out"
            )
    screen = output.console()
    for change in answer.found.changes:
        mark, colour = _MARKS[change.what]
        screen.print(rich.text.Text(f"{mark} {_headline(change)}", style=colour), soft_wrap=True)
        for line in _lines(answer, change):
            screen.print(rich.text.Text(f"    {line}"), soft_wrap=True)
    for word, places in (("new", answer.found.gained), ("gone", answer.found.lost)):
        if places:
            output.line(f"places that are {word}: {', '.join(places)}")
    output.line(f"{answer.before} -> {answer.after}: {_counted(answer)}")


def _headline(change: Change) -> str:
    was = f" (was {change.was})" if change.what == "renamed" else ""
    effects = f": {', '.join(change.effects)}" if change.effects else ""
    return f"{change.address}{was} {change.what}{effects}"


def _lines(answer: use_case.Answer, change: Change) -> Iterator[str]:
    if change.what != "changed":
        yield f"at {_positions(answer, change.before, change.after)}"
    if change.unclear:
        yield f"cannot be compared: {change.unclear}"
    if change.appears:
        yield f"now exists in {', '.join(change.appears)}"
    if change.leaves:
        yield f"exists no more in {', '.join(change.leaves)}"
    for item in change.fields:
        yield f"{_said(item)}  [{item.effect}]{_where(item.places, answer.found.places)}"
        yield f"    at {_positions(answer, item.before, item.after)}"
    touched = _touched(use_case.touched(change, answer.radii[change.address]))
    if touched and any(effect != "cosmetic" for effect in change.effects):
        yield f"touches {touched}"


def _said(item: FieldChange) -> str:
    about = f" ({item.target})" if item.target else ""
    if item.old is None:
        return f"{item.field}{about}: + {_value(item.new)}"
    if item.new is None:
        return f"{item.field}{about}: - {_value(item.old)}"
    return f"{item.field}{about}: {_value(item.old)} -> {_value(item.new)}"


def _value(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.replace("\n", "\\n")
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 3]}..."


def _where(places: Sequence[str], every: Sequence[str]) -> str:
    """Where it takes effect, in as few words as possible."""
    if not places:
        return " nowhere: overlays hide it in every place"
    if len(places) == len(every) or places == ("",):
        return " everywhere"
    whole: list[str] = []
    for place in places:
        environment = place.partition("/")[0]
        parts = [other for other in every if other.partition("/")[0] == environment]
        whole.append(environment if all(part in places for part in parts) else place)
    return f" in {', '.join(dict.fromkeys(whole))}"


def _positions(answer: use_case.Answer, before: Position | None, after: Position | None) -> str:
    old = f"{answer.before.name}:{before}" if before else ""
    new = f"{answer.after.name}:{after}" if after and answer.after.name else str(after or "")
    return " -> ".join(part for part in (old, new) if part) or "a default"


def _touched(found: Mapping[str, tuple[str, ...]]) -> str:
    parts = []
    for what, names in found.items():
        if names:
            shown = ", ".join(names[:_MAX_NAMES])
            more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
            word = what.removesuffix("s") if len(names) == 1 else what
            parts.append(f"{len(names)} {word} ({shown}{more})")
    return "; ".join(parts)


def _counted(answer: use_case.Answer) -> str:
    counts = {what: sum(change.what == what for change in answer.found.changes) for what in _MARKS}
    said = [f"{count} {what}" for what, count in counts.items() if count]
    return ", ".join(said) or "nothing changed"
